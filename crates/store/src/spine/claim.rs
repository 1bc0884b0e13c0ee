//! Claiming: taking deliveries by lease, and letting go of them.

use std::{collections::HashMap, sync::Arc, time::Duration};

use sqlx::AssertSqlSafe;
use tieline_domain::{DeliveryId, DestinationId, EventId, TenantId, Timestamp, event::Event};

use super::{
    Claimed, Lease, Overdue, Release,
    batch::{Bulk, Cell, Kind},
};
use crate::{
    Error, Result,
    db::{Db, Tx},
    sql::{Noun, Read, Row, sql},
};

/// What a claim takes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wanted {
    /// What is due, of all tenants, the longest overdue first.
    Due,
    /// What a destination holds, the oldest first.
    Held(DestinationId),
}

/// Takes up to `limit` deliveries that are due or held, with their events.
pub(super) async fn claim(
    tx: &mut Tx,
    skip_locked: &str,
    node: &str,
    lease: Lease,
    wanted: Wanted,
    limit: usize,
) -> Result<Vec<Claimed>> {
    let chosen = match wanted {
        Wanted::Due => "status = 'pending' AND due_at <= $3 ORDER BY due_at",
        Wanted::Held(_) => "status = 'held' AND subscription_id = $3 ORDER BY id",
    };
    let text = format!(
        "WITH chosen AS (SELECT tenant_id, id FROM deliveries WHERE {chosen} LIMIT $4 {skip_locked}) \
         UPDATE deliveries SET status = 'pending', owner = $1, due_at = $2 \
         FROM chosen WHERE deliveries.tenant_id = chosen.tenant_id AND deliveries.id = chosen.id \
         RETURNING deliveries.tenant_id AS tenant_id, deliveries.id AS id, event_id, subscription_id, ordering_key, \
         attempts, earlier_attempts, first_attempt_at, created_at, due_at"
    );
    let claim = sql(AssertSqlSafe(text)).bind(node).bind(lease.until);
    let claim = match wanted {
        Wanted::Due => claim.bind(lease.now),
        Wanted::Held(destination) => claim.bind(destination),
    };
    let rows: Vec<Taken> = claim.bind(limit).list_in(tx).await?;
    let events = events_of(tx, &rows).await?;
    let claimed = rows.into_iter().map(|row| row.with_its_event(&events));
    let mut claimed = claimed.collect::<Result<Vec<_>>>()?;
    claimed.sort_unstable_by_key(|delivery| delivery.id);
    Ok(claimed)
}

/// What a claim gives back of a delivery: all but its event.
struct Taken {
    event_id: EventId,
    tenant_id: TenantId,
    id: DeliveryId,
    destination_id: DestinationId,
    ordering_key: Option<Arc<str>>,
    attempts: u32,
    earlier_attempts: u32,
    first_attempt_at: Option<Timestamp>,
    created_at: Timestamp,
    lease_until: Timestamp,
}

impl Read for Taken {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            event_id: row.get("event_id")?,
            tenant_id: row.get("tenant_id")?,
            id: row.get("id")?,
            destination_id: row.get("subscription_id")?,
            ordering_key: row.get("ordering_key")?,
            attempts: row.get("attempts")?,
            earlier_attempts: row.get("earlier_attempts")?,
            first_attempt_at: row.get("first_attempt_at")?,
            created_at: row.get("created_at")?,
            lease_until: row.get("due_at")?,
        })
    }
}

impl Taken {
    fn with_its_event(self, events: &HashMap<EventId, Arc<Event>>) -> Result<Claimed> {
        let missing = || {
            let event = self.event_id;
            Error::content(format!("the event {event} of a delivery is missing"))
        };
        let event = events.get(&self.event_id).ok_or_else(missing)?;
        Ok(Claimed {
            event: Arc::clone(event),
            id: self.id,
            tenant_id: self.tenant_id,
            destination_id: self.destination_id,
            ordering_key: self.ordering_key,
            attempts: self.attempts,
            earlier_attempts: self.earlier_attempts,
            first_attempt_at: self.first_attempt_at,
            created_at: self.created_at,
            lease_until: self.lease_until,
        })
    }
}

/// The events of claimed deliveries, by id.
async fn events_of(tx: &mut Tx, rows: &[Taken]) -> Result<HashMap<EventId, Arc<Event>>> {
    if rows.is_empty() {
        return Ok(HashMap::new());
    }
    let pairs: Vec<_> = (0..rows.len())
        .map(|i| format!("(${},${})", 2 * i + 1, 2 * i + 2))
        .collect();
    let text = format!(
        "SELECT {} FROM events WHERE (tenant_id, id) IN (VALUES {})",
        Event::COLUMNS,
        pairs.join(",")
    );
    let keys = rows
        .iter()
        .flat_map(|row| [row.tenant_id.to_string(), row.event_id.to_string()]);
    let found: Vec<Event> = sql(AssertSqlSafe(text)).bind_all(keys).list_in(tx).await?;
    let shared = found.into_iter().map(|event| (event.id, Arc::new(event)));
    Ok(shared.collect())
}

static PROLONG: Bulk = Bulk::new(
    "WITH v (tenant_id, id, owner, due_at) AS (",
    &[Kind::Text, Kind::Text, Kind::Text, Kind::Int],
    ") UPDATE deliveries SET due_at = v.due_at FROM v WHERE deliveries.tenant_id = v.tenant_id \
     AND deliveries.id = v.id AND deliveries.owner = v.owner",
);

static MAKE_DUE: Bulk = Bulk::new(
    "WITH v (tenant_id, id, owner, due_at) AS (",
    &[Kind::Text, Kind::Text, Kind::Text, Kind::Int],
    ") UPDATE deliveries SET due_at = v.due_at, owner = NULL FROM v WHERE deliveries.tenant_id = v.tenant_id \
     AND deliveries.id = v.id AND deliveries.owner = v.owner",
);

static HOLD: Bulk = Bulk::new(
    "WITH v (tenant_id, id, owner) AS (",
    &[Kind::Text, Kind::Text, Kind::Text],
    ") UPDATE deliveries SET status = 'held', owner = NULL FROM v WHERE deliveries.tenant_id = v.tenant_id \
     AND deliveries.id = v.id AND deliveries.owner = v.owner",
);

/// Prolongs, gives back or holds what this node has leased.
pub(super) async fn release(
    db: &Db,
    node: &str,
    deliveries: &[(TenantId, DeliveryId)],
    how: Release,
) -> Result<()> {
    let (bulk, until) = match how {
        Release::Prolong(until) => (&PROLONG, Some(until)),
        Release::Due(at) => (&MAKE_DUE, Some(at)),
        Release::Hold => (&HOLD, None),
    };
    let cells = deliveries.iter().flat_map(|(tenant, id)| {
        let keys = [Cell::id(tenant), Cell::id(id), Cell::id(node)];
        let until = until.map(|until| Cell::Int(Some(until.as_micros())));
        keys.into_iter().chain(until)
    });
    let cells = cells.collect();
    let mut tx = db.begin().await?;
    bulk.run(&mut tx, cells).await?;
    tx.commit().await
}

/// Prolongs one lease if this node still has it.
pub(super) async fn still_holds(
    db: &Db,
    node: &str,
    tenant: TenantId,
    delivery: DeliveryId,
    until: Timestamp,
) -> Result<bool> {
    const KEEP: &str = "UPDATE deliveries SET due_at = $1 WHERE tenant_id = $2 AND id = $3 \
                        AND owner = $4 AND status = 'pending'";
    let keep = sql(KEEP).bind(until).bind(tenant).bind(delivery).bind(node);
    Ok(keep.commit(db).await? > 0)
}

/// The longest lease that the settings allow.
const LONGEST_LEASE: Duration = Duration::from_hours(1);

/// Makes due what an earlier life of the only node had leased. A lease ends soon, so that a million retries
/// that wait for later are not looked at.
pub(super) async fn recover(db: &Db, now: Timestamp) -> Result<u64> {
    const RECOVER: &str = "UPDATE deliveries SET due_at = $1, owner = NULL \
                           WHERE status = 'pending' AND owner IS NOT NULL AND due_at <= $2";
    if matches!(db, Db::Postgres(_)) {
        return Ok(0);
    }
    let recover = sql(RECOVER).bind(now).bind(now.plus(LONGEST_LEASE));
    recover.commit(db).await
}

/// The destinations that have held deliveries: one look into the index for each, however many
/// deliveries each holds.
pub(super) async fn holding(db: &Db) -> Result<Vec<(TenantId, DestinationId)>> {
    const HOLDING: &str = "WITH RECURSIVE next (id) AS (\
        SELECT MIN(subscription_id) FROM deliveries WHERE status = 'held' \
        UNION ALL \
        SELECT (SELECT MIN(subscription_id) FROM deliveries WHERE status = 'held' AND subscription_id > next.id) \
        FROM next WHERE next.id IS NOT NULL) \
        SELECT destinations.tenant_id, next.id FROM next JOIN destinations ON destinations.subscription_id = next.id";
    sql(HOLDING).list(db).await
}

/// Held deliveries of a destination that were made before `before`.
pub(super) async fn held_before(
    db: &Db,
    subscription: DestinationId,
    before: Timestamp,
    limit: usize,
) -> Result<Vec<Overdue>> {
    const FIND: &str = "SELECT d.tenant_id, d.id, d.event_id, e.type, d.ordering_key, d.attempts FROM deliveries d \
                        JOIN events e ON e.tenant_id = d.tenant_id AND e.id = d.event_id \
                        WHERE d.subscription_id = $1 AND d.status = 'held' AND d.created_at < $2 \
                        ORDER BY d.id LIMIT $3";
    let find = sql(FIND).bind(subscription).bind(before).bind(limit);
    find.list(db).await
}

impl Read for Overdue {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            tenant_id: row.get(0)?,
            id: row.get(1)?,
            event_id: row.get(2)?,
            event_type: row.get(3)?,
            ordering_key: row.get(4)?,
            attempts: row.get(5)?,
        })
    }
}
