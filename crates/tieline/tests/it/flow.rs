//! Order, pace, catching up, calling off, trying many again.

use std::time::Duration;

use serde_json::{Value, json};
use tieline_testkit::receiver::{Behaviour, Gate, Received, Script};

use crate::{
    bad_input::server,
    scene::{Scene, json_of, text},
};

/// The numbers of the events that came to `/hook`.
fn numbers(requests: &[Received]) -> Vec<u64> {
    let hook = requests.iter().filter(|request| request.path == "/hook");
    hook.map(|request| request.json().unwrap()["data"]["n"].as_u64().unwrap())
        .collect()
}

/// Publishes events with these numbers at once.
pub(crate) async fn publish(scene: &Scene, numbers: std::ops::Range<u64>) {
    let events = numbers.map(|n| json!({"type": "a", "data": {"n": n}}));
    let body = json!({"events": events.collect::<Vec<_>>()});
    scene.post("/v1/events", body, 202).await;
}

/// A webhook to `/hook` for events of type `a`, with more fields; its id.
pub(crate) async fn subscribe(scene: &Scene, more: Value) -> String {
    let mut body = json!({"url": scene.receiver.url("/hook"), "events": ["a"]});
    let more = more.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(more);
    text(&scene.post("/v1/webhooks", body, 201).await["id"])
}

/// Enables, pauses or disables a webhook.
pub(crate) async fn turn(scene: &Scene, webhook: &str, how: &str, body: Value) -> Value {
    let path = format!("/v1/webhooks/{webhook}/{how}");
    scene.post(&path, body, 200).await
}

#[tokio::test]
async fn flow_is_shown_and_changed() {
    let (_server, client) = server().await;
    let url = "https://example.com/hook";
    let made = json!({"url": url, "events": ["a"], "ordering_key": "$.data.id",
        "ordering_policy": "block", "rate_limit": {"per_second": 10}, "max_in_flight": 3});
    let made = json_of(client.post("/v1/webhooks", made).await.unwrap(), 201);
    assert_eq!(made["ordering_key"], "$.data.id");
    assert_eq!(made["ordering_policy"], "block");
    assert_eq!(made["rate_limit"], json!({"per_second": 10, "burst": 1}));
    assert_eq!(made["max_in_flight"], 3);
    let path = format!("/v1/webhooks/{}", text(&made["id"]));
    let patch = json!({"ordering_policy": null, "rate_limit": null, "max_in_flight": null});
    let changed = json_of(client.patch(&path, patch).await.unwrap(), 200);
    assert_eq!(changed["ordering_policy"], "continue");
    assert_eq!(changed["rate_limit"], json!(null));
    assert_eq!(changed["max_in_flight"], json!(null));
}

#[tokio::test]
async fn bad_flow_is_refused() {
    let (_server, client) = server().await;
    let rows = [
        ("ordering_key", json!("$["), "/ordering_key"),
        ("ordering_key", json!(""), "/ordering_key"),
        ("ordering_policy", json!("block"), "/ordering_policy"),
        (
            "rate_limit",
            json!({"per_second": 0}),
            "/rate_limit/per_second",
        ),
        (
            "rate_limit",
            json!({"per_second": 10_001}),
            "/rate_limit/per_second",
        ),
        (
            "rate_limit",
            json!({"per_second": 1, "burst": 0}),
            "/rate_limit/burst",
        ),
        ("max_in_flight", json!(0), "/max_in_flight"),
        ("max_in_flight", json!(1_001), "/max_in_flight"),
    ];
    for (field, value, pointer) in rows {
        let mut body = json!({"url": "https://example.com/hook", "events": ["a"]});
        body[field] = value;
        let problem = json_of(
            client.post("/v1/webhooks", body.clone()).await.unwrap(),
            422,
        );
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}");
    }
    let shapes = [
        ("ordering_policy", json!("wait"), "/ordering_policy"),
        (
            "rate_limit",
            json!({"per_second": 1, "per_minute": 1}),
            "/rate_limit/per_minute",
        ),
        ("rate_limit", json!({}), "/rate_limit/per_second"),
        (
            "rate_limit",
            json!({"per_second": -1}),
            "/rate_limit/per_second",
        ),
    ];
    for (field, value, pointer) in shapes {
        let mut body = json!({"url": "https://example.com/hook", "events": ["a"]});
        body[field] = value;
        let problem = json_of(
            client.post("/v1/webhooks", body.clone()).await.unwrap(),
            400,
        );
        assert_eq!(
            problem["errors"][0]["pointer"], pointer,
            "{body}: {problem}"
        );
    }
}

/// Invariant 6 through a retry, and what a policy does with those behind a dead letter.
#[tokio::test]
async fn a_line_waits_for_its_head() {
    for (policy, passes) in [("continue", true), ("block", false)] {
        let gone = vec![
            Behaviour::status(500),
            Behaviour::status(500),
            Behaviour::status(200),
        ];
        let scene = Scene::open(Script::new().on("/hook", Behaviour::Sequence(gone))).await;
        let order = json!({"ordering_key": "$.type", "ordering_policy": policy, "retry": [0, 10]});
        let webhook = subscribe(&scene, order).await;
        let head = scene.publish("a", json!({"n": 0})).await;
        let head = scene.delivery(&head, &webhook).await;
        publish(&scene, 1..3).await;
        let seen = scene.settled(&head, "pending", 1).await;
        assert_eq!(seen["ordering_key"], "\"a\"");
        let queued = format!("/v1/deliveries?webhook_id={webhook}&status=queued");
        assert_eq!(scene.list(&queued).await.len(), 2);
        scene.wait(13);
        scene.settled(&head, "dead", 2).await;
        // The dead letter has turned the destination: what waits probes it, or is the dead letter itself.
        turn(&scene, &webhook, "enable", json!({})).await;
        if passes {
            scene.receiver.wait_for(4).await.unwrap();
            assert_eq!(numbers(&scene.received()), [0, 0, 1, 2]);
            continue;
        }
        assert_eq!(scene.list(&queued).await.len(), 2);
        scene
            .post(&format!("/v1/deliveries/{head}/retry"), json!({}), 202)
            .await;
        scene.receiver.wait_for(5).await.unwrap();
        assert_eq!(numbers(&scene.received()), [0, 0, 0, 1, 2]);
    }
}

/// A subscription off for a while, 1,000 events, `enable` with replay: exactly those, once each, in order.
#[tokio::test]
async fn what_was_missed_is_delivered_once_and_in_order() {
    for order in [json!({}), json!({"ordering_key": "$.type"})] {
        let scene = Scene::open(Script::new()).await;
        let webhook = subscribe(&scene, order).await;
        publish(&scene, 0..5).await;
        scene.receiver.wait_for(5).await.unwrap();
        turn(&scene, &webhook, "disable", json!({})).await;
        scene.wait(60);
        publish(&scene, 5..505).await;
        publish(&scene, 505..1_005).await;
        scene.publish("other", json!({})).await;
        scene.wait(60);
        let since = json!({"replay_since": "disabled"});
        let enabled = turn(&scene, &webhook, "enable", since).await;
        assert_eq!(enabled["status"], "paused");
        assert_eq!(enabled["replay"]["found"], 0, "{enabled}");
        // What comes while it catches up waits its turn.
        publish(&scene, 1_005..1_015).await;
        assert_eq!(scene.received().len(), 5);
        scene.wait(8);
        scene.receiver.wait_for(1_015).await.unwrap();
        let expected: Vec<_> = (0..1_015).collect();
        assert_eq!(numbers(&scene.received()), expected);
        let active = scene.turned(&webhook, "active").await;
        assert_eq!(active["replay"], json!(null));
        // Asked for again, it has missed nothing.
        let since = json!({"replay_since": "2026-11-18T00:00:00Z"});
        turn(&scene, &webhook, "enable", since).await;
        scene.wait(8);
        scene.turned(&webhook, "active").await;
        publish(&scene, 1_015..1_016).await;
        scene.receiver.wait_for(1_016).await.unwrap();
        assert_eq!(numbers(&scene.received()).len(), 1_016);
    }
}

#[tokio::test]
async fn bad_requests_to_catch_up_are_refused() {
    let scene = Scene::open(Script::new()).await;
    let webhook = subscribe(&scene, json!({})).await;
    let rows = [
        (json!({"replay_since": "disabled"}), 409),
        (json!({"replay_since": "2999-01-01T00:00:00Z"}), 422),
        (json!({"replay_since": "yesterday"}), 400),
        (json!({"replay_from": "disabled"}), 400),
    ];
    let path = format!("/v1/webhooks/{webhook}/enable");
    for (body, status) in rows {
        scene.post(&path, body, status).await;
    }
    let without = scene.client.request(http::Method::POST, &path);
    json_of(without.send().await.unwrap(), 200);
}

#[tokio::test]
async fn deliveries_are_called_off() {
    let gate = Gate::new();
    let held = Behaviour::held(&gate, Behaviour::status(200));
    let scene = Scene::open(Script::new().on("/hook", held)).await;
    let webhook = subscribe(&scene, json!({})).await;
    publish(&scene, 0..3).await;
    scene.receiver.wait_for(1).await.unwrap();
    let all = format!("/v1/deliveries?webhook_id={webhook}");
    let [last, _, first] = &scene.list(&all).await[..] else {
        panic!("three deliveries");
    };
    let cancel = |delivery: &Value| format!("/v1/deliveries/{}/cancel", text(&delivery["id"]));
    let cancelled = scene.post(&cancel(last), json!({}), 200).await;
    assert_eq!(cancelled["status"], "cancelled");
    scene.post(&cancel(last), json!({}), 409).await;
    gate.open();
    scene.settled(&text(&first["id"]), "delivered", 1).await;
    scene.post(&cancel(first), json!({}), 409).await;
    scene
        .when(&format!("{all}&status=delivered"), |list| {
            list["data"].as_array().unwrap().len() == 2
        })
        .await;
    assert_eq!(numbers(&scene.received()), [0, 1]);
    let other = scene.server.tenant("*").await;
    let foreign = other.post(&cancel(last), json!({})).await.unwrap();
    json_of(foreign, 404);
}

#[tokio::test]
async fn what_a_deleted_webhook_is_owed_is_called_off() {
    let scene = Scene::open(Script::new()).await;
    let webhook = subscribe(&scene, json!({"ordering_key": "$.type"})).await;
    turn(&scene, &webhook, "pause", json!({})).await;
    publish(&scene, 0..3).await;
    let path = format!("/v1/webhooks/{webhook}");
    let deleted = scene.client.delete(&path).await.unwrap();
    deleted.expect(204).unwrap();
    let cancelled = format!("/v1/deliveries?webhook_id={webhook}&status=cancelled");
    assert_eq!(scene.list(&cancelled).await.len(), 3);
    assert!(scene.received().is_empty());
}

#[tokio::test]
async fn many_are_tried_again() {
    let scene = Scene::open(Script::new().on("/hook", Behaviour::status(500))).await;
    let webhook = subscribe(&scene, json!({"retry": [0, 3_600]})).await;
    publish(&scene, 0..3).await;
    let waiting = format!("/v1/deliveries?webhook_id={webhook}&status=pending");
    scene
        .when(&waiting, |list| {
            let list = list["data"].as_array().unwrap();
            list.iter().filter(|one| one["attempt_count"] == 1).count() == 3
        })
        .await;
    scene.receiver.set("/hook", Behaviour::status(200));
    let retry = |body| scene.post("/v1/deliveries/retry", body, 200);
    let mut filter = json!({"status": "pending", "webhook_id": webhook, "type": "a",
        "error_kind": "status", "dry_run": true});
    // An outcome may not be on disk the moment that it is known.
    assert_eq!(
        retry(filter.clone()).await,
        json!({"matched": 3, "replayed": 0})
    );
    filter["dry_run"] = json!(false);
    assert_eq!(retry(filter).await, json!({"matched": 3, "replayed": 3}));
    scene
        .when(
            &format!("/v1/deliveries?webhook_id={webhook}&status=delivered"),
            |list| list["data"].as_array().unwrap().len() == 3,
        )
        .await;
    for (body, status) in [
        (json!({"status": "delivered"}), 422),
        (json!({"status": "lost"}), 400),
        (json!({}), 400),
        (json!({"status": "dead", "since": 1}), 400),
    ] {
        scene.post("/v1/deliveries/retry", body, status).await;
    }
}

/// A limited rate delays no other destination, and what waits for its turn is given back when the server
/// stops.
#[tokio::test]
async fn a_slow_pace_holds_up_nobody_else() {
    let scene = Scene::open(Script::new()).await;
    subscribe(&scene, json!({"rate_limit": {"per_second": 1}})).await;
    scene.subscribe("/free", &["a"], &[]).await;
    publish(&scene, 0..200).await;
    let free = |requests: &[Received]| {
        let free = requests.iter().filter(|request| request.path == "/free");
        free.count() == 200
    };
    scene.receiver.wait_until(free).await.unwrap();
    // Few wait in memory, besides what a moment ago went to the other.
    scene
        .when("/v1/me", |_| scene.server.app.dispatcher.load().0 <= 8)
        .await;
    scene
        .server
        .app
        .dispatcher
        .shut_down(Duration::from_secs(10))
        .await;
    assert_eq!(scene.server.app.dispatcher.load().0, 0);
}
