//! Group commit: work that arrives while a commit runs shares the next one. No timer: a writer takes
//! whatever is waiting when it becomes free.

use std::{sync::Arc, time::Instant};

use tieline_domain::{Timestamp, clock::Clock};
use tokio::sync::{Mutex, mpsc, oneshot};

use super::{Accepted, Settled, accept, embedded::Embedded, part::Part, postgres, settle};
use crate::{Error, Result, db::Db};

/// The most pieces of work in one commit.
const MAX_BATCH: usize = 512;

/// What waits for a commit.
pub(super) enum Work {
    Accept(Vec<accept::Encoded>),
    Settle(Box<settle::Encoded>),
    /// On the embedded engine alone: where many write at once, it has a transaction of its own.
    Part(Box<dyn Part>),
}

/// Who waits for it.
pub(super) enum Waiting {
    Accept(Reply<Vec<Accepted>>),
    Settle(Reply<Settled>),
    /// The part knows.
    Part,
}

type Reply<T> = oneshot::Sender<Result<T>>;

/// The answer to one piece of work.
enum Answer {
    Accepted(Vec<Accepted>),
    Settled(Settled),
    Part,
}

/// What became of a batch: of each item that was accepted, and of each outcome that changes more than its delivery.
#[derive(Default)]
pub(super) struct Committed {
    pub(super) accepted: Vec<Accepted>,
    pub(super) settled: Vec<Settled>,
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
            let (mut batch, waiting): (Vec<_>, Vec<_>) = taken.drain(..).unzip();
            self.serve(&mut batch, waiting).await;
        }
    }

    /// Commits the batch; if that fails for a reason that may lie in one of its pieces, each alone.
    async fn serve(&mut self, batch: &mut [Work], waiting: Vec<Waiting>) {
        let whole = self.commit(batch).await;
        let in_a_piece = matches!(&whole, Err(error) if !matches!(error, Error::Unavailable(_)));
        if in_a_piece && batch.len() > 1 {
            for (work, waiting) in batch.iter_mut().zip(waiting) {
                let alone = std::slice::from_mut(work);
                let answer = self.commit(alone).await;
                reply(alone, vec![waiting], answer);
            }
        } else {
            reply(batch, waiting, whole);
        }
    }

    async fn commit(&mut self, batch: &mut [Work]) -> Result<Vec<Answer>> {
        let started = Instant::now();
        let now = self.clock.now();
        let committed = self.commit_at(now, batch).await;
        metrics::histogram!("tieline_commit_batch_size").record(batch.len() as f64);
        metrics::histogram!("tieline_commit_seconds").record(started.elapsed().as_secs_f64());
        committed
    }

    async fn commit_at(&mut self, now: Timestamp, batch: &mut [Work]) -> Result<Vec<Answer>> {
        let committed = match &mut self.hot {
            Hot::Embedded(embedded) => {
                let _turn = self.db.turn().await;
                embedded.commit(now, &self.node, batch).await?
            }
            Hot::Postgres(hot) => hot.commit(now, &self.node, batch).await?,
        };
        Ok(answers(batch, committed))
    }
}

/// The answers of a batch, in the order of its requests.
fn answers(batch: &[Work], committed: Committed) -> Vec<Answer> {
    let Committed { accepted, settled } = committed;
    let (mut accepted, mut settled) = (accepted.into_iter(), settled.into_iter());
    let answer = |work: &Work| match work {
        Work::Accept(items) => Answer::Accepted(accepted.by_ref().take(items.len()).collect()),
        Work::Settle(encoded) if encoded.is_plain() => Answer::Settled(Settled::default()),
        Work::Settle(_) => Answer::Settled(settled.next().unwrap_or_default()),
        Work::Part(_) => Answer::Part,
    };
    batch.iter().map(answer).collect()
}

/// The outcomes of a batch that change more than their delivery.
pub(super) fn involved(batch: &[Work]) -> Vec<&settle::Encoded> {
    let settlements = batch.iter().filter_map(Work::settlement);
    settlements.filter(|encoded| !encoded.is_plain()).collect()
}

impl Work {
    pub(super) fn items(&self) -> &[accept::Encoded] {
        match self {
            Self::Accept(items) => items,
            Self::Settle(_) | Self::Part(_) => &[],
        }
    }

    pub(super) fn settlement(&self) -> Option<&settle::Encoded> {
        match self {
            Self::Accept(_) | Self::Part(_) => None,
            Self::Settle(encoded) => Some(encoded),
        }
    }

    /// Tells who waits for a part.
    fn tell(&mut self, committed: Result<()>) {
        if let Self::Part(part) = self {
            part.tell(committed);
        }
    }
}

/// Tells each who waits the answer; one that no longer waits does not matter.
fn reply(batch: &mut [Work], waiting: Vec<Waiting>, answers: Result<Vec<Answer>>) {
    let waiting = batch.iter_mut().zip(waiting);
    match answers {
        Ok(answers) => {
            for ((work, waiting), answer) in waiting.zip(answers) {
                match (waiting, answer) {
                    (Waiting::Accept(to), Answer::Accepted(answer)) => drop(to.send(Ok(answer))),
                    (Waiting::Settle(to), Answer::Settled(answer)) => drop(to.send(Ok(answer))),
                    (Waiting::Part, Answer::Part) => work.tell(Ok(())),
                    _ => unreachable!("answers are made from the work, in its order"),
                }
            }
        }
        Err(error) => {
            for (work, waiting) in waiting {
                let error = error.clone();
                match waiting {
                    Waiting::Accept(to) => drop(to.send(Err(error))),
                    Waiting::Settle(to) => drop(to.send(Err(error))),
                    Waiting::Part => work.tell(Err(error)),
                }
            }
        }
    }
}
