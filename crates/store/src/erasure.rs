//! Erasing the content of an event at once. The event stays without it, so that the log has no hole.

use std::collections::BTreeSet;

use sqlx::AssertSqlSafe;
use tieline_domain::{
    DestinationId, EventId, TenantId, Timestamp, attempt::Seen, delivery::Status,
    event::is_about_deliveries, pattern::EventType,
};

use crate::{
    Db, Error, Result, Store,
    audit::{Action, Change, ChangeBy, record},
    db::Tx,
    delivered_jobs,
    spine::lines::{self, LINE},
    sql::{select, sql},
    trigger_runs,
};

/// What an erasure did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erased {
    /// When the content went; earlier than now if it was gone already.
    pub at: Timestamp,
    /// How many deliveries that had not succeeded were called off.
    pub cancelled: u64,
}

impl Store {
    /// Erases the content of an event, of those that were made of it, and what receivers answered to it;
    /// calls off what was not delivered. `None` if there is no such event.
    pub async fn erase_event(
        &self,
        tenant: TenantId,
        id: EventId,
        by: &ChangeBy,
    ) -> Result<Option<Erased>> {
        let mut tx = self.db().begin().await?;
        let subscriptions = owed_to(&mut tx, tenant, id).await?;
        lines::lock(&mut tx, subscriptions).await?;
        let ids = same_content(&mut tx, self.db(), tenant, id).await?;
        if ids.is_empty() {
            return Ok(None);
        }
        if let Some(at) = erased_at(&mut tx, tenant, id).await? {
            return Ok(Some(Erased { at, cancelled: 0 }));
        }
        overwrite_what_is_freed(&mut tx, self.db(), true).await?;
        let mut cancelled = 0;
        for id in &ids {
            cancelled += erase(&mut tx, tenant, id, by.at).await?;
        }
        overwrite_what_is_freed(&mut tx, self.db(), false).await?;
        let change = Change {
            tenant_id: tenant,
            action: Action::Delete,
            kind: "event_payload",
            id: &id.to_string(),
            before: None,
            after: None,
        };
        record(&mut tx, change, by).await?;
        tx.commit().await?;
        let at = by.at;
        Ok(Some(Erased { at, cancelled }))
    }

    /// When the content of each of these events was erased, of those where it was.
    pub async fn erasures(
        &self,
        tenant: TenantId,
        ids: &[EventId],
    ) -> Result<Vec<(EventId, Timestamp)>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let erased = select(tenant).among("event_id", ids.iter().copied());
        let erased =
            erased.statement(|these| format!("SELECT event_id, at FROM erased WHERE {these}"));
        erased.list(self.db()).await
    }

    /// Erases once more what receivers answered to events that were erased at `since` or later: an attempt
    /// that ran at that moment was written after it.
    pub async fn erase_late_answers(&self, since: Timestamp) -> Result<()> {
        const LATELY: &str = "SELECT tenant_id, event_id FROM erased WHERE at >= $1 LIMIT 1000";
        let rows: Vec<(TenantId, String)> = sql(LATELY).bind(since).list(self.db()).await?;
        for (tenant, id) in rows {
            let mut tx = self.db().begin().await?;
            erase_answers(&mut tx, tenant, &id).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}

/// The subscriptions that have deliveries of an event, or of one that was made of it.
async fn owed_to(tx: &mut Tx, tenant: TenantId, id: EventId) -> Result<BTreeSet<DestinationId>> {
    const FIND: &str = "SELECT DISTINCT d.subscription_id FROM events e JOIN deliveries d ON d.event_id = e.id \
                        WHERE e.tenant_id = $1 AND (e.id = $2 OR e.cause_id = $2)";
    let rows: Vec<DestinationId> = sql(FIND).bind(tenant).bind(id).list_in(tx).await?;
    Ok(rows.into_iter().collect())
}

/// The event and those that were made of the same request: they hold the same content. Notices of what
/// became of its deliveries do not.
async fn same_content(tx: &mut Tx, db: &Db, tenant: TenantId, id: EventId) -> Result<Vec<String>> {
    let text = format!(
        "SELECT id, type FROM events WHERE tenant_id = $1 AND (id = $2 OR cause_id = $2) ORDER BY id {}",
        db.locked()
    );
    let rows = sql(AssertSqlSafe(text)).bind(tenant).bind(id);
    let rows: Vec<(String, EventType)> = rows.list_in(tx).await?;
    let itself = id.to_string();
    if !rows.iter().any(|(id, _)| *id == itself) {
        return Ok(Vec::new());
    }
    let mut ids = Vec::new();
    for (id, event_type) in rows {
        if id == itself || !is_about_deliveries(&event_type) {
            ids.push(id);
        }
    }
    Ok(ids)
}

async fn erased_at(tx: &mut Tx, tenant: TenantId, id: EventId) -> Result<Option<Timestamp>> {
    const FIND: &str = "SELECT at FROM erased WHERE tenant_id = $1 AND event_id = $2";
    let at = sql(FIND).bind(tenant).bind(id);
    at.find_in(tx).await
}

/// Erases one event; says how many deliveries it called off.
async fn erase(tx: &mut Tx, tenant: TenantId, id: &str, at: Timestamp) -> Result<u64> {
    const NOTE: &str =
        "INSERT INTO erased (tenant_id, event_id, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    const BLANK: &str = "UPDATE events SET data = 'null' WHERE tenant_id = $1 AND id = $2";
    let call_off = format!(
        "UPDATE deliveries SET status = 'cancelled', settled_at = $3, owner = NULL, position = NULL \
         WHERE tenant_id = $1 AND event_id = $2 AND status IN ('pending', 'held', 'queued', 'dead') \
         RETURNING {LINE}"
    );
    sql(NOTE).bind(tenant).bind(id).bind(at).run(tx).await?;
    sql(BLANK).bind(tenant).bind(id).run(tx).await?;
    let rows = sql(AssertSqlSafe(call_off)).bind(tenant).bind(id).bind(at);
    let rows = rows.list_in(tx).await?;
    let cancelled = rows.len() as u64;
    let left = rows
        .into_iter()
        .filter_map(|row| lines::line(row).transpose());
    let left = left.collect::<Result<Vec<_>>>()?;
    lines::advance_all(tx, left, at, Status::Pending).await?;
    trigger_runs::erase_steps(tx, tenant, id).await?;
    delivered_jobs::erase_jobs(tx, tenant, id).await?;
    erase_answers(tx, tenant, id).await?;
    Ok(cancelled)
}

/// Takes out of the attempts at an event what was answered: a receiver may have echoed the content.
async fn erase_answers(tx: &mut Tx, tenant: TenantId, event: &str) -> Result<()> {
    const FIND: &str = "SELECT a.delivery_id, a.id, a.seen FROM attempts a JOIN deliveries d ON d.id = a.delivery_id \
                        WHERE d.event_id = $1 AND d.tenant_id = $2 AND a.tenant_id = $2";
    const BLANK: &str = "UPDATE attempts SET seen = $1 WHERE delivery_id = $2 AND id = $3";
    let rows = sql(FIND).bind(event).bind(tenant);
    let rows: Vec<(String, String, String)> = rows.list_in(tx).await?;
    for (delivery, id, seen) in rows {
        let mut seen: Seen = serde_json::from_str(&seen).map_err(Error::content)?;
        if seen.response_excerpt.is_empty() && seen.response_headers.is_empty() {
            continue;
        }
        seen.response_excerpt.clear();
        seen.response_headers.clear();
        let blank = serde_json::to_string(&seen).map_err(Error::content)?;
        sql(BLANK)
            .bind(blank)
            .bind(delivery)
            .bind(id)
            .run(tx)
            .await?;
    }
    Ok(())
}

/// Has the embedded engine write zeros over what this transaction frees; PostgreSQL has its vacuum.
pub(crate) async fn overwrite_what_is_freed(tx: &mut Tx, db: &Db, wanted: bool) -> Result<()> {
    if db.engine() != "sqlite" {
        return Ok(());
    }
    let text = if wanted {
        "PRAGMA secure_delete = ON"
    } else {
        "PRAGMA secure_delete = OFF"
    };
    sql(text).run(tx).await?;
    Ok(())
}
