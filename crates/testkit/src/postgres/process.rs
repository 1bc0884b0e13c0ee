//! The server's process: start it, see that it accepts, end it.

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User};

/// How long a server may take to accept its first connection; recovery after a kill is included.
const START_LIMIT: Duration = Duration::from_mins(1);

/// How long a server that ends at once is started again.
const RETRY_LIMIT: Duration = Duration::from_secs(15);

/// How long a server may take to stop before it is killed.
const STOP_LIMIT: Duration = Duration::from_secs(20);

/// The time between two looks at a process that is starting or stopping.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Makes a command run as `account`, in `directory`, with its output appended to `log`.
pub(super) fn prepare(
    mut command: Command,
    account: Option<&User>,
    directory: &Path,
    log: &Path,
) -> anyhow::Result<Command> {
    let output = File::options().create(true).append(true).open(log)?;
    command
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output);
    if let Some(user) = account {
        command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
    }
    Ok(command)
}

/// Starts the server on the data directory `data` and returns once it accepts connections.
///
/// A server that gives up at once is started again for [`RETRY_LIMIT`]: after a kill, the processes that served
/// connections hold its memory and its port for a moment longer.
pub(super) fn start(mut command: Command, data: &Path, log: &Path) -> anyhow::Result<Child> {
    let begun = Instant::now();
    let mut child = command.spawn().context("could not start `postgres`")?;
    while begun.elapsed() < START_LIMIT {
        if let Some(status) = child.try_wait()? {
            ensure!(
                begun.elapsed() < RETRY_LIMIT,
                "PostgreSQL ended with {status}:\n{}",
                tail(log)
            );
            pause();
            child = command.spawn().context("could not start `postgres`")?;
        } else if accepts(child.id(), data) {
            return Ok(child);
        }
        pause();
    }
    end(&mut child, Signal::SIGKILL)?;
    bail!(
        "PostgreSQL did not accept within {START_LIMIT:?}:\n{}",
        tail(log)
    )
}

/// Whether the server with this process id has said that it accepts connections: its id is the first line of
/// `postmaster.pid`, its status the eighth (as `pg_ctl --wait` reads them). Unlike a connection, this cannot
/// be answered by another server on the same port.
fn accepts(id: u32, data: &Path) -> bool {
    let file = std::fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
    let mut lines = file.lines().map(str::trim);
    lines.next() == Some(&id.to_string()) && lines.nth(6) == Some("ready")
}

/// Sends `signal` and waits for the process; one that outlives [`STOP_LIMIT`] is killed.
pub(super) fn end(child: &mut Child, signal: Signal) -> anyhow::Result<()> {
    if child.try_wait()?.is_some() {
        return Ok(());
    }
    kill(Pid::from_raw(child.id().cast_signed()), signal).context("could not signal PostgreSQL")?;
    let begun = Instant::now();
    while child.try_wait()?.is_none() {
        if begun.elapsed() > STOP_LIMIT {
            child.kill()?;
            child.wait()?;
            break;
        }
        pause();
    }
    Ok(())
}

/// The end of the server's log, for an error message.
pub(super) fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

#[expect(
    clippy::disallowed_methods,
    reason = "another program is starting or stopping and tells nobody; each wait has a limit"
)]
fn pause() {
    std::thread::sleep(LOOK_AGAIN);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_ready_line_counts() {
        let file = |id: u32, status: &str| {
            format!("{id}\n/data\n170000\n5432\n/tmp\n127.0.0.1\n  1 2\n{status}\n")
        };
        let rows = [
            (file(7, "ready   "), true),
            (file(7, "starting"), false),
            (file(70, "ready"), false),
            ("7\n".to_owned(), false),
            (String::new(), false),
        ];
        let data = tempfile::tempdir().unwrap();
        assert!(!accepts(7, data.path()), "there is no file");
        for (text, expected) in rows {
            std::fs::write(data.path().join("postmaster.pid"), &text).unwrap();
            assert_eq!(accepts(7, data.path()), expected, "{text}");
        }
    }
}
