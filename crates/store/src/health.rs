//! What people ask about a database before they trust it: `migrate` and `doctor`.

use tieline_domain::Timestamp;

use crate::{
    Db, Error, Result,
    db::{MIGRATIONS, on_db},
    sql::sql,
};

/// A schema migration that was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedMigration {
    /// Its number; they count from 1.
    pub version: i64,
    /// What it is about, in a word or two.
    pub description: String,
}

/// The newest schema version that this program knows.
pub fn newest_schema_version() -> i64 {
    MIGRATIONS
        .iter()
        .map(|(version, _, _)| *version)
        .max()
        .unwrap_or_default()
}

/// How PostgreSQL says that there is no such table (`undefined_table`).
const UNDEFINED_TABLE: &str = "42P01";

/// Whether a query failed because its table does not exist.
fn lacks_table(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|e| {
        e.code().is_some_and(|code| code == UNDEFINED_TABLE)
            || e.message().starts_with("no such table")
    })
}

impl Db {
    /// The migrations that were applied, the oldest first; none in a database without our schema.
    pub async fn applied_migrations(&self) -> Result<Vec<AppliedMigration>> {
        let rows = on_db!(self, |c| sqlx::query_as::<_, (i64, String)>(
            "SELECT version, description FROM _sqlx_migrations ORDER BY version"
        )
        .fetch_all(c)
        .await);
        match rows {
            Ok(rows) => Ok(rows
                .into_iter()
                .map(|(version, description)| AppliedMigration {
                    version,
                    description,
                })
                .collect()),
            Err(error) if lacks_table(&error) => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }

    /// Looks for damage in the file of an embedded database, which takes the longer the larger it is;
    /// a server checks itself. [`Error::Damaged`] says what was found.
    pub async fn check_integrity(&self) -> Result<()> {
        if self.engine() != "sqlite" {
            return Ok(());
        }
        let found = on_db!(self, |c| sqlx::query_scalar::<_, String>(
            "PRAGMA quick_check(1)"
        )
        .fetch_one(c)
        .await)?;
        if found == "ok" {
            Ok(())
        } else {
            Err(Error::Damaged(found))
        }
    }

    /// Commits a change that leaves nothing behind, so that it is known that changes reach the disk.
    pub async fn check_writable(&self) -> Result<()> {
        const PROBE: [&str; 2] = [
            "INSERT INTO tenants (id, name, version, created_at, updated_at, deleted_at)
             VALUES ('probe', 'probe', 1, 0, 0, 0)",
            "DELETE FROM tenants WHERE id = 'probe'",
        ];
        let mut tx = self.begin().await?;
        for statement in PROBE {
            sql(statement).run(&mut tx).await?;
        }
        tx.commit().await
    }

    /// What a database server's clock shows; `None` for an embedded database, which has none.
    pub async fn server_time(&self) -> Result<Option<Timestamp>> {
        if self.engine() == "sqlite" {
            return Ok(None);
        }
        let micros = on_db!(self, |c| sqlx::query_scalar::<_, i64>(
            "SELECT CAST(EXTRACT(EPOCH FROM CURRENT_TIMESTAMP) * 1000000 AS BIGINT)"
        )
        .fetch_one(c)
        .await)?;
        Ok(Some(Timestamp::from_micros(micros)))
    }
}
