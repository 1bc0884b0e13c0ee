//! The catalogue of event types, and what it does to events.

use http::Method;
use serde_json::json;
use tieline_testkit::receiver::Script;

use crate::scene::{Scene, json_of, text};

#[tokio::test]
async fn types_are_registered_changed_and_deleted() {
    let scene = Scene::open(Script::new()).await;
    let body =
        json!({"name": "order.created", "schema": {"type": "object"}, "example": {"total": 1}});
    let answer = scene
        .client
        .post("/v1/event-types", body.clone())
        .await
        .unwrap();
    assert_eq!(
        answer.header("location"),
        Some("/v1/event-types/order.created")
    );
    assert_eq!(answer.header("etag"), Some("\"1\""));
    let made = json_of(answer, 201);
    assert_eq!(
        (&made["origin"], &made["validate"]),
        (&json!("tenant"), &json!("off"))
    );
    let twice = scene.post("/v1/event-types", body, 409).await;
    assert_eq!(twice["type"], "/docs/errors/name-taken");

    let path = "/v1/event-types/order.created";
    let patch = json!({"validate": "reject", "description": "An order."});
    let patched = scene.patch(path, patch, 200).await;
    assert_eq!(patched["schema"], json!({"type": "object"}), "{patched}");
    let stale = scene
        .client
        .request(Method::PUT, path)
        .header("if-match", "\"1\"")
        .unwrap();
    let stale = stale.header("content-type", "application/json").unwrap();
    stale.body("{}").send().await.unwrap().expect(412).unwrap();
    let put = scene
        .client
        .put(path, json!({"schema": true}))
        .await
        .unwrap();
    assert_eq!(put.header("etag"), Some("\"3\""));
    assert_eq!(json_of(put, 200)["description"], json!(null));

    let names = async |query: &str| -> Vec<String> {
        let list = scene.list(&format!("/v1/event-types{query}")).await;
        list.iter().map(|view| text(&view["name"])).collect()
    };
    let all = names("?limit=100").await;
    assert_eq!(all[..2], ["order.created", "webhook.received"]);
    // Page by page it is the same.
    let (mut paged, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = scene.get(&format!("/v1/event-types?limit=1{cursor}")).await;
        paged.extend(
            page["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|view| text(&view["name"])),
        );
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(paged, all);

    let stranger = scene.server.tenant("*").await;
    for answer in [
        stranger.get(path).await,
        stranger.put(path, json!({})).await,
        stranger.delete(path).await,
    ] {
        answer.unwrap().expect(404).unwrap();
    }
    scene.delete(path).await;
    scene.missing(path).await;
}

#[tokio::test]
async fn own_types_are_shown_and_stay() {
    let scene = Scene::open(Script::new()).await;
    let path = "/v1/event-types/delivery.dead_lettered";
    let shown = scene.get(path).await;
    assert_eq!(shown["origin"], "tieline");
    assert_eq!(shown["schema"]["type"], "object");
    let changed = scene.client.put(path, json!({})).await.unwrap();
    changed.expect(409).unwrap();
    scene
        .client
        .delete(path)
        .await
        .unwrap()
        .expect(409)
        .unwrap();
    let body = json!({"name": "delivery.dead_lettered"});
    let refused = scene.post("/v1/event-types", body, 422).await;
    assert_eq!(refused["errors"][0]["pointer"], "/name");
}

#[tokio::test]
async fn an_event_that_does_not_fit_is_refused_where_that_is_asked() {
    let scene = Scene::open(Script::new()).await;
    let schema = json!({"type": "object", "required": ["total"], "properties": {"total": {"type": "number", "minimum": 0}}});
    let body = json!({"name": "order.created", "schema": schema});
    scene.post("/v1/event-types", body, 201).await;
    let bad = json!({"type": "order.created", "data": {"total": -1}});
    scene.post("/v1/events", bad.clone(), 202).await;
    let path = "/v1/event-types/order.created";
    let patch = json!({"validate": "reject"});
    scene.patch(path, patch, 200).await;

    let refused = scene.post("/v1/events", bad.clone(), 422).await;
    assert_eq!(refused["errors"][0]["pointer"], "/data/total", "{refused}");
    let refused = scene
        .post("/v1/events", json!({"type": "order.created"}), 422)
        .await;
    assert_eq!(refused["errors"][0]["pointer"], "/data", "{refused}");
    let good = json!({"type": "order.created", "data": {"total": 1.5}});
    let other = json!({"type": "order.paid", "data": 1});
    let batch = json!({"events": [good, other, bad]});
    let refused = scene.post("/v1/events", batch, 422).await;
    assert_eq!(
        refused["errors"][0]["pointer"], "/events/2/data/total",
        "{refused}"
    );
    let before = scene.list("/v1/events").await.len();
    scene
        .post("/v1/events", json!({"events": [good, other]}), 202)
        .await;
    assert_eq!(scene.list("/v1/events").await.len(), before + 2);
    // The rules of one tenant are none for another.
    let stranger = scene.server.tenant("*").await;
    stranger
        .post("/v1/events", bad.clone())
        .await
        .unwrap()
        .expect(202)
        .unwrap();
    scene.delete(path).await;
    scene.post("/v1/events", bad, 202).await;
}

#[tokio::test]
async fn bad_definitions_are_refused_with_the_place() {
    let scene = Scene::open(Script::new()).await;
    let rows = [
        (json!({"name": "a b"}), 400, "/name"),
        (
            json!({"name": "a", "schema": {}, "validate": "warn"}),
            400,
            "/validate",
        ),
        (json!({"name": "a", "shcema": {}}), 400, "/shcema"),
        (json!({"name": "a", "validate": "reject"}), 422, "/validate"),
        (
            json!({"name": "a", "schema": {"type": 1}}),
            422,
            "/schema/type",
        ),
        (
            json!({"name": "a", "schema": {"$ref": "https://example.com/s"}}),
            422,
            "/schema/$ref",
        ),
        (
            json!({"name": "a", "schema": {"type": "integer"}, "example": "1"}),
            422,
            "/example",
        ),
        (
            json!({"name": "a", "description": "x".repeat(501)}),
            422,
            "/description",
        ),
    ];
    for (body, status, pointer) in rows {
        let refused = scene.post("/v1/event-types", body.clone(), status).await;
        assert_eq!(
            refused["errors"][0]["pointer"], pointer,
            "{body}: {refused}"
        );
    }
}
