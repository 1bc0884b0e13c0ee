//! Group commit: requests that arrive while a commit runs share the next one. No timer: a writer takes
//! whatever is waiting when it becomes free.

use std::{sync::Arc, time::Instant};

use tieline_domain::clock::Clock;
use tokio::sync::{Mutex, mpsc, oneshot};

use super::{Accepted, Item, Settled, Settlement, accept, settle};
use crate::{Error, Result, db::Db};

/// The most requests in one commit.
const MAX_BATCH: usize = 512;

/// What waits for a commit.
pub(super) enum Request {
    Accept(Vec<Item>, Reply<Vec<Accepted>>),
    Settle(Settlement, Reply<Settled>),
}

type Reply<T> = oneshot::Sender<Result<T>>;

/// The answers of one batch, in the order of its requests.
enum Answer {
    Accepted(Vec<Accepted>),
    Settled(Settled),
}

/// Takes batches of requests and commits them, until no one can send any more.
pub(super) struct Writer {
    pub(super) db: Db,
    pub(super) node: Arc<str>,
    pub(super) clock: Clock,
    pub(super) requests: Arc<Mutex<mpsc::Receiver<Request>>>,
}

impl Writer {
    pub(super) async fn run(self) {
        let mut batch = Vec::with_capacity(MAX_BATCH);
        loop {
            let taken = self
                .requests
                .lock()
                .await
                .recv_many(&mut batch, MAX_BATCH)
                .await;
            if taken == 0 {
                return;
            }
            self.serve(std::mem::take(&mut batch)).await;
        }
    }

    /// Commits the batch; if that fails for a reason that may lie in one of its requests, each alone.
    async fn serve(&self, batch: Vec<Request>) {
        let whole = self.commit(&batch).await;
        let alone = matches!(whole, Err(ref error) if !matches!(error, Error::Unavailable(_)));
        if alone && batch.len() > 1 {
            for request in batch {
                let answer = self.commit(std::slice::from_ref(&request)).await;
                reply(vec![request], answer);
            }
        } else {
            reply(batch, whole);
        }
    }

    async fn commit(&self, batch: &[Request]) -> Result<Vec<Answer>> {
        let started = Instant::now();
        let mut tx = self.db.begin().await?;
        let now = self.clock.now();
        let items: Vec<_> = batch.iter().flat_map(Request::items).collect();
        let mut accepted = accept::accept(&mut tx, &self.node, now, &items)
            .await?
            .into_iter();
        let settlements: Vec<_> = batch.iter().filter_map(Request::settlement).collect();
        let mut settled = settle::settle(&mut tx, &self.node, &settlements)
            .await?
            .into_iter();
        tx.commit().await?;
        metrics::histogram!("tieline_commit_batch_size").record(batch.len() as f64);
        metrics::histogram!("tieline_commit_seconds").record(started.elapsed().as_secs_f64());
        let answer = |request: &Request| match request {
            Request::Accept(items, _) => {
                Answer::Accepted(accepted.by_ref().take(items.len()).collect())
            }
            Request::Settle(..) => Answer::Settled(settled.next().unwrap_or_default()),
        };
        Ok(batch.iter().map(answer).collect())
    }
}

impl Request {
    fn items(&self) -> &[Item] {
        match self {
            Self::Accept(items, _) => items,
            Self::Settle(..) => &[],
        }
    }

    fn settlement(&self) -> Option<&Settlement> {
        match self {
            Self::Accept(..) => None,
            Self::Settle(settlement, _) => Some(settlement),
        }
    }
}

/// Tells each request its answer; one that no longer waits does not matter.
fn reply(batch: Vec<Request>, answers: Result<Vec<Answer>>) {
    match answers {
        Ok(answers) => {
            for (request, answer) in batch.into_iter().zip(answers) {
                match (request, answer) {
                    (Request::Accept(_, to), Answer::Accepted(answer)) => drop(to.send(Ok(answer))),
                    (Request::Settle(_, to), Answer::Settled(answer)) => drop(to.send(Ok(answer))),
                    _ => unreachable!("answers are made from the requests, in their order"),
                }
            }
        }
        Err(error) => {
            for request in batch {
                match request {
                    Request::Accept(_, to) => drop(to.send(Err(error.clone()))),
                    Request::Settle(_, to) => drop(to.send(Err(error.clone()))),
                }
            }
        }
    }
}
