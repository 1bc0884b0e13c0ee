//! Statistics of destinations: minutes as nodes have counted them, turns of state, and what waits.

use sqlx::AssertSqlSafe;
use tieline_domain::{
    DestinationId, TenantId, Timestamp, delivery::Status, destination::State, tally::Tally,
};

use crate::{
    Error, Result, Store,
    db::Tx,
    sql::{Read, Row, sql},
};

/// Of how many pending deliveries of all tenants, the nearest ones, those of one subscription are counted:
/// however many wait, the count takes bounded time.
pub const COUNTED: u32 = 100_000;

/// A minute of one destination, as one node has counted it.
#[derive(Clone, Debug)]
pub struct Minute {
    /// The destination.
    pub destination_id: DestinationId,
    /// Its tenant.
    pub tenant_id: TenantId,
    /// When the minute began.
    pub at: Timestamp,
    /// What its attempts showed so far.
    pub tally: Tally,
}

/// A state that a destination turned to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastTurn {
    /// When.
    pub at: Timestamp,
    /// To which.
    pub state: State,
    /// Why; empty for `active`.
    pub reason: String,
}

impl Read for PastTurn {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            at: row.get("at")?,
            state: row.get("state")?,
            reason: row.get("reason")?,
        })
    }
}

/// What waits for a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// In which status.
    pub status: Status,
    /// How many, among the first [`COUNTED`] of that status.
    pub count: u64,
    /// Since when the oldest.
    pub oldest: Option<Timestamp>,
}

/// Notes that a destination has turned, in the transaction that turns it.
pub(crate) async fn note_turn(
    tx: &mut Tx,
    subscription: DestinationId,
    turn: &PastTurn,
) -> Result<()> {
    const NOTE: &str = "INSERT INTO destination_turns (subscription_id, at, state, reason) VALUES ($1, $2, $3, $4)";
    sql(NOTE)
        .bind(subscription)
        .bind(turn.at)
        .bind(turn.state)
        .bind(&turn.reason)
        .run(tx)
        .await?;
    Ok(())
}

impl Store {
    /// Writes minutes as `node` has counted them so far; what it wrote of them before is replaced.
    pub async fn put_minutes(&self, node: &str, minutes: &[Minute]) -> Result<()> {
        const PUT: &str = "INSERT INTO destination_minutes (subscription_id, minute, node, tenant_id, tally) \
                           VALUES ($1, $2, $3, $4, $5) ON CONFLICT (subscription_id, minute, node) \
                           DO UPDATE SET tally = excluded.tally";
        if minutes.is_empty() {
            return Ok(());
        }
        let mut tx = self.db().begin().await?;
        for minute in minutes {
            let tally = serde_json::to_string(&minute.tally).map_err(Error::content)?;
            sql(PUT)
                .bind(minute.destination_id)
                .bind(minute.at)
                .bind(node)
                .bind(minute.tenant_id)
                .bind(&tally)
                .run(&mut tx)
                .await?;
        }
        tx.commit().await
    }

    /// The minutes of a destination that began at `from` or later and before `to`, of all nodes, the
    /// first one first.
    pub async fn minutes(
        &self,
        tenant: TenantId,
        subscription: DestinationId,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<(Timestamp, Tally)>> {
        const LIST: &str = "SELECT minute, tally FROM destination_minutes WHERE subscription_id = $1 \
                            AND tenant_id = $2 AND minute >= $3 AND minute < $4 ORDER BY minute";
        let minutes = sql(LIST).bind(subscription).bind(tenant);
        let minutes = minutes.bind(from).bind(to).list(self.db()).await?;
        let read = minutes.into_iter().map(|(at, tally): (_, String)| {
            let tally = serde_json::from_str(&tally).map_err(Error::content)?;
            Ok((at, tally))
        });
        read.collect()
    }

    /// Removes up to `limit` minutes that began before `before`; says how many.
    pub async fn delete_old_minutes(&self, before: Timestamp, limit: usize) -> Result<u64> {
        const DELETE: &str = "DELETE FROM destination_minutes WHERE (subscription_id, minute, node) IN \
                              (SELECT subscription_id, minute, node FROM destination_minutes \
                              WHERE minute < $1 ORDER BY minute LIMIT $2)";
        sql(DELETE).bind(before).bind(limit).commit(self.db()).await
    }

    /// The latest turns of a destination, the newest first.
    pub async fn turns(&self, subscription: DestinationId, limit: usize) -> Result<Vec<PastTurn>> {
        const LIST: &str = "SELECT at, state, reason FROM destination_turns WHERE subscription_id = $1 \
                            ORDER BY at DESC LIMIT $2";
        let turns = sql(LIST).bind(subscription).bind(limit);
        turns.list(self.db()).await
    }

    /// What waits for a destination.
    pub async fn waiting(
        &self,
        tenant: TenantId,
        subscription: DestinationId,
    ) -> Result<Vec<Waiting>> {
        let own = |status: Status, more: &str| {
            format!(
                "SELECT created_at FROM deliveries WHERE status = '{status}' AND subscription_id = $1 \
                 AND tenant_id = $2 {more} LIMIT {COUNTED}"
            )
        };
        // Pending ones are found by when they are due only, whomever they are for.
        let pending = format!(
            "SELECT created_at FROM (SELECT created_at, subscription_id, tenant_id FROM deliveries \
             WHERE status = 'pending' ORDER BY due_at LIMIT {COUNTED}) AS nearest \
             WHERE subscription_id = $1 AND tenant_id = $2"
        );
        let queries = [
            (Status::Pending, pending),
            (Status::Held, own(Status::Held, "ORDER BY id")),
            (
                Status::Queued,
                own(Status::Queued, "AND position IS NOT NULL"),
            ),
        ];
        let mut waiting = Vec::with_capacity(queries.len());
        for (status, query) in queries {
            let text = format!("SELECT COUNT(*), MIN(created_at) FROM ({query}) AS waiting");
            let found = sql(AssertSqlSafe(text)).bind(subscription).bind(tenant);
            let found: Option<(u64, Option<Timestamp>)> = found.find(self.db()).await?;
            let (count, oldest) = found.unwrap_or_default();
            waiting.push(Waiting {
                status,
                count,
                oldest,
            });
        }
        Ok(waiting)
    }
}
