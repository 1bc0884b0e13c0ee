//! What bad input to events and deliveries gets.

use http::Method;
use serde_json::json;

use crate::{
    bad_input::{Row, check, deep, rows_of_all, server},
    scene::{json_of, text},
};

#[tokio::test]
async fn bad_input_to_events_and_deliveries_is_refused() {
    let (_server, client) = server().await;
    let (deep, large) = (deep(), "x".repeat(2_000));
    let long = json!({"type": "a", "subject": "x".repeat(257)}).to_string();
    let long_id = json!({"type": "a", "id": "x".repeat(256)}).to_string();
    let invalid = "invalid-input";
    let mut rows = rows_of_all(&deep, &large);
    rows.extend([
        (
            "{}",
            400,
            "invalid-body",
            Some("/type"),
            "missing field `type`",
        ),
        (
            r#"{"data":{}}"#,
            400,
            "invalid-body",
            Some("/type"),
            "or several `events`",
        ),
        (
            r#"{"type":7}"#,
            400,
            "invalid-body",
            Some("/type"),
            "expected",
        ),
        (
            r#"{"type":"a b"}"#,
            400,
            "invalid-body",
            Some("/type"),
            "segments parted by single dots",
        ),
        (
            r#"{"type":"webhook.received"}"#,
            422,
            invalid,
            Some("/type"),
            "published by Tieline itself",
        ),
        (
            r#"{"type":"integration.status_changed"}"#,
            422,
            invalid,
            Some("/type"),
            "choose a type of your own",
        ),
        (&long, 422, invalid, Some("/subject"), "at most 256"),
        (
            r#"{"type":"a","subject":"a\nb"}"#,
            422,
            invalid,
            Some("/subject"),
            "control characters",
        ),
        (&long_id, 422, invalid, Some("/id"), "at most 255"),
        (
            r#"{"type":"a","id":""}"#,
            422,
            invalid,
            Some("/id"),
            "at least 1",
        ),
        (
            r#"{"type":"a","data":{"a":}}"#,
            400,
            "malformed-json",
            None,
            "line 1, column 25",
        ),
        (
            r#"{"events":[]}"#,
            422,
            invalid,
            Some("/events"),
            "give 1 to 3 events",
        ),
        (
            r#"{"events":[{"type":"a"},{"type":"a"},{"type":"a"},{"type":"a"}]}"#,
            422,
            invalid,
            Some("/events"),
            "not 4",
        ),
        (
            r#"{"events":[{"type":"a"},{}]}"#,
            400,
            "invalid-body",
            Some("/events/1/type"),
            "missing field `type`",
        ),
        (
            r#"{"events":[{"type":"a"},{"type":"webhook.test"}]}"#,
            422,
            invalid,
            Some("/events/1/type"),
            "choose a type",
        ),
        (
            r#"{"type":"a","events":[{"type":"a"}]}"#,
            422,
            invalid,
            Some("/events"),
            "not both",
        ),
    ]);
    check(&client, Method::POST, "/v1/events", &rows).await;
    let replay: [Row; 2] = [
        (
            r#"{"webhook_id":"evt_1"}"#,
            400,
            "invalid-body",
            Some("/webhook_id"),
            "begins with `wh_`",
        ),
        (
            r#"{"webhook":"wh_1"}"#,
            400,
            "invalid-body",
            Some("/webhook"),
            "unknown field",
        ),
    ];
    check(&client, Method::POST, "/v1/dead-letters/replay", &replay).await;

    let queries = [
        (
            "/v1/deliveries?status=lost",
            "status: `lost` is no delivery status",
        ),
        ("/v1/deliveries?webhook_id=x", "begins with `wh_`"),
        ("/v1/deliveries?event=x", "unknown field `event`"),
        ("/v1/dead-letters?status=dead", "unknown field `status`"),
        ("/v1/events?type=a.*", "segments parted by single dots"),
        ("/v1/events?limit=0", "limit: give"),
        ("/v1/events?subject=%00", "NUL"),
    ];
    for (path, words) in queries {
        let problem = json_of(client.get(path).await.unwrap(), 400);
        assert_eq!(problem["type"], "/docs/errors/invalid-parameter", "{path}");
        assert!(
            text(&problem["detail"]).contains(words),
            "{path}: {problem}"
        );
    }
}
