//! The data directory: can it be written, and is there room.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use tokio::process::Command;

use super::Finding;
use crate::{
    cli::{amount::bytes_in_words, storage::directory_of},
    config::{Config, Database},
};

const ABOUT: &str = "data directory";

/// Below this much free space the check warns, in bytes.
const LITTLE: u64 = 1 << 30;
/// Below this much free space the check fails, in bytes.
const TOO_LITTLE: u64 = 64 << 20;

/// Checks the data directory, and the directory of the database if that is another.
pub(super) async fn check(config: &Config) -> Vec<Finding> {
    let mut directories = vec![config.data.clone()];
    if let Database::Sqlite(file) = &config.database {
        let directory = directory_of(file);
        if directory != config.data {
            directories.push(directory);
        }
    }
    let mut findings = Vec::new();
    for directory in directories {
        findings.push(check_directory(&directory).await);
    }
    findings
}

async fn check_directory(directory: &Path) -> Finding {
    let shown = directory.display();
    let existing = nearest_existing(directory);
    if let Err(error) = write_probe(&existing) {
        let text = format!(
            "cannot write to {}: {error}; make it writable for this user, or set --data",
            existing.display()
        );
        return Finding::fail(ABOUT, text);
    }
    if existing != directory {
        let text = format!("{shown} does not exist yet; the server makes it");
        return Finding::warn(ABOUT, text);
    }
    let Some(free) = free_bytes(directory).await else {
        return Finding::ok(ABOUT, format!("{shown} is writable"));
    };
    let free_words = bytes_in_words(free);
    if free < TOO_LITTLE {
        let text = format!("{shown} has {free_words} free; make room before data is refused");
        Finding::fail(ABOUT, text)
    } else if free < LITTLE {
        Finding::warn(ABOUT, format!("{shown} has only {free_words} free"))
    } else {
        Finding::ok(ABOUT, format!("{shown} is writable, {free_words} free"))
    }
}

fn nearest_existing(directory: &Path) -> PathBuf {
    directory
        .ancestors()
        .find(|ancestor| ancestor.exists())
        .unwrap_or(Path::new("."))
        .to_owned()
}

fn write_probe(directory: &Path) -> io::Result<()> {
    let path = directory.join(format!(".tieline-doctor-{}", std::process::id()));
    let written = fs::File::create_new(&path).and_then(|mut file| {
        file.write_all(b"probe")?;
        file.sync_all()
    });
    let removed = fs::remove_file(&path);
    written.and(removed)
}

/// The space that is free to us, as POSIX `df` tells it; `None` where there is no such program.
async fn free_bytes(directory: &Path) -> Option<u64> {
    let output = Command::new("df").arg("-Pk").arg(directory).output();
    let output = String::from_utf8(output.await.ok()?.stdout).ok()?;
    available_in(&output)
}

fn available_in(df: &str) -> Option<u64> {
    let kibibytes: u64 = df.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_space_is_read_from_df() {
        let df = "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/vda 263000000 31000000 65000000 33% /\n";
        assert_eq!(available_in(df), Some(65_000_000 * 1024));
        assert_eq!(
            available_in("df: nowhere: No such file or directory\n"),
            None
        );
    }

    #[test]
    fn a_directory_that_does_not_exist_is_judged_by_what_it_would_stand_in() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        assert_eq!(nearest_existing(&dir.path().join("a/b")), dir.path());
        assert_eq!(
            nearest_existing(Path::new("missing-for-sure")),
            Path::new(".")
        );
    }
}
