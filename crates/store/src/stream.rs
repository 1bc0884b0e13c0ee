//! Reading the log of events in the order of commits, without gaps.
//!
//! Ids are made before the commit, so an event can become visible after one with a later id. What reads
//! on from the last id it saw would skip it. On SQLite the number of the row is the order of commits. On
//! Postgres an event keeps the transaction that wrote it, and what is read ends before the oldest
//! transaction that still runs: what commits later stands behind everything that was read.

use sqlx::{AssertSqlSafe, PgPool, SqlitePool};
use tieline_domain::{EventId, TenantId, event::Event};

use crate::{
    Db, Result, Store,
    events::{COLUMNS, EventRow, from_row},
    page::AFTER_EVERY_ID,
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
        Ok(match self.db() {
            Db::Sqlite(sqlite) => Position::behind_all(last_row(sqlite.readers()).await?),
            Db::Postgres(pool) => Position::behind_all(horizon(pool).await? - 1),
        })
    }

    /// The place behind an event of the tenant; `None` if there is no such event (any more).
    pub async fn stream_position(&self, tenant: TenantId, id: EventId) -> Result<Option<Position>> {
        let id = id.to_string();
        let number: Option<(i64,)> = match self.db() {
            Db::Sqlite(sqlite) => {
                sqlx::query_as("SELECT rowid FROM events WHERE tenant_id = $1 AND id = $2")
                    .bind(tenant.to_string())
                    .bind(&id)
                    .fetch_optional(sqlite.readers())
                    .await?
            }
            Db::Postgres(pool) => {
                sqlx::query_as("SELECT xid FROM events WHERE tenant_id = $1 AND id = $2")
                    .bind(tenant.to_string())
                    .bind(&id)
                    .fetch_optional(pool)
                    .await?
            }
        };
        Ok(number.map(|(number,)| Position::behind(number, id)))
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
            Db::Sqlite(sqlite) => after_row(sqlite.readers(), tenant, position, limit).await,
            Db::Postgres(pool) => after_transaction(pool, tenant, position, limit).await,
        }
    }
}

async fn last_row(readers: &SqlitePool) -> Result<i64> {
    let (last,): (i64,) = sqlx::query_as("SELECT COALESCE(MAX(rowid), 0) FROM events")
        .fetch_one(readers)
        .await?;
    Ok(last)
}

/// The oldest transaction that still runs, or the next one to begin.
async fn horizon(pool: &PgPool) -> Result<i64> {
    let text = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint";
    let (oldest,): (i64,) = sqlx::query_as(text).fetch_one(pool).await?;
    Ok(oldest)
}

async fn after_row(
    readers: &SqlitePool,
    tenant: TenantId,
    position: &Position,
    limit: usize,
) -> Result<Stretch> {
    let last = last_row(readers).await?;
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
        "SELECT rowid, {COLUMNS} FROM events WHERE +tenant_id = $1 AND rowid > $2 AND rowid <= $3 \
         ORDER BY rowid LIMIT $4"
    );
    let rows: Vec<Numbered> = sqlx::query_as(AssertSqlSafe(text))
        .bind(tenant.to_string())
        .bind(position.number)
        .bind(until)
        .bind(limit as i64)
        .fetch_all(readers)
        .await?;
    let full = rows.len() >= limit;
    let (events, end) = events(rows)?;
    Ok(Stretch {
        events,
        end: end
            .filter(|_| full)
            .unwrap_or_else(|| Position::behind_all(until)),
        more: full || until < last,
    })
}

async fn after_transaction(
    pool: &PgPool,
    tenant: TenantId,
    position: &Position,
    limit: usize,
) -> Result<Stretch> {
    let horizon = horizon(pool).await?;
    let until = horizon.min(position.number.saturating_add(position.step));
    let text = format!(
        "SELECT xid, {COLUMNS} FROM events WHERE tenant_id = $1 AND xid >= $2 AND xid < $3 \
         AND (xid > $2 OR id > $4) ORDER BY xid, id LIMIT $5"
    );
    let rows: Vec<Numbered> = sqlx::query_as(AssertSqlSafe(text))
        .bind(tenant.to_string())
        .bind(position.number)
        .bind(until)
        .bind(&position.id)
        .bind(limit as i64)
        .fetch_all(pool)
        .await?;
    let full = rows.len() >= limit;
    let (events, last) = events(rows)?;
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

/// A row of [`EventRow`] behind its number; a tuple of eleven would be too long to read.
#[derive(Debug)]
struct Numbered(i64, EventRow);

impl<'r, R> sqlx::FromRow<'r, R> for Numbered
where
    R: sqlx::Row,
    usize: sqlx::ColumnIndex<R>,
    i64: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
    String: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
    Option<String>: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
{
    fn from_row(row: &'r R) -> sqlx::Result<Self> {
        let event = (
            row.try_get(1)?,
            row.try_get(2)?,
            row.try_get(3)?,
            row.try_get(4)?,
            row.try_get(5)?,
            row.try_get(6)?,
            row.try_get(7)?,
            row.try_get(8)?,
            row.try_get(9)?,
            row.try_get(10)?,
        );
        Ok(Self(row.try_get(0)?, event))
    }
}

/// The events, and the place behind the last of them.
fn events(rows: Vec<Numbered>) -> Result<(Vec<Event>, Option<Position>)> {
    let last = rows
        .last()
        .map(|Numbered(number, event)| Position::behind(*number, &*event.1));
    let events = rows.into_iter().map(|Numbered(_, event)| from_row(event));
    Ok((events.collect::<Result<_>>()?, last))
}
