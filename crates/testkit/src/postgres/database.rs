//! One test's own database.

use std::process::Stdio;
use std::sync::Arc;

use anyhow::{Context as _, ensure};

use super::Postgres;
use super::install::Installation;

/// An empty database, dropped with the value.
#[derive(Debug)]
pub struct Database {
    installation: Installation,
    administration_url: String,
    name: String,
    url: String,
    /// Keeps the shared server running for as long as this database is in use.
    server: Option<Arc<Postgres>>,
}

impl Database {
    /// Creates a database with a new name on the server whose `postgres` database `administration_url` names.
    pub(super) fn create(
        installation: &Installation,
        administration_url: &str,
    ) -> anyhow::Result<Self> {
        let name = format!("tieline_{:016x}", rand::random::<u64>());
        sql(
            installation,
            administration_url,
            &format!("CREATE DATABASE {name}"),
        )?;
        Ok(Self {
            installation: installation.clone(),
            administration_url: administration_url.to_owned(),
            url: with_database(administration_url, &name)?,
            name,
            server: None,
        })
    }

    /// The same database, holding on to the server that it lives on.
    pub(super) fn keeping(mut self, server: Arc<Postgres>) -> Self {
        self.server = Some(server);
        self
    }

    /// Its address, `postgres://…/name`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs statements through `psql` and returns what they answered: unaligned, without headings, trimmed.
    pub fn run_sql(&self, statements: &str) -> anyhow::Result<String> {
        sql(&self.installation, &self.url, statements)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // Best effort: the server may be gone already, because a test killed it or because it was stopped.
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let _ = sql(&self.installation, &self.administration_url, &statement);
    }
}

/// Runs statements in the database at `url`.
pub(super) fn sql(
    installation: &Installation,
    url: &str,
    statements: &str,
) -> anyhow::Result<String> {
    let answer = installation
        .command("psql")
        .args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"])
        .args(["--set", "ON_ERROR_STOP=1", "--command", statements, url])
        .env("PGCONNECT_TIMEOUT", "10")
        .stdin(Stdio::null())
        .output()
        .context("could not run `psql`")?;
    ensure!(
        answer.status.success(),
        "`{statements}` failed on {url}: {}",
        String::from_utf8_lossy(&answer.stderr).trim()
    );
    Ok(String::from_utf8_lossy(&answer.stdout).trim().to_owned())
}

/// The address with its database replaced: what stands between the last slash and the query.
fn with_database(url: &str, name: &str) -> anyhow::Result<String> {
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let (server, _) = address
        .split_once("://")
        .and_then(|(_, rest)| {
            rest.contains('/')
                .then(|| address.rsplit_once('/'))
                .flatten()
        })
        .with_context(|| {
            format!("`{url}` names no database; write postgres://user@host:port/postgres")
        })?;
    let mark = if query.is_empty() { "" } else { "?" };
    Ok(format!("{server}/{name}{mark}{query}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_database_of_an_address_is_replaced() {
        let rows = [
            ("postgres://u@h:1/postgres", Some("postgres://u@h:1/new")),
            (
                "postgres://u:p@h/db?sslmode=disable",
                Some("postgres://u:p@h/new?sslmode=disable"),
            ),
            ("postgres://u@h:1/", Some("postgres://u@h:1/new")),
            ("postgres://u@h:1", None),
            ("nonsense", None),
        ];
        for (url, expected) in rows {
            assert_eq!(with_database(url, "new").ok().as_deref(), expected, "{url}");
        }
    }
}
