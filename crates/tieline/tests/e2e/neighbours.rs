//! No destination delays another (invariant 5).

use std::time::Duration;

use serde_json::json;
use tieline_testkit::{
    http::Client,
    receiver::{Behaviour, Received, Receiver, Script},
};
use tokio::time::Instant;

use crate::stage::{launch, owner, report, subscribe, text};

const HEALTHY: usize = 99;
const EVENTS: usize = 20;

/// A path for each round and healthy destination.
fn healthy(path: &str) -> bool {
    path.starts_with("/healthy/")
}

/// Publishes the events and waits until every healthy destination has all; how long that took.
async fn round(owner: &Client, receiver: &Receiver) -> anyhow::Result<Duration> {
    let count = |requests: &[Received]| {
        requests
            .iter()
            .filter(|request| healthy(&request.path))
            .count()
    };
    let goal = count(&receiver.requests()) + HEALTHY * EVENTS;
    let begun = Instant::now();
    for number in 0..EVENTS {
        let event = json!({"type": "order.created", "data": {"number": number}});
        owner.post("/v1/events", event).await?.expect(202)?;
    }
    receiver
        .wait_until(|requests| requests.len() >= goal && count(requests) >= goal)
        .await?;
    Ok(begun.elapsed())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn healthy_destinations_do_not_feel_bad_ones() {
    // Whoever is stuck stays stuck for longer than this test takes.
    let launch = launch()
        .env("TIELINE_DELIVERY_TIMEOUT_SECONDS", "300")
        .env("TIELINE_DELIVERY_LEASE_SECONDS", "301");
    let server = launch.start().await.unwrap();
    let owner = owner(server.url());
    let script = Script::new().on("/trickle", Behaviour::trickle(1_000));
    let receiver = Receiver::start(script).await.unwrap();
    for i in 0..HEALTHY {
        subscribe(
            &owner,
            &receiver.url(&format!("/healthy/{i}")),
            &["order.*"],
        )
        .await
        .unwrap();
    }
    let alone = round(&owner, &receiver).await.unwrap();

    let gone = Receiver::start(Script::new()).await.unwrap();
    let dead = subscribe(&owner, &gone.url("/"), &["order.*"])
        .await
        .unwrap();
    drop(gone);
    let stuck = subscribe(&owner, &receiver.url("/trickle"), &["order.*"])
        .await
        .unwrap();
    let beside = round(&owner, &receiver).await.unwrap();

    for bad in [dead, stuck] {
        let id = text(&bad, "/id").unwrap();
        let list = owner
            .get(&format!("/v1/webhooks/{id}/deliveries?limit=100"))
            .await
            .unwrap();
        let list = list.expect(200).unwrap().json().unwrap();
        let owed = list["data"].as_array().unwrap();
        assert_eq!(owed.len(), EVENTS);
        assert!(
            owed.iter()
                .all(|delivery| delivery["status"] != "delivered"),
            "{list}"
        );
    }
    report(&format!(
        "{EVENTS} events to {HEALTHY} healthy destinations: {alone:?} alone, {beside:?} beside a dead one and one that sends a byte a second"
    ));
}
