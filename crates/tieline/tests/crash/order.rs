//! Order: with an ordering key, deliveries arrive in the order of their events, whatever dies meanwhile
//! (invariant 6).

use std::{collections::BTreeMap, ops::Range};

use serde_json::{Value, json};
use tieline_testkit::{
    http::Client,
    receiver::{Behaviour, Received, Receiver},
};

use crate::{
    cluster::{Cluster, Engine},
    stage::{self, report},
};

const EVENTS: usize = 1_000;
const KEYS: usize = 50;

/// Every so many requests the receiver fails: 5 %.
const FAILS_EVERY: usize = 20;

/// The events that come with one request.
const BATCH: usize = 25;

/// What the receiver at `/ordered` got: the numbers of each key, in the order of their coming.
fn arrived(requests: &[Received]) -> BTreeMap<u64, Vec<u64>> {
    let mut keys: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for request in requests.iter().filter(|request| request.path == "/ordered") {
        let body: Value = request.json().unwrap();
        let number = |name: &str| body["data"][name].as_u64().unwrap();
        keys.entry(number("key")).or_default().push(number("n"));
    }
    keys
}

async fn publish_all(cluster: &Cluster, events: Range<usize>) {
    let clients: Vec<_> = cluster
        .nodes
        .iter()
        .map(|node| stage::owner(node.url()))
        .collect();
    for first in events.step_by(BATCH) {
        publish(&clients, first).await;
    }
}

/// Publishes a batch, at the next node if one does not answer. The ids make repeating it safe.
async fn publish(clients: &[Client], first: usize) {
    let events = (first..first + BATCH).map(|n| {
        json!({"type": "order.changed", "id": format!("change-{n}"),
            "data": {"n": n, "key": n % KEYS}})
    });
    let body = json!({"events": events.collect::<Vec<_>>()});
    stage::eventually("the batch is accepted", async || {
        for turn in 0..clients.len() {
            let client = &clients[(first / BATCH + turn) % clients.len()];
            if let Ok(answer) = client.post("/v1/events", body.clone()).await {
                let good = answer.status == 202;
                return Ok(good.then_some(()));
            }
        }
        Ok(None)
    })
    .await
    .unwrap();
}

/// Each number may be repeated before the next one comes, but never after it.
fn check_order(key: u64, numbers: &[u64]) -> usize {
    let expected: Vec<_> = (0..EVENTS as u64)
        .filter(|n| n % KEYS as u64 == key)
        .collect();
    let mut once = numbers.to_vec();
    once.dedup();
    assert_eq!(
        once, expected,
        "key {key} in order, as it came: {numbers:?}"
    );
    numbers.len() - once.len()
}

async fn all_arrived(receiver: &Receiver) -> Vec<Received> {
    let last = |keys: &BTreeMap<u64, Vec<u64>>| {
        let complete = |numbers: &Vec<u64>| {
            let mut once = numbers.clone();
            once.sort_unstable();
            once.dedup();
            once.len() == EVENTS / KEYS
        };
        keys.len() == KEYS && keys.values().all(complete)
    };
    stage::eventually("everything has arrived", async || {
        Ok(last(&arrived(&receiver.requests())).then_some(()))
    })
    .await
    .unwrap();
    receiver.requests()
}

/// Kills a node with half of the events accepted, and starts it again.
async fn check(what: &str, engine: Engine, count: usize) {
    let Some(mut cluster) = Cluster::start(engine, count, &[]).await.unwrap() else {
        return;
    };
    let failing = (0..EVENTS * 2).map(|i| {
        let status = if i % FAILS_EVERY == 0 { 500 } else { 200 };
        Behaviour::status(status)
    });
    let behaviour = Behaviour::Sequence(failing.collect());
    cluster.receiver.set("/ordered", behaviour);
    let wanted = json!({
        "url": cluster.receiver.url("/ordered"), "events": ["order.*"],
        "ordering_key": "$.data.key", "retry": [0, 1, 1, 1, 1, 1, 1, 1],
    });
    let made = cluster.owner().post("/v1/webhooks", wanted).await.unwrap();
    made.expect(201).unwrap();
    publish_all(&cluster, 0..EVENTS / 2).await;
    cluster.nodes[0].kill9().await.unwrap();
    cluster.nodes[0].restart().await.unwrap();
    publish_all(&cluster, EVENTS / 2..EVENTS).await;
    let requests = all_arrived(&cluster.receiver).await;
    let keys = arrived(&requests);
    let repeats: usize = keys
        .iter()
        .map(|(key, numbers)| check_order(*key, numbers))
        .sum();
    report(&format!(
        "{what}: {EVENTS} events of {KEYS} keys in order, {repeats} requests repeated"
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_only_node_on_sqlite_is_killed() {
    check("order, one node on SQLite", Engine::Sqlite, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_two_nodes_on_postgres_is_killed() {
    check("order, two nodes on Postgres", Engine::Postgres, 2).await;
}
