//! `with-postgres [--fsync] -- command…`: runs a command beside a throwaway PostgreSQL.
//!
//! The command finds the server's address in `TIELINE_TEST_POSTGRES`; its exit code is passed on. A server
//! that this variable already names is used as it is. Without PostgreSQL the command runs all the same and a
//! notice says what was skipped, unless `CI=true`.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitCode, ExitStatus};

use anyhow::{Context as _, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tieline_testkit::postgres::{self, Postgres};
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

const USAGE: &str = "usage: with-postgres [--fsync] -- command…";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let outcome = async {
        let (fsync, command) = parse(std::env::args().skip(1).collect())?;
        beside_postgres(fsync, command).await
    };
    outcome.await.unwrap_or_else(|error| {
        say(&format!("with-postgres: {error:#}"));
        ExitCode::FAILURE
    })
}

async fn beside_postgres(fsync: bool, mut command: Command) -> anyhow::Result<ExitCode> {
    if postgres::given_address().is_some() {
        return run(command).await;
    }
    let Some(mut server) = Postgres::builder().fsync(fsync).start()? else {
        // Said again at the end, where it is read.
        let notice = format!(
            "\n*** SKIPPED the tests on PostgreSQL: {} ***\n",
            postgres::missing_notice()
        );
        say(&notice);
        let code = run(command).await;
        say(&notice);
        return code;
    };
    command.env(postgres::ADDRESS_VARIABLE, server.url("postgres"));
    let code = run(command).await;
    server.stop()?;
    code
}

/// Reads `--fsync` and the command after the two dashes.
fn parse(arguments: Vec<String>) -> anyhow::Result<(bool, Command)> {
    let mut arguments = arguments.into_iter().peekable();
    let fsync = arguments.next_if_eq("--fsync").is_some();
    ensure!(arguments.next().as_deref() == Some("--"), USAGE);
    let mut command = Command::new(arguments.next().context(USAGE)?);
    command.args(arguments);
    Ok((fsync, command))
}

/// Runs the command to its end. An interrupt reaches it from the terminal, a SIGTERM is handed on; both leave
/// this program alive to stop the server.
async fn run(mut command: Command) -> anyhow::Result<ExitCode> {
    let mut interrupts = signal(SignalKind::interrupt())?;
    let mut terminations = signal(SignalKind::terminate())?;
    let mut child = command.spawn().context("could not start the command")?;
    loop {
        tokio::select! {
            status = child.wait() => return Ok(ExitCode::from(code_of(status?))),
            _ = interrupts.recv() => {}
            _ = terminations.recv() => {
                if let Some(id) = child.id() {
                    kill(Pid::from_raw(id.cast_signed()), Signal::SIGTERM)?;
                }
            }
        }
    }
}

/// The exit code as a shell would report it: 128 + n for a command that signal n ended.
fn code_of(status: ExitStatus) -> u8 {
    let code = status
        .code()
        .unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
    u8::try_from(code).unwrap_or(u8::MAX)
}

#[expect(clippy::print_stderr, reason = "this is a command-line program")]
fn say(what: &str) {
    eprintln!("{what}");
}
