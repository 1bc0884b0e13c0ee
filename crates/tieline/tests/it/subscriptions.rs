//! Webhook subscriptions: made, changed, tried.

use http::Method;
use serde_json::json;
use tieline_store::documents::{Kind, Replacement};
use tieline_testkit::{
    receiver::{Behaviour, Reply, Script},
    seed::{SEED_001, commands},
};

use crate::{
    api_frame_server::Server,
    scene::{Scene, json_of, text},
};

#[tokio::test]
async fn seed_001_works_as_it_stands() {
    // The name does not resolve here, and need not: it is looked up when something is sent.
    let server = Server::start().await;
    let client = server.tenant("webhooks:write").await;
    let mut all = commands(SEED_001).into_iter();
    let create = all.find(|command| command.url == "/webhooks").unwrap();
    let request = client
        .request(Method::POST, "/v1/webhooks")
        .header("content-type", "application/json")
        .unwrap();
    let answer = request.body(create.body.unwrap()).send().await.unwrap();
    let location = answer.header("location").map(str::to_owned);
    let made = json_of(answer, 201);
    let id = text(&made["id"]);
    assert_eq!(location, Some(format!("/v1/webhooks/{id}")));
    assert_eq!(made["url"], "https://your-app.com/webhooks/workflux");
    let events = json!([
        "conversation.started",
        "conversation.completed",
        "agent.response"
    ]);
    assert_eq!(made["events"], events, "exactly those asked for");
    assert_eq!(made["status"], "active");
    assert!(made.get("secret").is_none(), "it was the client's own");
    assert!(made["created_at"].as_str().unwrap().ends_with('Z'));
}

#[tokio::test]
async fn a_webhook_is_changed_and_deleted() {
    let scene = Scene::open(Script::new()).await;
    let body = json!({"url": scene.receiver.url("/one"), "events": ["a"], "retry": [0, 9], "timeout_seconds": 5, "max_age": 60, "description": "First"});
    let answer = scene.client.post("/v1/webhooks", body).await.unwrap();
    assert_eq!(answer.header("etag"), Some("\"1\""));
    let made = json_of(answer, 201);
    assert!(text(&made["secret"]).starts_with("whsec_"));
    let id = text(&made["id"]);
    let path = format!("/v1/webhooks/{id}");
    let patch = json!({"events": ["b", "c.*"], "retry": null});
    let changed = scene.patch(&path, patch, 200).await;
    assert_eq!(changed["events"], json!(["b", "c.*"]));
    assert_eq!(changed["retry"], json!(null));
    assert_eq!(changed["timeout_seconds"], 5);
    assert_eq!(changed["description"], "First");
    scene.publish("a", json!({})).await;
    scene.publish("c.d", json!({"n": 1})).await;
    let received = scene.receiver.wait_for(1).await.unwrap();
    assert_eq!(received[0].json().unwrap()["event"], "c.d");

    let delivered = |seen: &serde_json::Value| seen["last_success_at"].is_string();
    scene.when(&path, delivered).await;
    let put = json!({"url": scene.receiver.url("/two"), "events": ["*"]});
    let replaced = scene.put(&path, put, 200).await;
    assert_eq!(replaced["description"], json!(null));
    assert_eq!(scene.list("/v1/webhooks").await, [replaced]);
    scene.publish("anything", json!({})).await;
    let received = scene.receiver.wait_for(2).await.unwrap();
    assert_eq!(received[1].path, "/two");

    scene.delete(&path).await;
    scene.missing(&path).await;
    let event = scene.publish("anything", json!({})).await;
    let owed = scene
        .list(&format!("/v1/deliveries?event_id={event}"))
        .await;
    assert!(owed.is_empty(), "{owed:?}");
}

#[tokio::test]
async fn what_a_deleted_webhook_is_owed_is_called_off() {
    let scene = Scene::open(Script::new().on("/hook", Behaviour::status(500))).await;
    let webhook = scene.subscribe("/hook", &["a"], &[0, 60]).await;
    let event = scene.publish("a", json!({})).await;
    let delivery = scene.delivery(&event, &webhook).await;
    scene.settled(&delivery, "pending", 1).await;
    let path = format!("/v1/webhooks/{webhook}");
    scene.delete(&path).await;
    scene.wait(80);
    scene.settled(&delivery, "cancelled", 1).await;
    let retry = format!("/v1/deliveries/{delivery}/retry");
    let refused = scene.post(&retry, json!({}), 409).await;
    assert!(text(&refused["detail"]).contains("called off"), "{refused}");
}

#[tokio::test]
async fn a_lost_update_is_refused() {
    let scene = Scene::open(Script::new()).await;
    let webhook = scene.subscribe("/hook", &["a"], &[]).await;
    let source = scene
        .post("/v1/webhooks/incoming", json!({"name": "A"}), 201)
        .await;
    let rows = [
        (format!("/v1/webhooks/{webhook}"), json!({"events": ["b"]})),
        (
            format!("/v1/webhooks/incoming/{}", text(&source["id"])),
            json!({"name": "B"}),
        ),
    ];
    for (path, patch) in rows {
        let send = async |method: Method, tag: &str| {
            let request = scene.client.request(method, &path).json(&patch);
            let request = request.and_then(|request| request.header("if-match", tag));
            request.unwrap().send().await.unwrap()
        };
        let changed = send(Method::PATCH, "\"1\"").await.expect(200).unwrap();
        assert_eq!(changed.header("etag"), Some("\"2\""));
        for method in [Method::PATCH, Method::DELETE] {
            let refused = send(method, "\"1\"").await;
            assert_eq!(refused.header("etag"), Some("\"2\""));
            let refused = json_of(refused, 412);
            assert_eq!(refused["type"], "/docs/errors/version-conflict");
        }
        send(Method::DELETE, "\"2\"").await.expect(204).unwrap();
    }
}

#[tokio::test]
async fn a_test_says_what_came_back_and_stores_nothing() {
    let script = Script::new()
        .on("/good", Reply::new(200).body("thanks"))
        .on("/bad", Reply::new(500).body("oh no"))
        .on("/closed", Behaviour::CloseBeforeHead);
    let scene = Scene::open(script).await;
    // path, success, status, excerpt, error kind
    let rows = [
        ("/good", true, json!(200), "thanks", json!(null)),
        ("/bad", false, json!(500), "oh no", json!("status")),
        ("/closed", false, json!(null), "", json!("unknown_outcome")),
    ];
    for (path, success, status, excerpt, kind) in rows {
        let webhook = scene.subscribe(path, &["a"], &[]).await;
        let shown = scene
            .post(&format!("/v1/webhooks/{webhook}/test"), json!({}), 200)
            .await;
        assert_eq!(shown["success"], success, "{path}");
        assert_eq!(shown["status_code"], status, "{path}");
        assert_eq!(shown["response_excerpt"], excerpt, "{path}");
        assert_eq!(
            shown.get("error_kind").unwrap_or(&json!(null)),
            &kind,
            "{path}"
        );
        assert_eq!(shown.get("error").is_some(), !success, "{path}");
        assert!(shown["response_time_ms"].is_u64(), "{path}");
    }
    let first = &scene.received()[0];
    assert_eq!(first.json().unwrap()["event"], "webhook.test");
    assert!(
        first
            .header("webhook-signature")
            .unwrap()
            .starts_with("v1,")
    );
    assert!(scene.list("/v1/events").await.is_empty());
    assert!(scene.list("/v1/deliveries").await.is_empty());
}

#[tokio::test]
async fn a_url_that_may_not_be_called_any_more_is_not_called() {
    let scene = Scene::with(Script::new(), &[("outbound_allow", "10.0.0.0/8")]).await;
    let body = json!({"url": "https://example.com/hooks", "events": ["a"]});
    let webhook = text(&scene.post("/v1/webhooks", body, 201).await["id"]);
    // As if the operator had allowed loopback when it was saved.
    let stored = json!({"url": scene.receiver.url("/hook"), "events": ["a"]});
    let app = &scene.server.app;
    let me = text(&scene.get("/v1/me").await["tenant"]["id"])
        .parse()
        .unwrap();
    let replacement = Replacement {
        name: None,
        body: stored.to_string(),
        expected: None,
    };
    let by = scene.server.by();
    let replaced = app
        .store
        .replace_document(me, Kind::Subscription, &webhook, replacement, &by);
    replaced.await.unwrap().unwrap();
    app.registry.forget_routes(me).await;

    let shown = scene
        .post(&format!("/v1/webhooks/{webhook}/test"), json!({}), 200)
        .await;
    assert_eq!(shown["success"], false);
    assert_eq!(shown["error_kind"], "refused_address");
    assert_eq!(shown["response_excerpt"], "");
    assert_eq!(shown["status_code"], json!(null));
    assert!(text(&shown["error"]).contains("127.0.0.1"), "{shown}");
    assert_eq!(scene.receiver.connections(), 0);
}
