//! Reading the log of events in the order of commits, without gaps.
//!
//! Ids are made before the commit, so an event can become visible after one with a later id. What reads
//! on from the last id it saw would skip it. On SQLite the number of the row is the order of commits. On
//! Postgres an event keeps the transaction that wrote it, and what is read ends before the oldest
//! transaction that still runs: what commits later stands behind everything that was read.

use sqlx::AssertSqlSafe;
use tieline_domain::{EventId, TenantId, event::Event};

use crate::{
    Db, Result, Store,
    page::AFTER_EVERY_ID,
    sql::{Noun, Read, Row, select, sql},
};

/// How many rows of SQLite are looked at for one tenant's events at a time.
const ROWS: i64 = 5_000;
/// The most transactions of Postgres that are looked at at a time; fewer where they hold many events.
const TRANSACTIONS: i64 = 65_536;

/// A place in the order of commits: behind one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The number of the row, or the transaction.
    number: i64,
    /// The event within the transaction.
    id: String,
    /// How many transactions are looked at next.
    step: i64,
}

impl Position {
    fn behind(number: i64, id: impl Into<String>) -> Self {
        Self {
            number,
            id: id.into(),
            step: 1_024,
        }
    }

    /// Behind everything with this number.
    fn behind_all(number: i64) -> Self {
        Self::behind(number, AFTER_EVERY_ID)
    }
}

/// What was read from a position on.
#[derive(Clone, Debug)]
pub struct Stretch {
    /// The tenant's events, in the order of commits.
    pub events: Vec<Event>,
    /// Where to read on.
    pub end: Position,
    /// Whether more can be read from there at once.
    pub more: bool,
}

impl Store {
    /// The end of the log: everything that is committed from now on comes after it.
    pub async fn stream_end(&self) -> Result<Position> {
        Ok(Position::behind_all(match self.db() {
            Db::Sqlite(_) => last_row(self.db()).await?,
            Db::Postgres(_) => horizon(self.db()).await? - 1,
        }))
    }

    /// The place behind an event of the tenant; `None` if there is no such event (any more).
    pub async fn stream_position(&self, tenant: TenantId, id: EventId) -> Result<Option<Position>> {
        let number = match self.db() {
            Db::Sqlite(_) => "rowid",
            Db::Postgres(_) => "xid",
        };
        let place = select(tenant).with("id = ?", id);
        let place = place.statement(|event| format!("SELECT {number} FROM events WHERE {event}"));
        let number: Option<i64> = place.find(self.db()).await?;
        Ok(number.map(|number| Position::behind(number, id.to_string())))
    }

    /// Up to `limit` events of the tenant behind `position`. Looks at a bounded part of the log: where that
    /// holds none, the stretch is empty and says that there is more.
    pub async fn stream_after(
        &self,
        tenant: TenantId,
        position: &Position,
        limit: usize,
    ) -> Result<Stretch> {
        match self.db() {
            db @ Db::Sqlite(_) => after_row(db, tenant, position, limit).await,
            db @ Db::Postgres(_) => after_transaction(db, tenant, position, limit).await,
        }
    }
}

async fn last_row(db: &Db) -> Result<i64> {
    const LAST: &str = "SELECT COALESCE(MAX(rowid), 0) FROM events";
    let last = sql(LAST).find(db).await?;
    Ok(last.unwrap_or_default())
}

/// The oldest transaction that still runs, or the next one to begin.
async fn horizon(db: &Db) -> Result<i64> {
    const OLDEST: &str = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint";
    let oldest = sql(OLDEST).find(db).await?;
    Ok(oldest.unwrap_or_default())
}

async fn after_row(
    db: &Db,
    tenant: TenantId,
    position: &Position,
    limit: usize,
) -> Result<Stretch> {
    let last = last_row(db).await?;
    if last < position.number {
        // The newest rows were removed, and their numbers are given out again.
        return Ok(Stretch {
            events: Vec::new(),
            end: Position::behind_all(last),
            more: false,
        });
    }
    let until = last.min(position.number + ROWS);
    // The plus keeps the tenant's index out of it: rows are read in their own order and no further than
    // the limit.
    let text = format!(
        "SELECT rowid, {} FROM events WHERE +tenant_id = $1 AND rowid > $2 AND rowid <= $3 \
         ORDER BY rowid LIMIT $4",
        Event::COLUMNS
    );
    let rows = sql(AssertSqlSafe(text)).bind(tenant).bind(position.number);
    let rows = rows.bind(until).bind(limit).list(db).await?;
    let full = rows.len() >= limit;
    let (events, end) = events(rows);
    Ok(Stretch {
        events,
        end: end
            .filter(|_| full)
            .unwrap_or_else(|| Position::behind_all(until)),
        more: full || until < last,
    })
}

async fn after_transaction(
    db: &Db,
    tenant: TenantId,
    position: &Position,
    limit: usize,
) -> Result<Stretch> {
    let horizon = horizon(db).await?;
    let until = horizon.min(position.number.saturating_add(position.step));
    let text = format!(
        "SELECT xid, {} FROM events WHERE tenant_id = $1 AND xid >= $2 AND xid < $3 \
         AND (xid > $2 OR id > $4) ORDER BY xid, id LIMIT $5",
        Event::COLUMNS
    );
    let rows = sql(AssertSqlSafe(text)).bind(tenant).bind(position.number);
    let rows = rows.bind(until).bind(&position.id).bind(limit);
    let rows = rows.list(db).await?;
    let full = rows.len() >= limit;
    let (events, last) = events(rows);
    let mut end = match last.filter(|_| full) {
        Some(last) => last,
        None if until > position.number => Position::behind_all(until - 1),
        // A transaction runs that is older than the position: nothing new is certain yet.
        None => position.clone(),
    };
    end.step = if full {
        (position.step / 2).max(1)
    } else {
        (position.step * 2).min(TRANSACTIONS)
    };
    Ok(Stretch {
        events,
        more: full || until < horizon,
        end,
    })
}

/// An event behind its number.
struct Numbered(i64, Event);

impl Read for Numbered {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self(row.get(0)?, Event::read(row)?))
    }
}

/// The events, and the place behind the last of them.
fn events(rows: Vec<Numbered>) -> (Vec<Event>, Option<Position>) {
    let last = rows
        .last()
        .map(|Numbered(number, event)| Position::behind(*number, event.id.to_string()));
    let events = rows.into_iter().map(|Numbered(_, event)| event);
    (events.collect(), last)
}
