//! The spine on SQL.

use std::sync::Arc;

use futures::future::BoxFuture;
use tieline_domain::{DeliveryId, DestinationId, TenantId, Timestamp, clock::Clock};
use tokio::sync::{Mutex, mpsc, oneshot};

use super::{
    Accepted, Claimed, Depth, Item, Lease, Overdue, Release, Settled, Settlement, Spine, accept,
    claim,
    embedded::Embedded,
    postgres, settle,
    writer::{Hot, Waiting, Work, Writer},
};
use crate::{
    Error, Result,
    db::{Db, in_tx, on_db},
};

/// How the SQL spine is tuned.
#[derive(Clone, Debug)]
pub struct Tuning {
    /// How many requests may wait for a commit before more are refused.
    pub queue: usize,
    /// How many group commits run at once on Postgres; SQLite has one writer.
    pub writers: usize,
}

/// The spine on SQL: SQLite for one node, Postgres for many.
pub struct SqlSpine {
    db: Db,
    node: Arc<str>,
    requests: mpsc::Sender<(Work, Waiting)>,
}

impl SqlSpine {
    /// Starts the writers of the node with this name; they end when the spine is dropped.
    pub fn start(db: Db, node: &str, clock: &Clock, tuning: &Tuning) -> Result<Self> {
        let (requests, waiting) = mpsc::channel(tuning.queue.max(1));
        let waiting = Arc::new(Mutex::new(waiting));
        let node: Arc<str> = node.into();
        let writer = |hot| Writer {
            hot,
            db: db.clone(),
            node: Arc::clone(&node),
            clock: clock.clone(),
            requests: Arc::clone(&waiting),
        };
        match &db {
            Db::Sqlite(sqlite) => {
                let embedded = Box::new(Embedded::open(sqlite.file())?);
                on_a_thread(writer(Hot::Embedded(embedded)))?;
            }
            Db::Postgres(pool) => {
                for _ in 0..tuning.writers.max(1) {
                    let hot = postgres::Hot::new(db.clone(), pool.clone());
                    tokio::spawn(writer(Hot::Postgres(hot)).run());
                }
            }
        }
        Ok(Self { db, node, requests })
    }
}

/// The embedded engine blocks while it writes: its writer has a thread of its own.
fn on_a_thread(writer: Writer) -> Result<()> {
    let runtime = tokio::runtime::Handle::current();
    let thread = std::thread::Builder::new().name("tieline-writer".to_owned());
    let started = thread.spawn(move || runtime.block_on(writer.run()));
    started
        .map(drop)
        .map_err(|error| Error::Unavailable(error.to_string()))
}

fn stopped<T>(_: T) -> Error {
    Error::Unavailable("the writer has stopped".to_owned())
}

impl Spine for SqlSpine {
    fn accept(&self, items: Vec<Item>) -> BoxFuture<'_, Result<Vec<Accepted>>> {
        Box::pin(async move {
            let (reply, answer) = oneshot::channel();
            let full = |_| Error::Unavailable("too many requests wait for a commit".to_owned());
            let items = items
                .iter()
                .map(|item| accept::Encoded::new(&self.node, item));
            let work = Work::Accept(items.collect());
            self.requests
                .try_send((work, Waiting::Accept(reply)))
                .map_err(full)?;
            answer.await.map_err(stopped)?
        })
    }

    fn settle(&self, settlement: Arc<Settlement>) -> BoxFuture<'_, Result<Settled>> {
        Box::pin(async move {
            let (reply, answer) = oneshot::channel();
            let encoded = settle::Encoded::new(&self.node, settlement)?;
            let work = Work::Settle(Box::new(encoded));
            self.requests
                .send((work, Waiting::Settle(reply)))
                .await
                .map_err(stopped)?;
            answer.await.map_err(stopped)?
        })
    }

    fn claim_due(&self, lease: Lease, limit: usize) -> BoxFuture<'_, Result<Vec<Claimed>>> {
        Box::pin(claim::due(&self.db, &self.node, lease, limit))
    }

    fn claim_held(
        &self,
        subscription: DestinationId,
        lease: Lease,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Claimed>>> {
        Box::pin(claim::held(
            &self.db,
            &self.node,
            subscription,
            lease,
            limit,
        ))
    }

    fn still_holds(
        &self,
        tenant: TenantId,
        delivery: DeliveryId,
        until: Timestamp,
    ) -> BoxFuture<'_, Result<bool>> {
        Box::pin(claim::still_holds(
            &self.db, &self.node, tenant, delivery, until,
        ))
    }

    fn release(
        &self,
        deliveries: Vec<(TenantId, DeliveryId)>,
        how: Release,
    ) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move { claim::release(&self.db, &self.node, &deliveries, how).await })
    }

    fn holding(&self) -> BoxFuture<'_, Result<Vec<(TenantId, DestinationId)>>> {
        Box::pin(claim::holding(&self.db))
    }

    fn recover(&self, now: Timestamp) -> BoxFuture<'_, Result<u64>> {
        Box::pin(claim::recover(&self.db, now))
    }

    fn held_before(
        &self,
        subscription: DestinationId,
        before: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Overdue>>> {
        Box::pin(claim::held_before(&self.db, subscription, before, limit))
    }

    fn depth(&self, most: u64) -> BoxFuture<'_, Result<Depth>> {
        Box::pin(async move {
            // Each reads no more of its index than it counts.
            const PENDING: &str = "SELECT COUNT(*), MIN(due_at) FROM (SELECT due_at FROM deliveries \
                                   WHERE status = 'pending' ORDER BY due_at LIMIT $1) AS found";
            const HELD: &str = "SELECT COUNT(*) FROM (SELECT 1 AS one FROM deliveries \
                                WHERE status = 'held' LIMIT $1) AS found";
            const QUEUED: &str = "SELECT COUNT(*) FROM (SELECT 1 AS one FROM deliveries \
                                  WHERE status = 'queued' AND position IS NOT NULL LIMIT $1) AS found";
            let most = i64::try_from(most).unwrap_or(i64::MAX);
            let (pending, oldest): (i64, Option<i64>) =
                on_db!(&self.db, |c| sqlx::query_as(PENDING)
                    .bind(most)
                    .fetch_one(c)
                    .await?);
            let (held,): (i64,) = on_db!(&self.db, |c| sqlx::query_as(HELD)
                .bind(most)
                .fetch_one(c)
                .await?);
            let (queued,): (i64,) = on_db!(&self.db, |c| sqlx::query_as(QUEUED)
                .bind(most)
                .fetch_one(c)
                .await?);
            Ok(Depth {
                pending: pending.unsigned_abs(),
                held: held.unsigned_abs(),
                queued: queued.unsigned_abs(),
                oldest_due: oldest.map(Timestamp::from_micros),
            })
        })
    }

    fn forget_seen(
        &self,
        now: Timestamp,
        after: Vec<u8>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Option<Vec<u8>>>> {
        Box::pin(async move {
            const KEYS: &str = "SELECT key FROM seen WHERE key > $1 ORDER BY key LIMIT $2";
            const FORGET: &str =
                "DELETE FROM seen WHERE key > $1 AND key <= $2 AND expires_at <= $3";
            let keys: Vec<(Vec<u8>,)> = on_db!(&self.db, |c| sqlx::query_as(KEYS)
                .bind(&after)
                .bind(limit as i64)
                .fetch_all(c)
                .await?);
            let Some((last,)) = keys.into_iter().next_back() else {
                return Ok(None);
            };
            let mut tx = self.db.begin().await?;
            in_tx!(tx, |c| sqlx::query(FORGET)
                .bind(&after)
                .bind(&last)
                .bind(now.as_micros())
                .execute(c)
                .await?
                .rows_affected());
            tx.commit().await?;
            Ok(Some(last))
        })
    }
}
