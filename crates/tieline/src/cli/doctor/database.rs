//! The database: does it answer, is its schema ours, is it whole, does it take changes.

use tieline_store::{Db, health::newest_schema_version};

use super::Finding;
use crate::{
    cli::storage,
    config::{Config, Database},
};

const ABOUT: &str = "database";

/// Checks the database and returns it, if it can be read with our schema. An embedded one that does
/// not exist is not made.
pub(super) async fn check(config: &Config) -> (Option<Db>, Vec<Finding>) {
    let place = storage::place(config);
    if let Database::Sqlite(file) = &config.database
        && !file.exists()
    {
        let text = format!("{place} does not exist yet; the server makes it, or `tieline migrate`");
        return (None, vec![Finding::warn(ABOUT, text)]);
    }
    let db = match reach(config).await {
        Ok(db) => db,
        Err(error) => {
            let text = format!("{error:#}; is it running, and is --database right?");
            return (None, vec![Finding::fail(ABOUT, text)]);
        }
    };
    let mut findings = vec![Finding::ok(ABOUT, format!("{place} answers"))];
    let schema = check_schema(&db).await;
    let has_schema = schema.state != super::State::Fail && !is_empty(&db).await;
    findings.push(schema);
    if !has_schema {
        return (None, findings);
    }
    findings.push(check_integrity(&db).await);
    findings.push(match db.check_writable().await {
        Ok(()) => Finding::ok("writing", "a change was committed"),
        Err(error) => Finding::fail(
            "writing",
            format!("{error}; check the permissions and the space of the database"),
        ),
    });
    (Some(db), findings)
}

async fn reach(config: &Config) -> anyhow::Result<Db> {
    let db = storage::open(config).await?;
    db.ping().await?;
    Ok(db)
}

async fn is_empty(db: &Db) -> bool {
    let applied = db.applied_migrations().await;
    applied.is_ok_and(|applied| applied.is_empty())
}

async fn check_schema(db: &Db) -> Finding {
    const ABOUT: &str = "schema";
    let newest = newest_schema_version();
    let applied = match db.applied_migrations().await {
        Ok(applied) => applied,
        Err(error) => return Finding::fail(ABOUT, error.to_string()),
    };
    let version = applied.last().map_or(0, |migration| migration.version);
    let to_come = "the server applies the rest when it starts, or `tieline migrate`";
    match version {
        _ if version == newest => Finding::ok(ABOUT, format!("version {version}, up to date")),
        _ if version > newest => {
            Finding::fail(ABOUT, tieline_store::Error::Newer(version).to_string())
        }
        0 => Finding::warn(ABOUT, format!("the database is empty; {to_come}")),
        _ => Finding::warn(ABOUT, format!("version {version} of {newest}; {to_come}")),
    }
}

async fn check_integrity(db: &Db) -> Finding {
    const ABOUT: &str = "integrity";
    match db.check_integrity().await {
        Ok(()) if db.engine() == "sqlite" => Finding::ok(ABOUT, "no damage found in the file"),
        Ok(()) => Finding::ok(ABOUT, "left to the database server"),
        Err(error) => Finding::fail(ABOUT, error.to_string()),
    }
}
