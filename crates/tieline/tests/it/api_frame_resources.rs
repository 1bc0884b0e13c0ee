//! Tenants, secrets, the audit log, lists; and that no tenant sees another's.

use http::Method;
use serde_json::json;

use crate::api_frame_server::Server;

#[tokio::test]
async fn a_tenant_is_made_changed_and_deleted() {
    let server = Server::start().await;
    let operator = server.tenant("* platform:write").await;
    let made = operator
        .post("/v1/tenants", json!({"name": "Umbra"}))
        .await
        .unwrap()
        .expect(201)
        .unwrap();
    let location = made.header("location").unwrap();
    assert_eq!(made.header("etag"), Some("\"1\""));
    let owner = server
        .client()
        .bearer(made.json().unwrap()["owner_key"].as_str().unwrap());
    let me = owner
        .get("/v1/me")
        .await
        .unwrap()
        .expect(200)
        .unwrap()
        .json()
        .unwrap();
    assert_eq!(
        (&me["tenant"]["name"], &me["scopes"]),
        (&json!("Umbra"), &json!(["*"]))
    );
    owner.get(location).await.unwrap().expect(403).unwrap();

    let patch = async |condition: &str, body| {
        let request = operator
            .request(Method::PATCH, location)
            .header("if-match", condition)
            .unwrap();
        request.json(body).unwrap().send().await.unwrap()
    };
    let changed = patch("\"1\"", json!({"name": "Penumbra"}))
        .await
        .expect(200)
        .unwrap();
    assert_eq!(
        (changed.header("etag"), &changed.json().unwrap()["name"]),
        (Some("\"2\""), &json!("Penumbra"))
    );
    let lost = patch("\"1\"", json!({"name": "Lost"}))
        .await
        .expect(412)
        .unwrap();
    assert_eq!(lost.header("etag"), Some("\"2\""));
    patch("1", json!({})).await.expect(400).unwrap();
    let null = patch("*", json!({"name": null})).await.expect(400).unwrap();
    assert_eq!(null.json().unwrap()["errors"][0]["pointer"], "/name");
    let got = operator.get(location).await.unwrap().expect(200).unwrap();
    assert_eq!(
        (got.header("etag"), &got.json().unwrap()["name"]),
        (Some("\"2\""), &json!("Penumbra"))
    );

    let stale = operator
        .request(Method::DELETE, location)
        .header("if-match", "\"1\"")
        .unwrap();
    stale.send().await.unwrap().expect(412).unwrap();
    operator
        .delete(location)
        .await
        .unwrap()
        .expect(204)
        .unwrap();
    owner.get("/v1/me").await.unwrap().expect(401).unwrap();
    for answer in [
        operator.get(location).await,
        operator.delete(location).await,
    ] {
        answer.unwrap().expect(404).unwrap();
    }
    let me = operator.get("/v1/me").await.unwrap().json().unwrap();
    let own = format!("/v1/tenants/{}", me["tenant"]["id"].as_str().unwrap());
    operator.delete(&own).await.unwrap().expect(409).unwrap();
}

#[tokio::test]
async fn a_secret_goes_in_and_never_comes_out() {
    let server = Server::start().await;
    let client = server.tenant("*").await;
    let body = json!({"name": "CRM_KEY", "value": "plain-value-1", "description": "the CRM"});
    let made = client
        .post("/v1/secrets", &body)
        .await
        .unwrap()
        .expect(201)
        .unwrap();
    assert_eq!(made.header("location"), Some("/v1/secrets/CRM_KEY"));
    let taken = client
        .post("/v1/secrets", &body)
        .await
        .unwrap()
        .expect(409)
        .unwrap();
    assert_eq!(taken.json().unwrap()["type"], "/docs/errors/name-taken");
    let id = made.json().unwrap()["id"].as_str().unwrap().to_owned();
    for (path, version) in [
        ("/v1/secrets/CRM_KEY".to_owned(), 2),
        (format!("/v1/secrets/{id}"), 3),
    ] {
        let rotated = client
            .put(&path, json!({"value": "plain-value-2"}))
            .await
            .unwrap()
            .expect(200)
            .unwrap();
        let view = rotated.json().unwrap();
        assert_eq!(
            (&view["version"], &view["description"]),
            (&json!(version), &json!("the CRM")),
            "{path}"
        );
    }
    let list = client
        .get("/v1/secrets")
        .await
        .unwrap()
        .expect(200)
        .unwrap();
    assert_eq!(list.json().unwrap()["data"][0]["used_by"], json!([]));
    let log = client
        .get("/v1/audit-log?object_kind=secret")
        .await
        .unwrap()
        .expect(200)
        .unwrap();
    let actions: Vec<_> = log.json().unwrap()["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["action"].clone())
        .collect();
    assert_eq!(actions, ["rotate", "rotate", "create"]);
    for shown in [made.text(), list.text(), log.text()] {
        assert!(!shown.contains("plain-value"), "{shown}");
    }
    client
        .delete("/v1/secrets/CRM_KEY")
        .await
        .unwrap()
        .expect(204)
        .unwrap();
    client
        .put("/v1/secrets/CRM_KEY", json!({"value": "x"}))
        .await
        .unwrap()
        .expect(404)
        .unwrap();
}

#[tokio::test]
async fn what_is_another_tenant_s_looks_missing() {
    let server = Server::start().await;
    let (one, other) = (server.tenant("*").await, server.tenant("*").await);
    let makers = [
        ("/v1/api-keys", json!({"name": "A", "scopes": ["*"]})),
        ("/v1/oauth-clients", json!({"name": "A", "scopes": ["*"]})),
        ("/v1/secrets", json!({"name": "A", "value": "x"})),
    ];
    for (path, body) in makers {
        let made = one.post(path, body).await.unwrap().expect(201).unwrap();
        let location = made.header("location").unwrap();
        let missing = other.delete(location).await.unwrap().expect(404).unwrap();
        let never = format!("{path}/key_00000000000000000000000000");
        assert_eq!(
            missing.json().unwrap()["title"],
            other.delete(&never).await.unwrap().json().unwrap()["title"]
        );
        one.delete(location).await.unwrap().expect(204).unwrap();
    }
    let log = other
        .get("/v1/audit-log?object_kind=secret")
        .await
        .unwrap()
        .json()
        .unwrap();
    assert_eq!(log["data"], json!([]));
}

#[tokio::test]
async fn lists_are_read_page_by_page_newest_first() {
    let server = Server::start().await;
    let client = server.tenant("*").await;
    for i in 0..5 {
        client
            .post(
                "/v1/secrets",
                json!({"name": format!("S{i}"), "value": "x"}),
            )
            .await
            .unwrap()
            .expect(201)
            .unwrap();
    }
    let (mut names, mut cursor) = (Vec::new(), String::new());
    for _ in 0..3 {
        let path = format!("/v1/secrets?limit=2&cursor={cursor}");
        let page = client
            .get(&path)
            .await
            .unwrap()
            .expect(200)
            .unwrap()
            .json()
            .unwrap();
        names.extend(
            page["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|secret| secret["name"].clone()),
        );
        cursor = page["next_cursor"].as_str().unwrap_or_default().to_owned();
    }
    assert_eq!(names, ["S4", "S3", "S2", "S1", "S0"]);
    assert_eq!(cursor, "");
}

#[tokio::test]
async fn the_audit_log_tells_who_did_what() {
    let server = Server::start().await;
    let client = server.tenant("*").await;
    let me = client.get("/v1/me").await.unwrap().json().unwrap();
    let made = client
        .post(
            "/v1/api-keys",
            json!({"name": "A", "scopes": ["events:read"]}),
        )
        .await
        .unwrap();
    let id = made.json().unwrap()["id"].clone();
    client
        .delete(made.header("location").unwrap())
        .await
        .unwrap()
        .expect(204)
        .unwrap();
    let path = format!("/v1/audit-log?object_id={}", id.as_str().unwrap());
    let log = client.get(&path).await.unwrap().json().unwrap();
    let [revoked, created] = log["data"].as_array().unwrap().as_slice() else {
        panic!("{log}")
    };
    assert_eq!(
        (&created["action"], &created["after"]["name"]),
        (&json!("create"), &json!("A"))
    );
    assert_eq!(
        (&revoked["action"], &revoked["actor"]),
        (&json!("revoke"), &me["actor"])
    );
    assert_eq!(created["request_id"].as_str(), made.header("x-request-id"));
}
