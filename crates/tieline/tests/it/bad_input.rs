//! What bad input gets: a status, a code, the place, and a sentence that says what to do.

use http::Method;
use serde_json::{Value, json};
use tieline_testkit::http::Client;

use crate::{
    api_frame_server::Server,
    scene::{json_of, text},
};

/// Body, status, code, pointer, words of the detail.
type Row<'a> = (&'a str, u16, &'a str, Option<&'a str>, &'a str);

/// Sends each body to `path` and compares what comes back.
async fn check(client: &Client, method: Method, path: &str, rows: &[Row<'_>]) {
    for (body, status, code, pointer, words) in rows {
        let shown = &body[..body.len().min(120)];
        let request = client
            .request(method.clone(), path)
            .header("content-type", "application/json")
            .unwrap();
        let answer = request.body((*body).to_owned()).send().await.unwrap();
        assert_eq!(
            answer.status.as_u16(),
            *status,
            "{path} {shown}: {answer:?}"
        );
        let problem = answer.json().unwrap();
        let place = format!("{path} {shown}: {problem:#}");
        assert_eq!(problem["type"], format!("/docs/errors/{code}"), "{place}");
        let pointers: Vec<_> = problem["errors"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|error| text(&error["pointer"]))
            .collect();
        assert_eq!(pointers.first().map(String::as_str), *pointer, "{place}");
        let said = all_said(&problem);
        assert!(said.contains(words), "{place}");
        assert!(said.split(' ').count() > 3, "a sentence: {place}");
    }
}

fn all_said(problem: &Value) -> String {
    let errors = problem["errors"].as_array().into_iter().flatten();
    let details = errors.map(|error| text(&error["detail"]));
    let all: Vec<_> = std::iter::once(text(&problem["detail"]))
        .chain(details)
        .collect();
    all.join(" ")
}

/// What every body can have wrong with it.
fn rows_of_all<'a>(deep: &'a str, large: &'a str) -> Vec<Row<'a>> {
    vec![
        ("", 400, "malformed-json", None, "line 1"),
        ("{", 400, "malformed-json", None, "line 1"),
        ("{\u{1}}", 400, "malformed-json", None, "line 1"),
        ("\u{feff}{}", 400, "malformed-json", None, "line 1"),
        ("7", 400, "invalid-body", Some(""), "invalid type"),
        (
            r#"{"nmae":1}"#,
            400,
            "invalid-body",
            Some("/nmae"),
            "unknown field `nmae`",
        ),
        (deep, 400, "json-too-deep", None, "64 levels"),
        (large, 413, "body-too-large", None, "1024 bytes"),
    ]
}

async fn server() -> (Server, Client) {
    let server = Server::with(&[
        ("limits.api_body_max_bytes", "1024"),
        ("limits.event_batch_max", "3"),
    ])
    .await;
    let client = server.tenant("*").await;
    (server, client)
}

fn deep() -> String {
    format!("{}{}", "[".repeat(65), "]".repeat(65))
}

#[tokio::test]
async fn of_incoming_webhooks() {
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
            "there are hmac-sha256",
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
            "$.a[",
        ),
        (
            r#"{"name":"A","transform":{"metadata":{"a/b":"nope"}}}"#,
            422,
            invalid,
            Some("/transform/metadata/a~1b"),
            "$",
        ),
        (
            r#"{"name":"A","event_type":"$["}"#,
            422,
            invalid,
            Some("/event_type"),
            "$[",
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
            r#"{"name":"A","status":"off"}"#,
            400,
            "invalid-body",
            Some("/status"),
            "`active` or `paused`",
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

#[tokio::test]
async fn of_webhooks() {
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

#[tokio::test]
async fn of_events_and_deliveries() {
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
            "line 1, column 24",
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

#[tokio::test]
async fn ids_that_lead_nowhere() {
    let (_server, client) = server().await;
    let id = "01kb3f9z5qf8m9w2v7x4t6n0hc";
    for path in [
        format!("/v1/webhooks/wh_{id}"),
        format!("/v1/webhooks/wh_{id}/deliveries"),
        format!("/v1/webhooks/wh_in_{id}"),
        "/v1/webhooks/nonsense".to_owned(),
        format!("/v1/webhooks/incoming/wh_in_{id}"),
        format!("/v1/webhooks/incoming/wh_in_{id}/rejected"),
        format!("/v1/events/evt_{id}"),
        format!("/v1/events/dlv_{id}"),
        format!("/v1/deliveries/dlv_{id}"),
    ] {
        let problem = json_of(client.get(&path).await.unwrap(), 404);
        assert_eq!(problem["type"], "/docs/errors/not-found", "{path}");
        assert!(text(&problem["detail"]).contains("check the id"), "{path}");
    }
    for path in [
        format!("/v1/webhooks/wh_{id}/test"),
        format!("/v1/webhooks/wh_{id}/enable"),
        format!("/v1/webhooks/wh_{id}/rotate-secret"),
        format!("/v1/webhooks/incoming/wh_in_{id}/rotate-secret"),
        format!("/v1/deliveries/dlv_{id}/retry"),
    ] {
        json_of(client.post(&path, json!({})).await.unwrap(), 404);
    }
}
