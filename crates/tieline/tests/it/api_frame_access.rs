//! Credentials and scopes: who gets in, and how far.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::Method;
use serde_json::{Value, json};
use tieline_testkit::http::{Answer, Client};

use crate::api_frame_server::Server;

const GRANT: &str = "grant_type=client_credentials";

#[tokio::test]
async fn only_valid_credentials_open() {
    let server = Server::start().await;
    let client = server.tenant("*").await;
    let made = client
        .post("/v1/api-keys", json!({"name": "A", "scopes": ["*"]}))
        .await
        .unwrap();
    let key = made.json().unwrap()["key"].as_str().unwrap().to_owned();
    let long = format!("Bearer {}", "x".repeat(600));
    let rows = [
        (Some(("authorization", format!("Bearer {key}"))), 200, ""),
        (Some(("authorization", format!("bearer {key}"))), 200, ""),
        (Some(("x-api-key", key.clone())), 200, ""),
        (None, 401, "has neither"),
        (Some(("authorization", key.clone())), 401, "cannot be read"),
        (
            Some(("authorization", format!("Basic {key}"))),
            401,
            "cannot be read",
        ),
        (
            Some(("authorization", "Bearer ".into())),
            401,
            "cannot be read",
        ),
        (Some(("authorization", long)), 401, "cannot be read"),
        (
            Some(("authorization", format!("Bearer {key}x"))),
            401,
            "unknown, expired or revoked",
        ),
        (
            Some(("authorization", "Bearer tlat_x".into())),
            401,
            "unknown, expired or revoked",
        ),
        (
            Some(("x-api-key", "nobody".into())),
            401,
            "unknown, expired or revoked",
        ),
    ];
    for (header, status, words) in rows {
        let anyone = server.client();
        let mut request = anyone
            .request(Method::GET, "/v1/me")
            .header("accept", "*/*")
            .unwrap();
        if let Some((name, value)) = &header {
            request = request.header(name, value).unwrap();
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status, status, "{header:?}: {answer:?}");
        if status == 401 {
            assert!(
                answer
                    .header("www-authenticate")
                    .unwrap()
                    .starts_with("Bearer"),
                "{header:?}"
            );
            assert!(
                answer.json().unwrap()["detail"]
                    .as_str()
                    .unwrap()
                    .contains(words),
                "{answer:?}"
            );
        }
    }
}

#[tokio::test]
async fn keys_end_when_they_expire_or_are_revoked() {
    let server = Server::start().await;
    let client = server.tenant("*").await;
    let end = server.app.clock.now().plus(Duration::from_mins(1));
    let body = json!({"name": "A", "scopes": ["*"], "expires_at": end.to_string()});
    let short = client
        .post("/v1/api-keys", body)
        .await
        .unwrap()
        .expect(201)
        .unwrap();
    let short = server
        .client()
        .bearer(short.json().unwrap()["key"].as_str().unwrap());
    short.get("/v1/me").await.unwrap().expect(200).unwrap();
    server.wait(Duration::from_mins(1));
    short.get("/v1/me").await.unwrap().expect(401).unwrap();

    let made = client
        .post("/v1/api-keys", json!({"name": "B", "scopes": ["*"]}))
        .await
        .unwrap();
    let location = made.header("location").unwrap().to_owned();
    let other = server
        .client()
        .bearer(made.json().unwrap()["key"].as_str().unwrap());
    other.get("/v1/me").await.unwrap().expect(200).unwrap();
    client.delete(&location).await.unwrap().expect(204).unwrap();
    other.get("/v1/me").await.unwrap().expect(401).unwrap();
    client.delete(&location).await.unwrap().expect(404).unwrap();
    let listed = client.get("/v1/api-keys").await.unwrap().text();
    assert!(
        listed.contains("revoked_at") && !listed.contains("\"key\""),
        "{listed}"
    );
}

/// Every operation refuses a key without scopes, names the scope that the document names, and takes
/// a key that has only that scope.
#[tokio::test]
async fn every_operation_needs_the_scope_that_is_documented() {
    let server = Server::start().await;
    let nobody = server.tenant("").await;
    let document = tieline::api::openapi::document();
    let mut checked = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Some(scope) = operation["x-required-scope"].as_str() else {
                continue;
            };
            let refused = call(&nobody, method, path, operation).await;
            assert_eq!(refused.status, 403, "{method} {path}: {refused:?}");
            assert!(
                refused.text().contains(&format!("`{scope}`")),
                "{method} {path}: {refused:?}"
            );
            let holder = server.tenant(scope).await;
            let answer = call(&holder, method, path, operation).await;
            assert!(
                !answer.text().contains("this needs the scope"),
                "{method} {path}: {answer:?}"
            );
            checked += 1;
        }
    }
    assert!(checked > 10, "{checked}");
}

async fn call(client: &Client, method: &str, path: &str, operation: &Value) -> Answer {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let path = parameters
        .filter(|parameter| parameter["in"] == "path")
        .fold(path.to_owned(), |path, parameter| {
            let name = parameter["name"].as_str().unwrap();
            let example = &parameter["example"];
            let example = example
                .as_str()
                .map_or_else(|| example.to_string(), str::to_owned);
            path.replace(&format!("{{{name}}}"), &example)
        });
    let mut request = client.request(method.to_uppercase().parse().unwrap(), &path);
    let headers = operation["parameters"].as_array().into_iter().flatten();
    for header in headers.filter(|parameter| parameter["in"] == "header") {
        let (name, example) = (header["name"].as_str(), header["example"].as_str());
        request = request.header(name.unwrap(), example.unwrap()).unwrap();
    }
    let body = &operation["requestBody"]["content"]["application/json"]["example"];
    let request = if body.is_null() {
        request
    } else {
        request.json(body).unwrap()
    };
    request.send().await.unwrap()
}

#[tokio::test]
async fn nobody_hands_on_more_than_they_have() {
    let server = Server::start().await;
    let client = server.tenant("keys:write events:read").await;
    let rows = [
        (json!(["events:read"]), 201),
        (json!(["keys:read", "events:read"]), 201),
        (json!(["events:write"]), 403),
        (json!(["*"]), 403),
        (json!(["platform:read"]), 403),
    ];
    for path in ["/v1/api-keys", "/v1/oauth-clients"] {
        for (scopes, status) in &rows {
            let answer = client
                .post(path, json!({"name": "A", "scopes": scopes}))
                .await
                .unwrap();
            assert_eq!(answer.status, *status, "{path} {scopes}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn tokens_are_given_in_three_encodings_and_refused_as_rfc_6749_says() {
    let server = Server::start().await;
    let owner = server.tenant("*").await;
    let body = json!({"name": "A", "scopes": ["events:read", "secrets:read"]});
    let client = owner
        .post("/v1/oauth-clients", body)
        .await
        .unwrap()
        .expect(201)
        .unwrap()
        .json()
        .unwrap();
    let (id, secret) = (
        client["id"].as_str().unwrap(),
        client["client_secret"].as_str().unwrap(),
    );
    let own = Some(STANDARD.encode(format!("{id}:{secret}")));
    let wrong = Some(STANDARD.encode(format!("{id}:wrong")));
    let json_body = |grant: &str| {
        format!(r#"{{"grant_type":"{grant}","client_id":"{id}","client_secret":"{secret}"}}"#)
    };
    let form = |tail: &str| format!("client_id={id}&client_secret={secret}&{tail}");
    let scoped = |scope: &str| form(&format!("{GRANT}&scope={scope}"));
    // Basic, body, status, the scope or the error
    let rows = [
        (
            None,
            json_body("client_credentials"),
            200,
            "secrets:read events:read",
        ),
        (None, form(GRANT), 200, "secrets:read events:read"),
        (
            own.clone(),
            GRANT.to_owned(),
            200,
            "secrets:read events:read",
        ),
        (
            own.clone(),
            format!("{GRANT}&unknown=1&scope="),
            200,
            "secrets:read events:read",
        ),
        (None, scoped("events:read"), 200, "events:read"),
        (None, scoped("events:write"), 400, "invalid_scope"),
        (None, scoped("nonsense"), 400, "invalid_scope"),
        (None, json_body("password"), 400, "unsupported_grant_type"),
        (None, form("scope=events:read"), 400, "invalid_request"),
        (
            None,
            form(&format!("{GRANT}&{GRANT}")),
            400,
            "invalid_request",
        ),
        (own, form(GRANT), 400, "invalid_request"),
        (None, "{".to_owned(), 400, "invalid_request"),
        (None, "x".repeat(20_000), 400, "invalid_request"),
        (wrong, GRANT.to_owned(), 401, "invalid_client"),
        (
            Some("???".to_owned()),
            GRANT.to_owned(),
            401,
            "invalid_client",
        ),
        (None, GRANT.to_owned(), 401, "invalid_client"),
        (
            None,
            format!("{GRANT}&client_id=nobody&client_secret=x"),
            401,
            "invalid_client",
        ),
    ];
    for (basic, body, status, word) in rows {
        let form = if body.starts_with('{') {
            "application/json"
        } else {
            "application/x-www-form-urlencoded"
        };
        let anyone = server.client();
        let mut request = anyone
            .request(Method::POST, "/v1/auth/token")
            .header("content-type", form)
            .unwrap();
        if let Some(basic) = &basic {
            request = request
                .header("authorization", format!("Basic {basic}"))
                .unwrap();
        }
        let shown = body[..body.len().min(100)].to_owned();
        let answer = request.body(body).send().await.unwrap();
        assert_eq!(answer.status, status, "{shown}: {answer:?}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(
            answer.header("www-authenticate").is_some(),
            basic.is_some() && status == 401,
            "{shown}"
        );
        let body = answer.json().unwrap();
        assert_eq!(
            body[if status == 200 { "scope" } else { "error" }],
            word,
            "{shown}"
        );
        if let Some(token) = body["access_token"].as_str() {
            assert_eq!(
                (body["token_type"].as_str(), body["expires_in"].as_u64()),
                (Some("Bearer"), Some(3600))
            );
            let me = server
                .client()
                .bearer(token)
                .get("/v1/me")
                .await
                .unwrap()
                .expect(200)
                .unwrap();
            assert_eq!(me.json().unwrap()["actor"], id);
        }
    }
}

#[tokio::test]
async fn tokens_end_with_time_and_with_their_client() {
    let server = Server::start().await;
    let owner = server.tenant("*").await;
    let made = owner
        .post("/v1/oauth-clients", json!({"name": "A", "scopes": ["*"]}))
        .await
        .unwrap();
    let client = made.json().unwrap();
    let request = json!({"grant_type": "client_credentials", "client_id": client["id"], "client_secret": client["client_secret"]});
    let token = async || {
        let answer = server
            .client()
            .post("/v1/auth/token", &request)
            .await
            .unwrap()
            .expect(200)
            .unwrap();
        server
            .client()
            .bearer(answer.json().unwrap()["access_token"].as_str().unwrap())
    };
    let old = token().await;
    old.get("/v1/me").await.unwrap().expect(200).unwrap();
    server.wait(Duration::from_hours(1));
    old.get("/v1/me").await.unwrap().expect(401).unwrap();
    let new = token().await;
    new.get("/v1/me").await.unwrap().expect(200).unwrap();
    owner
        .delete(made.header("location").unwrap())
        .await
        .unwrap()
        .expect(204)
        .unwrap();
    new.get("/v1/me").await.unwrap().expect(401).unwrap();
    server
        .client()
        .post("/v1/auth/token", &request)
        .await
        .unwrap()
        .expect(401)
        .unwrap();
}
