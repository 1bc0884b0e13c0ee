//! A PostgreSQL server in a temporary directory, for as long as the value lives.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Child;

use anyhow::{Context as _, bail, ensure};
use nix::sys::signal::Signal;
use nix::unistd::User;
use tempfile::TempDir;

use super::database::Database;
use super::install::{Installation, account, missing_notice, required};
use super::process;

/// More than all tests of a run use together.
const MAX_CONNECTIONS: u32 = 200;

/// How a throwaway server is set up.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    fsync: bool,
    settings: Vec<(String, String)>,
}

impl Builder {
    /// Whether commits reach the disk before they are answered. Off, a server is several times faster and still
    /// survives [`Postgres::kill9`]; on, it costs what production costs.
    pub fn fsync(mut self, on: bool) -> Self {
        self.fsync = on;
        self
    }

    /// One more setting of `postgresql.conf`.
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts the server; `None` when PostgreSQL is not installed, an error in that case when it is
    /// [`required`].
    pub fn start(self) -> anyhow::Result<Option<Postgres>> {
        let Some(installation) = Installation::find() else {
            ensure!(
                !required(),
                "CI=true wants every engine: {}",
                missing_notice()
            );
            return Ok(None);
        };
        let mut server = Postgres::initialise(installation, &self)?;
        server.run()?;
        Ok(Some(server))
    }

    /// The settings as arguments of `postgres`.
    fn arguments(&self, port: u16, sockets: &str) -> Vec<String> {
        let switch = if self.fsync { "on" } else { "off" };
        let own = [
            ("listen_addresses", "127.0.0.1".to_owned()),
            ("port", port.to_string()),
            ("unix_socket_directories", sockets.to_owned()),
            ("max_connections", MAX_CONNECTIONS.to_string()),
            ("fsync", switch.to_owned()),
            ("full_page_writes", switch.to_owned()),
        ];
        let given = self
            .settings
            .iter()
            .map(|(name, value)| (name.as_str(), value.clone()));
        own.into_iter()
            .chain(given)
            .flat_map(|(name, value)| ["-c".to_owned(), format!("{name}={value}")])
            .collect()
    }
}

/// A running, stopped or killed server with a data directory of its own. Dropping it stops the server and
/// removes the directory.
#[derive(Debug)]
pub struct Postgres {
    installation: Installation,
    account: Option<User>,
    directory: TempDir,
    port: u16,
    arguments: Vec<String>,
    process: Option<Child>,
}

impl Postgres {
    /// Starts a server whose commits do not wait for the disk; see [`Builder::start`] for the answers.
    pub fn start() -> anyhow::Result<Option<Self>> {
        Self::builder().start()
    }

    /// A server with other settings.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The address of a database on it. The port outlasts [`restart`](Self::restart).
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// A new, empty database.
    pub fn create_database(&self) -> anyhow::Result<Database> {
        Database::create(&self.installation, &self.url("postgres"))
    }

    /// Ends every connection and stops (PostgreSQL's "fast shutdown"). Nothing happens when it is not running.
    pub fn stop(&mut self) -> anyhow::Result<()> {
        self.end(Signal::SIGINT)
    }

    /// Kills it with SIGKILL, as an out-of-memory killer would. The data directory stays.
    pub fn kill9(&mut self) -> anyhow::Result<()> {
        self.end(Signal::SIGKILL)
    }

    /// Starts it again on the same port and data; stops it first if it runs. Recovers after
    /// [`kill9`](Self::kill9).
    pub fn restart(&mut self) -> anyhow::Result<()> {
        self.stop()?;
        self.run()
    }

    fn initialise(installation: Installation, builder: &Builder) -> anyhow::Result<Self> {
        let account = account()?;
        let directory = tempfile::Builder::new()
            .prefix("tieline-postgres-")
            .tempdir()?;
        if let Some(user) = &account {
            let (owner, group) = (user.uid.as_raw(), user.gid.as_raw());
            std::os::unix::fs::chown(directory.path(), Some(owner), Some(group))?;
        }
        let port = free_port()?;
        let sockets = directory.path().to_string_lossy().into_owned();
        let server = Self {
            arguments: builder.arguments(port, &sockets),
            installation,
            account,
            directory,
            port,
            process: None,
        };
        server.create_data_directory()?;
        Ok(server)
    }

    fn create_data_directory(&self) -> anyhow::Result<()> {
        let mut initdb = self.installation.command("initdb");
        initdb
            .args([
                "--username=postgres",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
            ])
            .arg("--pgdata")
            .arg(self.data());
        let status = process::prepare(
            initdb,
            self.account.as_ref(),
            self.directory.path(),
            &self.log(),
        )?
        .status()
        .context("could not run `initdb`")?;
        if !status.success() {
            bail!(
                "`initdb` ended with {status}:\n{}",
                process::tail(&self.log())
            );
        }
        Ok(())
    }

    fn run(&mut self) -> anyhow::Result<()> {
        let mut postgres = self.installation.command("postgres");
        postgres.arg("-D").arg(self.data()).args(&self.arguments);
        let command = process::prepare(
            postgres,
            self.account.as_ref(),
            self.directory.path(),
            &self.log(),
        )?;
        self.process = Some(process::start(command, &self.data(), &self.log())?);
        Ok(())
    }

    fn end(&mut self, signal: Signal) -> anyhow::Result<()> {
        match self.process.take() {
            Some(mut child) => process::end(&mut child, signal),
            None => Ok(()),
        }
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn log(&self) -> PathBuf {
        self.directory.path().join("postgres.log")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Nobody is left to hear of a failure, and `end` kills what does not stop.
        let _ = self.stop();
    }
}

/// A loopback port that was free a moment ago.
fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no free loopback port")?;
    Ok(listener.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_outlasts_a_kill_and_a_restart() {
        let Some(mut server) = Postgres::builder().fsync(true).start().unwrap() else {
            return;
        };
        let database = server.create_database().unwrap();
        assert_eq!(database.run_sql("SHOW fsync").unwrap(), "on");
        assert_eq!(database.run_sql("SHOW max_connections").unwrap(), "200");
        database
            .run_sql("CREATE TABLE kept (id BIGINT); INSERT INTO kept VALUES (7)")
            .unwrap();

        server.kill9().unwrap();
        assert!(
            database.run_sql("SELECT 1").is_err(),
            "a killed server must not answer"
        );
        server.restart().unwrap();
        assert_eq!(database.run_sql("SELECT id FROM kept").unwrap(), "7");

        server.stop().unwrap();
        assert!(
            database.run_sql("SELECT 1").is_err(),
            "a stopped server must not answer"
        );
        server.restart().unwrap();
        assert_eq!(database.run_sql("SELECT id FROM kept").unwrap(), "7");
    }

    #[test]
    fn nothing_is_left_behind() {
        let Some(server) = Postgres::start().unwrap() else {
            return;
        };
        let directory = server.directory.path().to_owned();
        let port = server.port;
        assert!(directory.join("data/PG_VERSION").exists());
        drop(server);
        assert!(!directory.exists());
        TcpListener::bind(("127.0.0.1", port)).expect("the port is free again");
    }

    #[test]
    fn settings_become_arguments() {
        let arguments = Builder::default()
            .setting("work_mem", "8MB")
            .arguments(5433, "/tmp/x");
        for expected in [
            "port=5433",
            "fsync=off",
            "unix_socket_directories=/tmp/x",
            "work_mem=8MB",
        ] {
            assert!(
                arguments.iter().any(|argument| argument == expected),
                "{expected} in {arguments:?}"
            );
        }
    }
}
