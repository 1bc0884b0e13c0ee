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
async fn main() -> anyhow::Result<ExitCode> {
    let (fsync, program, arguments) = parse(std::env::args().skip(1).collect())?;
    let mut command = Command::new(&program);
    command.args(arguments);

    if postgres::given_address().is_some() {
        return run(command).await;
    }
    let Some(mut server) = Postgres::builder().fsync(fsync).start()? else {
        say_skipped();
        let code = run(command).await;
        say_skipped();
        return code;
    };
    command.env(postgres::ADDRESS_VARIABLE, server.url("postgres"));
    let code = run(command).await;
    server.stop()?;
    code
}

/// Splits the arguments into `--fsync`, the program and its arguments.
fn parse(arguments: Vec<String>) -> anyhow::Result<(bool, String, Vec<String>)> {
    let mut arguments = arguments.into_iter().peekable();
    let fsync = arguments.next_if_eq("--fsync").is_some();
    ensure!(arguments.next().as_deref() == Some("--"), USAGE);
    let program = arguments.next().context(USAGE)?;
    Ok((fsync, program, arguments.collect()))
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

#[expect(
    clippy::print_stderr,
    reason = "a skipped engine is said to whoever runs the tests"
)]
fn say_skipped() {
    eprintln!("\n*** SKIPPED: {} ***\n", postgres::skip_notice());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn the_command_stands_after_two_dashes() {
        let rows = [
            ("-- true", Some((false, "true", 0))),
            ("--fsync -- sh -c x", Some((true, "sh", 2))),
            ("-- sh -- --fsync", Some((false, "sh", 2))),
            ("true", None),
            ("--", None),
            ("", None),
        ];
        for (line, expected) in rows {
            let parsed = parse(arguments(line)).ok();
            let found = parsed
                .as_ref()
                .map(|(fsync, program, rest)| (*fsync, program.as_str(), rest.len()));
            assert_eq!(found, expected, "{line}");
        }
    }

    #[tokio::test]
    async fn exit_codes_are_passed_on() {
        for (script, expected) in [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137)] {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            let code = run(command).await.unwrap();
            assert_eq!(
                format!("{code:?}"),
                format!("{:?}", ExitCode::from(expected)),
                "{script}"
            );
        }
    }
}
