//! The hot path of the embedded engine: a connection that writes a whole batch without leaving its
//! thread. Between two processes SQLite's own lock decides; within this one, the turn.

use std::{path::Path, time::Duration};

use rusqlite::Connection;
use tieline_domain::Timestamp;

use super::{
    Accepted,
    accept::{self, DELIVERIES, EVENTS},
    lately::Lately,
    lines,
    part::Part,
    settle::{self, ATTEMPTS, NOTE_SUCCESS, OUTCOMES},
    writer::{self, Committed, Work},
};
use crate::{
    Error, Result,
    db::{Inner, Tx},
};

/// How much of the database the writing connection keeps in memory, in KiB.
const CACHE_KIB: i32 = 32 * 1_024;

/// How long the write-ahead log may grow, in pages of 8 KiB, before the writer itself moves what the
/// background has left of it.
const CHECKPOINT_PAGES: i32 = 4_096;

/// How long to wait for another process that writes.
const BUSY: Duration = Duration::from_secs(5);

/// How many statements the writing connection keeps prepared.
const STATEMENTS: usize = 64;

/// The writing connection; it blocks the thread that uses it.
pub(super) struct Embedded {
    tx: Tx,
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
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        let lately = Lately::load(&connection)?;
        let inner = Inner::Embedded(connection);
        Ok(Self {
            tx: Tx { inner },
            lately,
        })
    }

    fn connection(&self) -> Result<&Connection> {
        connection(&self.tx)
    }

    /// Commits a batch in one transaction. To be called by whoever has the turn.
    pub(super) async fn commit(
        &mut self,
        now: Timestamp,
        node: &str,
        works: &mut [Work],
    ) -> Result<Committed> {
        let outcome = self.write(now, node, works).await;
        if outcome.is_ok() {
            self.lately.committed();
        } else {
            self.lately.rolled_back();
            let connection = self.connection()?;
            if !connection.is_autocommit() {
                // It fails where the engine has rolled back by itself, as on a full disk.
                let _ = connection.execute_batch("ROLLBACK");
            }
        }
        outcome
    }

    async fn write(&mut self, now: Timestamp, node: &str, works: &mut [Work]) -> Result<Committed> {
        self.run("BEGIN IMMEDIATE")?;
        let mut committed = Committed::default();
        for item in works.iter().flat_map(Work::items) {
            let accepted = accept(connection(&self.tx)?, &mut self.lately, now, item)?;
            if !item.joining.is_empty() && accepted == Accepted::Stored {
                lines::join(&mut self.tx, item.joining.iter()).await?;
            }
            committed.accepted.push(accepted);
        }
        settle_plain(self.connection()?, works)?;
        let involved = writer::involved(works);
        if !involved.is_empty() {
            committed.settled = settle::settle(&mut self.tx, node, &involved).await?;
        }
        for work in works {
            if let Work::Part(part) = work {
                self.part(&mut **part).await?;
            }
        }
        self.lately.advance(connection(&self.tx)?)?;
        self.run("COMMIT")?;
        Ok(committed)
    }

    /// Runs a part, and takes back what it wrote if it fails.
    async fn part(&mut self, part: &mut dyn Part) -> Result<()> {
        self.run("SAVEPOINT part")?;
        if !part.run(&mut self.tx).await {
            self.run("ROLLBACK TO part")?;
        }
        self.run("RELEASE part")
    }

    fn run(&self, statement: &'static str) -> Result<()> {
        let mut prepared = self.connection()?.prepare_cached(statement)?;
        Ok(prepared.execute([]).map(drop)?)
    }
}

fn connection(tx: &Tx) -> Result<&Connection> {
    match &tx.inner {
        Inner::Embedded(connection) => Ok(connection),
        Inner::Sqlite(_) | Inner::Postgres(_) => {
            Err(Error::Unavailable("this is no writer".to_owned()))
        }
    }
}

/// Writes an item, but for the deliveries that join a line.
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
    EVENTS.run_embedded(connection, &item.events)?;
    DELIVERIES.run_embedded(connection, &item.deliveries)?;
    Ok(Accepted::Stored)
}

/// Writes the outcomes that change nothing but their delivery.
fn settle_plain(connection: &Connection, works: &[Work]) -> Result<()> {
    let settlements = works.iter().filter_map(Work::settlement);
    let plain: Vec<_> = settlements.filter(|encoded| encoded.is_plain()).collect();
    for encoded in &plain {
        ATTEMPTS.run_embedded(connection, &encoded.attempt)?;
        OUTCOMES.run_embedded(connection, &encoded.outcome)?;
    }
    for (subscription, at) in settle::successes(&plain) {
        let mut note = connection.prepare_cached(NOTE_SUCCESS)?;
        note.execute((at.as_micros(), subscription.to_string()))?;
    }
    Ok(())
}
