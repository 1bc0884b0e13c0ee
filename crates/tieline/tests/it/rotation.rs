//! Secrets are rotated under load: a receiver that verifies rejects nothing.

use std::{
    collections::HashSet,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
};

use parking_lot::Mutex;
use serde_json::json;
use standardwebhooks::Webhook;
use tieline_testkit::receiver::{Received, Script};

use crate::{
    deliveries::is_signed,
    scene::{Scene, text},
};

/// How often the secret is rotated.
const ROTATIONS: usize = 6;
/// How many events are published between two rotations, at least.
const BETWEEN: usize = 40;

/// Whether one who holds this secret takes the request for genuine, by the official library.
fn is_genuine(request: &Received, secret: &str) -> bool {
    is_signed(request, &Webhook::new(secret).unwrap())
}

#[tokio::test]
async fn a_verifying_receiver_rejects_none_while_the_secret_is_rotated() {
    let scene = Scene::with(Script::new(), &[("limits.in_flight_per_destination", "4")]).await;
    let body = json!({"url": scene.receiver.url("/hook"), "events": ["a"]});
    let made = scene.post("/v1/webhooks", body, 201).await;
    let rotate = format!("/v1/webhooks/{}/rotate-secret", text(&made["id"]));
    let secrets = Mutex::new(vec![text(&made["secret"])]);
    let (held, published, done) = (
        AtomicUsize::new(0),
        AtomicUsize::new(0),
        AtomicBool::new(false),
    );

    // Each event names the secret that its receiver holds while it is sent: the one before the
    // newest, because a receiver gets a new one only after the rotation was answered.
    let publish = async {
        while !done.load(SeqCst) {
            let event = json!({"held": held.load(SeqCst), "number": published.load(SeqCst)});
            scene.publish("a", event).await;
            published.fetch_add(1, SeqCst);
        }
    };
    // All that were published by now have arrived, and some more: none is left behind for several rotations.
    let arrived = async || {
        let so_far = published.load(SeqCst);
        let enough = |requests: &[Received]| {
            let numbers = requests.iter().filter_map(|request| {
                let body = request.json().ok()?;
                body["data"]["number"].as_u64()
            });
            let numbers: HashSet<_> = numbers.collect();
            numbers.len() >= so_far + BETWEEN && (0..so_far as u64).all(|n| numbers.contains(&n))
        };
        scene.receiver.wait_until(enough).await.unwrap();
    };
    let rotating = async {
        for rotation in 0..ROTATIONS {
            let rotated = scene.post(&rotate, json!({"overlap_hours": 1}), 200).await;
            secrets.lock().push(text(&rotated["secret"]));
            // Some go out while the receiver still holds the old secret, and some after.
            arrived().await;
            held.store(rotation + 1, SeqCst);
            arrived().await;
            scene.wait(900);
        }
        done.store(true, SeqCst);
    };
    tokio::join!(publish, rotating);

    let received = scene
        .receiver
        .wait_for(published.load(SeqCst))
        .await
        .unwrap();
    assert!(received.len() >= ROTATIONS * BETWEEN, "{}", received.len());
    let secrets = secrets.into_inner();
    let mut by_several = 0;
    for request in &received {
        let held = request.json().unwrap()["data"]["held"].as_u64().unwrap() as usize;
        assert!(
            is_genuine(request, &secrets[held]),
            "secret {held} of {}",
            secrets.len()
        );
        by_several += usize::from(request.header("webhook-signature").unwrap().contains(' '));
    }
    assert!(
        by_several > received.len() / 2,
        "the overlaps were seen: {by_several}"
    );
    // What is over is over: the first secret signs nothing any more.
    let last = received.last().unwrap();
    assert!(!is_genuine(last, &secrets[0]) && is_genuine(last, &secrets[ROTATIONS]));
}

#[tokio::test]
async fn a_change_at_the_same_time_as_a_rotation_is_not_lost() {
    let scene = Scene::open(Script::new()).await;
    let webhook = scene.subscribe("/hook", &["a"], &[]).await;
    let path = format!("/v1/webhooks/{webhook}");
    let rotate = format!("{path}/rotate-secret");
    for number in 0..20 {
        let description = format!("change {number}");
        let rotated = scene.post(&rotate, json!({"overlap_hours": 0}), 200);
        let changed = scene
            .client
            .patch(&path, json!({"description": description}));
        let (_, changed) = tokio::join!(rotated, changed);
        // The change may meet the version of the rotation; then it is refused, not lost.
        let expected = match changed.unwrap().status.as_u16() {
            200 => json!(description),
            412 => continue,
            other => panic!("{other}"),
        };
        assert_eq!(scene.get(&path).await["description"], expected);
    }
}
