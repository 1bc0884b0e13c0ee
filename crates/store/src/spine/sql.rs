//! The spine on SQL.

use std::sync::Arc;

use futures::future::BoxFuture;
use tieline_domain::{DeliveryId, DestinationId, TenantId, Timestamp, clock::Clock};
use tokio::sync::{Mutex, mpsc, oneshot};

use super::{
    Accepted, Claimed, Depth, Item, Lease, Overdue, Release, Settled, Settlement, Spine, accept,
    claim::{self, Wanted},
    embedded::Embedded,
    part, postgres,
    replay::{self, Replayed, Step},
    settle,
    writer::{Hot, Waiting, Work, Writer},
};
use crate::{Error, Result, db::Db, sql::sql};

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

    async fn claim(&self, lease: Lease, wanted: Wanted, limit: usize) -> Result<Vec<Claimed>> {
        let (node, skip_locked) = (Arc::clone(&self.node), self.db.skip_locked());
        self.transact(move |tx| {
            let node = Arc::clone(&node);
            Box::pin(
                async move { claim::claim(tx, skip_locked, &node, lease, wanted, limit).await },
            )
        })
        .await
    }

    /// Runs a transaction: on the embedded engine as a part of the next commit.
    async fn transact<T: Send + Sync + 'static>(&self, work: impl part::Work<T>) -> Result<T> {
        if let Db::Postgres(_) = self.db {
            let mut tx = self.db.begin().await?;
            let found = work(&mut tx).await?;
            tx.commit().await?;
            return Ok(found);
        }
        let (part, answer) = part::part(work);
        self.requests
            .send((Work::Part(part), Waiting::Part))
            .await
            .map_err(stopped)?;
        answer.await.map_err(stopped)?
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

    fn replay(&self, step: Arc<Step>) -> BoxFuture<'_, Result<Option<Replayed>>> {
        let (node, locked) = (Arc::clone(&self.node), self.db.locked());
        Box::pin(self.transact(move |tx| {
            let (node, step) = (Arc::clone(&node), Arc::clone(&step));
            Box::pin(async move { replay::step(tx, locked, &node, &step).await })
        }))
    }

    fn claim_due(&self, lease: Lease, limit: usize) -> BoxFuture<'_, Result<Vec<Claimed>>> {
        Box::pin(self.claim(lease, Wanted::Due, limit))
    }

    fn claim_held(
        &self,
        subscription: DestinationId,
        lease: Lease,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Claimed>>> {
        Box::pin(self.claim(lease, Wanted::Held(subscription), limit))
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
            let pending: Option<(u64, Option<Timestamp>)> =
                sql(PENDING).bind(most).find(&self.db).await?;
            let (pending, oldest_due) = pending.unwrap_or_default();
            let held: Option<u64> = sql(HELD).bind(most).find(&self.db).await?;
            let queued: Option<u64> = sql(QUEUED).bind(most).find(&self.db).await?;
            Ok(Depth {
                pending,
                held: held.unwrap_or_default(),
                queued: queued.unwrap_or_default(),
                oldest_due,
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
            let keys = sql(KEYS).bind(&after).bind(limit);
            let keys: Vec<Vec<u8>> = keys.list(&self.db).await?;
            let Some(last) = keys.into_iter().next_back() else {
                return Ok(None);
            };
            let forget = sql(FORGET).bind(&after).bind(&last).bind(now);
            forget.commit(&self.db).await?;
            Ok(Some(last))
        })
    }
}

#[cfg(test)]
mod tests {
    use futures::future::{BoxFuture, join_all};

    use super::*;
    use crate::{Options, db::Tx};

    async fn opened(directory: &tempfile::TempDir) -> (Db, SqlSpine) {
        let file = directory.path().join("parts.db");
        let db = Db::open(file.to_str().unwrap(), &Options::default()).await;
        let db = db.unwrap();
        db.migrate().await.unwrap();
        sql("CREATE TABLE numbers (n INTEGER NOT NULL UNIQUE)")
            .commit(&db)
            .await
            .unwrap();
        let tuning = Tuning {
            queue: 1_000,
            writers: 1,
        };
        let spine = SqlSpine::start(
            db.clone(),
            "a",
            &Clock::test(Timestamp::from_micros(0)),
            &tuning,
        );
        (db, spine.unwrap())
    }

    /// Writes two numbers, and fails after that if the first is odd.
    fn two(n: i64) -> impl part::Work<i64> {
        move |tx: &mut Tx| -> BoxFuture<'_, Result<i64>> {
            Box::pin(async move {
                for n in [n, n + 1_000] {
                    let insert = sql("INSERT INTO numbers (n) VALUES ($1)").bind(n);
                    insert.run_unless_taken(tx).await?;
                }
                if n % 2 == 0 {
                    Ok(n)
                } else {
                    Err(Error::content("an odd one"))
                }
            })
        }
    }

    async fn numbers(db: &Db) -> Vec<i64> {
        let all = sql("SELECT n FROM numbers ORDER BY n");
        all.list(db).await.unwrap()
    }

    #[tokio::test]
    async fn a_part_that_fails_is_taken_back_and_the_others_stay() {
        let directory = tempfile::tempdir().unwrap();
        let (db, spine) = opened(&directory).await;
        let outcomes = join_all((0..100).map(|n| spine.transact(two(n)))).await;
        for (n, outcome) in outcomes.into_iter().enumerate() {
            match outcome {
                Ok(found) => assert_eq!(found, n as i64),
                Err(error) => assert!(matches!(error, Error::Content(_)) && n % 2 == 1, "{error}"),
            }
        }
        let even = (0..100).filter(|n| n % 2 == 0);
        let expected: Vec<i64> = even.clone().chain(even.map(|n| n + 1_000)).collect();
        assert_eq!(numbers(&db).await, expected);
        let again = spine.transact(two(2)).await;
        assert!(matches!(again, Err(Error::NameTaken)), "{again:?}");
    }

    #[tokio::test]
    async fn what_a_part_is_told_is_on_disk() {
        let directory = tempfile::tempdir().unwrap();
        let (db, spine) = opened(&directory).await;
        let writes = (0..50).map(async |n| {
            spine.transact(two(2 * n)).await.unwrap();
            // Readers see only what is committed.
            assert!(numbers(&db).await.contains(&(2 * n + 1_000)));
        });
        join_all(writes).await;
    }
}
