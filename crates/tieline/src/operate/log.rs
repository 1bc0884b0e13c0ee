//! The log of calls: one row each, written in batches behind the calls.
//!
//! A clean stop waits until everything is written. A node that is killed takes what it had not written with it: at
//! most the calls of the last moment.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use tieline_domain::operation::CallRecord;
use tieline_store::Store;
use tokio::{
    sync::{mpsc, oneshot},
    time::{sleep, timeout},
};

use crate::telemetry;

/// How many rows may wait to be written.
const WAITING: usize = 8_192;

/// How many rows go in one commit.
const BATCH: usize = 256;

/// How long a call waits for room in the queue before its row is given up.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often a batch is tried that could not be written, and the time between two tries.
const TRIES: (u32, Duration) = (10, Duration::from_millis(500));

enum Entry {
    Call(Box<CallRecord>),
    /// Answered when everything before it is written.
    Mark(oneshot::Sender<()>),
}

/// The log of calls; clones share it.
#[derive(Clone)]
pub(super) struct Log(Arc<Mutex<Option<mpsc::Sender<Entry>>>>);

impl Log {
    /// Starts the task that writes; it ends when the log is closed and everything is written.
    pub(super) fn start(store: Store) -> Self {
        let (waiting, entries) = mpsc::channel(WAITING);
        tokio::spawn(write(store, entries));
        Self(Arc::new(Mutex::new(Some(waiting))))
    }

    /// Notes a call.
    pub(super) async fn note(&self, record: CallRecord) {
        let waiting = self.0.lock().clone();
        let id = record.id;
        let entry = Entry::Call(Box::new(record));
        let noted = match waiting {
            Some(waiting) => timeout(PATIENCE, waiting.send(entry)).await,
            None => return,
        };
        if !matches!(noted, Ok(Ok(()))) {
            metrics::counter!(telemetry::CALLS_UNLOGGED_TOTAL).increment(1);
            tracing::warn!(call = %id, "the log of calls is not written fast enough; the row of a call is lost");
        }
    }

    /// Waits until everything that was noted before is written.
    pub(super) async fn written(&self) {
        let waiting = self.0.lock().clone();
        let (mark, reached) = oneshot::channel();
        if let Some(waiting) = waiting
            && waiting.send(Entry::Mark(mark)).await.is_ok()
        {
            // An error means that the task is gone, and with it what could be waited for.
            let _ = reached.await;
        }
    }

    /// Writes what is left and takes no more.
    pub(super) async fn close(&self) {
        self.written().await;
        self.0.lock().take();
    }
}

async fn write(store: Store, mut entries: mpsc::Receiver<Entry>) {
    let mut batch = Vec::with_capacity(BATCH);
    while entries.recv_many(&mut batch, BATCH).await > 0 {
        let (mut records, mut marks) = (Vec::with_capacity(batch.len()), Vec::new());
        for entry in batch.drain(..) {
            match entry {
                Entry::Call(record) => records.push(*record),
                Entry::Mark(mark) => marks.push(mark),
            }
        }
        if !records.is_empty() {
            keep(&store, &records).await;
        }
        for mark in marks {
            // Whoever no longer waits does not matter.
            let _ = mark.send(());
        }
    }
}

async fn keep(store: &Store, records: &[CallRecord]) {
    let (tries, pause) = TRIES;
    for left in (0..tries).rev() {
        match store.add_calls(records).await {
            Ok(()) => return,
            Err(error) if left == 0 => {
                metrics::counter!(telemetry::CALLS_UNLOGGED_TOTAL).increment(records.len() as u64);
                tracing::error!(%error, calls = records.len(), "the rows of these calls are lost");
            }
            Err(error) => {
                tracing::warn!(%error, "cannot write the log of calls; will try again");
                sleep(pause).await;
            }
        }
    }
}
