//! Death between every two durable steps of the way through (invariants 1 to 3).

use futures::future::join_all;

use crate::{
    books,
    cluster::{Cluster, Engine},
    stage::report,
    traffic::Traffic,
};

/// The variable that names the place to die at, and at which pass.
const FAILPOINT: &str = "TIELINE_FAILPOINT";

/// At which pass the process dies.
const PASS: usize = 40;

/// The places: after the commit and before the hand-over in memory, at the hand-over, after the attempt and before
/// its outcome, before the outcome is written.
const PLACES: [&str; 4] = ["accept", "hand-over", "attempt", "settle"];

async fn check(engine: Engine, place: &str) {
    let plan = format!("{place}:{PASS}");
    let Some(mut cluster) = Cluster::start(engine, 1, &[(FAILPOINT, &plan)])
        .await
        .unwrap()
    else {
        return;
    };
    let traffic = Traffic::start(&cluster);
    let status = cluster.nodes[0].ended().await.unwrap();
    assert!(!status.success(), "{place}: {status}");
    cluster.nodes[0].set_env(FAILPOINT, None);
    cluster.nodes[0].restart().await.unwrap();
    traffic.up(0);
    traffic.accepts(PASS).await.unwrap();
    let promises = traffic.finish().await.unwrap();
    assert!(promises.unanswered > 0, "{place}: nothing was under way");
    let balance = books::close(&cluster, &promises).await.unwrap();
    assert!(
        balance.most <= 2,
        "{place}: one crash, one repeat: {balance:?}"
    );
    report(&balance.line(&format!("fail point {plan} on {engine:?}"), &promises));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_between_two_steps_on_sqlite() {
    for place in PLACES {
        check(Engine::Sqlite, place).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_between_two_steps_on_postgres() {
    // At once, because each waits for the leases of the dead process.
    join_all(PLACES.map(|place| check(Engine::Postgres, place))).await;
}
