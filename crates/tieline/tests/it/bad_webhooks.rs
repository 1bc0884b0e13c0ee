//! What bad input to webhooks gets.

use http::Method;
use serde_json::{Value, json};

use crate::{
    bad_input::{Row, check, deep, rows_of_all, server},
    scene::{json_of, text},
};

#[tokio::test]
async fn bad_input_to_webhooks_is_refused() {
    let (_server, client) = server().await;
    let (deep, large) = (deep(), "x".repeat(2_000));
    let to = |url: &str| json!({"url": url, "events": ["*"]}).to_string();
    let with = |field: &str, value: Value| {
        let mut body = json!({"url": "https://example.com/hooks", "events": ["*"]});
        body[field] = value;
        body.to_string()
    };
    let invalid = "invalid-input";
    let cases = [
        // Where it goes.
        (to("nowhere"), 422, invalid, "/url", "this is not a URL"),
        (
            to("ftp://example.com/"),
            422,
            invalid,
            "/url",
            "only http:// and https://",
        ),
        (
            to("file:///etc/passwd"),
            422,
            invalid,
            "/url",
            "only http:// and https://",
        ),
        (
            to("https://user:pass@example.com/"),
            422,
            invalid,
            "/url",
            "user name or password",
        ),
        (to("http://127.0.0.1/"), 422, invalid, "/url", "127.0.0.1"),
        (to("http://0x7f000001/"), 422, invalid, "/url", "127.0.0.1"),
        (
            to("http://[::ffff:169.254.169.254]/"),
            422,
            invalid,
            "/url",
            "169.254.169.254",
        ),
        (
            to("http://localhost:8080/"),
            422,
            invalid,
            "/url",
            "private network",
        ),
        (to("http://10.1.2.3/"), 422, invalid, "/url", "10.1.2.3"),
        (
            to("https://example.com/#part"),
            422,
            invalid,
            "/url",
            "after \"#\"",
        ),
        // What is wanted.
        (
            with("events", json!([])),
            422,
            invalid,
            "/events",
            "give 1 to 100",
        ),
        (
            with("events", json!(vec!["a"; 101])),
            422,
            invalid,
            "/events",
            "give 1 to 100",
        ),
        (
            with("events", json!(["a", "b*"])),
            400,
            "invalid-body",
            "/events/1",
            "expected `*`",
        ),
        (
            with("events", json!("a")),
            400,
            "invalid-body",
            "/events",
            "expected a sequence",
        ),
        // How.
        (
            with("secret", json!("")),
            422,
            invalid,
            "/secret",
            "8 to 256",
        ),
        (
            with("secret", json!("x".repeat(257))),
            422,
            invalid,
            "/secret",
            "8 to 256",
        ),
        (
            with("secret", json!("whsec_?????")),
            422,
            invalid,
            "/secret",
            "whsec_",
        ),
        (
            with("retry", json!([])),
            422,
            invalid,
            "/retry",
            "1 to 50 delays",
        ),
        (
            with("retry", json!([0, 604_801])),
            422,
            invalid,
            "/retry/1",
            "at most 604800",
        ),
        (
            with("retry", json!([0, -1])),
            400,
            "invalid-body",
            "/retry/1",
            "-1",
        ),
        (
            with("timeout_seconds", json!(0)),
            422,
            invalid,
            "/timeout_seconds",
            "1 to 60",
        ),
        (
            with("timeout_seconds", json!("5")),
            400,
            "invalid-body",
            "/timeout_seconds",
            "expected u32",
        ),
        (
            with("max_age", json!(59)),
            422,
            invalid,
            "/max_age",
            "60 to 2592000",
        ),
        (
            with("description", json!("x".repeat(501))),
            422,
            invalid,
            "/description",
            "at most 500",
        ),
        // What goes along.
        (
            with("headers", json!({"Host": "internal"})),
            422,
            invalid,
            "/headers/Host",
            "belongs to the connection",
        ),
        (
            with("headers", json!({"authorization": "Bearer x"})),
            422,
            invalid,
            "/headers/authorization",
            "`auth`",
        ),
        (
            with("headers", json!({"x-a": "1\r\nhost: internal"})),
            422,
            invalid,
            "/headers/x-a",
            "no line breaks",
        ),
        (
            with("headers", json!({"x/a~": "1"})),
            422,
            invalid,
            "/headers/x~1a~0",
            "no header name",
        ),
        (
            with("headers", json!({"x-a": 1})),
            400,
            "invalid-body",
            "/headers/x-a",
            "expected a string",
        ),
        (
            with("id", json!("wh_1")),
            400,
            "invalid-body",
            "/id",
            "unknown field `id`",
        ),
    ];
    let mut rows = rows_of_all(&deep, &large);
    rows.extend(cases.iter().map(|(body, status, code, pointer, words)| {
        (body.as_str(), *status, *code, Some(*pointer), *words)
    }));
    rows.push((
        r#"{"events":["*"]}"#,
        400,
        "invalid-body",
        Some("/url"),
        "missing field `url`",
    ));
    check(&client, Method::POST, "/v1/webhooks", &rows).await;

    let body = json!({"url": "https://example.com/hooks", "events": ["a"]});
    let made = json_of(client.post("/v1/webhooks", body).await.unwrap(), 201);
    let path = format!("/v1/webhooks/{}", text(&made["id"]));
    let changes: [Row; 4] = [
        (
            r#"{"events":null}"#,
            400,
            "invalid-body",
            Some("/events"),
            "missing field `events`",
        ),
        (
            r#"{"url":"http://[::1]/"}"#,
            422,
            invalid,
            Some("/url"),
            "::1",
        ),
        (
            r#"{"secret":"new secret"}"#,
            422,
            invalid,
            Some("/secret"),
            "rotate-secret",
        ),
        (
            r#"{"status":"paused"}"#,
            400,
            "invalid-body",
            Some("/status"),
            "unknown field `status`",
        ),
    ];
    check(&client, Method::PATCH, &path, &changes).await;
    let secrets: [Row; 2] = [
        (
            r#"{"secret":"short"}"#,
            422,
            invalid,
            Some("/secret"),
            "8 to 256",
        ),
        (
            r#"{"overlap_hours":1e9}"#,
            400,
            "invalid-body",
            Some("/overlap_hours"),
            "expected u32",
        ),
    ];
    check(
        &client,
        Method::POST,
        &format!("{path}/rotate-secret"),
        &secrets,
    )
    .await;
}
