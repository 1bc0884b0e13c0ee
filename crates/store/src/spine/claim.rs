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
    db::{Db, Tx, in_tx, on_db},
    sql::{Noun, sql},
};

/// What a claim gives back of the delivery: its keys and its history.
type DeliveryRow = (
    String,
    String,
    String,
    String,
    Option<String>,
    i64,
    i64,
    Option<i64>,
    i64,
);

/// Takes what is due, of all tenants, the longest overdue first.
pub(super) async fn due(db: &Db, node: &str, lease: Lease, limit: usize) -> Result<Vec<Claimed>> {
    let chosen = format!(
        "SELECT tenant_id, id FROM deliveries WHERE status = 'pending' AND due_at <= $3 \
         ORDER BY due_at LIMIT $4 {}",
        db.skip_locked()
    );
    claim(db, node, lease, &chosen, lease.now.as_micros(), limit).await
}

/// Takes held deliveries of one destination, the oldest first.
pub(super) async fn held(
    db: &Db,
    node: &str,
    subscription: DestinationId,
    lease: Lease,
    limit: usize,
) -> Result<Vec<Claimed>> {
    let chosen = format!(
        "SELECT tenant_id, id FROM deliveries WHERE status = 'held' AND subscription_id = $3 \
         ORDER BY id LIMIT $4 {}",
        db.skip_locked()
    );
    claim(db, node, lease, &chosen, subscription.to_string(), limit).await
}

async fn claim<'q, T>(
    db: &Db,
    node: &'q str,
    lease: Lease,
    chosen: &str,
    which: T,
    limit: usize,
) -> Result<Vec<Claimed>>
where
    T: 'q
        + sqlx::Encode<'q, sqlx::Sqlite>
        + sqlx::Type<sqlx::Sqlite>
        + sqlx::Encode<'q, sqlx::Postgres>
        + sqlx::Type<sqlx::Postgres>,
{
    let text = format!(
        "WITH chosen AS ({chosen}) UPDATE deliveries SET status = 'pending', owner = $1, due_at = $2 \
         FROM chosen WHERE deliveries.tenant_id = chosen.tenant_id AND deliveries.id = chosen.id \
         RETURNING deliveries.tenant_id, deliveries.id, event_id, subscription_id, ordering_key, attempts, \
         earlier_attempts, first_attempt_at, created_at"
    );
    let mut tx = db.begin().await?;
    let rows: Vec<DeliveryRow> = in_tx!(tx, |c| sqlx::query_as(AssertSqlSafe(text))
        .bind(node)
        .bind(lease.until.as_micros())
        .bind(which)
        .bind(limit as i64)
        .fetch_all(c)
        .await?);
    let events = events_of(&mut tx, &rows).await?;
    tx.commit().await?;
    let claimed = rows
        .into_iter()
        .map(|row| claimed(row, lease.until, &events));
    let mut claimed = claimed.collect::<Result<Vec<_>>>()?;
    claimed.sort_unstable_by_key(|delivery| delivery.id);
    Ok(claimed)
}

/// The events of claimed deliveries, by id.
async fn events_of(tx: &mut Tx, rows: &[DeliveryRow]) -> Result<HashMap<EventId, Arc<Event>>> {
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
    let keys = rows.iter().flat_map(|row| [&row.0, &row.2]);
    let found: Vec<Event> = sql(AssertSqlSafe(text)).bind_all(keys).list_in(tx).await?;
    let shared = found.into_iter().map(|event| (event.id, Arc::new(event)));
    Ok(shared.collect())
}

fn claimed(
    row: DeliveryRow,
    lease_until: Timestamp,
    events: &HashMap<EventId, Arc<Event>>,
) -> Result<Claimed> {
    let (
        tenant,
        id,
        event_id,
        subscription,
        ordering_key,
        attempts,
        earlier_attempts,
        first_attempt_at,
        created_at,
    ) = row;
    let event_id: EventId = event_id.parse().map_err(Error::content)?;
    let event = events.get(&event_id);
    let missing = || Error::content(format!("the event {event_id} of a delivery is missing"));
    Ok(Claimed {
        id: id.parse().map_err(Error::content)?,
        tenant_id: tenant.parse().map_err(Error::content)?,
        destination_id: subscription.parse().map_err(Error::content)?,
        ordering_key: ordering_key.map(Into::into),
        attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
        earlier_attempts: u32::try_from(earlier_attempts).unwrap_or(u32::MAX),
        first_attempt_at: first_attempt_at.map(Timestamp::from_micros),
        created_at: Timestamp::from_micros(created_at),
        lease_until,
        event: Arc::clone(event.ok_or_else(missing)?),
    })
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
    let mut tx = db.begin().await?;
    let kept = in_tx!(tx, |c| sqlx::query(KEEP)
        .bind(until.as_micros())
        .bind(tenant.to_string())
        .bind(delivery.to_string())
        .bind(node)
        .execute(c)
        .await?
        .rows_affected());
    tx.commit().await?;
    Ok(kept > 0)
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
    let mut tx = db.begin().await?;
    let recovered = in_tx!(tx, |c| sqlx::query(RECOVER)
        .bind(now.as_micros())
        .bind(now.plus(LONGEST_LEASE).as_micros())
        .execute(c)
        .await?
        .rows_affected());
    tx.commit().await?;
    Ok(recovered)
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
    let rows: Vec<(String, String)> = on_db!(db, |c| sqlx::query_as(HOLDING).fetch_all(c).await?);
    let parsed = rows.into_iter().map(|(tenant, id)| {
        let tenant = tenant.parse().map_err(Error::content)?;
        Ok((tenant, id.parse().map_err(Error::content)?))
    });
    parsed.collect()
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
    let rows: Vec<(String, String, String, String, Option<String>, i64)> =
        on_db!(db, |c| sqlx::query_as(FIND)
            .bind(subscription.to_string())
            .bind(before.as_micros())
            .bind(limit as i64)
            .fetch_all(c)
            .await?);
    let overdue =
        rows.into_iter()
            .map(|(tenant, id, event, event_type, ordering_key, attempts)| {
                Ok(Overdue {
                    id: id.parse().map_err(Error::content)?,
                    tenant_id: tenant.parse().map_err(Error::content)?,
                    event_id: event.parse().map_err(Error::content)?,
                    event_type: event_type.parse().map_err(Error::content)?,
                    ordering_key: ordering_key.map(Into::into),
                    attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
                })
            });
    overdue.collect()
}
