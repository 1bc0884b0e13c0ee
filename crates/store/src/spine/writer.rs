//! Group commit: work that arrives while a commit runs shares the next one. No timer: a writer takes
//! whatever is waiting when it becomes free.

use std::{sync::Arc, time::Instant};

use tieline_domain::{Timestamp, clock::Clock};
use tokio::sync::{Mutex, mpsc, oneshot};

use super::{Accepted, Settled, accept, embedded::Embedded, lines, postgres, settle};
use crate::{Error, Result, db::Db};

/// The most pieces of work in one commit.
const MAX_BATCH: usize = 512;

/// What waits for a commit.
pub(super) enum Work {
    Accept(Vec<accept::Encoded>),
    Settle(Box<settle::Encoded>),
}

/// Who waits for it.
pub(super) enum Waiting {
    Accept(Reply<Vec<Accepted>>),
    Settle(Reply<Settled>),
}

type Reply<T> = oneshot::Sender<Result<T>>;

/// The answer to one piece of work.
enum Answer {
    Accepted(Vec<Accepted>),
    Settled(Settled),
}

/// The way of an engine to commit a whole batch at once.
pub(super) enum Hot {
    Embedded(Box<Embedded>),
    Postgres(postgres::Hot),
}

/// Takes batches of work and commits them, until no one can send any more.
pub(super) struct Writer {
    pub(super) db: Db,
    pub(super) hot: Hot,
    pub(super) node: Arc<str>,
    pub(super) clock: Clock,
    pub(super) requests: Arc<Mutex<mpsc::Receiver<(Work, Waiting)>>>,
}

impl Writer {
    pub(super) async fn run(mut self) {
        let mut taken = Vec::with_capacity(MAX_BATCH);
        loop {
            let count = self
                .requests
                .lock()
                .await
                .recv_many(&mut taken, MAX_BATCH)
                .await;
            if count == 0 {
                return;
            }
            let (batch, waiting): (Vec<_>, Vec<_>) = taken.drain(..).unzip();
            self.serve(&batch, waiting).await;
        }
    }

    /// Commits the batch; if that fails for a reason that may lie in one of its pieces, each alone.
    async fn serve(&mut self, batch: &[Work], waiting: Vec<Waiting>) {
        let whole = self.commit(batch).await;
        let in_a_piece = matches!(&whole, Err(error) if !matches!(error, Error::Unavailable(_)));
        if in_a_piece && batch.len() > 1 {
            for (work, waiting) in batch.iter().zip(waiting) {
                let answer = self.commit(std::slice::from_ref(work)).await;
                reply(vec![waiting], answer);
            }
        } else {
            reply(waiting, whole);
        }
    }

    async fn commit(&mut self, batch: &[Work]) -> Result<Vec<Answer>> {
        let started = Instant::now();
        let now = self.clock.now();
        let committed = self.commit_at(now, batch).await;
        metrics::histogram!("tieline_commit_batch_size").record(batch.len() as f64);
        metrics::histogram!("tieline_commit_seconds").record(started.elapsed().as_secs_f64());
        committed
    }

    /// The whole batch is written at once, but for the few settlements that change more than their
    /// delivery.
    async fn commit_at(&mut self, now: Timestamp, batch: &[Work]) -> Result<Vec<Answer>> {
        let settlements = batch.iter().filter_map(Work::settlement);
        let involved: Vec<_> = settlements.filter(|encoded| !encoded.is_plain()).collect();
        let mut turned = Vec::new();
        if !involved.is_empty() {
            let mut tx = self.db.begin().await?;
            let settled = involved.iter().map(|encoded| &*encoded.settlement);
            lines::lock(&mut tx, lines::touched(std::iter::empty(), settled)).await?;
            turned = settle::settle(&mut tx, &self.node, &involved).await?;
            tx.commit().await?;
        }
        let mut accepted = Vec::new();
        if involved.len() < batch.len() {
            accepted = match &mut self.hot {
                Hot::Embedded(embedded) => {
                    let _turn = self.db.turn().await;
                    embedded.commit(now, batch)?
                }
                Hot::Postgres(hot) => hot.commit(now, batch).await?,
            };
        }
        let mut turned = turned.into_iter();
        let settlements = batch.iter().filter_map(Work::settlement);
        let settled = settlements.map(|encoded| {
            if encoded.is_plain() {
                Settled::default()
            } else {
                turned.next().unwrap_or_default()
            }
        });
        Ok(answers(batch, accepted, settled.collect()))
    }
}

/// The answers of a batch, in the order of its requests.
fn answers(batch: &[Work], accepted: Vec<Accepted>, settled: Vec<Settled>) -> Vec<Answer> {
    let (mut accepted, mut settled) = (accepted.into_iter(), settled.into_iter());
    let answer = |work: &Work| match work {
        Work::Accept(items) => Answer::Accepted(accepted.by_ref().take(items.len()).collect()),
        Work::Settle(_) => Answer::Settled(settled.next().unwrap_or_default()),
    };
    batch.iter().map(answer).collect()
}

impl Work {
    pub(super) fn items(&self) -> &[accept::Encoded] {
        match self {
            Self::Accept(items) => items,
            Self::Settle(_) => &[],
        }
    }

    pub(super) fn settlement(&self) -> Option<&settle::Encoded> {
        match self {
            Self::Accept(_) => None,
            Self::Settle(encoded) => Some(encoded),
        }
    }
}

/// Tells each who waits the answer; one that no longer waits does not matter.
fn reply(waiting: Vec<Waiting>, answers: Result<Vec<Answer>>) {
    match answers {
        Ok(answers) => {
            for (waiting, answer) in waiting.into_iter().zip(answers) {
                match (waiting, answer) {
                    (Waiting::Accept(to), Answer::Accepted(answer)) => drop(to.send(Ok(answer))),
                    (Waiting::Settle(to), Answer::Settled(answer)) => drop(to.send(Ok(answer))),
                    _ => unreachable!("answers are made from the work, in its order"),
                }
            }
        }
        Err(error) => {
            for waiting in waiting {
                match waiting {
                    Waiting::Accept(to) => drop(to.send(Err(error.clone()))),
                    Waiting::Settle(to) => drop(to.send(Err(error.clone()))),
                }
            }
        }
    }
}
