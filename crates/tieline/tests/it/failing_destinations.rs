//! Seed 002: "After 5 failed attempts, mark the integration as error and notify the tenant", and back.

use serde_json::json;
use tieline_testkit::receiver::{Behaviour, Script};

use crate::scene::{Scene, text};

#[tokio::test]
async fn a_destination_fails_is_held_probed_and_drained() {
    let scene = Scene::open(Script::new().on("/hook", Behaviour::status(500))).await;
    let webhook = scene.subscribe("/hook", &["order.*"], &[]).await;
    scene
        .subscribe("/watch", &["integration.status_changed"], &[])
        .await;
    let first = scene.publish("order.created", json!({"n": 1})).await;
    let dying = scene.delivery(&first, &webhook).await;
    for (made, delay) in [(1, 5), (2, 30), (3, 300), (4, 1_800)] {
        scene.settled(&dying, "pending", made).await;
        let seen = scene.get(&format!("/v1/webhooks/{webhook}")).await;
        assert_eq!(seen["status"], "active", "after {made} attempts");
        scene.wait(delay * 6 / 5 + 1);
    }
    scene.settled(&dying, "dead", 5).await;
    let failing = scene.turned(&webhook, "error").await;
    assert!(
        text(&failing["status_reason"]).contains("the receiver answered 500"),
        "{failing}"
    );
    let changed = scene
        .list("/v1/events?type=integration.status_changed")
        .await;
    assert_eq!(changed.len(), 1);
    let told = &changed[0]["data"];
    assert_eq!(told["integration_id"], json!(webhook));
    assert_eq!(told["previous_status"], "active");
    assert_eq!(told["status"], "error");

    // What comes now is held, not dropped and not tried.
    let attempts = on_hook(&scene).len();
    let mut held = Vec::new();
    for n in 2..=4 {
        let event = scene.publish("order.created", json!({"n": n})).await;
        let delivery = scene.delivery(&event, &webhook).await;
        scene.settled(&delivery, "held", 0).await;
        held.push(delivery);
    }

    // A probe a minute later fails: the next one waits twice as long.
    scene.wait(61);
    scene.settled(&held[0], "held", 1).await;
    assert_eq!(on_hook(&scene).len(), attempts + 1);
    let probed = scene
        .when(&format!("/v1/webhooks/{webhook}"), |seen| {
            seen["failed_probes"] == 1
        })
        .await;
    assert_eq!(probed["status"], "error");

    // The next one succeeds: everything goes out, what died first.
    scene.receiver.set("/hook", Behaviour::status(200));
    scene.wait(121);
    for delivery in &held {
        scene
            .when(&format!("/v1/deliveries/{delivery}"), |seen| {
                seen["status"] == "delivered"
            })
            .await;
    }
    scene.settled(&dying, "delivered", 6).await;
    let active = scene.turned(&webhook, "active").await;
    assert_eq!(active["status_reason"], json!(null));
    assert_eq!(active["failed_probes"], 0);
    let order: Vec<_> = on_hook(&scene)[attempts + 1..].to_vec();
    assert_eq!(order, [2, 1, 3, 4], "the probe, then the others in order");
    let changed = scene
        .list("/v1/events?type=integration.status_changed")
        .await;
    let states: Vec<_> = changed
        .iter()
        .map(|event| text(&event["data"]["status"]))
        .collect();
    assert_eq!(states, ["active", "error"], "newest first");
    assert!(scene.list("/v1/dead-letters").await.is_empty());

    let watched = |requests: &[tieline_testkit::receiver::Received]| {
        requests
            .iter()
            .filter(|request| request.path == "/watch")
            .count()
            == 2
    };
    scene.receiver.wait_until(watched).await.unwrap();
}

/// The numbers of the events that came to `/hook`.
fn on_hook(scene: &Scene) -> Vec<u64> {
    let received = scene.received();
    let hook = received.iter().filter(|request| request.path == "/hook");
    hook.map(|request| request.json().unwrap()["data"]["n"].as_u64().unwrap())
        .collect()
}

#[tokio::test]
async fn a_paused_webhook_holds_and_an_enabled_one_drains_in_order() {
    let scene = Scene::open(Script::new()).await;
    let webhook = scene.subscribe("/hook", &["a"], &[]).await;
    let turn = |to: &'static str| {
        let path = format!("/v1/webhooks/{webhook}/{to}");
        let scene = &scene;
        async move { scene.post(&path, json!({}), 200).await }
    };
    let paused = turn("pause").await;
    assert_eq!(paused["status"], "paused");
    assert!(
        text(&paused["status_reason"]).contains("set by key_"),
        "{paused}"
    );
    for n in 1..=3 {
        let event = scene.publish("a", json!({"n": n})).await;
        let delivery = scene.delivery(&event, &webhook).await;
        scene.settled(&delivery, "held", 0).await;
    }
    assert_eq!(turn("enable").await["status"], "active");
    scene.receiver.wait_for(3).await.unwrap();
    assert_eq!(on_hook(&scene), [1, 2, 3]);
    let changed = scene
        .list("/v1/events?type=integration.status_changed")
        .await;
    assert_eq!(changed.len(), 2);

    // A second time changes nothing, and tells of nothing.
    turn("enable").await;
    let changed = scene
        .list("/v1/events?type=integration.status_changed")
        .await;
    assert_eq!(changed.len(), 2);

    assert_eq!(turn("disable").await["status"], "disabled");
    let event = scene.publish("a", json!({"n": 4})).await;
    let owed = scene
        .list(&format!("/v1/deliveries?event_id={event}"))
        .await;
    assert!(owed.is_empty(), "{owed:?}");
    let ended = scene.list("/v1/events?type=subscription.disabled").await;
    assert_eq!(ended.len(), 1);
}

#[tokio::test]
async fn a_dead_destination_does_not_delay_another() {
    let scene = Scene::open(Script::new().on("/dead", Behaviour::Never)).await;
    scene.subscribe("/dead", &["*"], &[]).await;
    scene.subscribe("/well", &["*"], &[]).await;
    for n in 0..20 {
        scene.publish("a", json!({"n": n})).await;
    }
    let well = |requests: &[tieline_testkit::receiver::Received]| {
        requests
            .iter()
            .filter(|request| request.path == "/well")
            .count()
            == 20
    };
    scene.receiver.wait_until(well).await.unwrap();
}

#[tokio::test]
async fn many_deliveries_that_die_at_once_turn_their_destination_once() {
    let script = Script::new().on("/hook", Behaviour::status(500));
    let scene = Scene::with(script, &[("limits.in_flight_per_destination", "64")]).await;
    let webhook = scene.subscribe("/hook", &["a"], &[0, 10]).await;
    let events: Vec<_> = (0..10)
        .map(|n| json!({"type": "a", "data": {"n": n}}))
        .collect();
    let body = json!({"events": events});
    scene.post("/v1/events", body, 202).await;
    let path = format!("/v1/webhooks/{webhook}/deliveries?limit=100");
    let all = async |wanted: &[(&str, u64)]| {
        scene
            .when(&path, |list| {
                list["data"].as_array().unwrap().iter().all(|delivery| {
                    wanted.iter().any(|(status, attempts)| {
                        delivery["status"] == *status && delivery["attempt_count"] == *attempts
                    })
                })
            })
            .await
    };
    all(&[("pending", 1)]).await;
    scene.wait(13);
    // What was under way dies, what was not is held.
    all(&[("dead", 2), ("held", 1)]).await;
    scene.turned(&webhook, "error").await;
    let changed = scene
        .list("/v1/events?type=integration.status_changed")
        .await;
    assert_eq!(changed.len(), 1);

    // The next event probes, and brings back what died.
    let event = scene.publish("a", json!({"n": 10})).await;
    let probe = scene.delivery(&event, &webhook).await;
    scene.settled(&probe, "held", 0).await;
    scene.receiver.set("/hook", Behaviour::status(200));
    scene.wait(61);
    all(&[("delivered", 1), ("delivered", 2), ("delivered", 3)]).await;
    scene.turned(&webhook, "active").await;
    let changed = scene
        .list("/v1/events?type=integration.status_changed")
        .await;
    assert_eq!(changed.len(), 2);
}
