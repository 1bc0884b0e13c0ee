//! Limits on the pace of deliveries hold over all nodes, and over the death of one.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tieline_testkit::receiver::{Behaviour, Gate, Received};

use crate::{
    cluster::{Cluster, Engine},
    stage::{self, report},
};

const PER_SECOND: usize = 10;
const EVENTS: usize = 70;
const IN_FLIGHT: usize = 3;

/// When the requests to this path came, in order.
fn times(requests: &[Received], path: &str) -> Vec<Instant> {
    let to_it = requests.iter().filter(|request| request.path == path);
    let mut times: Vec<_> = to_it.map(|request| request.at).collect();
    times.sort_unstable();
    times
}

/// The most that came in any second.
fn most_in_a_second(times: &[Instant]) -> usize {
    let within = |from: &Instant| {
        let in_it = times
            .iter()
            .filter(|at| **at >= *from && at.duration_since(*from) < Duration::from_secs(1));
        in_it.count()
    };
    times.iter().map(within).max().unwrap_or(0)
}

/// Publishes `count` events of a type, at each node in turn.
async fn publish(cluster: &Cluster, event_type: &str, count: usize) {
    for n in 0..count {
        let node = &cluster.nodes[n % cluster.nodes.len()];
        let body = json!({"type": event_type, "data": {"n": n}});
        let answer = stage::owner(node.url()).post("/v1/events", body).await;
        answer.unwrap().expect(202).unwrap();
    }
}

/// A webhook to the path named like its type of events. The other nodes read the webhooks with their first event.
async fn subscribe(cluster: &Cluster, event_type: &str, pace: Value) {
    let mut wanted = json!({
        "url": cluster.receiver.url(&format!("/{event_type}")), "events": [event_type],
        "retry": [0, 1, 1, 1, 1, 1, 1, 1],
    });
    let own = pace.as_object().unwrap().clone();
    wanted.as_object_mut().unwrap().extend(own);
    let made = cluster.owner().post("/v1/webhooks", wanted).await.unwrap();
    made.expect(201).unwrap();
}

async fn check_rate(what: &str, engine: Engine, count: usize) {
    let Some(mut cluster) = Cluster::start(engine, count, &[]).await.unwrap() else {
        return;
    };
    subscribe(
        &cluster,
        "paced",
        json!({"rate_limit": {"per_second": PER_SECOND}}),
    )
    .await;
    publish(&cluster, "paced", EVENTS / 2).await;
    let came = |count: usize| move |requests: &[Received]| times(requests, "/paced").len() >= count;
    cluster.receiver.wait_until(came(EVENTS / 4)).await.unwrap();
    cluster.nodes[0].kill9().await.unwrap();
    cluster.nodes[0].restart().await.unwrap();
    publish(&cluster, "paced", EVENTS / 2).await;
    let requests = cluster.receiver.wait_until(came(EVENTS)).await.unwrap();
    let times = times(&requests, "/paced");
    let most = most_in_a_second(&times);
    report(&format!(
        "{what}: {} deliveries in {:?}, at most {most} in any second",
        times.len(),
        times[times.len() - 1] - times[0],
    ));
    assert!(most <= PER_SECOND, "{most} in a second");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rate_holds_on_sqlite() {
    check_rate("rate, one node on SQLite", Engine::Sqlite, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rate_holds_over_two_nodes_on_postgres() {
    check_rate("rate, two nodes on Postgres", Engine::Postgres, 2).await;
}

/// As many attempts as are allowed begin, and no more before one of them ends; others are not delayed.
async fn check_in_flight(engine: Engine, count: usize) {
    let Some(cluster) = Cluster::start(engine, count, &[]).await.unwrap() else {
        return;
    };
    let gate = Gate::new();
    let held = Behaviour::held(&gate, Behaviour::status(200));
    cluster.receiver.set("/few", held);
    subscribe(&cluster, "few", json!({"max_in_flight": IN_FLIGHT})).await;
    subscribe(&cluster, "free", json!({})).await;
    publish(&cluster, "few", 20).await;
    let count = |path: &'static str, least: usize| {
        move |requests: &[Received]| times(requests, path).len() >= least
    };
    cluster
        .receiver
        .wait_until(count("/few", IN_FLIGHT))
        .await
        .unwrap();
    // Whatever could begin has begun when these have come.
    publish(&cluster, "free", 200).await;
    let requests = cluster.receiver.wait_until(count("/free", 200)).await;
    assert_eq!(times(&requests.unwrap(), "/few").len(), IN_FLIGHT);
    gate.open();
    cluster
        .receiver
        .wait_until(count("/few", 20))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attempts_at_once_are_bounded() {
    check_in_flight(Engine::Sqlite, 1).await;
    check_in_flight(Engine::Postgres, 2).await;
}
