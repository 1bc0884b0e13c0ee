//! The file that knows there are two databases.
//!
//! Each statement is written once (`sql/`) and run by whichever driver has the database. On SQLite one writes at a time, whoever has the turn, and those who queue share a commit (`sqlite`); its hot
//! path brings a connection of its own (`spine/embedded.rs`). Its readers are a pool. Postgres has one pool.

mod sqlite;

use std::{borrow::Cow, path::Path, time::Duration};

use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, PgPool, Postgres,
    SqlSafeStr as _, SqliteConnection, Transaction,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

pub(crate) use sqlite::Sqlite;

use crate::{Error, Result};
use sqlite::Turn;

/// Runs one read against whichever database is open: the body is compiled once for each driver.
macro_rules! on_db {
    ($db:expr, |$c:ident| $body:expr) => {
        match $db {
            $crate::db::Db::Sqlite(sqlite) => {
                let $c = sqlite.readers();
                $body
            }
            $crate::db::Db::Postgres($c) => $body,
        }
    };
}

pub(crate) use on_db;

/// How a database is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many connections read (SQLite) or read and write (Postgres); the writers of the spine have
    /// their own.
    pub connections: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { connections: 8 }
    }
}

/// How each connection to Postgres is set up.
///
/// Every statement looks for few rows by an index, but a prepared statement keeps its plan, and one that
/// was made while a table was small reads the whole table ever after. And "already exists, skipping" is
/// nothing that anyone needs to read at each start.
const POSTGRES_SESSION: &str = "SET enable_seqscan = off; SET enable_hashjoin = off; \
                                SET enable_mergejoin = off; SET jit = off; \
                                SET client_min_messages = warning";

/// An open database; clones share it.
#[derive(Clone)]
pub enum Db {
    /// Embedded.
    Sqlite(Sqlite),
    /// A server.
    Postgres(PgPool),
}

/// A transaction: rolled back unless it is committed.
pub(crate) struct Tx {
    pub(crate) inner: Inner,
}

pub(crate) enum Inner {
    Sqlite(Turn),
    /// What the writer of the spine has open, on its own thread; it commits, not whoever has a part in it.
    Embedded(rusqlite::Connection),
    Postgres(Transaction<'static, Postgres>),
}

impl Db {
    /// Opens `url`: `postgres://…`, or the path of an SQLite file, which is made if it is missing.
    pub async fn open(url: &str, options: &Options) -> Result<Self> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Self::open_postgres(url, options).await
        } else {
            Self::open_sqlite(Path::new(url.trim_start_matches("sqlite://")), options).await
        }
    }

    async fn open_postgres(url: &str, options: &Options) -> Result<Self> {
        let connect: PgConnectOptions = url.parse().map_err(Error::from)?;
        let pool = PgPoolOptions::new()
            .max_connections(options.connections)
            .min_connections(1)
            .acquire_timeout(Duration::from_secs(5))
            .after_connect(|connection, _| {
                let set_up = sqlx::raw_sql(POSTGRES_SESSION).execute(connection);
                Box::pin(async { set_up.await.map(drop) })
            })
            .connect_with(
                connect
                    .application_name("tieline")
                    .disable_statement_logging(),
            )
            .await?;
        Ok(Self::Postgres(pool))
    }

    async fn open_sqlite(file: &Path, options: &Options) -> Result<Self> {
        let connect = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .page_size(8192)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(5))
            .pragma("temp_store", "memory")
            .statement_cache_capacity(256)
            .disable_statement_logging();
        let writing = connect.clone().pragma("cache_size", "-32768");
        let connection = SqliteConnection::connect_with(&writing).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(options.connections)
            .acquire_timeout(Duration::from_secs(5))
            .connect_with(connect.pragma("cache_size", "-4096"))
            .await?;
        Ok(Self::Sqlite(Sqlite::new(file, readers, connection)))
    }

    /// Applies the schema migrations that are missing.
    pub async fn migrate(&self) -> Result<()> {
        let migrator = Migrator::with_migrations(migrations(self.engine()));
        match self {
            Self::Sqlite(sqlite) => {
                let mut writer = sqlite.alone().await;
                migrator.run_direct(None, writer.connection(), false).await
            }
            Self::Postgres(pool) => migrator.run(pool).await,
        }
        .map_err(refusal)
    }

    /// The name of the engine, as the migrations and people call it.
    pub fn engine(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "sqlite",
            Self::Postgres(_) => "postgres",
        }
    }

    /// Asks the database for a sign of life.
    pub async fn ping(&self) -> Result<()> {
        on_db!(self, |c| sqlx::query("SELECT 1").execute(c).await.map(drop)).map_err(Error::from)
    }

    /// Waits for the turn to write to the embedded database, without beginning a transaction: for a
    /// writer with a connection of its own. `None` on Postgres, where nobody waits.
    pub(crate) async fn turn(&self) -> Option<impl Send + use<>> {
        match self {
            Self::Sqlite(sqlite) => Some(sqlite.alone().await),
            Self::Postgres(_) => None,
        }
    }

    /// Begins a transaction that may write. On SQLite it waits its turn.
    pub(crate) async fn begin(&self) -> Result<Tx> {
        self.begin_as(false).await
    }

    /// Does `work` in a transaction, and commits it: on SQLite together with others of this kind that queue. What it finds
    /// is told after the commit, for it may have seen what others have written and not committed.
    pub(crate) async fn shared<T>(
        &self,
        work: impl AsyncFnOnce(&mut Tx) -> Result<T>,
    ) -> Result<T> {
        let mut tx = self.begin_as(true).await?;
        let found = work(&mut tx).await?;
        tx.commit().await?;
        Ok(found)
    }

    async fn begin_as(&self, shares: bool) -> Result<Tx> {
        let inner = match self {
            Self::Sqlite(sqlite) => Inner::Sqlite(sqlite.begin(shares).await?),
            Self::Postgres(pool) => Inner::Postgres(pool.begin().await?),
        };
        Ok(Tx { inner })
    }

    /// What claims add so that two nodes do not wait for each other's rows.
    pub(crate) fn skip_locked(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "",
            Self::Postgres(_) => "FOR UPDATE SKIP LOCKED",
        }
    }

    /// What a select adds so that others wait with what it read until the transaction ends; the embedded
    /// engine has one writer.
    pub(crate) fn locked(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "",
            Self::Postgres(_) => "FOR UPDATE",
        }
    }

    /// Moves what the write-ahead log holds into the database file, without making anyone wait;
    /// nothing to do on Postgres.
    pub async fn checkpoint(&self) -> Result<()> {
        if let Self::Sqlite(sqlite) = self {
            sqlx::query("PRAGMA wal_checkpoint(PASSIVE)")
                .execute(sqlite.readers())
                .await?;
        }
        Ok(())
    }

    /// Closes the database; what was committed stays.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(sqlite) => sqlite.readers().close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

impl Tx {
    /// The connection of a transaction on Postgres.
    pub(crate) fn postgres(&mut self) -> Result<&mut PgConnection> {
        match &mut self.inner {
            Inner::Postgres(transaction) => Ok(&mut **transaction),
            Inner::Sqlite(_) | Inner::Embedded(_) => {
                Err(Error::Unavailable("this is no Postgres".to_owned()))
            }
        }
    }

    pub(crate) async fn commit(self) -> Result<()> {
        match self.inner {
            Inner::Sqlite(turn) => turn.commit().await?,
            Inner::Embedded(_) => {
                let detail = "whoever has a part in a transaction does not commit it";
                return Err(Error::Unavailable(detail.to_owned()));
            }
            Inner::Postgres(transaction) => transaction.commit().await?,
        }
        Ok(())
    }
}

/// The migrations in order: version, description, text.
pub(crate) const MIGRATIONS: [(i64, &str, &str); 10] = [
    (1, "start", include_str!("../../migrations/0001_start.sql")),
    (2, "trust", include_str!("../../migrations/0002_trust.sql")),
    (
        3,
        "streams",
        include_str!("../../migrations/0003_streams.sql"),
    ),
    (
        4,
        "order and pace",
        include_str!("../../migrations/0004_order_and_pace.sql"),
    ),
    (
        5,
        "jobs and retention",
        include_str!("../../migrations/0005_jobs_and_retention.sql"),
    ),
    (
        6,
        "conversations",
        include_str!("../../migrations/0006_conversations.sql"),
    ),
    (
        7,
        "operations",
        include_str!("../../migrations/0007_operations.sql"),
    ),
    (
        8,
        "mcp servers",
        include_str!("../../migrations/0008_mcp_servers.sql"),
    ),
    (
        9,
        "triggers",
        include_str!("../../migrations/0009_triggers.sql"),
    ),
    (
        10,
        "erasing conversations",
        include_str!("../../migrations/0010_erasing_conversations.sql"),
    ),
];

fn migrations(engine: &str) -> Vec<Migration> {
    let migration = |(version, description, text): (i64, &'static str, &'static str)| {
        let text = AssertSqlSafe(for_engine(text, engine)).into_sql_str();
        let description = Cow::Borrowed(description);
        Migration::new(version, description, MigrationType::Simple, text, false)
    };
    MIGRATIONS.into_iter().map(migration).collect()
}

/// Takes the comments that begin with `engine` into the statement: the two dialects differ in a few
/// words that have no portable form.
fn for_engine(text: &str, engine: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("/*") {
        let (before, comment) = rest.split_at(start);
        out.push_str(before);
        let end = comment.find("*/").map_or(comment.len(), |end| end + 2);
        let inside = comment[2..end].trim_end_matches("*/");
        out.push_str(inside.strip_prefix(engine).unwrap_or_default());
        rest = &comment[end..];
    }
    out.push_str(rest);
    out
}

fn refusal(error: MigrateError) -> Error {
    match error {
        MigrateError::VersionMissing(version) => Error::Newer(version),
        MigrateError::VersionMismatch(version) | MigrateError::Dirty(version) => Error::Damaged(
            format!("migration {version} is not the one this program knows"),
        ),
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
        other => Error::Unavailable(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_of_an_engine_become_part_of_its_statement() {
        let text = "a /*sqlite X*/ b /*postgres Y*/ c";
        assert_eq!(for_engine(text, "sqlite"), "a  X b  c");
        assert_eq!(for_engine(text, "postgres"), "a  b  Y c");
    }
}
