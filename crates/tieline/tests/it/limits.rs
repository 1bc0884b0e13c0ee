//! The limits that an operator sets: each is looked at, and the refusal says where and how much.

use http::Method;
use serde_json::{Value, json};
use tieline_testkit::receiver::{Behaviour, Script};

use crate::{
    api_frame_server::Server,
    scene::{Scene, json_of, text},
};

/// Every limit low, with what is too much for it, where the fault is, and what the refusal says.
fn rows() -> Vec<(
    &'static str,
    &'static str,
    &'static str,
    Value,
    &'static str,
    &'static str,
)> {
    let webhook = |more: Value| {
        let mut body = json!({"url": "https://example.com/hook", "events": ["a"]});
        let own = body.as_object_mut().unwrap();
        own.extend(more.as_object().unwrap().clone());
        body
    };
    let source = |more: Value| {
        let mut body = json!({"name": "A"});
        let own = body.as_object_mut().unwrap();
        own.extend(more.as_object().unwrap().clone());
        body
    };
    let hooks = "/v1/webhooks";
    let sources = "/v1/webhooks/incoming";
    let part = |n: u8| json!({"field": "data.a", "eq": n});
    let long = format!("https://example.com/{}", "x".repeat(45));
    vec![
        (
            "limits.webhook_url_max_bytes",
            "64",
            hooks,
            webhook(json!({"url": long})),
            "/url",
            "at most 64",
        ),
        (
            "limits.webhook_patterns",
            "2",
            hooks,
            webhook(json!({"events": ["a", "b", "c"]})),
            "/events",
            "1 to 2 event patterns",
        ),
        (
            "limits.webhook_filter_parts",
            "2",
            hooks,
            webhook(json!({"filter": {"any": [part(1), part(2)]}})),
            "/filter/any/1",
            "at most 2 parts",
        ),
        (
            "limits.webhook_retries",
            "3",
            hooks,
            webhook(json!({"retry": [0, 1, 2, 3]})),
            "/retry",
            "1 to 3 delays",
        ),
        (
            "limits.webhook_retry_delay_seconds",
            "60",
            hooks,
            webhook(json!({"retry": [0, 61]})),
            "/retry/1",
            "at most 60 seconds",
        ),
        (
            "limits.webhook_timeout_seconds",
            "5",
            hooks,
            webhook(json!({"timeout_seconds": 6})),
            "/timeout_seconds",
            "1 to 5 seconds",
        ),
        (
            "limits.webhook_max_age_hours",
            "2",
            hooks,
            webhook(json!({"max_age": 7_201})),
            "/max_age",
            "60 to 7200 seconds",
        ),
        (
            "limits.webhook_headers",
            "1",
            hooks,
            webhook(json!({"headers": {"x-a": "1", "x-b": "2"}})),
            "/headers",
            "at most 1 headers",
        ),
        (
            "limits.webhook_headers_max_bytes",
            "9",
            hooks,
            webhook(json!({"headers": {"x-a": "1234567"}})),
            "/headers",
            "9 bytes altogether",
        ),
        (
            "limits.overlap_hours_max",
            "4",
            "/v1/signing-keys/rotate",
            json!({"overlap_hours": 5}),
            "/overlap_hours",
            "0 to 4 hours",
        ),
        (
            "limits.source_dedupe_hours_max",
            "6",
            sources,
            source(json!({"dedupe": {"window_hours": 7}})),
            "/dedupe/window_hours",
            "1 to 6 hours",
        ),
        (
            "limits.transform_keys",
            "1",
            sources,
            source(json!({"transform": {"metadata": {"a": "$.a", "b": "$.b"}}})),
            "/transform/metadata",
            "at most 1;",
        ),
        (
            "limits.secret_max_bytes",
            "8",
            "/v1/secrets",
            json!({"name": "A", "value": "123456789"}),
            "/value",
            "at most 8 bytes",
        ),
        (
            "limits.replay_per_second_max",
            "50",
            "/v1/events/replay",
            json!({"from": "2026-11-21T00:00:00Z", "rate_per_second": 51}),
            "/rate_per_second",
            "1 to 50 deliveries",
        ),
    ]
}

#[tokio::test]
async fn each_limit_is_the_operator_s() {
    let rows = rows();
    let settings: Vec<_> = rows.iter().map(|row| (row.0, row.1)).collect();
    let strict = Server::with(&settings).await;
    let lenient = Server::start().await;
    let (strict_client, lenient_client) = (strict.tenant("*").await, lenient.tenant("*").await);
    for (setting, _, path, body, pointer, says) in rows {
        let answer = strict_client.post(path, body.clone()).await.unwrap();
        let problem = json_of(answer, 422);
        let faults = problem["errors"].as_array().unwrap();
        let [fault] = &faults[..] else {
            panic!("{setting}: {problem:#}");
        };
        assert_eq!(fault["pointer"], pointer, "{setting}");
        let detail = text(&fault["detail"]);
        assert!(detail.contains(says), "{setting}: {detail}");
        let answer = lenient_client.post(path, body).await.unwrap();
        assert!(answer.status.is_success(), "{setting}: {answer:?}");
    }
}

#[tokio::test]
async fn a_receiver_asks_for_no_more_time_than_is_allowed() {
    let scene = Scene::with(
        Script::new().on("/hook", Behaviour::retry_after(429, "7200")),
        &[("limits.retry_after_seconds", "90")],
    )
    .await;
    let webhook = scene.subscribe("/hook", &["a"], &[0, 5]).await;
    let event = scene.publish("a", json!({})).await;
    let delivery = scene.delivery(&event, &webhook).await;
    scene.settled(&delivery, "pending", 1).await;
    scene.wait(91);
    scene.settled(&delivery, "dead", 2).await;
}

#[tokio::test]
async fn what_one_request_does_is_bounded() {
    let settings = [
        ("limits.retried_at_once", "2"),
        ("limits.preview_events_max", "3"),
        ("limits.statistics_days", "2"),
        ("limits.webhook_patterns", "1"),
    ];
    let scene = Scene::with(Script::new().on("/hook", Behaviour::status(500)), &settings).await;
    let webhook = scene.subscribe("/hook", &["a"], &[0, 3_600]).await;
    for n in 0..4 {
        let event = scene.publish("a", json!({"n": n})).await;
        let delivery = scene.delivery(&event, &webhook).await;
        scene.settled(&delivery, "pending", 1).await;
    }
    let retry = |dry_run| json!({"status": "pending", "dry_run": dry_run});
    let counted = scene.post("/v1/deliveries/retry", retry(true), 200).await;
    assert_eq!(counted["matched"], 2);
    let retried = scene.post("/v1/deliveries/retry", retry(false), 200).await;
    assert_eq!(retried["replayed"], 2);
    let range = json!({"from": "2026-01-01T00:00:00Z"});
    let preview = scene.post("/v1/events/replay/preview", range, 200).await;
    assert_eq!(
        (&preview["events"], &preview["complete"]),
        (&json!(3), &json!(false))
    );
    let path = format!(
        "/v1/webhooks/{webhook}/statistics?from=2026-11-01T00:00:00Z&to=2026-11-03T00:01:00Z"
    );
    let refused = scene.client.get(&path).await.unwrap();
    let refused = json_of(refused, 422);
    assert!(
        text(&refused["detail"]).contains("no more than 2 days"),
        "{refused}"
    );
    let stream = scene
        .client
        .request(Method::GET, "/v1/events/stream?types=a,b");
    let refused = json_of(stream.send().await.unwrap(), 400);
    assert!(
        text(&refused["detail"]).contains("at most 1 patterns"),
        "{refused}"
    );
}
