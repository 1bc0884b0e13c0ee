//! What is the same for every operation: problems, request ids, both prefixes, documents.

use http::Method;
use serde_json::json;

use crate::api_frame_server::Server;

/// Path, body, status, code, pointer, words of the detail.
type Row<'a> = (&'a str, &'a str, u16, &'a str, Option<&'a str>, &'a str);

#[tokio::test]
async fn bad_input_is_refused_with_the_place_and_a_sentence() {
    let server = Server::with(&[("limits.api_body_max_bytes", "1024")]).await;
    let client = server.tenant("* platform:write").await;
    let long = format!(r#"{{"name":"{}"}}"#, "x".repeat(2000));
    let deep = format!("{}1{}", "[".repeat(65), "]".repeat(65));
    let blank = json!({"name": "A", "value": " \n"}).to_string();
    let rows: &[Row] = &[
        (
            "/v1/tenants",
            "",
            400,
            "malformed-json",
            None,
            "line 1, column 0",
        ),
        (
            "/v1/tenants",
            "{\"name\": }",
            400,
            "malformed-json",
            None,
            "line 1, column 10",
        ),
        (
            "/v1/tenants",
            &deep,
            400,
            "json-too-deep",
            None,
            "64 levels",
        ),
        (
            "/v1/tenants",
            &long,
            413,
            "body-too-large",
            None,
            "1024 bytes",
        ),
        (
            "/v1/tenants",
            "{}",
            400,
            "invalid-body",
            Some("/name"),
            "missing field `name`",
        ),
        (
            "/v1/tenants",
            r#"{"nmae":"A"}"#,
            400,
            "invalid-body",
            Some("/nmae"),
            "unknown field `nmae`",
        ),
        (
            "/v1/tenants",
            r#"{"name":7}"#,
            400,
            "invalid-body",
            Some("/name"),
            "expected a string",
        ),
        (
            "/v1/tenants",
            r#"{"name":""}"#,
            422,
            "invalid-input",
            Some("/name"),
            "at least 1",
        ),
        (
            "/v1/tenants",
            r#"{"name":"a\u0000"}"#,
            422,
            "invalid-input",
            Some("/name"),
            "control characters",
        ),
        (
            "/v1/tenants",
            r#"{"name":"  "}"#,
            422,
            "invalid-input",
            Some("/name"),
            "spaces only",
        ),
        (
            "/v1/api-keys",
            r#"{"name":"A","scopes":["event:read"]}"#,
            400,
            "invalid-body",
            Some("/scopes/0"),
            "no scope",
        ),
        (
            "/v1/api-keys",
            r#"{"name":"A","scopes":[]}"#,
            422,
            "invalid-input",
            Some("/scopes"),
            "at least one",
        ),
        (
            "/v1/api-keys",
            r#"{"name":"A","scopes":["*"],"expires_at":"2020-01-01T00:00:00Z"}"#,
            422,
            "invalid-input",
            Some("/expires_at"),
            "future",
        ),
        (
            "/v1/api-keys",
            r#"{"name":"A","scopes":["*"],"expires_at":"soon"}"#,
            400,
            "invalid-body",
            Some("/expires_at"),
            "RFC 3339",
        ),
        (
            "/v1/secrets",
            r#"{"name":"9A","value":"x"}"#,
            422,
            "invalid-input",
            Some("/name"),
            "letter or underscore",
        ),
        (
            "/v1/secrets",
            r#"{"name":"A","value":""}"#,
            422,
            "invalid-input",
            Some("/value"),
            "empty",
        ),
        (
            "/v1/secrets",
            &blank,
            422,
            "invalid-input",
            Some("/value"),
            "white space",
        ),
    ];
    for (path, body, status, code, pointer, words) in rows {
        let request = client
            .request(Method::POST, path)
            .header("content-type", "application/json")
            .unwrap();
        let answer = request.body((*body).to_owned()).send().await.unwrap();
        let shown = format!("{path} {}: {answer:?}", &body[..body.len().min(80)]);
        assert_eq!(answer.status, *status, "{shown}");
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json"),
            "{shown}"
        );
        let problem = answer.json().unwrap();
        assert_eq!(problem["type"], format!("/docs/errors/{code}"), "{shown}");
        assert_eq!(problem["status"], *status, "{shown}");
        assert_eq!(
            problem["request_id"].as_str(),
            answer.header("x-request-id"),
            "{shown}"
        );
        assert_eq!(
            problem["errors"][0]["pointer"].as_str(),
            *pointer,
            "{shown}"
        );
        assert!(
            problem["detail"].as_str().unwrap().contains(words),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn bad_parameters_and_forms_are_refused() {
    let server = Server::start().await;
    let client = server.tenant("*").await;
    let rows = [
        (
            "/v1/audit-log?limit=0",
            400,
            "limit: give a whole number from 1 to 100",
        ),
        ("/v1/audit-log?cursor=%00", 400, "cursor: "),
        (
            "/v1/audit-log?object_kin=x",
            400,
            "object_kin: unknown field `object_kin`",
        ),
        ("/v1/audit-log?object_kind=%00", 400, "NUL"),
        ("/v1/nowhere", 404, "nothing is at"),
        ("/nowhere", 404, "nothing is at /nowhere"),
        ("/v1/api-keys/key_1", 405, "does not take GET"),
    ];
    for (path, status, words) in rows {
        let answer = client.get(path).await.unwrap();
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        assert!(
            answer.json().unwrap()["detail"]
                .as_str()
                .unwrap()
                .contains(words),
            "{path}: {answer:?}"
        );
        assert_eq!(
            answer.header("allow"),
            (status == 405).then_some("DELETE"),
            "{path}"
        );
    }
    for (content_type, given) in [
        ("text/plain", "`text/plain`"),
        ("application/x-www-form-urlencoded", "urlencoded`"),
    ] {
        let request = client
            .request(Method::POST, "/v1/secrets")
            .header("content-type", content_type)
            .unwrap();
        let answer = request.body("{}").send().await.unwrap();
        assert_eq!(answer.status, 415, "{answer:?}");
        assert!(
            answer.json().unwrap()["detail"]
                .as_str()
                .unwrap()
                .contains(given),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn every_answer_has_a_request_id_and_careful_headers() {
    let server = Server::start().await;
    let client = server.tenant("*").await;
    for (given, kept) in [("trace-1.a_B", true), ("no spaces please", false)] {
        let request = client
            .request(Method::GET, "/v1/me")
            .header("x-request-id", given)
            .unwrap();
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
    client
        .post("/api/v1/secrets", body)
        .await
        .unwrap()
        .expect(201)
        .unwrap();
    let lists = [
        client.get("/v1/secrets").await,
        client.get("/api/v1/secrets").await,
    ];
    let [one, other] = lists.map(|list| list.unwrap().json().unwrap());
    assert_eq!(one, other);
    assert_eq!(one["data"][0]["name"], "TOKEN");
}

#[tokio::test]
async fn a_store_that_is_gone_is_told_as_such() {
    let server = Server::start().await;
    let client = server.tenant("*").await;
    server.app.store.db().close().await;
    for path in ["/readyz", "/v1/secrets"] {
        let answer = client.get(path).await.unwrap().expect(503).unwrap();
        assert_eq!(answer.header("retry-after"), Some("1"), "{path}");
        assert_eq!(answer.json().unwrap()["type"], "/docs/errors/unavailable");
        assert!(!answer.text().to_lowercase().contains("pool"), "{answer:?}");
    }
    client.get("/healthz").await.unwrap().expect(200).unwrap();
}

#[tokio::test]
async fn machines_and_people_find_their_pages() {
    let server = Server::start().await;
    let client = server.client();
    client.get("/healthz").await.unwrap().expect(200).unwrap();
    client.get("/readyz").await.unwrap().expect(200).unwrap();
    let metrics = client.get("/metrics").await.unwrap().expect(200).unwrap();
    assert!(
        metrics
            .header("content-type")
            .unwrap()
            .starts_with("text/plain")
    );
    let document = client.get("/openapi.json").await.unwrap().json().unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    let page = client.get("/docs").await.unwrap().expect(200).unwrap();
    assert!(
        page.header("content-security-policy")
            .unwrap()
            .contains("default-src 'none'")
    );
    let errors = client
        .get("/docs/errors")
        .await
        .unwrap()
        .expect(200)
        .unwrap()
        .text();
    for (name, response) in document["components"]["responses"].as_object().unwrap() {
        let examples = &response["content"]["application/problem+json"]["examples"];
        for (slug, example) in examples.as_object().unwrap() {
            let path = example["value"]["type"].as_str().unwrap();
            assert!(errors.contains(path), "{name}");
            let page = client.get(path).await.unwrap().expect(200).unwrap().text();
            assert!(page.contains(slug.as_str()), "{path}");
        }
    }
    client
        .get("/docs/errors/none")
        .await
        .unwrap()
        .expect(404)
        .unwrap();
}
