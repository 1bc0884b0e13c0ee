//! What bad input to incoming webhooks gets.

use http::Method;
use serde_json::json;

use crate::{
    bad_input::{Row, check, deep, rows_of_all, server},
    scene::{json_of, text},
};

#[tokio::test]
async fn bad_input_to_incoming_webhooks_is_refused() {
    let (_server, client) = server().await;
    let (deep, large) = (deep(), "x".repeat(2_000));
    let long = json!({"name": "x".repeat(201)}).to_string();
    let mut rows = rows_of_all(&deep, &large);
    let invalid = "invalid-input";
    rows.extend([
        (
            "{}",
            400,
            "invalid-body",
            Some("/name"),
            "missing field `name`",
        ),
        (
            r#"{"name":7}"#,
            400,
            "invalid-body",
            Some("/name"),
            "expected a string",
        ),
        (r#"{"name":""}"#, 422, invalid, Some("/name"), "at least 1"),
        (&long, 422, invalid, Some("/name"), "at most 200"),
        (
            r#"{"name":"A","secret":""}"#,
            422,
            invalid,
            Some("/secret"),
            "secret",
        ),
        (
            r#"{"name":"A","verification":{"scheme":"md5"}}"#,
            422,
            invalid,
            Some("/verification/scheme"),
            "may fit `hmac-sha256`",
        ),
        (
            r#"{"name":"A","verification":{"scheme":"github","header":"x"}}"#,
            422,
            invalid,
            Some("/verification/header"),
            "does not take `header`",
        ),
        (
            r#"{"name":"A","verification":{"schema":"github"}}"#,
            400,
            "invalid-body",
            Some("/verification/schema"),
            "unknown field",
        ),
        (
            r#"{"name":"A","transform":{"message":"$.a["}}"#,
            422,
            invalid,
            Some("/transform/message"),
            "at character 4",
        ),
        (
            r#"{"name":"A","transform":{"metadata":{"a/b":"$[1"}}}"#,
            422,
            invalid,
            Some("/transform/metadata/a~1b"),
            "JSONPath",
        ),
        (
            r#"{"name":"A","event_type":"$["}"#,
            422,
            invalid,
            Some("/event_type"),
            "JSONPath",
        ),
        (
            r#"{"name":"A","event_type":"a b"}"#,
            422,
            invalid,
            Some("/event_type"),
            "header:X-GitHub-Event",
        ),
        (
            r#"{"name":"A","dedupe":{"event_id":"$.a","body_hash":true}}"#,
            422,
            invalid,
            Some("/dedupe"),
            "only one of",
        ),
        (
            r#"{"name":"A","dedupe":{"window_hours":721}}"#,
            422,
            invalid,
            Some("/dedupe/window_hours"),
            "1 to 720",
        ),
        (
            r#"{"name":"A","response":{"status":302}}"#,
            422,
            invalid,
            Some("/response/status"),
            "200 to 299",
        ),
        (
            r#"{"name":"A","rate_limit":{"per_second":0}}"#,
            422,
            invalid,
            Some("/rate_limit/per_second"),
            "1 to 1000000",
        ),
        (
            r#"{"name":"A","rate_limit":{"per_second":5,"burst":1000001}}"#,
            422,
            invalid,
            Some("/rate_limit/burst"),
            "1 to 1000000",
        ),
        (
            r#"{"name":"A","status":"off"}"#,
            400,
            "invalid-body",
            Some("/status"),
            "`active`, `paused`",
        ),
    ]);
    check(&client, Method::POST, "/v1/webhooks/incoming", &rows).await;

    let made = json_of(
        client
            .post("/v1/webhooks/incoming", json!({"name": "A"}))
            .await
            .unwrap(),
        201,
    );
    let path = format!("/v1/webhooks/incoming/{}", text(&made["id"]));
    let changes: [Row; 5] = [
        (
            r#"{"name":null}"#,
            400,
            "invalid-body",
            Some("/name"),
            "missing field `name`",
        ),
        (
            r#"{"id":"wh_in_x"}"#,
            400,
            "invalid-body",
            Some("/id"),
            "unknown field `id`",
        ),
        (
            r#"{"secret":"new secret"}"#,
            422,
            invalid,
            Some("/secret"),
            "rotate-secret",
        ),
        (
            r#"{"verification":{"scheme":"none","content":"{body}"}}"#,
            422,
            invalid,
            Some("/verification/content"),
            "does not take",
        ),
        ("[]", 400, "invalid-body", Some(""), "expected a map"),
    ];
    check(&client, Method::PATCH, &path, &changes).await;
    let secrets: [Row; 3] = [
        (r#"{"secret":""}"#, 422, invalid, Some("/secret"), "secret"),
        (
            r#"{"overlap_hours":721}"#,
            422,
            invalid,
            Some("/overlap_hours"),
            "0 to 720",
        ),
        (
            r#"{"overlap_hours":-1}"#,
            400,
            "invalid-body",
            Some("/overlap_hours"),
            "-1",
        ),
    ];
    check(
        &client,
        Method::POST,
        &format!("{path}/rotate-secret"),
        &secrets,
    )
    .await;
    let samples: [Row; 2] = [
        (
            "{}",
            400,
            "invalid-body",
            Some("/body"),
            "missing field `body`",
        ),
        (
            r#"{"body":1,"headers":{"a b":"c"}}"#,
            422,
            invalid,
            Some("/headers/a b"),
            "no HTTP header",
        ),
    ];
    check(&client, Method::POST, &format!("{path}/test"), &samples).await;
}
