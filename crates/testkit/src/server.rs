//! Runs the real program: on a free port, with a data directory of its own, logs kept, killed and restarted at
//! will.

mod logs;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use parking_lot::Mutex;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use logs::Logs;

/// How long the program may take until it is ready, and how long it may take to stop (it gives itself 30 s).
const PATIENCE: Duration = Duration::from_mins(1);

/// What every address in the ready line begins with.
const LOOPBACK: &str = "http://127.0.0.1:";

/// How the program is started.
#[derive(Clone, Debug)]
pub struct Launch {
    binary: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    database: Option<String>,
}

impl Launch {
    /// Runs `binary serve` with the defaults, such as `Launch::new(env!("CARGO_BIN_EXE_tieline"))`.
    pub fn new(binary: impl Into<PathBuf>) -> Self {
        Self {
            binary: binary.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            database: None,
        }
    }

    /// Stores in this database (`--database`) and not in the data directory (`--data`). Nodes that share one
    /// need one `TIELINE_MASTER_KEY`.
    pub fn database(mut self, url: &str) -> Self {
        self.database = Some(url.to_owned());
        self
    }

    /// Adds an argument after those for address and storage.
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Sets a variable. None that begins with `TIELINE_` is inherited.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Starts it and waits until it says that it is ready.
    pub async fn start(self) -> anyhow::Result<Server> {
        let directory = tempfile::Builder::new()
            .prefix("tieline-server-")
            .tempdir()?;
        let mut server = Server {
            launch: self,
            directory,
            url: String::new(),
            logs: Arc::default(),
            running: None,
        };
        server.run().await?;
        Ok(server)
    }

    fn command(&self, directory: &Path, listen: &str) -> Command {
        let mut command = Command::new(&self.binary);
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"TIELINE_") {
                command.env_remove(name);
            }
        }
        command.args(["serve", "--listen", listen]);
        match &self.database {
            Some(url) => command.args(["--database", url]),
            None => command.arg("--data").arg(directory),
        };
        command
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }
}

/// The program, running or not. Dropping it kills it and removes its data.
#[derive(Debug)]
pub struct Server {
    launch: Launch,
    directory: TempDir,
    url: String,
    logs: Arc<Mutex<Logs>>,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    child: Child,
    readers: [JoinHandle<()>; 2],
}

impl Server {
    /// Its address, `http://127.0.0.1:PORT`, which outlasts [`restart`](Self::restart).
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its data directory, which outlasts kills and restarts.
    pub fn data(&self) -> &Path {
        self.directory.path()
    }

    /// Its process id while it runs, to measure memory and processor time.
    pub fn id(&self) -> Option<u32> {
        self.running.as_ref()?.child.id()
    }

    /// What it has written to stdout and stderr since the first start, line by line. After
    /// [`terminate`](Self::terminate) and [`kill9`](Self::kill9) nothing is missing at the end.
    pub fn logs(&self) -> String {
        self.logs.lock().text()
    }

    /// How many lines no longer fit into the logs: a scan for what must not be there should find none.
    pub fn lost_lines(&self) -> usize {
        self.logs.lock().lost
    }

    /// Kills it with SIGKILL.
    pub async fn kill9(&mut self) -> anyhow::Result<()> {
        self.end(Signal::SIGKILL).await.map(drop)
    }

    /// Asks it to stop (SIGTERM) and waits until it has; an error when that takes more than a minute, or when
    /// it does not run.
    pub async fn terminate(&mut self) -> anyhow::Result<ExitStatus> {
        self.end(Signal::SIGTERM).await
    }

    /// Waits until it ends by itself; an error when that takes more than a minute, or when it does not run.
    pub async fn ended(&mut self) -> anyhow::Result<ExitStatus> {
        let running = self.running.take().context("the server is not running")?;
        self.wait(running, "when it should have ended").await
    }

    /// Sets a variable from the next start on, or takes it away.
    pub fn set_env(&mut self, name: &str, value: Option<&str>) {
        let environment = &mut self.launch.environment;
        environment.retain(|(known, _)| known != name);
        environment.extend(value.map(|value| (name.into(), value.into())));
    }

    /// Starts it again on the same port and data; stops it first if it runs.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        if self.running.is_some() {
            self.terminate().await?;
        }
        self.run().await
    }

    async fn run(&mut self) -> anyhow::Result<()> {
        let listen = match self.url.strip_prefix("http://") {
            Some(address) => address.to_owned(),
            None => "127.0.0.1:0".to_owned(),
        };
        let binary = self.launch.binary.display().to_string();
        let mut child = self
            .launch
            .command(self.directory.path(), &listen)
            .spawn()
            .with_context(|| format!("could not start {binary}"))?;
        let ready = watch::Sender::new(None);
        let readers = [
            self.read(
                child.stdout.take().context("stdout is a pipe")?,
                ready.clone(),
            ),
            self.read(
                child.stderr.take().context("stderr is a pipe")?,
                ready.clone(),
            ),
        ];
        let mut announced = ready.subscribe();
        let outcome = tokio::select! {
            url = announced.wait_for(Option::is_some) => Ok(url.ok().and_then(|url| url.clone())),
            status = child.wait() => Err(format!("ended with {}", status?)),
            () = tokio::time::sleep(PATIENCE) => Err(format!("was not ready within {PATIENCE:?}")),
        };
        match outcome {
            Ok(url) => {
                self.url = url.context("the ready line has an address")?;
                self.running = Some(Running { child, readers });
                Ok(())
            }
            Err(what) => {
                child.kill().await?;
                drain(readers).await;
                bail!("{binary} {what}; it wrote:\n{}", self.logs());
            }
        }
    }

    /// Copies lines to the logs and announces the address in the ready line.
    fn read(
        &self,
        pipe: impl AsyncRead + Send + Unpin + 'static,
        ready: watch::Sender<Option<String>>,
    ) -> JoinHandle<()> {
        let logs = self.logs.clone();
        tokio::spawn(async move {
            let mut lines = BufReader::new(pipe).split(b'\n');
            while let Ok(Some(line)) = lines.next_segment().await {
                let line = String::from_utf8_lossy(&line).into_owned();
                if let Some(url) = ready_address(&line) {
                    ready.send_replace(Some(url));
                }
                logs.lock().push(line);
            }
        })
    }

    async fn end(&mut self, signal: Signal) -> anyhow::Result<ExitStatus> {
        let running = self.running.take().context("the server is not running")?;
        if let Some(id) = running.child.id() {
            kill(Pid::from_raw(id.cast_signed()), signal).context("could not signal the server")?;
        }
        self.wait(running, &format!("after {signal}")).await
    }

    async fn wait(&self, mut running: Running, when: &str) -> anyhow::Result<ExitStatus> {
        let status = tokio::time::timeout(PATIENCE, running.child.wait())
            .await
            .with_context(|| {
                let logs = self.logs();
                format!("still running {PATIENCE:?} {when}:\n{logs}")
            })??;
        drain(running.readers).await;
        Ok(status)
    }
}

/// Waits until the pipes are read to their end.
async fn drain(readers: [JoinHandle<()>; 2]) {
    for reader in readers {
        // The reader ends when the pipe does, and nobody cancels it.
        let _ = reader.await;
    }
}

/// The address in a line that says the program is ready.
fn ready_address(line: &str) -> Option<String> {
    let start = line.find(LOOPBACK).filter(|_| line.contains("ready"))?;
    let port = &line[start + LOOPBACK.len()..];
    let digits = port
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(port.len());
    (digits > 0).then(|| format!("{LOOPBACK}{}", &port[..digits]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A script that behaves like the program.
    fn stand_in() -> Launch {
        Launch::new(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/src/server/stand-in.sh"
        ))
    }

    #[tokio::test]
    async fn it_keeps_port_data_and_logs_through_a_kill() {
        let launch = stand_in().arg("--demo").env("TIELINE_TENANT", "acme");
        let mut server = launch.start().await.unwrap();
        assert_eq!(server.url(), "http://127.0.0.1:4711");
        server.kill9().await.unwrap();
        assert_eq!(server.id(), None);
        server.restart().await.unwrap();
        assert_eq!(server.terminate().await.unwrap().code(), Some(3));
        assert!(server.terminate().await.is_err());
        assert!(server.ended().await.is_err());

        let arguments = std::fs::read_to_string(server.data().join("arguments")).unwrap();
        let data = server.data().display();
        assert_eq!(
            arguments,
            format!(
                "serve --listen 127.0.0.1:0 --data {data} --demo\n\
                 serve --listen 127.0.0.1:4711 --data {data} --demo\n"
            )
        );
        let logs = server.logs();
        for line in [
            "started 1 times, tenant=acme",
            "started 2 times, tenant=acme",
            "stopping",
        ] {
            assert!(logs.contains(line), "{line} in {logs}");
        }
        assert_eq!(server.lost_lines(), 0);
    }

    #[tokio::test]
    async fn a_database_takes_the_place_of_the_data_directory() {
        let launch = stand_in().database("postgres://x/y");
        let server = launch.start().await.unwrap();
        let arguments = std::fs::read_to_string(server.data().join("arguments")).unwrap();
        assert_eq!(
            arguments,
            "serve --listen 127.0.0.1:0 --database postgres://x/y\n"
        );
    }

    #[tokio::test]
    async fn a_program_that_ends_is_quoted() {
        let refusing = stand_in().env("STAND_IN", "refuses");
        let error = refusing.start().await.unwrap_err().to_string();
        assert!(
            error.contains("exit status: 2") && error.contains("bad key"),
            "{error}"
        );
        assert!(Launch::new("/absent").start().await.is_err());
    }

    #[tokio::test]
    async fn a_dropped_process_is_killed() {
        let mut server = stand_in().start().await.unwrap();
        let Running { child, readers } = server.running.take().unwrap();
        let data = server.data().to_owned();
        drop(child);
        // The pipes end when the process does.
        drain(readers).await;
        drop(server);
        assert!(!data.exists());
    }

    #[test]
    fn only_a_ready_line_has_the_address() {
        let rows = [
            ("ready http://127.0.0.1:80", Some("http://127.0.0.1:80")),
            (
                r#"{"msg":"ready","url":"http://127.0.0.1:8080"}"#,
                Some("http://127.0.0.1:8080"),
            ),
            ("listening on http://127.0.0.1:80", None),
            ("ready http://127.0.0.1:", None),
            ("ready", None),
        ];
        for (line, expected) in rows {
            assert_eq!(ready_address(line).as_deref(), expected, "{line}");
        }
    }
}
