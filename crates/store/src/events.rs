//! Reading the log of events.

use tieline_domain::{EventId, TenantId, event::Event, signature::Trust};

use crate::{
    Error, Page, PageRequest, Result, Store,
    sql::{Noun, Read, Row, select},
};

impl Noun for Event {
    const TABLE: &str = "events";
    const COLUMNS: &str =
        "tenant_id, id, type, source, subject, time, data, cause_id, trace_id, trust";
}

impl Read for Event {
    fn read(row: &Row) -> Result<Self> {
        let trust: Option<String> = row.get("trust")?;
        Ok(Self {
            id: row.get("id")?,
            tenant_id: row.get("tenant_id")?,
            event_type: row.get("type")?,
            source: row.get("source")?,
            subject: row.get("subject")?,
            time: row.get("time")?,
            data: row.get("data")?,
            cause_id: row.get("cause_id")?,
            trace_id: row.get("trace_id")?,
            trust: trust.as_deref().map(known_trust).transpose()?,
        })
    }
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
        let event = select(tenant).with("id = ?", id);
        event.find(self.db()).await
    }

    /// The events that the outcome of `cause` caused, the oldest first; at most 100.
    pub async fn events_caused_by(&self, tenant: TenantId, cause: EventId) -> Result<Vec<Event>> {
        let caused = select(tenant).with("cause_id = ?", cause);
        caused.first(100, "id", self.db()).await
    }

    /// A page of events, the newest first.
    pub async fn list_events(
        &self,
        tenant: TenantId,
        filter: &EventFilter,
        page: &PageRequest,
    ) -> Result<Page<Event>> {
        let events = select(tenant)
            .with_any("type = ?", filter.event_type.as_deref())
            .with_any("source = ?", filter.source.as_deref())
            .with_any("subject = ?", filter.subject.as_deref());
        events.page(page, |event: &Event| event.id, self.db()).await
    }
}
