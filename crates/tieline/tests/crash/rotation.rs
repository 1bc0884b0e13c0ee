//! Another master key while servers run; the command is killed half-way and run again.

use std::{path::Path, process::Output};

use serde_json::json;
use tieline_testkit::{http::Client, postgres, server::Server};
use tokio::process::Command;

use crate::stage::{Source, launch, owner, skip, text};

/// "0123456789abcdef" twice and "fedcba9876543210" twice, in base64.
const OLD: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const NEW: &str = "ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=";

/// Runs the command with these arguments and variables.
async fn rotate(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tieline"));
    command
        .arg("rotate-master-key")
        .args(arguments)
        .env_clear()
        .envs(variables.iter().copied())
        .kill_on_drop(true);
    command.output().await.unwrap()
}

/// A new tenant with a source, whose secret is sealed.
async fn tenant(server: &Server, name: &str) -> Source {
    let owner = owner(server.url());
    let made = owner.post("/v1/tenants", json!({"name": name}));
    let made = made.await.unwrap().expect(201).unwrap().json().unwrap();
    let key = text(&made, "/owner_key").unwrap();
    Source::create(&Client::new(server.url()).bearer(key))
        .await
        .unwrap()
}

/// Each source verifies: its secret opens.
async fn all_open(server: &Server, sources: &[Source]) {
    let client = Client::new(server.url());
    for (i, source) in sources.iter().enumerate() {
        let body = json!({"id": format!("{}-{i}", rand::random::<u64>())});
        source
            .send(&client, &body)
            .await
            .unwrap()
            .expect(202)
            .unwrap();
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn key_lines(data: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(data.join("master.key")).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_file_is_rotated_under_a_running_server() {
    let mut server = launch().start().await.unwrap();
    let mut sources = Vec::new();
    for name in ["one", "two", "three"] {
        sources.push(tenant(&server, name).await);
    }
    let data = server.data().to_owned();
    let arguments = ["--data", data.to_str().unwrap()];
    let [old] = &*key_lines(&data) else {
        panic!("one key")
    };

    let killed = rotate(&arguments, &[("TIELINE_FAILPOINT", "rotate:2")]).await;
    assert!(!killed.status.success(), "{}", said(&killed));
    assert_eq!(key_lines(&data).len(), 2, "both are needed");
    sources.push(tenant(&server, "meanwhile").await);
    all_open(&server, &sources).await;
    let other = [("TIELINE_NEW_MASTER_KEY", NEW)];
    let refused = rotate(&arguments, &other).await;
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));

    let done = rotate(&arguments, &[]).await;
    assert!(done.status.success(), "{}", said(&done));
    let [new] = &*key_lines(&data) else {
        panic!("the new key alone")
    };
    assert_ne!(new, old);
    sources.push(tenant(&server, "afterwards").await);
    all_open(&server, &sources).await;
    server.kill9().await.unwrap();
    server.restart().await.unwrap();
    all_open(&server, &sources).await;

    server.terminate().await.unwrap();
    std::fs::write(data.join("master.key"), old).unwrap();
    assert!(server.restart().await.is_err(), "the old key opens nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn configured_keys_are_rotated_under_two_nodes() {
    let Some(database) = postgres::fresh_database().unwrap() else {
        return skip("the rotation on PostgreSQL", &postgres::missing_notice());
    };
    let with = |keys: &str| {
        launch()
            .database(database.url())
            .env("TIELINE_MASTER_KEY", keys)
    };
    let old_only = with(OLD).start().await.unwrap();
    let mut sources = vec![
        tenant(&old_only, "one").await,
        tenant(&old_only, "two").await,
    ];
    let both = with(&format!("{OLD},{NEW}")).start().await.unwrap();
    let arguments = ["--database", database.url()];
    let keys = [("TIELINE_MASTER_KEY", OLD), ("TIELINE_NEW_MASTER_KEY", NEW)];

    let without = rotate(&arguments, &keys[..1]).await;
    assert!(
        said(&without).contains("TIELINE_NEW_MASTER_KEY"),
        "{}",
        said(&without)
    );
    let failpoint = ("TIELINE_FAILPOINT", "rotate:1");
    let killed = rotate(&arguments, &[keys[0], keys[1], failpoint]).await;
    assert!(!killed.status.success());
    sources.push(tenant(&both, "meanwhile").await);
    let done = rotate(&arguments, &keys).await;
    assert!(done.status.success(), "{}", said(&done));
    assert!(said(&done).contains("1 data key(s)"), "{}", said(&done));
    all_open(&both, &sources).await;
    let new_only = with(NEW).start().await.unwrap();
    all_open(&new_only, &sources).await;
    assert!(
        with(OLD).start().await.is_err(),
        "the old key opens nothing"
    );
}
