//! A store that cannot be used: the program does not start, and one line says why.

use std::{
    path::Path,
    process::{Output, Stdio},
    time::Duration,
};

use tieline_testkit::postgres;
use tokio::process::Command;

use crate::stage::{launch, skip};

/// Notes a migration that only a later version knows, with sqlx's own table.
const NEWER: &str = "INSERT INTO _sqlx_migrations (version, description, installed_on, success, checksum, execution_time) \
                     SELECT 999, 'later', installed_on, success, checksum, execution_time FROM _sqlx_migrations WHERE version = 1";

/// Runs the program on a store and expects it to refuse with one line that has these words.
async fn check(storage: [&str; 2], words: &[&str]) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tieline"));
    command
        .args(["serve", "--listen", "127.0.0.1:0"])
        .args(storage)
        .env_clear()
        .env(
            "TIELINE_MASTER_KEY",
            "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        )
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let ended = tokio::time::timeout(Duration::from_mins(1), command.output()).await;
    let Output {
        status,
        stdout,
        stderr,
    } = ended.expect("it refuses and does not run").unwrap();
    let said = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(1), "{said}");
    assert_eq!(String::from_utf8(stdout).unwrap(), "", "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    for word in words {
        assert!(said.contains(word), "{word} in {said}");
    }
}

async fn check_data(directory: &Path, words: &[&str]) {
    check(["--data", directory.to_str().unwrap()], words).await;
}

#[tokio::test]
async fn a_damaged_file_is_refused() {
    let mut server = launch().start().await.unwrap();
    server.terminate().await.unwrap();
    let file = server.data().join("tieline.db");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[..100].fill(b'#');
    std::fs::write(&file, bytes).unwrap();
    // The log may hold a good copy of what was just overwritten.
    let _ = std::fs::remove_file(server.data().join("tieline.db-wal"));
    check_data(server.data(), &["damaged", "restore a backup"]).await;
}

#[tokio::test]
async fn a_newer_file_is_refused() {
    let mut server = launch().start().await.unwrap();
    server.terminate().await.unwrap();
    let file = server.data().join("tieline.db");
    let script =
        "import sqlite3, sys\nwith sqlite3.connect(sys.argv[1]) as db: db.execute(sys.argv[2])";
    let python = Command::new("python3")
        .args(["-c", script])
        .arg(&file)
        .arg(NEWER)
        .output()
        .await;
    match python {
        Ok(output) if output.status.success() => {}
        Ok(output) => {
            return skip(
                "the newer SQLite store",
                &String::from_utf8_lossy(&output.stderr),
            );
        }
        Err(error) => return skip("the newer SQLite store", &format!("python3: {error}")),
    }
    check_data(server.data(), &["newer version", "999"]).await;
}

#[tokio::test]
async fn a_newer_database_is_refused() {
    let Some(database) = postgres::fresh_database().unwrap() else {
        return skip("the newer database", &postgres::missing_notice());
    };
    let mut server = launch().database(database.url()).start().await.unwrap();
    server.terminate().await.unwrap();
    database.run_sql(NEWER).unwrap();
    check(["--database", database.url()], &["newer version", "999"]).await;
}
