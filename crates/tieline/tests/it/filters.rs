//! Content filters of subscriptions.

use serde_json::{Value, json};
use tieline_testkit::receiver::Script;

use crate::scene::{Scene, text};

/// The events that were delivered to `path`, by their `data`.
fn delivered(scene: &Scene, path: &str) -> Vec<Value> {
    let received = scene.received().into_iter();
    let of_path = received.filter(|request| request.path == path);
    of_path
        .map(|request| request.json().unwrap()["data"].clone())
        .collect()
}

async fn subscribe(scene: &Scene, path: &str, filter: Value) -> String {
    let body = json!({"url": scene.receiver.url(path), "events": ["order.*"], "filter": filter});
    let made = scene.post("/v1/webhooks", body, 201).await;
    assert_eq!(made["filter"], filter);
    text(&made["id"])
}

#[tokio::test]
async fn a_webhook_gets_what_its_filter_lets_pass() {
    let scene = Scene::open(Script::new()).await;
    let large = json!({"all": [{"field": "data.total", "gte": 100}, {"not": {"field": "data.test", "eq": true}}]});
    let hook = subscribe(&scene, "/large", large).await;
    subscribe(
        &scene,
        "/about",
        json!({"field": "subject", "prefix": "vip/"}),
    )
    .await;
    scene.subscribe("/all", &["order.*"], &[]).await;
    let events = json!({"events": [
        {"type": "order.created", "data": {"total": 99}},
        {"type": "order.created", "data": {"total": 100}, "subject": "vip/1"},
        {"type": "order.created", "data": {"total": 500, "test": true}},
        {"type": "order.created", "data": "no object"},
    ]});
    scene.post("/v1/events", events, 202).await;
    scene.receiver.wait_for(6).await.unwrap();
    assert_eq!(delivered(&scene, "/large"), [json!({"total": 100})]);
    assert_eq!(delivered(&scene, "/about"), [json!({"total": 100})]);
    assert_eq!(delivered(&scene, "/all").len(), 4);

    // The filter in force is the one last saved.
    let path = format!("/v1/webhooks/{hook}");
    let patch = json!({"filter": {"all": [{"field": "data.total", "eq": 99}]}});
    scene.patch(&path, patch, 200).await;
    let event = scene.publish("order.created", json!({"total": 99})).await;
    scene.delivery(&event, &hook).await;
    let patch = json!({"filter": null});
    let changed = scene.patch(&path, patch, 200).await;
    assert_eq!(changed["filter"], json!(null));
    let event = scene.publish("order.created", json!(1)).await;
    scene.delivery(&event, &hook).await;
}

#[tokio::test]
async fn events_about_deliveries_pass_filters_too() {
    let scene = Scene::open(Script::new()).await;
    let other = scene.subscribe("/other", &["a"], &[]).await;
    for (path, status) in [("/paused", "paused"), ("/error", "error")] {
        let body = json!({"url": scene.receiver.url(path), "events": ["integration.*"],
            "filter": {"field": "data.status", "eq": status}});
        scene.post("/v1/webhooks", body, 201).await;
    }
    let pause = format!("/v1/webhooks/{other}/pause");
    scene.post(&pause, json!({}), 200).await;
    let received = scene.receiver.wait_for(1).await.unwrap();
    assert_eq!(received[0].path, "/paused");
    let events = scene
        .list("/v1/events?type=integration.status_changed")
        .await;
    let owed = format!("/v1/deliveries?event_id={}", text(&events[0]["id"]));
    assert_eq!(scene.list(&owed).await.len(), 1);
}

#[tokio::test]
async fn a_filter_is_tried_before_it_is_saved() {
    let scene = Scene::open(Script::new()).await;
    let hook = subscribe(&scene, "/hook", json!({"field": "data.n", "gt": 1})).await;
    let event = scene.publish("order.created", json!({"n": 1})).await;
    let path = format!("/v1/webhooks/{hook}/test-filter");
    let sample = json!({"type": "order.created", "data": {"n": 2}});
    let rows = [
        (json!({"event_id": event}), [false, true, false]),
        (json!({"event": sample}), [true, true, true]),
        (
            json!({"event": {"type": "bill.paid", "data": {"n": 2}}}),
            [false, false, true],
        ),
        (
            json!({"event": sample, "filter": {"field": "data.n", "eq": 3}}),
            [false, true, false],
        ),
    ];
    for (trial, expected) in rows {
        let shown = scene.post(&path, trial.clone(), 200).await;
        let seen = ["matched", "type_wanted", "filter_matched"].map(|key| shown[key] == true);
        assert_eq!(seen, expected, "{trial}: {shown}");
    }
    let shown = scene.post(&path, json!({"event_id": event}), 200).await;
    assert_eq!(
        shown["conditions"],
        json!([{"pointer": "", "holds": false, "detail": "`data.n` is 1; asked for: gt 1"}])
    );
    let refused = scene.post(&path, json!({}), 422).await;
    assert_eq!(refused["errors"][0]["pointer"], "/event");
    let stranger = scene.server.tenant("*").await;
    let foreign = stranger.post(&path, json!({"event": sample})).await;
    foreign.unwrap().expect(404).unwrap();
}

#[tokio::test]
async fn a_bad_filter_is_refused_with_its_place() {
    let scene = Scene::open(Script::new()).await;
    let hook = scene.subscribe("/hook", &["a"], &[]).await;
    let deep = (0..20).fold(
        json!({"field": "type", "eq": "a"}),
        |inner, _| json!({"not": inner}),
    );
    let rows = [
        (json!({"field": "data.a", "equals": 1}), "/filter/equals"),
        (
            json!({"all": [{"field": "data.a", "gt": []}]}),
            "/filter/all/0/gt",
        ),
        (json!({"field": "total", "eq": 1}), "/filter/field"),
        (json!("all"), "/filter"),
        (deep, "/filter/not/not/not/not/not/not/not/not"),
    ];
    for (filter, pointer) in rows {
        let body = json!({"url": scene.receiver.url("/x"), "events": ["a"], "filter": filter});
        let refused = scene.post("/v1/webhooks", body, 422).await;
        assert_eq!(refused["errors"][0]["pointer"], pointer, "{refused}");
        let trial = json!({"event": {"type": "a"}, "filter": filter});
        let path = format!("/v1/webhooks/{hook}/test-filter");
        let refused = scene.post(&path, trial, 422).await;
        assert_eq!(refused["errors"][0]["pointer"], pointer, "{refused}");
    }
}
