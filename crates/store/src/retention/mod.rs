//! Removing what has been kept long enough: few rows in one commit, most of them found by the time in their ids, so
//! that no index is needed for it and accepting does not feel it.

mod old;

use sqlx::{
    AssertSqlSafe,
    query::{Query, QueryAs},
};
use tieline_domain::{
    DeliveryId, EventId, RequestId, SourceId, TenantId, Timestamp, retention::Retention,
};

use crate::{
    Result, Store,
    db::{Tx, in_tx, on_db},
    sql::places,
    store::parsed,
    tenants::retention_of,
};

pub use old::Old;

/// What one commit removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Events.
    pub events: u64,
    /// Deliveries.
    pub deliveries: u64,
    /// Attempts.
    pub attempts: u64,
}

/// A part of a walk through rows in the order of their ids.
#[derive(Clone, Copy, Debug)]
pub struct Part<Id> {
    /// It begins behind this one.
    pub after: Id,
    /// It ends before this one.
    pub before: Id,
    /// The most rows to look at.
    pub limit: usize,
}

/// A refused request, by its key.
pub type RejectedKey = (SourceId, RequestId);

impl Store {
    /// What up to `limit` tenants behind `after` say of their retention, in the order of their ids; deleted
    /// ones too, whose data goes in its time.
    pub async fn retentions(
        &self,
        after: Option<TenantId>,
        limit: usize,
    ) -> Result<Vec<(TenantId, Retention)>> {
        const LIST: &str = "SELECT id, retention FROM tenants WHERE id > $1 ORDER BY id LIMIT $2";
        let rows: Vec<(String, Option<String>)> = on_db!(self.db(), |c| sqlx::query_as(LIST)
            .bind(after.map(|id| id.to_string()).unwrap_or_default())
            .bind(limit as i64)
            .fetch_all(c)
            .await?);
        let read = rows
            .into_iter()
            .map(|(id, retention)| Ok((parsed(&id)?, retention_of(retention.as_deref())?)));
        read.collect()
    }

    /// The oldest event of a part: without it there is nothing to remove.
    pub async fn oldest_event(
        &self,
        tenant: TenantId,
        part: Part<EventId>,
    ) -> Result<Option<EventId>> {
        const OLDEST: &str = "SELECT id FROM events WHERE tenant_id = $1 AND id > $2 AND id < $3 \
                              ORDER BY id LIMIT 1";
        let row: Option<(String,)> = on_db!(self.db(), |c| sqlx::query_as(OLDEST)
            .bind(tenant.to_string())
            .bind(part.after.to_string())
            .bind(part.before.to_string())
            .fetch_optional(c)
            .await?);
        row.map(|(id,)| parsed(&id)).transpose()
    }

    /// Removes events of a part with their deliveries and attempts, but for those that a delivery still
    /// needs. Says how far it looked (`None` at the end), and how much it removed.
    pub async fn remove_events(
        &self,
        tenant: TenantId,
        part: Part<EventId>,
    ) -> Result<(Option<EventId>, Removed)> {
        let mut tx = self.db().begin().await?;
        let text = format!(
            "SELECT id FROM events WHERE tenant_id = $1 AND id > $2 AND id < $3 ORDER BY id LIMIT $4 {}",
            self.db().skip_locked()
        );
        let ids: Vec<(String,)> = in_tx!(tx, |c| sqlx::query_as(AssertSqlSafe(text))
            .bind(tenant.to_string())
            .bind(part.after.to_string())
            .bind(part.before.to_string())
            .bind(part.limit as i64)
            .fetch_all(c)
            .await?);
        let mut ids: Vec<String> = ids.into_iter().map(|(id,)| id).collect();
        let last = ids.last().map(|id| parsed(id)).transpose()?;
        let needed = needed(&mut tx, &ids).await?;
        ids.retain(|id| !needed.contains(id));
        let removed = remove(&mut tx, tenant, &ids).await?;
        tx.commit().await?;
        Ok((last, removed))
    }

    /// Removes attempts that began before `before_time`, of deliveries of a part that have ended. Says how
    /// far it looked (`None` at the end), and how many it removed.
    pub async fn remove_attempts(
        &self,
        tenant: TenantId,
        part: Part<DeliveryId>,
        before_time: Timestamp,
    ) -> Result<(Option<DeliveryId>, u64)> {
        const FIND: &str = "SELECT id, status FROM deliveries WHERE tenant_id = $1 AND id > $2 AND id < $3 \
                            ORDER BY id LIMIT $4";
        let rows: Vec<(String, String)> = on_db!(self.db(), |c| sqlx::query_as(FIND)
            .bind(tenant.to_string())
            .bind(part.after.to_string())
            .bind(part.before.to_string())
            .bind(part.limit as i64)
            .fetch_all(c)
            .await?);
        let last = rows.last().map(|(id, _)| parsed(id)).transpose()?;
        let ended = rows
            .into_iter()
            .filter(|(_, status)| !matches!(&**status, "pending" | "held" | "queued"));
        let ended: Vec<String> = ended.map(|(id, _)| id).collect();
        if ended.is_empty() {
            return Ok((last, 0));
        }
        let text = format!(
            "DELETE FROM attempts WHERE delivery_id IN ({}) AND started_at < $1",
            places(2, ended.len())
        );
        let mut tx = self.db().begin().await?;
        let removed = in_tx!(tx, |c| {
            let query = sqlx::query(AssertSqlSafe(text)).persistent(false);
            let query = query.bind(before_time.as_micros());
            let query = ended.iter().fold(query, Query::bind);
            query.execute(c).await?.rows_affected()
        });
        tx.commit().await?;
        Ok((last, removed))
    }

    /// Up to `limit` refused requests of all tenants behind `after`, in the order of their keys.
    pub async fn rejected_after(
        &self,
        after: Option<RejectedKey>,
        limit: usize,
    ) -> Result<Vec<(RejectedKey, TenantId)>> {
        const LIST: &str = "SELECT source_id, id, tenant_id FROM rejected WHERE (source_id, id) > ($1, $2) \
                            ORDER BY source_id, id LIMIT $3";
        let (source, id) = after.map_or_else(Default::default, |(source, id)| {
            (source.to_string(), id.to_string())
        });
        let rows: Vec<(String, String, String)> = on_db!(self.db(), |c| sqlx::query_as(LIST)
            .bind(source)
            .bind(id)
            .bind(limit as i64)
            .fetch_all(c)
            .await?);
        let read = rows
            .into_iter()
            .map(|(source, id, tenant)| Ok(((parsed(&source)?, parsed(&id)?), parsed(&tenant)?)));
        read.collect()
    }

    /// Removes refused requests.
    pub async fn remove_rejected(&self, keys: &[RejectedKey]) -> Result<()> {
        const REMOVE: &str = "DELETE FROM rejected WHERE source_id = $1 AND id = $2";
        let mut tx = self.db().begin().await?;
        for (source, id) in keys {
            in_tx!(tx, |c| sqlx::query(REMOVE)
                .bind(source.to_string())
                .bind(id.to_string())
                .execute(c)
                .await
                .map(drop))?;
        }
        tx.commit().await
    }
}

/// That a delivery is still to be sent, or blocks a line as a dead letter.
const WAITS: &str = "(status IN ('pending', 'held', 'queued') OR position IS NOT NULL)";

/// The events among these that a delivery waits to send.
async fn needed(tx: &mut Tx, ids: &[String]) -> Result<Vec<String>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let text = format!(
        "SELECT DISTINCT event_id FROM deliveries WHERE event_id IN ({}) AND {WAITS}",
        places(1, ids.len())
    );
    let rows: Vec<(String,)> = in_tx!(tx, |c| {
        let query = sqlx::query_as(AssertSqlSafe(text)).persistent(false);
        let query = ids.iter().fold(query, QueryAs::bind);
        query.fetch_all(c).await?
    });
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Removes these events with all that belongs to them. A delivery that someone just gave a new schedule
/// stays, and its event with it.
async fn remove(tx: &mut Tx, tenant: TenantId, ids: &[String]) -> Result<Removed> {
    if ids.is_empty() {
        return Ok(Removed::default());
    }
    let list = places(2, ids.len());
    let statements = [
        format!(
            "DELETE FROM attempts WHERE tenant_id = $1 AND delivery_id IN \
             (SELECT id FROM deliveries WHERE event_id IN ({list}))"
        ),
        format!(
            "DELETE FROM deliveries WHERE tenant_id = $1 AND event_id IN ({list}) \
             AND NOT {WAITS}"
        ),
        format!(
            "DELETE FROM events WHERE tenant_id = $1 AND id IN ({list}) \
             AND NOT EXISTS (SELECT 1 FROM deliveries WHERE deliveries.event_id = events.id)"
        ),
        format!(
            "DELETE FROM erased WHERE tenant_id = $1 AND event_id IN ({list}) AND NOT EXISTS \
             (SELECT 1 FROM events WHERE events.tenant_id = erased.tenant_id AND events.id = erased.event_id)"
        ),
    ];
    let mut counts = [0; 4];
    for (count, text) in counts.iter_mut().zip(statements) {
        *count = in_tx!(tx, |c| {
            let query = sqlx::query(AssertSqlSafe(text)).persistent(false);
            let query = query.bind(tenant.to_string());
            let query = ids.iter().fold(query, Query::bind);
            query.execute(c).await?.rows_affected()
        });
    }
    let [attempts, deliveries, events, _] = counts;
    Ok(Removed {
        events,
        deliveries,
        attempts,
    })
}
