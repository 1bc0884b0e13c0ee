//! Where PostgreSQL is installed, and as whom it may run.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use nix::unistd::{Uid, User};

/// Debian's home of PostgreSQL: one directory per major version.
const DEBIAN_HOME: &str = "/usr/lib/postgresql";

/// Accounts that the server may run as when the tests run as root, which PostgreSQL refuses; the first that
/// exists is taken.
const ACCOUNTS: [&str; 2] = ["postgres", "nobody"];

/// Whether a missing engine is a failure and not a reason to skip: with `CI=true`, where a skipped test would
/// look like a passed one.
#[expect(
    clippy::disallowed_methods,
    reason = "the kit is configured by the test run, not by the program's settings"
)]
pub fn required() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true")
}

/// What to tell the person whose machine has no PostgreSQL.
pub fn missing_notice() -> String {
    format!(
        "PostgreSQL is not installed (no `initdb` under {DEBIAN_HOME}/*/bin or on the PATH); \
         `make setup` installs it"
    )
}

/// A directory with PostgreSQL's programs.
#[derive(Clone, Debug)]
pub(super) struct Installation {
    programs: PathBuf,
}

impl Installation {
    /// The highest version under [`DEBIAN_HOME`], else the first on the PATH.
    pub(super) fn find() -> Option<Self> {
        let programs = newest_below(Path::new(DEBIAN_HOME)).or_else(on_the_path)?;
        Some(Self { programs })
    }

    /// A command for one of its programs, such as `initdb`.
    pub(super) fn command(&self, program: &str) -> Command {
        Command::new(self.programs.join(program))
    }
}

fn newest_below(home: &Path) -> Option<PathBuf> {
    let versions = std::fs::read_dir(home).ok()?;
    versions
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let version: u32 = entry.file_name().to_str()?.parse().ok()?;
            let programs = entry.path().join("bin");
            programs
                .join("initdb")
                .exists()
                .then_some((version, programs))
        })
        .max()
        .map(|(_, programs)| programs)
}

fn on_the_path() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).find(|directory| directory.join("initdb").exists())
}

/// The account that the server must run as: one of [`ACCOUNTS`] when this process is root, else `None` for
/// its own.
pub(super) fn account() -> anyhow::Result<Option<User>> {
    if !Uid::effective().is_root() {
        return Ok(None);
    }
    ACCOUNTS
        .iter()
        .find_map(|name| User::from_name(name).ok().flatten())
        .map(Some)
        .context("PostgreSQL refuses to run as root, and there is neither a `postgres` nor a `nobody` account")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_complete_version_is_taken_by_number() {
        let home = tempfile::tempdir().unwrap();
        for (version, complete) in [("9", true), ("15", true), ("17", false), ("common", true)] {
            let programs = home.path().join(version).join("bin");
            std::fs::create_dir_all(&programs).unwrap();
            if complete {
                std::fs::write(programs.join("initdb"), "").unwrap();
            }
        }
        assert_eq!(newest_below(home.path()), Some(home.path().join("15/bin")));
        assert_eq!(newest_below(&home.path().join("absent")), None);
    }
}
