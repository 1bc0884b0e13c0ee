//! A delivery as its receiver and its sender see it.

use aws_lc_rs::hmac;
use http::Method;
use serde_json::json;
use standardwebhooks::Webhook;
use tieline_testkit::receiver::{Behaviour, Received, Reply, Script};

use crate::scene::{Scene, json_of, text};

/// Whether the signature of Standard Webhooks is among those that the request carries.
pub(crate) fn is_signed(request: &Received, by: &Webhook) -> bool {
    let id = request.header("webhook-id").unwrap();
    let at = request.header("webhook-timestamp").unwrap();
    let expected = by.sign(id, at.parse().unwrap(), &request.body).unwrap();
    let given = request.header("webhook-signature").unwrap();
    given.split(' ').any(|signature| signature == expected)
}

#[tokio::test]
async fn an_event_arrives_signed() {
    let scene = Scene::open(Script::new()).await;
    let secret = "your_webhook_secret";
    let body =
        json!({"url": scene.receiver.url("/hook"), "events": ["agent.response"], "secret": secret});
    scene.post("/v1/webhooks", body, 201).await;
    scene.publish("conversation.started", json!({})).await;
    let event = scene
        .publish("agent.response", json!({"text": "Hello"}))
        .await;
    let received = scene.receiver.wait_for(1).await.unwrap();
    let request = &received[0];
    assert_eq!(request.method, "POST");
    assert_eq!(request.header("content-type"), Some("application/json"));
    let sent = request.json().unwrap();
    assert_eq!(sent["id"], json!(event));
    assert_eq!(sent["event"], "agent.response");
    assert_eq!(sent["data"], json!({"text": "Hello"}));
    assert_eq!(
        sent["timestamp"],
        scene.get(&format!("/v1/events/{event}")).await["time"]
    );
    let standard = Webhook::from_bytes(secret.into()).unwrap();
    assert!(is_signed(request, &standard));
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let hex = hex::encode(hmac::sign(&key, &request.body));
    assert_eq!(
        request.header("x-webhook-signature"),
        Some(&*format!("sha256={hex}"))
    );
}

#[tokio::test]
async fn while_a_secret_is_rotated_both_sign() {
    let scene = Scene::open(Script::new()).await;
    let body = json!({"url": scene.receiver.url("/hook"), "events": ["*"]});
    let made = scene.post("/v1/webhooks", body, 201).await;
    let path = format!("/v1/webhooks/{}/rotate-secret", text(&made["id"]));
    let rotated = scene.post(&path, json!({"overlap_hours": 1}), 200).await;
    let [old, new] = [&made, &rotated].map(|view| Webhook::new(&text(&view["secret"])).unwrap());
    scene.publish("a", json!({})).await;
    let received = scene.receiver.wait_for(1).await.unwrap();
    assert!(is_signed(&received[0], &old) && is_signed(&received[0], &new));
}

#[tokio::test]
async fn an_attempt_shows_what_was_seen_without_secrets() {
    let echo = "the secret is your_webhook_secret";
    let reply = Reply::new(500)
        .header("x-echo", "your_webhook_secret")
        .body(echo);
    let scene = Scene::open(Script::new().on("/hook", reply)).await;
    let body = json!({"url": scene.receiver.url("/hook"), "events": ["a"], "secret": "your_webhook_secret"});
    let webhook = text(&scene.post("/v1/webhooks", body, 201).await["id"]);
    let event = scene.publish("a", json!({})).await;
    let delivery = scene.delivery(&event, &webhook).await;
    let seen = scene.settled(&delivery, "pending", 1).await;
    assert!(
        !seen.to_string().contains("your_webhook_secret"),
        "{seen:#}"
    );
    let attempt = &seen["attempts"][0];
    assert_eq!(attempt["number"], 1);
    assert_eq!(attempt["status_code"], 500);
    assert_eq!(attempt["error_kind"], "status");
    assert_eq!(attempt["url"], json!(scene.receiver.url("/hook")));
    assert_eq!(attempt["response_excerpt"], "the secret is [redacted]");
    assert_eq!(attempt["response_truncated"], false);
    let header = |of: &str, name: &str| {
        let all = attempt[of].as_array().unwrap().iter();
        all.filter(|header| header["name"] == name)
            .map(|header| text(&header["value"]))
            .next()
    };
    assert_eq!(header("request_headers", "webhook-id"), Some(delivery));
    assert_eq!(header("response_headers", "x-echo").unwrap(), "[redacted]");
}

#[tokio::test]
async fn deliveries_are_found_by_status_webhook_and_event() {
    let scene = Scene::open(Script::new().on("/bad", Behaviour::status(500))).await;
    let good = scene.subscribe("/good", &["*"], &[]).await;
    let bad = scene.subscribe("/bad", &["a"], &[0, 60]).await;
    let event = scene.publish("a", json!({})).await;
    let other = scene.publish("b", json!({})).await;
    for (event, webhook, status) in [
        (&event, &good, "delivered"),
        (&event, &bad, "pending"),
        (&other, &good, "delivered"),
    ] {
        let delivery = scene.delivery(event, webhook).await;
        scene.settled(&delivery, status, 1).await;
    }
    let rows = [
        ("/v1/deliveries".to_owned(), 3),
        ("/v1/deliveries?status=delivered".to_owned(), 2),
        ("/v1/deliveries?status=held".to_owned(), 0),
        (format!("/v1/deliveries?webhook_id={bad}"), 1),
        (format!("/v1/deliveries?event_id={event}"), 2),
        (format!("/v1/deliveries?event_id={other}&status=pending"), 0),
        (format!("/v1/webhooks/{good}/deliveries"), 2),
    ];
    for (path, count) in rows {
        assert_eq!(scene.list(&path).await.len(), count, "{path}");
    }
}

#[tokio::test]
async fn nothing_of_another_tenant_is_seen() {
    let scene = Scene::open(Script::new()).await;
    let webhook = scene.subscribe("/hook", &["*"], &[]).await;
    let event = scene.publish("a", json!({})).await;
    let delivery = scene.delivery(&event, &webhook).await;
    scene.settled(&delivery, "delivered", 1).await;
    let stranger = scene.server.tenant("*").await;
    for path in [
        format!("/v1/events/{event}"),
        format!("/v1/deliveries/{delivery}"),
        format!("/v1/webhooks/{webhook}"),
        format!("/v1/webhooks/{webhook}/deliveries"),
    ] {
        stranger.get(&path).await.unwrap().expect(404).unwrap();
    }
    for path in [
        format!("/v1/deliveries/{delivery}/retry"),
        format!("/v1/webhooks/{webhook}/test"),
        format!("/v1/webhooks/{webhook}/pause"),
    ] {
        let answer = stranger.post(&path, json!({})).await.unwrap();
        answer.expect(404).unwrap();
    }
    for path in ["/v1/events", "/v1/deliveries", "/v1/webhooks"] {
        let list = stranger.get(path).await.unwrap().json().unwrap();
        assert_eq!(list["data"], json!([]), "{path}");
    }
}

#[tokio::test]
async fn a_large_response_is_cut() {
    let scene =
        Scene::open(Script::new().on("/hook", Reply::new(200).body("x".repeat(20_000)))).await;
    let webhook = scene.subscribe("/hook", &["a"], &[]).await;
    let event = scene.publish("a", json!({})).await;
    let delivery = scene.delivery(&event, &webhook).await;
    let seen = scene.settled(&delivery, "delivered", 1).await;
    let attempt = &seen["attempts"][0];
    assert_eq!(text(&attempt["response_excerpt"]).len(), 16 * 1024);
    assert_eq!(attempt["response_truncated"], true);
    assert_eq!(attempt["error_kind"], json!(null));
}

#[tokio::test]
async fn a_trace_goes_from_the_request_to_the_receiver() {
    let scene = Scene::open(Script::new()).await;
    scene.subscribe("/hook", &["a"], &[]).await;
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let rows = [
        (Some(parent), true),
        (Some("00-nonsense"), false),
        (None, false),
    ];
    for (i, (given, kept)) in rows.into_iter().enumerate() {
        let mut request = scene.client.request(Method::POST, "/v1/events");
        if let Some(given) = given {
            request = request.header("traceparent", given).unwrap();
        }
        let answer = request
            .json(json!({"type": "a"}))
            .unwrap()
            .send()
            .await
            .unwrap();
        let answered = answer.header("traceparent").unwrap().to_owned();
        let event = text(&json_of(answer, 202)["id"]);
        let shown = scene.get(&format!("/v1/events/{event}")).await;
        let trace = text(&shown["trace_id"]);
        assert_eq!(trace == parent[3..35], kept, "{given:?}");
        assert_eq!(trace, answered[3..35]);
        assert_ne!(answered[36..52], parent[36..52], "a span of its own");
        let received = scene.receiver.wait_for(i + 1).await.unwrap();
        let sent = received[i].headers["traceparent"].to_str().unwrap();
        assert_eq!(sent[3..35], trace);
        assert_ne!(sent[36..52], answered[36..52], "and the attempt another");
    }
}
