//! Publishing and reading events.

use http::Method;
use serde_json::json;
use tieline_testkit::receiver::{Behaviour, Script};

use crate::scene::{Scene, text};

#[tokio::test]
async fn an_event_is_kept_as_it_was_given() {
    let scene = Scene::open(Script::new()).await;
    // Digits that no float can hold, and spaces, stay.
    let body = r#"{"type":"order.created","data":{"n": 12345678901234567890.10,"u":"\u0000é"},"subject":"order/1"}"#;
    let request = scene
        .client
        .request(Method::POST, "/v1/events")
        .header("content-type", "application/json")
        .unwrap()
        .body(body);
    let answer = request.send().await.unwrap().expect(202).unwrap();
    let published = answer.json().unwrap();
    assert_eq!(published["status"], "accepted");
    let path = format!("/v1/events/{}", text(&published["id"]));
    let shown = scene.client.get(&path).await.unwrap().expect(200).unwrap();
    let data = r#""data":{"n": 12345678901234567890.10,"u":"\u0000é"}"#;
    assert!(shown.text().contains(data), "{}", shown.text());
    let shown = shown.json().unwrap();
    assert_eq!(shown["type"], "order.created");
    assert_eq!(shown["source"], "/v1/events");
    assert_eq!(shown["subject"], "order/1");
    assert_eq!(shown["trace_id"].as_str().unwrap().len(), 32);
    assert_eq!(
        shown["caused"],
        json!({"deliveries": [], "events": [], "truncated": false})
    );
}

#[tokio::test]
async fn data_is_any_json_and_an_empty_object_if_absent() {
    let scene = Scene::open(Script::new()).await;
    let rows = [
        (json!({"type": "a"}), json!({})),
        (json!({"type": "a", "data": null}), json!(null)),
        (json!({"type": "a", "data": []}), json!([])),
        (json!({"type": "a", "data": "x"}), json!("x")),
        (json!({"type": "a", "data": 7}), json!(7)),
    ];
    for (body, data) in rows {
        let id = text(&scene.post("/v1/events", body, 202).await["id"]);
        assert_eq!(scene.get(&format!("/v1/events/{id}")).await["data"], data);
    }
}

#[tokio::test]
async fn the_same_id_is_accepted_once_while_the_window_lasts() {
    let scene = Scene::with(Script::new(), &[("limits.dedupe_window_hours", "1")]).await;
    scene.subscribe("/hook", &["*"], &[]).await;
    let body = json!({"type": "a", "id": "mine"});
    let first = scene.post("/v1/events", body.clone(), 202).await;
    let again = scene.post("/v1/events", body.clone(), 202).await;
    assert_eq!(first["status"], "accepted");
    assert_eq!(again["status"], "duplicate");
    assert_eq!(again["id"], first["id"]);

    // Ids of another tenant are others.
    let other = scene.server.tenant("*").await;
    let theirs = other.post("/v1/events", body.clone()).await.unwrap();
    assert_eq!(theirs.json().unwrap()["status"], "accepted");

    // Within one request too.
    let both = json!({"events": [{"type": "a", "id": "x"}, {"type": "b", "id": "x"}]});
    let both = scene.post("/v1/events", both, 202).await;
    assert_eq!(both["events"][1]["status"], "duplicate");
    assert_eq!(both["events"][1]["id"], both["events"][0]["id"]);

    scene.wait(3_601);
    let later = scene.post("/v1/events", body, 202).await;
    assert_eq!(later["status"], "accepted");
    scene.receiver.wait_for(3).await.unwrap();
    assert_eq!(scene.list("/v1/events").await.len(), 3);
}

#[tokio::test]
async fn a_batch_is_accepted_whole_or_not_at_all() {
    let scene = Scene::open(Script::new()).await;
    scene.subscribe("/hook", &["*"], &[]).await;
    let good: Vec<_> = (0..5)
        .map(|i| json!({"type": "n", "data": {"i": i}}))
        .collect();
    let mut bad = good.clone();
    bad.push(json!({"type": "webhook.received"}));
    scene.post("/v1/events", json!({"events": bad}), 422).await;
    assert!(scene.list("/v1/events").await.is_empty());

    let answer = scene.post("/v1/events", json!({"events": good}), 202).await;
    let ids: Vec<_> = answer["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| text(&event["id"]))
        .collect();
    assert_eq!(ids.len(), 5);
    let received = scene.receiver.wait_for(5).await.unwrap();
    let delivered: Vec<_> = received
        .iter()
        .map(|request| text(&request.json().unwrap()["id"]))
        .collect();
    assert_eq!(delivered, ids, "in order");
}

#[tokio::test]
async fn events_are_found_by_type_source_and_subject() {
    let scene = Scene::open(Script::new()).await;
    for (event_type, subject) in [("a", "s/1"), ("b", "s/1"), ("a", "s/2")] {
        let body = json!({"type": event_type, "subject": subject});
        scene.post("/v1/events", body, 202).await;
    }
    let rows = [
        ("", 3),
        ("?type=a", 2),
        ("?type=a&subject=s/2", 1),
        ("?subject=s/1", 2),
        ("?source=/v1/events", 3),
        ("?source=/elsewhere", 0),
        ("?type=c", 0),
        ("?limit=2", 2),
    ];
    for (query, count) in rows {
        assert_eq!(
            scene.list(&format!("/v1/events{query}")).await.len(),
            count,
            "{query}"
        );
    }
    let page = scene.get("/v1/events?limit=2").await;
    let rest = scene
        .list(&format!(
            "/v1/events?limit=2&cursor={}",
            text(&page["next_cursor"])
        ))
        .await;
    assert_eq!(rest.len(), 1);
    assert_eq!(rest[0]["subject"], "s/1", "the oldest comes last");
}

#[tokio::test]
async fn an_event_shows_what_it_caused() {
    let scene = Scene::open(Script::new().on("/hook", Behaviour::status(500))).await;
    let webhook = scene.subscribe("/hook", &["order.*"], &[0]).await;
    let event = scene.publish("order.created", json!({})).await;
    let delivery = scene.delivery(&event, &webhook).await;
    scene.settled(&delivery, "dead", 1).await;
    let tree = scene.get(&format!("/v1/events/{event}")).await;
    let caused = &tree["caused"];
    assert_eq!(caused["deliveries"][0]["id"], json!(delivery));
    assert_eq!(caused["deliveries"][0]["webhook_id"], json!(webhook));
    assert_eq!(caused["deliveries"][0]["status"], "dead");
    assert_eq!(caused["events"].as_array().unwrap().len(), 1);
    let told = &caused["events"][0];
    assert_eq!(told["type"], "delivery.dead_lettered");
    assert_eq!(told["cause_id"], json!(event));
    assert_eq!(told["trace_id"], tree["trace_id"]);
    assert_eq!(told["data"]["delivery_id"], json!(delivery));
    assert_eq!(told["caused"]["events"], json!([]));
}
