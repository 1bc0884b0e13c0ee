//! The ledger: kills at random moments, and nothing that was accepted is lost (invariants 1 to 3).

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use tieline_testkit::postgres::{self, Postgres};

use crate::{
    books,
    cluster::{Cluster, Engine, quick_launch},
    stage::{report, skip},
    traffic::Traffic,
};

/// How many requests are accepted between two kills, at most.
const MOST_BETWEEN_KILLS: usize = 250;

/// A number of the test run, from its environment.
#[expect(
    clippy::disallowed_methods,
    reason = "a test is configured by its run, not by the program's settings"
)]
pub(crate) fn given(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// How often the server is killed: `TIELINE_TEST_KILLS`.
fn kills() -> usize {
    given("TIELINE_TEST_KILLS").map_or(10, |kills| kills as usize)
}

/// Chance, repeatable with `TIELINE_TEST_SEED`.
fn chance() -> StdRng {
    let seed = given("TIELINE_TEST_SEED").unwrap_or_else(rand::random);
    report(&format!("TIELINE_TEST_SEED={seed}"));
    StdRng::seed_from_u64(seed)
}

/// Kills one of the nodes at a random moment, again and again, while the others go on.
async fn check(what: &str, engine: Engine, count: usize) {
    let Some(mut cluster) = Cluster::start(engine, count, &[]).await.unwrap() else {
        return;
    };
    let mut chance = chance();
    let traffic = Traffic::start(&cluster);
    for _ in 0..kills() {
        let victim = chance.random_range(0..count);
        let moment = chance.random_range(1..MOST_BETWEEN_KILLS);
        traffic.accepts(moment).await.unwrap();
        traffic.down(victim);
        cluster.nodes[victim].kill9().await.unwrap();
        cluster.nodes[victim].restart().await.unwrap();
        traffic.up(victim);
    }
    traffic.accepts(MOST_BETWEEN_KILLS).await.unwrap();
    let promises = traffic.finish().await.unwrap();
    let balance = books::close(&cluster, &promises).await.unwrap();
    report(&balance.line(&format!("{what}, {} kills", kills()), &promises));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_node_on_sqlite_is_killed() {
    check("ledger, one node on SQLite", Engine::Sqlite, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_node_on_postgres_is_killed() {
    check("ledger, one node on Postgres", Engine::Postgres, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_two_nodes_on_postgres_is_killed() {
    check("ledger, two nodes on Postgres", Engine::Postgres, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_goes_away_under_load() {
    let Some(mut server) = Postgres::builder().fsync(true).start().unwrap() else {
        return skip(
            "the ledger with a restarted Postgres",
            &postgres::missing_notice(),
        );
    };
    let database = server.create_database().unwrap();
    let launch = quick_launch(&[]).database(database.url());
    let cluster = Cluster::launch(launch, 1, None).await.unwrap();
    let process = cluster.nodes[0].id();
    let mut chance = chance();
    let traffic = Traffic::start(&cluster);
    let rounds = kills().div_ceil(5);
    for round in 0..rounds {
        let moment = chance.random_range(1..MOST_BETWEEN_KILLS);
        traffic.accepts(moment).await.unwrap();
        tokio::task::block_in_place(|| {
            if round % 2 == 0 {
                server.kill9()
            } else {
                server.stop()
            }
        })
        .unwrap();
        traffic.refuses(1).await.unwrap();
        tokio::task::block_in_place(|| server.restart()).unwrap();
    }
    traffic.accepts(MOST_BETWEEN_KILLS).await.unwrap();
    let promises = traffic.finish().await.unwrap();
    assert!(promises.refused >= rounds, "{promises:?}");
    let balance = books::close(&cluster, &promises).await.unwrap();
    assert_eq!(
        cluster.nodes[0].id(),
        process,
        "the server went on by itself"
    );
    report(&balance.line(
        &format!("ledger, Postgres restarted {rounds} times"),
        &promises,
    ));
}
