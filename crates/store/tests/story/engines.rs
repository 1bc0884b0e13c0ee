//! Fresh databases of every engine.

use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tieline_store::{Db, Options};

const SERVER: &str = "TIELINE_TEST_POSTGRES";

/// Tells a story on a fresh, migrated database of each engine.
pub(crate) async fn on_every_engine(story: impl AsyncFn(Db)) {
    on_sqlite(&story).await;
    match postgres() {
        Some(server) => on_postgres(&server, &story).await,
        None => skipped(),
    }
}

fn options() -> Options {
    Options { connections: 2 }
}

async fn on_sqlite(story: &impl AsyncFn(Db)) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("story.db");
    let db = Db::open(file.to_str().unwrap(), &options()).await.unwrap();
    db.migrate().await.unwrap();
    story(db.clone()).await;
    db.close().await;
}

/// A database that a failed story leaves behind is removed by the next run with its name.
async fn on_postgres(server: &str, story: &impl AsyncFn(Db)) {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("tieline_story_{}_{number}", std::process::id());
    run(server, format!("DROP DATABASE IF EXISTS {name}")).await;
    run(server, format!("CREATE DATABASE {name}")).await;
    let db = Db::open(&with_database(server, &name), &options())
        .await
        .unwrap();
    db.migrate().await.unwrap();
    story(db.clone()).await;
    db.close().await;
    run(server, format!("DROP DATABASE {name}")).await;
}

async fn run(server: &str, statement: String) {
    let mut connection = PgConnection::connect(server).await.unwrap();
    sqlx::query(AssertSqlSafe(statement))
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
}

/// The URL of another database of the same server.
fn with_database(server: &str, name: &str) -> String {
    let (base, query) = server
        .split_once('?')
        .map_or((server, ""), |(base, query)| (base, query));
    let authority = base.find("://").map_or(0, |at| at + 3);
    let end = base[authority..]
        .find('/')
        .map_or(base.len(), |slash| authority + slash);
    format!("{}/{name}?{query}", &base[..end])
}

#[expect(
    clippy::disallowed_methods,
    reason = "where the test servers are is not a setting of the program"
)]
fn postgres() -> Option<String> {
    std::env::var(SERVER).ok()
}

#[expect(
    clippy::disallowed_methods,
    reason = "whether this is CI is not a setting of the program"
)]
#[expect(
    clippy::print_stderr,
    reason = "who reads the output of the tests must learn of it"
)]
fn skipped() {
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "CI must tell every story on Postgres: set {SERVER}=postgres://user@host:port/postgres"
    );
    eprintln!("SKIPPED ON POSTGRES: set {SERVER}=postgres://user@host:port/postgres");
}

#[test]
fn only_the_database_of_a_url_is_replaced() {
    let rows = [
        ("postgres://u@h:1/postgres", "postgres://u@h:1/x?"),
        ("postgres://u@h:1", "postgres://u@h:1/x?"),
        (
            "postgres://u@h:1/p?sslmode=disable",
            "postgres://u@h:1/x?sslmode=disable",
        ),
    ];
    for (url, expected) in rows {
        assert_eq!(with_database(url, "x"), expected);
    }
}
