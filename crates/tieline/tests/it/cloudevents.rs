//! CloudEvents 1.0: taken and shown.

use http::Method;
use serde_json::{Value, json};
use tieline_testkit::{http::Answer, receiver::Script};

use crate::scene::{Scene, json_of, text};

const STRUCTURED: &str = "application/cloudevents+json";
const BATCH: &str = "application/cloudevents-batch+json";

async fn send(scene: &Scene, media_type: &str, body: &Value) -> Answer {
    let request = scene.client.request(Method::POST, "/v1/events");
    let request = request.header("content-type", media_type).unwrap();
    request.body(body.to_string()).send().await.unwrap()
}

async fn show(scene: &Scene, path: &str, accept: &str) -> Answer {
    let request = scene.client.request(Method::GET, path);
    request
        .header("accept", accept)
        .unwrap()
        .send()
        .await
        .unwrap()
}

fn order() -> Value {
    json!({"specversion": "1.0", "id": "1042", "source": "/shop", "type": "order.created",
        "subject": "order/1042", "time": "2026-11-22T10:00:00Z", "datacontenttype": "application/json; charset=utf-8",
        "data": {"total": 99.5}, "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"})
}

#[tokio::test]
async fn a_cloudevent_is_taken_once_and_shown_as_one() {
    let scene = Scene::open(Script::new()).await;
    scene.subscribe("/hook", &["order.*"], &[]).await;
    let answer = send(
        &scene,
        "application/cloudevents+json; charset=utf-8",
        &order(),
    )
    .await;
    let id = text(&json_of(answer, 202)["id"]);
    let received = scene.receiver.wait_for(1).await.unwrap();
    assert_eq!(received[0].json().unwrap()["data"], json!({"total": 99.5}));

    let path = format!("/v1/events/{id}");
    let plain = scene.get(&path).await;
    assert_eq!(plain["source"], "/shop");
    assert_eq!(plain["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    let answer = show(&scene, &path, STRUCTURED).await;
    assert_eq!(answer.header("content-type"), Some(STRUCTURED));
    assert_eq!(answer.header("vary"), Some("accept"));
    let shown = json_of(answer, 200);
    for (name, value) in [
        ("specversion", json!("1.0")),
        ("id", json!(id)),
        ("source", json!("/shop")),
        ("type", json!("order.created")),
        ("subject", json!("order/1042")),
        ("datacontenttype", json!("application/json")),
        ("tenantid", plain["tenant_id"].clone()),
        ("data", json!({"total": 99.5})),
    ] {
        assert_eq!(shown[name], value, "{name}");
    }
    assert!(text(&shown["traceparent"]).starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"));
    let names = shown.as_object().unwrap().keys();
    for name in names {
        let well_formed = name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        assert!(well_formed, "{name} is no name of an attribute");
    }

    // The same id of the same source is the same event; of another source it is another.
    let again = json_of(send(&scene, STRUCTURED, &order()).await, 202);
    assert_eq!(
        (&again["id"], &again["status"]),
        (&json!(id), &json!("duplicate"))
    );
    let mut elsewhere = order();
    elsewhere["source"] = json!("/other");
    let other = json_of(send(&scene, STRUCTURED, &elsewhere).await, 202);
    assert_eq!(other["status"], "accepted");
    let own = json!({"type": "order.created", "id": "1042"});
    assert_eq!(
        scene.post("/v1/events", own, 202).await["status"],
        "accepted"
    );
}

#[tokio::test]
async fn batches_come_and_go() {
    let scene = Scene::open(Script::new()).await;
    let mut second = order();
    second["id"] = json!("1043");
    let answer = send(&scene, BATCH, &json!([order(), second])).await;
    let taken = json_of(answer, 202);
    assert_eq!(taken["events"].as_array().unwrap().len(), 2);
    let answer = show(&scene, "/v1/events?limit=2", BATCH).await;
    assert_eq!(answer.header("content-type"), Some(BATCH));
    let shown = json_of(answer, 200);
    let ids: Vec<_> = shown
        .as_array()
        .unwrap()
        .iter()
        .map(|event| &event["id"])
        .collect();
    assert_eq!(ids, [&taken["events"][1]["id"], &taken["events"][0]["id"]]);
}

#[tokio::test]
async fn bad_cloudevents_are_refused_with_the_place() {
    let scene = Scene::open(Script::new()).await;
    let rows = [
        ("specversion", json!("0.3"), 422),
        ("specversion", Value::Null, 400),
        ("id", json!(""), 422),
        ("source", json!(""), 422),
        ("source", json!("a b"), 422),
        ("type", json!("a b"), 400),
        ("type", json!("webhook.received"), 422),
        ("time", json!("yesterday"), 422),
        ("datacontenttype", json!("text/xml"), 422),
        ("data_base64", json!("AAAA"), 400),
        ("traceparent", json!("00-0-0-0"), 422),
        ("partitionkey", json!("p"), 400),
    ];
    for (name, value, status) in rows {
        let mut event = order();
        event[name] = value;
        let refused = json_of(send(&scene, STRUCTURED, &event).await, status);
        assert_eq!(
            refused["errors"][0]["pointer"],
            format!("/{name}"),
            "{refused}"
        );
        let refused = json_of(send(&scene, BATCH, &json!([order(), event])).await, status);
        assert_eq!(
            refused["errors"][0]["pointer"],
            format!("/1/{name}"),
            "{refused}"
        );
    }
    json_of(send(&scene, BATCH, &json!([])).await, 422);
    json_of(send(&scene, BATCH, &order()).await, 400);
    assert!(scene.list("/v1/events").await.is_empty());
}
