//! A webhook that was off catches up with what it has missed, also where a node is killed meanwhile.

use std::ops::Range;

use serde_json::json;
use tieline_testkit::receiver::Received;

use crate::{
    cluster::{Cluster, Engine},
    stage::{self, text},
};

const BEFORE: u64 = 10;
const MISSED: u64 = 700;

/// The numbers that came to `/missed`, in the order of their coming.
fn numbers(requests: &[Received]) -> Vec<u64> {
    let to_it = requests.iter().filter(|request| request.path == "/missed");
    to_it
        .map(|request| request.json().unwrap()["data"]["n"].as_u64().unwrap())
        .collect()
}

async fn publish(cluster: &Cluster, numbers: Range<u64>) {
    let events = numbers.map(|n| json!({"type": "missed", "data": {"n": n}}));
    let body = json!({"events": events.collect::<Vec<_>>()});
    let answer = cluster.owner().post("/v1/events", body).await.unwrap();
    answer.expect(202).unwrap();
}

async fn check(engine: Engine, count: usize) {
    let Some(mut cluster) = Cluster::start(engine, count, &[]).await.unwrap() else {
        return;
    };
    let wanted = json!({"url": cluster.receiver.url("/missed"), "events": ["missed"],
        "ordering_key": "$.type"});
    let made = cluster.owner().post("/v1/webhooks", wanted).await.unwrap();
    let webhook = text(&made.expect(201).unwrap().json().unwrap(), "/id").unwrap();
    let turn = async |cluster: &Cluster, how: &str, body| {
        let path = format!("/v1/webhooks/{webhook}/{how}");
        let turned = cluster.owner().post(&path, body).await.unwrap();
        turned.expect(200).unwrap();
    };
    publish(&cluster, 0..BEFORE).await;
    let came = |count: u64| move |requests: &[Received]| numbers(requests).len() as u64 >= count;
    cluster.receiver.wait_until(came(BEFORE)).await.unwrap();

    turn(&cluster, "disable", json!({})).await;
    publish(&cluster, BEFORE..BEFORE + MISSED).await;
    turn(&cluster, "enable", json!({"replay_since": "disabled"})).await;
    cluster.nodes[0].kill9().await.unwrap();
    cluster.nodes[0].restart().await.unwrap();
    cluster
        .receiver
        .wait_until(came(BEFORE + 50))
        .await
        .unwrap();
    cluster.nodes[0].kill9().await.unwrap();
    cluster.nodes[0].restart().await.unwrap();

    let complete = |requests: &[Received]| numbers(requests).last() == Some(&(BEFORE + MISSED - 1));
    let requests = cluster.receiver.wait_until(complete).await.unwrap();
    let mut numbers = numbers(&requests);
    // What was under way when the node died comes twice.
    numbers.dedup();
    assert_eq!(numbers, (0..BEFORE + MISSED).collect::<Vec<_>>());
    stage::eventually("the webhook is active", async || {
        let path = format!("/v1/webhooks/{webhook}");
        let seen = cluster.owner().get(&path).await?.json()?;
        Ok((seen["status"] == "active" && seen["replay"].is_null()).then_some(()))
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_only_node_on_sqlite_is_killed() {
    check(Engine::Sqlite, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_two_nodes_on_postgres_is_killed() {
    check(Engine::Postgres, 2).await;
}
