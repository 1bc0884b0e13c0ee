//! Removing what has been kept long enough: few rows in one commit, most of them found by the time in their ids, so
//! that no index is needed for it and accepting does not feel it.

mod old;

use sqlx::AssertSqlSafe;
use tieline_domain::{
    DeliveryId, EventId, RequestId, SourceId, TenantId, Timestamp, delivery::Status,
    retention::Retention,
};

use crate::{
    Result, Store,
    db::Tx,
    spine::replay::of_events,
    sql::{places, sql},
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
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        let rows = sql(LIST).bind(after).bind(limit).list(self.db()).await?;
        let rows: Vec<(TenantId, Option<String>)> = rows;
        let read = rows
            .into_iter()
            .map(|(id, retention)| Ok((id, retention_of(retention.as_deref())?)));
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
        let oldest = sql(OLDEST).bind(tenant).bind(part.after).bind(part.before);
        oldest.find(self.db()).await
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
        let ids = sql(AssertSqlSafe(text))
            .bind(tenant)
            .bind(part.after)
            .bind(part.before)
            .bind(part.limit);
        let mut ids: Vec<EventId> = ids.list_in(&mut tx).await?;
        let last = ids.last().copied();
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
        let found = sql(FIND)
            .bind(tenant)
            .bind(part.after)
            .bind(part.before)
            .bind(part.limit);
        let rows: Vec<(DeliveryId, Status)> = found.list(self.db()).await?;
        let last = rows.last().map(|(id, _)| *id);
        let ended = rows.into_iter().filter(|(_, status)| {
            matches!(status, Status::Delivered | Status::Dead | Status::Cancelled)
        });
        let ended: Vec<DeliveryId> = ended.map(|(id, _)| id).collect();
        if ended.is_empty() {
            return Ok((last, 0));
        }
        let text = format!(
            "DELETE FROM attempts WHERE delivery_id IN ({}) AND started_at < $1",
            places(2, ended.len())
        );
        let mut tx = self.db().begin().await?;
        let remove = sql(AssertSqlSafe(text)).bind(before_time).bind_all(ended);
        let removed = remove.run(&mut tx).await?;
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
        let found = sql(LIST).bind(source).bind(id).bind(limit);
        let rows: Vec<(SourceId, RequestId, TenantId)> = found.list(self.db()).await?;
        let rows = rows.into_iter();
        Ok(rows
            .map(|(source, id, tenant)| ((source, id), tenant))
            .collect())
    }

    /// Removes refused requests.
    pub async fn remove_rejected(&self, keys: &[RejectedKey]) -> Result<()> {
        const REMOVE: &str = "DELETE FROM rejected WHERE source_id = $1 AND id = $2";
        let mut tx = self.db().begin().await?;
        for (source, id) in keys {
            sql(REMOVE).bind(*source).bind(*id).run(&mut tx).await?;
        }
        tx.commit().await
    }
}

/// That a delivery is still to be sent, or blocks a line as a dead letter.
const WAITS: &str = "(status IN ('pending', 'held', 'queued') OR position IS NOT NULL)";

/// The events among these that a delivery waits to send.
async fn needed(tx: &mut Tx, ids: &[EventId]) -> Result<Vec<EventId>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let text = format!("{} AND {WAITS}", of_events("DISTINCT event_id", ids.len()));
    let needed = sql(AssertSqlSafe(text)).bind_all(ids.iter().copied());
    needed.list_in(tx).await
}

/// Removes these events with all that belongs to them. A delivery that someone just gave a new schedule
/// stays, and its event with it.
async fn remove(tx: &mut Tx, tenant: TenantId, ids: &[EventId]) -> Result<Removed> {
    if ids.is_empty() {
        return Ok(Removed::default());
    }
    let (list, of_deliveries) = (places(2, ids.len()), of_events("id", ids.len()));
    let of_tenant = [
        format!(
            "DELETE FROM events WHERE tenant_id = $1 AND id IN ({list}) \
             AND NOT EXISTS (SELECT 1 FROM deliveries WHERE deliveries.event_id = events.id)"
        ),
        format!(
            "DELETE FROM erased WHERE tenant_id = $1 AND event_id IN ({list}) AND NOT EXISTS \
             (SELECT 1 FROM events WHERE events.tenant_id = erased.tenant_id AND events.id = erased.event_id)"
        ),
    ];
    let list = places(1, ids.len());
    let of_events = [
        format!("DELETE FROM attempts WHERE delivery_id IN ({of_deliveries})"),
        format!("DELETE FROM deliveries WHERE event_id IN ({list}) AND NOT {WAITS}"),
    ];
    let of_events = of_events.map(|text| sql(AssertSqlSafe(text)));
    let of_tenant = of_tenant.map(|text| sql(AssertSqlSafe(text)).bind(tenant));
    let mut counts = [0; 4];
    for (count, remove) in counts
        .iter_mut()
        .zip(of_events.into_iter().chain(of_tenant))
    {
        *count = remove.bind_all(ids.iter().copied()).run(tx).await?;
    }
    let [attempts, deliveries, events, _] = counts;
    Ok(Removed {
        events,
        deliveries,
        attempts,
    })
}
