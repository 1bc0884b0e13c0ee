//! A replay under fire: killed half-way it goes on without a gap, and cancelled it stops within a second.
//! `TIELINE_TEST_REPLAY` is the number of events: 2,000 if not given, 100,000 in a soak.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tieline_testkit::{
    http::Client,
    receiver::{Receiver, Script},
};

use crate::{
    cluster::{Cluster, Engine},
    stage::{eventually, report, subscribe, text},
};

/// How many events one publish request takes.
const BATCH: usize = 1_000;

/// The rate of a replay that asks for none, per second.
const DEFAULT_RATE: u32 = 500;

/// How many live events are timed.
const LIVE: usize = 100;

/// How long a cancelled job may go on.
const STOPS_WITHIN: Duration = Duration::from_secs(1);

/// How many events are replayed.
#[expect(
    clippy::disallowed_methods,
    reason = "a test is configured by its run, not by the program's settings"
)]
fn events() -> usize {
    let given = std::env::var("TIELINE_TEST_REPLAY").ok();
    given.and_then(|given| given.parse().ok()).unwrap_or(2_000)
}

/// How often each event has arrived.
fn arrived(receiver: &Receiver) -> BTreeMap<String, usize> {
    let mut arrived = BTreeMap::new();
    for request in receiver.requests() {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        *arrived.entry(text(&body, "/id").unwrap()).or_default() += 1;
    }
    arrived
}

async fn publish(owner: &Client, count: usize) {
    let mut left = count;
    while left > 0 {
        let batch = left.min(BATCH);
        let events = vec![json!({"type": "order.created", "data": {}}); batch];
        let answer = owner
            .post("/v1/events", json!({"events": events}))
            .await
            .unwrap();
        answer.expect(202).unwrap();
        left -= batch;
    }
}

async fn job(owner: &Client, id: &str) -> anyhow::Result<Value> {
    owner
        .get(&format!("/v1/jobs/{id}"))
        .await?
        .expect(200)?
        .json()
}

/// The job once it has ended, which takes the longer the more events there are.
async fn ended(owner: &Client, id: &str, count: usize) -> Value {
    let patience = Duration::from_mins(1) + Duration::from_millis(10) * count as u32;
    let begun = Instant::now();
    loop {
        // While the server starts again, it does not answer.
        let seen = job(owner, id).await.ok();
        if let Some(seen) = seen.filter(|job| !job["ended_at"].is_null()) {
            return seen;
        }
        assert!(
            begun.elapsed() < patience,
            "the job has not ended after {patience:?}"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn replay(owner: &Client, rate: u32) -> (Value, String) {
    let wanted = json!({"filter": {"types": ["order.*"]}, "from": "2026-01-01T00:00:00Z", "rate_per_second": rate});
    let preview = owner
        .post("/v1/events/replay/preview", wanted.clone())
        .await
        .unwrap();
    let preview = preview.expect(200).unwrap().json().unwrap();
    let job = owner.post("/v1/events/replay", wanted).await.unwrap();
    let job: Value = job.expect(202).unwrap().json().unwrap();
    let id = text(&job, "/id").unwrap();
    (preview, id)
}

/// How long live events take from being published to their arrival, one after the other: the 99th of a hundred.
async fn live(owner: &Client, name: &str) -> Duration {
    let receiver = Receiver::start(Script::new()).await.unwrap();
    let kind = format!("live.{name}");
    subscribe(owner, &receiver.url("/"), &[&kind])
        .await
        .unwrap();
    let mut took = Vec::with_capacity(LIVE);
    for count in 1..=LIVE {
        let begun = Instant::now();
        let event = json!({"type": kind, "data": {}});
        owner
            .post("/v1/events", event)
            .await
            .unwrap()
            .expect(202)
            .unwrap();
        receiver.wait_for(count).await.unwrap();
        took.push(begun.elapsed());
    }
    took.sort_unstable();
    took[LIVE * 99 / 100 - 1]
}

async fn check(engine: Engine) {
    let count = events();
    let Some(mut cluster) = Cluster::start(engine, 1, &[]).await.unwrap() else {
        return;
    };
    let owner = cluster.owner();
    publish(&owner, count).await;
    let before = live(&owner, "before").await;
    // Whoever comes later has got nothing yet: all that it gets is the replay.
    let receiver = Receiver::start(Script::new()).await.unwrap();
    subscribe(&owner, &receiver.url("/"), &["order.*"])
        .await
        .unwrap();
    let begun = Instant::now();
    let rate = u32::try_from(count / 4).unwrap().min(DEFAULT_RATE);
    let (preview, id) = replay(&owner, rate).await;
    assert_eq!(
        preview,
        json!({"events": count, "deliveries": count, "complete": true})
    );
    receiver.wait_for(count / 4).await.unwrap();
    assert_eq!(job(&owner, &id).await.unwrap()["status"], "running");
    cluster.nodes[0].kill9().await.unwrap();
    cluster.nodes[0].restart().await.unwrap();
    let during = live(&owner, "during").await;
    let ended = ended(&owner, &id, count).await;
    assert_eq!(ended["status"], "completed", "{ended}");
    assert_eq!(
        (&ended["total"], &ended["done"]),
        (&json!(count), &json!(count))
    );
    assert_eq!(
        ended["result"]["made"],
        json!(count),
        "no delivery is made twice"
    );
    eventually("all have arrived", async || {
        Ok((arrived(&receiver).len() == count).then_some(()))
    })
    .await
    .unwrap();
    let took = begun.elapsed();
    // An attempt whose outcome was not written when the server died is repeated.
    let repeats = receiver.requests().len() - count;
    assert!(repeats <= 512, "{repeats} repeats");

    let (_, id) = replay(&owner, 500).await;
    eventually("it has begun", async || {
        Ok((job(&owner, &id).await?["done"].as_u64() > Some(0)).then_some(()))
    })
    .await
    .unwrap();
    owner
        .post(&format!("/v1/jobs/{id}/cancel"), json!({}))
        .await
        .unwrap()
        .expect(200)
        .unwrap();
    tokio::time::sleep(STOPS_WITHIN).await;
    let stopped = receiver.requests().len();
    let done = job(&owner, &id).await.unwrap()["done"].clone();
    tokio::time::sleep(STOPS_WITHIN).await;
    assert_eq!(receiver.requests().len(), stopped, "it has stopped");
    assert_eq!(job(&owner, &id).await.unwrap()["done"], done);
    report(&format!(
        "replay on {engine:?}: {count} events in {took:.1?} with a kill between, {repeats} repeats; cancelled at {done}; \
         live deliveries' p99 {before:.1?} before, {during:.1?} during"
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_survives_a_kill_and_can_be_stopped_on_sqlite() {
    check(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_survives_a_kill_and_can_be_stopped_on_postgres() {
    check(Engine::Postgres).await;
}
