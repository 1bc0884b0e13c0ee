//! The hot path of the embedded engine: a connection that writes a whole batch without leaving its
//! thread. Between two processes SQLite's own lock decides; within this one, the turn.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, params_from_iter};
use tieline_domain::Timestamp;

use super::{
    Accepted,
    accept::{self, DELIVERIES, EVENTS},
    batch::{Bulk, Cell},
    lately::Lately,
    lines,
    settle::{self, ATTEMPTS, NOTE_SUCCESS, OUTCOMES},
    writer::Work,
};
use crate::Result;

/// How much of the database the writing connection keeps in memory, in KiB.
const CACHE_KIB: i32 = 32 * 1_024;

/// How long the write-ahead log may grow, in pages of 8 KiB, before the writer itself moves what the
/// background has left of it.
const CHECKPOINT_PAGES: i32 = 4_096;

/// How long to wait for another process that writes.
const BUSY: Duration = Duration::from_secs(5);

/// The writing connection; it blocks the thread that uses it.
pub(super) struct Embedded {
    connection: Connection,
    lately: Lately,
}

impl Embedded {
    /// Opens the database file once more.
    pub(super) fn open(file: &Path) -> Result<Self> {
        let connection = Connection::open(file)?;
        connection.busy_timeout(BUSY)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
        connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
        let lately = Lately::load(&connection)?;
        Ok(Self { connection, lately })
    }

    /// Commits acceptances and plain settlements in one transaction; says what became of each accepted
    /// item. To be called by whoever has the turn.
    pub(super) fn commit(&mut self, now: Timestamp, works: &[Work]) -> Result<Vec<Accepted>> {
        let outcome = commit(&self.connection, &mut self.lately, now, works);
        if outcome.is_ok() {
            self.lately.committed();
        } else {
            self.lately.rolled_back();
            if !self.connection.is_autocommit() {
                // It fails where the engine has rolled back by itself, as on a full disk.
                let _ = self.connection.execute_batch("ROLLBACK");
            }
        }
        outcome
    }
}

fn commit(
    connection: &Connection,
    lately: &mut Lately,
    now: Timestamp,
    works: &[Work],
) -> Result<Vec<Accepted>> {
    connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    let mut accepted = Vec::new();
    for item in works.iter().flat_map(Work::items) {
        accepted.push(accept(connection, lately, now, item)?);
    }
    let settlements = works.iter().filter_map(Work::settlement);
    let plain: Vec<_> = settlements.filter(|encoded| encoded.is_plain()).collect();
    for encoded in &plain {
        write(connection, &ATTEMPTS, &encoded.attempt)?;
        write(connection, &OUTCOMES, &encoded.outcome)?;
    }
    for (subscription, at) in settle::successes(&plain) {
        let mut note = connection.prepare_cached(NOTE_SUCCESS)?;
        note.execute((at.as_micros(), subscription.to_string()))?;
    }
    lately.advance(connection)?;
    connection.prepare_cached("COMMIT")?.execute([])?;
    Ok(accepted)
}

fn accept(
    connection: &Connection,
    lately: &mut Lately,
    now: Timestamp,
    item: &accept::Encoded,
) -> Result<Accepted> {
    if let Some(once) = &item.once
        && let Some(original) = lately.seen(connection, now, once, item.event_id)?
    {
        return Ok(Accepted::Duplicate(original));
    }
    write(connection, &EVENTS, &item.events)?;
    write(connection, &DELIVERIES, &item.deliveries)?;
    lines::join_embedded(connection, &item.joining)?;
    Ok(Accepted::Stored)
}

/// Runs a statement for each row of `cells`; says how many rows it changed.
pub(super) fn write(connection: &Connection, bulk: &Bulk, cells: &[Cell]) -> Result<usize> {
    if cells.is_empty() {
        return Ok(0);
    }
    let mut statement = connection.prepare_cached(&bulk.of_one_row())?;
    let mut changed = 0;
    for row in cells.chunks(bulk.width()) {
        changed += statement.execute(params_from_iter(row))?;
    }
    Ok(changed)
}
