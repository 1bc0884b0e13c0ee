//! What is the same for every operation: problems, request ids, limits, idempotency, documents.

use http::Method;
use serde_json::{Value, json};

use crate::api_frame_server::Server;

#[tokio::test]
async fn bad_input_is_refused_with_the_place_and_a_sentence() {
    let server = Server::with(&[("limits.api_body_max_bytes", "1024")]).await;
    let client = server.tenant("* platform:write").await;
    let long = format!(r#"{{"name":"{}"}}"#, "x".repeat(2000));
    let deep = format!("{}1{}", "[".repeat(65), "]".repeat(65));
    let blank = json!({"name": "A", "value": " \n"}).to_string();
    // path, body, status, code, pointer, words of the detail
    let rows: &[(&str, &str, u16, &str, Option<&str>, &str)] = &[
        ("/v1/tenants", "", 400, "malformed-json", None, "line 1, column 0"),
        ("/v1/tenants", "{\"name\": }", 400, "malformed-json", None, "line 1, column 10"),
        ("/v1/tenants", &deep, 400, "json-too-deep", None, "64 levels"),
        ("/v1/tenants", &long, 413, "body-too-large", None, "1024 bytes"),
        ("/v1/tenants", "{}", 400, "invalid-body", Some("/name"), "missing field `name`"),
        ("/v1/tenants", r#"{"nmae":"A"}"#, 400, "invalid-body", Some("/nmae"), "unknown field `nmae`"),
        ("/v1/tenants", r#"{"name":7}"#, 400, "invalid-body", Some("/name"), "expected a string"),
        ("/v1/tenants", r#"{"name":""}"#, 422, "invalid-input", Some("/name"), "at least 1"),
        ("/v1/tenants", r#"{"name":"a\u0000"}"#, 422, "invalid-input", Some("/name"), "control characters"),
        ("/v1/tenants", r#"{"name":"  "}"#, 422, "invalid-input", Some("/name"), "spaces only"),
        ("/v1/api-keys", r#"{"name":"A","scopes":["event:read"]}"#, 400, "invalid-body", Some("/scopes/0"), "no scope"),
        ("/v1/api-keys", r#"{"name":"A","scopes":[]}"#, 422, "invalid-input", Some("/scopes"), "at least one"),
        ("/v1/api-keys", r#"{"name":"A","scopes":["*"],"expires_at":"2020-01-01T00:00:00Z"}"#, 422, "invalid-input", Some("/expires_at"), "future"),
        ("/v1/api-keys", r#"{"name":"A","scopes":["*"],"expires_at":"soon"}"#, 400, "invalid-body", Some("/expires_at"), "RFC 3339"),
        ("/v1/secrets", r#"{"name":"9A","value":"x"}"#, 422, "invalid-input", Some("/name"), "letter or underscore"),
        ("/v1/secrets", r#"{"name":"A","value":""}"#, 422, "invalid-input", Some("/value"), "empty"),
        ("/v1/secrets", &blank, 422, "invalid-input", Some("/value"), "white space"),
    ];
    for (path, body, status, code, pointer, words) in rows {
        let request = client.request(Method::POST, path).header("content-type", "application/json").unwrap();
        let answer = request.body((*body).to_owned()).send().await.unwrap();
        let shown = format!("{path} {}: {answer:?}", &body[..body.len().min(80)]);
        assert_eq!(answer.status, *status, "{shown}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{shown}");
        let problem = answer.json().unwrap();
        assert_eq!(problem["type"], format!("/docs/errors/{code}"), "{shown}");
        assert_eq!(problem["status"], *status, "{shown}");
        assert_eq!(problem["request_id"].as_str(), answer.header("x-request-id"), "{shown}");
        assert_eq!(problem["errors"][0]["pointer"].as_str(), *pointer, "{shown}");
        assert!(problem["detail"].as_str().unwrap().contains(words), "{shown}");
    }
}

#[tokio::test]
async fn bad_parameters_and_forms_are_refused() {
    let server = Server::start().await;
    let client = server.tenant("*").await;
    let rows = [
        ("/v1/audit-log?limit=0", 400, "limit: give a whole number from 1 to 100"),
        ("/v1/audit-log?cursor=%00", 400, "cursor: "),
        ("/v1/audit-log?object_kin=x", 400, "object_kin: unknown field `object_kin`"),
        ("/v1/audit-log?object_kind=%00", 400, "NUL"),
        ("/v1/nowhere", 404, "nothing is at"),
        ("/nowhere", 404, "nothing is at /nowhere"),
        ("/v1/api-keys/key_1", 405, "does not take GET"),
    ];
    for (path, status, words) in rows {
        let answer = client.get(path).await.unwrap();
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        assert!(answer.json().unwrap()["detail"].as_str().unwrap().contains(words), "{path}: {answer:?}");
        assert_eq!(answer.header("allow"), (status == 405).then_some("DELETE"), "{path}");
    }
    for (content_type, given) in [("text/plain", "`text/plain`"), ("application/x-www-form-urlencoded", "urlencoded`")] {
        let request = client.request(Method::POST, "/v1/secrets").header("content-type", content_type).unwrap();
        let answer = request.body("{}").send().await.unwrap();
        assert_eq!(answer.status, 415, "{answer:?}");
        assert!(answer.json().unwrap()["detail"].as_str().unwrap().contains(given), "{answer:?}");
    }
}

#[tokio::test]
async fn every_answer_has_a_request_id_and_careful_headers() {
    let server = Server::start().await;
    let client = server.tenant("*").await;
    for (given, kept) in [("trace-1.a_B", true), ("no spaces please", false)] {
        let request = client.request(Method::GET, "/v1/me").header("x-request-id", given).unwrap();
        let answer = request.send().await.unwrap();
        let id = answer.header("x-request-id").unwrap();
        assert_eq!(id == given, kept, "{id}");
        assert!(kept || id.starts_with("req_"), "{id}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
}

#[tokio::test]
async fn both_prefixes_lead_to_the_same_api() {
    let server = Server::start().await;
    let client = server.tenant("*").await;
    let body = json!({"name": "TOKEN", "value": "x"});
    client.post("/api/v1/secrets", body).await.unwrap().expect(201).unwrap();
    let lists = [client.get("/v1/secrets").await, client.get("/api/v1/secrets").await];
    let [one, other] = lists.map(|list| list.unwrap().json().unwrap());
    assert_eq!(one, other);
    assert_eq!(one["data"][0]["name"], "TOKEN");
}

#[tokio::test]
async fn a_repeat_with_an_idempotency_key_gives_the_first_answer() {
    let server = Server::start().await;
    let client = server.tenant("*").await;
    let send = async |path: &str, key: &str, body: Value| {
        let request = client.request(Method::POST, path).header("idempotency-key", key).unwrap();
        request.json(body).unwrap().send().await.unwrap()
    };
    let body = json!({"name": "CRM", "scopes": ["events:read"]});
    let first = send("/v1/api-keys", "k-1", body.clone()).await.expect(201).unwrap();
    assert_eq!(first.header("idempotency-replayed"), None);
    let second = send("/api/v1/api-keys", "k-1", body.clone()).await.expect(201).unwrap();
    assert_eq!(second.header("idempotency-replayed"), Some("true"));
    assert_eq!(second.body, first.body);
    for name in ["location", "content-type"] {
        assert_eq!(second.header(name), first.header(name), "{name}");
    }
    let keys = client.get("/v1/api-keys").await.unwrap().json().unwrap();
    assert_eq!(keys["data"].as_array().unwrap().len(), 2, "the caller's own and one more: {keys}");

    // The same key for something else.
    let other = json!({"name": "other", "scopes": ["events:read"]});
    for (path, body) in [("/v1/api-keys", other), ("/v1/oauth-clients", body.clone())] {
        let answer = send(path, "k-1", body).await.expect(422).unwrap();
        assert_eq!(answer.json().unwrap()["type"], "/docs/errors/idempotency-key-reused");
    }
    // A refusal is an answer too, and has one request id for good.
    let refused = send("/v1/api-keys", "k-2", json!({})).await.expect(400).unwrap();
    let again = send("/v1/api-keys", "k-2", json!({})).await.expect(400).unwrap();
    assert_eq!(again.body, refused.body);
    // Keys are each tenant's own, and end.
    let stranger = server.tenant("*").await;
    let request = stranger.request(Method::POST, "/v1/api-keys").header("idempotency-key", "k-1").unwrap();
    let answer = request.json(&body).unwrap().send().await.unwrap().expect(201).unwrap();
    assert_eq!(answer.header("idempotency-replayed"), None);
    server.wait(std::time::Duration::from_secs(25 * 3600));
    let later = send("/v1/api-keys", "k-1", body).await.expect(201).unwrap();
    assert_ne!(later.body, first.body);
    send("/v1/api-keys", "a b", json!({})).await.expect(400).unwrap();
}

#[tokio::test]
async fn copies_sent_at_once_with_one_key_are_done_once() {
    let server = Server::start().await;
    let client = server.tenant("*").await;
    let copies = (0..8).map(|_| {
        let request = client.request(Method::POST, "/v1/api-keys").header("idempotency-key", "same").unwrap();
        request.json(json!({"name": "CRM", "scopes": ["events:read"]})).unwrap().send()
    });
    for answer in futures::future::join_all(copies).await {
        let answer = answer.unwrap();
        let running = answer.status == 409 && answer.header("retry-after") == Some("1");
        assert!(answer.status == 201 || running, "{answer:?}");
    }
    let keys = client.get("/v1/api-keys").await.unwrap().json().unwrap();
    assert_eq!(keys["data"].as_array().unwrap().len(), 2, "{keys}");
}

#[tokio::test]
async fn requests_beyond_the_rate_wait() {
    let settings = [("limits.requests_per_second", "1"), ("limits.requests_burst", "3")];
    let server = Server::with(&settings).await;
    let client = server.tenant("*").await;
    for left in ["2", "1", "0"] {
        let answer = client.get("/v1/me").await.unwrap().expect(200).unwrap();
        for prefix in ["", "x-"] {
            assert_eq!(answer.header(&format!("{prefix}ratelimit-limit")), Some("3"));
            assert_eq!(answer.header(&format!("{prefix}ratelimit-remaining")), Some(left));
        }
        assert!(answer.header("ratelimit-reset").is_some());
    }
    let refused = client.get("/v1/me").await.unwrap().expect(429).unwrap();
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(refused.header("ratelimit-remaining"), Some("0"));
    assert_eq!(refused.json().unwrap()["type"], "/docs/errors/rate-limited");
    // Others have buckets of their own; what machines ask has none.
    server.tenant("*").await.get("/v1/me").await.unwrap().expect(200).unwrap();
    let answer = client.get("/healthz").await.unwrap().expect(200).unwrap();
    assert_eq!(answer.header("ratelimit-limit"), None);
}

#[tokio::test]
async fn machines_and_people_find_their_pages() {
    let server = Server::start().await;
    let client = server.client();
    client.get("/healthz").await.unwrap().expect(200).unwrap();
    client.get("/readyz").await.unwrap().expect(200).unwrap();
    let metrics = client.get("/metrics").await.unwrap().expect(200).unwrap();
    assert!(metrics.header("content-type").unwrap().starts_with("text/plain"));
    let document = client.get("/openapi.json").await.unwrap().json().unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    let page = client.get("/docs").await.unwrap().expect(200).unwrap();
    assert!(page.header("content-security-policy").unwrap().contains("default-src 'none'"));
    let errors = client.get("/docs/errors").await.unwrap().expect(200).unwrap().text();
    for (name, response) in document["components"]["responses"].as_object().unwrap() {
        let examples = &response["content"]["application/problem+json"]["examples"];
        for (slug, example) in examples.as_object().unwrap() {
            let path = example["value"]["type"].as_str().unwrap();
            assert!(errors.contains(path), "{name}");
            let page = client.get(path).await.unwrap().expect(200).unwrap().text();
            assert!(page.contains(slug.as_str()), "{path}");
        }
    }
    client.get("/docs/errors/none").await.unwrap().expect(404).unwrap();
}
