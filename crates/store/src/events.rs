//! Reading the log of events.

use sqlx::AssertSqlSafe;
use tieline_domain::{EventId, TenantId, Timestamp, event::Event, signature::Trust};

use crate::{
    Error, Result, Store,
    db::on_db,
    page::{Page, PageRequest},
};

/// What an event is read from, in the order of [`EventRow`].
pub(crate) const COLUMNS: &str =
    "tenant_id, id, type, source, subject, time, data, cause_id, trace_id, trust";

pub(crate) type EventRow = (
    String,
    String,
    String,
    String,
    Option<String>,
    i64,
    String,
    Option<String>,
    String,
    Option<String>,
);

/// Reads an event; the id tells its tenant.
pub(crate) fn from_row(row: EventRow) -> Result<Event> {
    let (tenant_id, id, event_type, source, subject, time, data, cause_id, trace_id, trust) = row;
    let cause_id = cause_id.map(|id| id.parse()).transpose();
    Ok(Event {
        id: id.parse().map_err(Error::content)?,
        tenant_id: tenant_id.parse().map_err(Error::content)?,
        event_type: event_type.parse().map_err(Error::content)?,
        source: source.into(),
        subject: subject.map(Into::into),
        time: Timestamp::from_micros(time),
        data: data.into(),
        cause_id: cause_id.map_err(Error::content)?,
        trace_id: trace_id.into(),
        trust: trust.as_deref().map(known_trust).transpose()?,
    })
}

fn known_trust(word: &str) -> Result<Trust> {
    Trust::of_word(word).ok_or_else(|| Error::Content(format!("`{word}` is no level of trust")))
}

/// Which events a list shows; every field narrows it.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    /// Of this type.
    pub event_type: Option<String>,
    /// From this source.
    pub source: Option<String>,
    /// About this.
    pub subject: Option<String>,
}

impl Store {
    /// One event.
    pub async fn find_event(&self, tenant: TenantId, id: EventId) -> Result<Option<Event>> {
        let text = format!("SELECT {COLUMNS} FROM events WHERE tenant_id = $1 AND id = $2");
        let row: Option<EventRow> = on_db!(self.db(), |c| sqlx::query_as(AssertSqlSafe(text))
            .bind(tenant.to_string())
            .bind(id.to_string())
            .fetch_optional(c)
            .await?);
        row.map(from_row).transpose()
    }

    /// The events that the outcome of `cause` caused, the oldest first; at most 100.
    pub async fn events_caused_by(&self, tenant: TenantId, cause: EventId) -> Result<Vec<Event>> {
        let text = format!(
            "SELECT {COLUMNS} FROM events WHERE cause_id = $1 AND tenant_id = $2 ORDER BY id LIMIT 100"
        );
        let rows: Vec<EventRow> = on_db!(self.db(), |c| sqlx::query_as(AssertSqlSafe(text))
            .bind(cause.to_string())
            .bind(tenant.to_string())
            .fetch_all(c)
            .await?);
        rows.into_iter().map(from_row).collect()
    }

    /// A page of events, the newest first.
    pub async fn list_events(
        &self,
        tenant: TenantId,
        filter: &EventFilter,
        page: &PageRequest,
    ) -> Result<Page<Event>> {
        let text = format!(
            "SELECT {COLUMNS} FROM events WHERE tenant_id = $1 AND id < $2 \
             AND ($3 = '' OR type = $3) AND ($4 = '' OR source = $4) AND ($5 = '' OR subject = $5) \
             ORDER BY id DESC LIMIT $6"
        );
        let rows: Vec<EventRow> = on_db!(self.db(), |c| sqlx::query_as(AssertSqlSafe(text))
            .bind(tenant.to_string())
            .bind(page.below())
            .bind(filter.event_type.as_deref().unwrap_or_default())
            .bind(filter.source.as_deref().unwrap_or_default())
            .bind(filter.subject.as_deref().unwrap_or_default())
            .bind(page.rows())
            .fetch_all(c)
            .await?);
        let events = rows.into_iter().map(from_row).collect::<Result<Vec<_>>>()?;
        Ok(Page::cut(events, page, |event| event.id))
    }
}
