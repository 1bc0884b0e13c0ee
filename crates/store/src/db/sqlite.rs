//! The embedded database: many readers, and one writer that transactions take in turn.
//!
//! Each transaction ends with a flush of the log, and waits for the flushes of all before it. Many small ones that come at once,
//! as the steps of turns do, may share a commit: whoever is done while others wait leaves it to those behind. Each is a savepoint
//! of the shared transaction, so that what one takes back the others keep, and none is told that it is committed before it is
//! on disk. It sees what those before it wrote, which is not on disk either: so whatever it finds, it says after the commit.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use sqlx::{SqliteConnection, SqlitePool};
use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};

use crate::{Error, Result};

/// How many transactions share a commit at most: the first of them waits for the last.
const MOST_SHARED: usize = 32;

/// The embedded database: many readers, one writer.
#[derive(Clone)]
pub struct Sqlite {
    file: Arc<Path>,
    readers: SqlitePool,
    line: Arc<Line>,
}

/// The writer, and how many wait for it.
struct Line {
    writer: Arc<Mutex<Writer>>,
    waiting: AtomicUsize,
}

pub(crate) struct Writer {
    connection: SqliteConnection,
    /// Whether a transaction is open on the connection.
    open: bool,
    /// Whether somebody's part of it is neither done nor taken back.
    begun: bool,
    /// Who is done and waits for the commit.
    done: Vec<oneshot::Sender<Result<()>>>,
}

impl Sqlite {
    pub(super) fn new(file: &Path, readers: SqlitePool, connection: SqliteConnection) -> Self {
        let writer = Writer {
            connection,
            open: false,
            begun: false,
            done: Vec::new(),
        };
        Self {
            file: file.into(),
            readers,
            line: Arc::new(Line {
                writer: Arc::new(Mutex::new(writer)),
                waiting: AtomicUsize::new(0),
            }),
        }
    }

    pub(crate) fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// The writer with nothing open: for whoever writes by other means than a [`Turn`].
    pub(super) async fn alone(&self) -> Alone {
        let mut writer = self.line.wait().await;
        writer.take_back().await;
        // Those who wait for it are told.
        let _ = writer.commit().await;
        Alone(writer)
    }

    /// Waits for the turn of a transaction and begins it: alone, or as a part of one that is shared.
    pub(super) async fn begin(&self, shares: bool) -> Result<Turn> {
        let mut turn = Turn {
            writer: Some(self.line.wait().await),
            line: Arc::clone(&self.line),
            shares,
        };
        turn.writer().begin(shares).await?;
        Ok(turn)
    }
}

impl Line {
    async fn wait(self: &Arc<Self>) -> OwnedMutexGuard<Writer> {
        let mut place = Place {
            line: self,
            reached: false,
        };
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let writer = Arc::clone(&self.writer).lock_owned().await;
        place.reached = true;
        writer
    }

    fn is_empty(&self) -> bool {
        self.waiting.load(Ordering::SeqCst) == 0
    }

    /// Commits for those who are done, if nobody comes who will.
    fn commit_behind(self: &Arc<Self>) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let line = Arc::clone(self);
        runtime.spawn(async move {
            let mut writer = Arc::clone(&line.writer).lock_owned().await;
            writer.take_back().await;
            // Those who wait are told.
            let _ = writer.commit().await;
        });
    }
}

/// A place in the line. Whoever was done may have left the commit to it: if it is given up, another does it.
struct Place<'l> {
    line: &'l Arc<Line>,
    reached: bool,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.line.waiting.fetch_sub(1, Ordering::SeqCst);
        if !self.reached {
            self.line.commit_behind();
        }
    }
}

/// The writer with nothing open.
pub(super) struct Alone(OwnedMutexGuard<Writer>);

impl Alone {
    pub(super) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.0.connection
    }
}

/// The turn of one transaction at the only writer. Given up half-way, by an error or a cancelled
/// request, it is taken back before the next one begins.
pub(crate) struct Turn {
    writer: Option<OwnedMutexGuard<Writer>>,
    line: Arc<Line>,
    shares: bool,
}

impl Turn {
    fn writer(&mut self) -> &mut Writer {
        let writer = self.writer.as_mut();
        writer.expect("the writer is let go of only when the turn ends")
    }

    pub(crate) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.writer().connection
    }

    /// Ends it; what it wrote is on disk then, by a commit of its own or one that is shared with those behind. It goes on
    /// when nobody waits for it any more: others may depend on it.
    pub(super) async fn commit(mut self) -> Result<()> {
        let Some(writer) = self.writer.take() else {
            return Ok(());
        };
        let ending = tokio::spawn(end(Arc::clone(&self.line), writer, self.shares));
        let committed = match ending.await {
            Ok(ended) => ended?,
            Err(_) => return Err(stopped()),
        };
        match committed {
            None => Ok(()),
            Some(committed) => committed.await.unwrap_or_else(|_| Err(stopped())),
        }
    }
}

/// Ends a part: commits it with all before it, or leaves that to those behind, who tell.
async fn end(
    line: Arc<Line>,
    mut writer: OwnedMutexGuard<Writer>,
    shares: bool,
) -> Result<Option<oneshot::Receiver<Result<()>>>> {
    if !shares || line.is_empty() || writer.done.len() + 1 >= MOST_SHARED {
        return writer.commit().await.map(|()| None);
    }
    let released = writer.run("RELEASE part").await;
    if released.is_err() {
        writer.take_back().await;
        line.commit_behind();
    }
    released?;
    writer.begun = false;
    let (done, committed) = oneshot::channel();
    writer.done.push(done);
    // Whoever waits now was there when it was looked at, and commits or sees to it that another does.
    Ok(Some(committed))
}

fn stopped() -> Error {
    Error::Unavailable("the writer has stopped".to_owned())
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(writer) = self.writer.take() {
            drop(writer);
            self.line.commit_behind();
        }
    }
}

impl Writer {
    async fn run(&mut self, statement: &'static str) -> Result<()> {
        let done = sqlx::query(statement).execute(&mut self.connection).await;
        Ok(done.map(drop)?)
    }

    /// Begins a transaction, or a part of one that is shared.
    async fn begin(&mut self, shares: bool) -> Result<()> {
        self.take_back().await;
        if !shares {
            // Those who wait for it are told.
            let _ = self.commit().await;
        }
        // Noted before it is done: whoever is cancelled in between has begun it.
        self.begun = true;
        if !std::mem::replace(&mut self.open, true) {
            self.run("BEGIN IMMEDIATE").await?;
        }
        self.run("SAVEPOINT part").await
    }

    /// Takes back a part that was given up half-way.
    async fn take_back(&mut self) {
        if !self.begun {
            return;
        }
        if self.run("ROLLBACK TO part").await.is_err() || self.run("RELEASE part").await.is_err() {
            // The engine has rolled everything back by itself, as on a full disk.
            let _ = self.run("ROLLBACK").await;
            self.ended(&Err(stopped()));
        }
        self.begun = false;
    }

    /// Commits what is open, and tells all who wait for it.
    async fn commit(&mut self) -> Result<()> {
        if !self.open {
            return Ok(());
        }
        let committed = self.run("COMMIT").await;
        if committed.is_err() {
            // It fails where the engine has rolled back by itself.
            let _ = self.run("ROLLBACK").await;
        }
        self.ended(&committed);
        committed
    }

    fn ended(&mut self, how: &Result<()>) {
        (self.open, self.begun) = (false, false);
        for done in self.done.drain(..) {
            // Whoever does not listen any more was cancelled.
            let _ = done.send(how.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use crate::{
        Error, Result,
        db::{Db, Options, Tx},
        sql::sql,
    };

    async fn opened(directory: &tempfile::TempDir) -> Db {
        let file = directory.path().join("shared.db");
        let db = Db::open(file.to_str().unwrap(), &Options::default()).await;
        let db = db.unwrap();
        sql("CREATE TABLE numbers (n INTEGER NOT NULL UNIQUE)")
            .commit(&db)
            .await
            .unwrap();
        db
    }

    async fn insert(tx: &mut Tx, n: i64) -> Result<()> {
        let insert = sql("INSERT INTO numbers (n) VALUES ($1)").bind(n);
        insert.run_unless_taken(tx).await
    }

    async fn shared(db: &Db, n: i64) -> Result<()> {
        db.shared(async |tx: &mut Tx| insert(tx, n).await).await
    }

    async fn numbers(db: &Db) -> Vec<i64> {
        sql("SELECT n FROM numbers ORDER BY n")
            .list(db)
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn what_one_takes_back_the_others_keep() {
        let directory = tempfile::tempdir().unwrap();
        let db = opened(&directory).await;
        // Each number twice, and all at once: one of each pair is refused, whichever commit it shares.
        let all = (0..100).map(|i| shared(&db, i / 2));
        let outcomes = join_all(all).await;
        let refused = outcomes
            .iter()
            .filter(|outcome| matches!(outcome, Err(Error::NameTaken)));
        assert_eq!(refused.count(), 50);
        assert_eq!(numbers(&db).await, (0..50).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn whoever_is_told_has_it_on_disk() {
        let directory = tempfile::tempdir().unwrap();
        let db = opened(&directory).await;
        let writes = (0..100).map(async |n| {
            shared(&db, n).await.unwrap();
            // Readers see only what is committed.
            assert!(numbers(&db).await.contains(&n));
        });
        join_all(writes).await;
    }

    #[tokio::test]
    async fn those_who_leave_hold_nobody_up() {
        let directory = tempfile::tempdir().unwrap();
        let db = opened(&directory).await;
        for round in 0..20 {
            let mut held = db.begin().await.unwrap();
            insert(&mut held, -1 - round).await.unwrap();
            let staying = tokio::spawn({
                let db = db.clone();
                async move { shared(&db, round).await }
            });
            let leaving: Vec<_> = (0..5)
                .map(|i| {
                    let db = db.clone();
                    tokio::spawn(async move { shared(&db, 1_000 * (i + 1) + round).await })
                })
                .collect();
            // All are in line before the first of them can begin.
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            held.commit().await.unwrap();
            for leaving in leaving {
                leaving.abort();
            }
            staying.await.unwrap().unwrap();
        }
        let kept = numbers(&db).await;
        assert!((-20..20).all(|n| kept.contains(&n)), "{kept:?}");
    }

    #[tokio::test]
    async fn a_transaction_alone_sees_only_what_is_committed() {
        let directory = tempfile::tempdir().unwrap();
        let db = opened(&directory).await;
        let mixed = (0..60).map(async |n| {
            if n % 3 == 0 {
                let mut tx = db.begin().await.unwrap();
                let in_it: Vec<i64> = sql("SELECT n FROM numbers").list_in(&mut tx).await.unwrap();
                let outside = numbers(&db).await;
                assert!(in_it.iter().all(|n| outside.contains(n)));
                insert(&mut tx, n).await.unwrap();
                tx.commit().await.unwrap();
            } else {
                shared(&db, n).await.unwrap();
            }
        });
        join_all(mixed).await;
        assert_eq!(numbers(&db).await, (0..60).collect::<Vec<_>>());
    }
}
