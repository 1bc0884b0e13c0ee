//! The hot path of the embedded engine: a thread with a connection of its own that writes a whole batch
//! in one hand-over. Between two processes SQLite's own lock decides; within this one, the turn.

use std::{
    ops::Range,
    path::Path,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use rusqlite::{Connection, params_from_iter};
use tieline_domain::Timestamp;
use tokio::sync::oneshot;

use super::{
    Accepted,
    accept::{self, DELIVERIES, EVENTS},
    batch::{Bulk, Cell},
    lately::Lately,
    settle::{self, ATTEMPTS, NOTE_SUCCESS, OUTCOMES},
    writer::Work,
};
use crate::{Error, Result, db::Db};

/// How much of the database the writing connection keeps in memory, in KiB.
const CACHE_KIB: i32 = 32 * 1_024;

/// How long the write-ahead log may grow, in pages of 8 KiB, before the writer itself moves what the
/// background has left of it.
const CHECKPOINT_PAGES: i32 = 4_096;

/// How long to wait for another process that writes.
const BUSY: Duration = Duration::from_secs(5);

/// The thread; it ends with this handle.
pub(super) struct Embedded {
    jobs: mpsc::Sender<Job>,
}

struct Job {
    batch: Arc<Vec<Work>>,
    range: Range<usize>,
    now: Timestamp,
    reply: oneshot::Sender<Result<Vec<Accepted>>>,
}

impl Embedded {
    /// Opens the database file once more and starts the thread.
    pub(super) fn start(file: &Path) -> Result<Self> {
        let connection = Connection::open(file)?;
        connection.busy_timeout(BUSY)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
        connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
        let (jobs, waiting) = mpsc::channel();
        let thread = thread::Builder::new().name("tieline-writer".to_owned());
        let lately = Lately::load(&connection)?;
        let run = move || run(&connection, lately, &waiting);
        thread
            .spawn(run)
            .map_err(|error| Error::Unavailable(error.to_string()))?;
        Ok(Self { jobs })
    }

    /// Commits the part of a batch that is acceptances and plain settlements, in one transaction;
    /// says what became of each accepted item.
    pub(super) async fn commit(
        &self,
        db: &Db,
        now: Timestamp,
        batch: Arc<Vec<Work>>,
        range: Range<usize>,
    ) -> Result<Vec<Accepted>> {
        let stopped = || Error::Unavailable("the writer has stopped".to_owned());
        let _turn = db.turn().await;
        let (reply, answer) = oneshot::channel();
        let job = Job {
            batch,
            range,
            now,
            reply,
        };
        self.jobs.send(job).map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }
}

fn run(connection: &Connection, mut lately: Lately, jobs: &mpsc::Receiver<Job>) {
    while let Ok(job) = jobs.recv() {
        let outcome = commit(connection, &mut lately, job.now, &job.batch[job.range]);
        if outcome.is_ok() {
            lately.committed();
        } else {
            lately.rolled_back();
            if !connection.is_autocommit() {
                // It fails where the engine has rolled back by itself, as on a full disk.
                let _ = connection.execute_batch("ROLLBACK");
            }
        }
        let _ = job.reply.send(outcome);
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
    Ok(Accepted::Stored)
}

/// Runs a statement for each row of `cells`; says how many rows it changed.
fn write(connection: &Connection, bulk: &Bulk, cells: &[Cell]) -> Result<usize> {
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
