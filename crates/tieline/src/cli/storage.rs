//! The database of a configuration, for commands that work without a server.

use std::{
    fs::DirBuilder,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use tieline_store::{Db, Options};
use url::Url;

use crate::config::{Config, Database};

/// A command asks one thing after another.
const OPTIONS: Options = Options { connections: 2 };

/// Opens the database; an embedded one is made if it is missing, with its directory.
pub(super) async fn open(config: &Config) -> anyhow::Result<Db> {
    let opened = match &config.database {
        Database::Sqlite(file) => {
            create_directory(&directory_of(file))?;
            let path = file
                .to_str()
                .context("the path of the database is not UTF-8; move it to another directory")?;
            Db::open(path, &OPTIONS).await
        }
        Database::Postgres(url) => Db::open(url.expose(), &OPTIONS).await,
    };
    opened.with_context(|| format!("cannot open {}", place(config)))
}

/// Opens the database and applies the migrations that are missing.
pub(super) async fn open_migrated(config: &Config) -> anyhow::Result<Db> {
    let db = open(config).await?;
    db.migrate().await?;
    Ok(db)
}

/// Where the data is kept, for people: never a password.
pub(super) fn place(config: &Config) -> String {
    match &config.database {
        Database::Sqlite(file) => format!("the SQLite database {}", file.display()),
        Database::Postgres(url) => match Url::parse(url.expose()) {
            Ok(url) => format!(
                "the PostgreSQL database {} on {}",
                url.path().trim_start_matches('/'),
                url.host_str().unwrap_or("localhost")
            ),
            Err(_) => "the PostgreSQL database".to_owned(),
        },
    }
}

/// The directory that a file stands in.
pub(super) fn directory_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn create_directory(directory: &Path) -> anyhow::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .with_context(|| format!("cannot make the directory {}", directory.display()))
}
