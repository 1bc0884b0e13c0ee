//! Who may use the MCP endpoint, and how those who may not learn what to do.

use http::Method;
use serde_json::{Value, json};
use tieline_testkit::{http::Client, receiver::Script};

use crate::{
    mcp::{message, request, tool},
    scene::{Scene, json_of},
};

fn list() -> Value {
    request(1, "tools/list", json!({}))
}

async fn scene() -> Scene {
    let scene = Scene::open(Script::new()).await;
    scene
        .post(
            "/v1/secrets",
            json!({"name": "CRM_KEY", "value": "k3y-of-the-crm"}),
            201,
        )
        .await;
    tool(&scene, "find", "GET", "/f", json!({})).await;
    scene
}

#[tokio::test]
async fn strangers_are_told_where_to_read_how_to_be_let_in() {
    let scene = scene().await;
    let stranger = scene.server.client();
    for path in ["/mcp", "/mcp/agent_sales"] {
        let refused = message(&stranger, path, &list()).send().await.unwrap();
        assert_eq!(refused.status, 401);
        let challenge = refused.header("www-authenticate").unwrap();
        let metadata = format!("https://tieline.test/.well-known/oauth-protected-resource{path}");
        assert!(
            challenge.contains(&format!("resource_metadata=\"{metadata}\"")),
            "{challenge}"
        );
        let well_known = format!("/.well-known/oauth-protected-resource{path}");
        let told = json_of(stranger.get(&well_known).await.unwrap(), 200);
        assert_eq!(told["resource"], format!("https://tieline.test{path}"));
        assert_eq!(
            told["authorization_servers"],
            json!(["https://tieline.test"])
        );
        assert_eq!(
            told["scopes_supported"],
            json!(["tools:read", "calls:write"])
        );
    }
    let server = stranger
        .get("/.well-known/oauth-authorization-server")
        .await;
    let server = json_of(server.unwrap(), 200);
    assert_eq!(
        server["token_endpoint"],
        "https://tieline.test/v1/auth/token"
    );
}

#[tokio::test]
async fn scopes_say_who_may_list_and_who_may_call() {
    let scene = scene().await;
    let key = async |scopes: &str| {
        let body = json!({"name": "mcp", "scopes": scopes.split(' ').collect::<Vec<_>>()});
        let made = scene.post("/v1/api-keys", body, 201).await;
        scene.server.client().bearer(made["key"].as_str().unwrap())
    };
    let call = request(
        1,
        "tools/call",
        json!({"name": "find", "arguments": {"id": "1"}}),
    );
    for (scopes, may_list, may_call) in [
        ("events:read", 403, 403),
        ("tools:read", 200, 403),
        ("calls:write", 403, 200),
        ("tools:read calls:write", 200, 200),
    ] {
        let client = key(scopes).await;
        let listed = message(&client, "/mcp", &list()).send().await.unwrap();
        assert_eq!(listed.status, may_list, "{scopes}");
        let called = message(&client, "/mcp", &call).send().await.unwrap();
        assert_eq!(called.status, may_call, "{scopes}");
        if called.status == 403 {
            let challenge = called.header("www-authenticate").unwrap();
            assert!(
                challenge.contains("error=\"insufficient_scope\""),
                "{challenge}"
            );
            assert!(
                challenge.contains("scope=\"tools:read calls:write\""),
                "{challenge}"
            );
        }
    }
}

#[tokio::test]
async fn a_message_that_can_be_read_in_two_ways_opens_nothing() {
    let scene = scene().await;
    let body = json!({"name": "mcp", "scopes": ["tools:read"]});
    let made = scene.post("/v1/api-keys", body, 201).await;
    let client = scene.server.client().bearer(made["key"].as_str().unwrap());
    let params = r#""params":{"name":"find","arguments":{"id":"1"}}"#;
    for text in [
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call",{params}}}"#
        ),
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","method":"tools/list",{params}}}"#
        ),
        format!(r#"[{{"jsonrpc":"2.0","id":1,"method":"tools/call",{params}}}]"#),
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call",{params},"params":[]}}"#),
    ] {
        let sent = message(&client, "/mcp", &list()).body(text.clone());
        sent.send().await.unwrap();
        assert!(scene.received().is_empty(), "{text}");
    }
}

#[tokio::test]
async fn every_kind_of_credential_is_taken() {
    let scene = scene().await;
    let key = scene
        .post(
            "/v1/api-keys",
            json!({"name": "k", "scopes": ["tools:read"]}),
            201,
        )
        .await;
    let key = key["key"].as_str().unwrap();
    let nobody = scene.server.client();
    let by_header = message(&nobody, "/mcp", &list())
        .header("x-api-key", key)
        .unwrap();
    assert_eq!(by_header.send().await.unwrap().status, 200);
    let made = scene
        .post(
            "/v1/oauth-clients",
            json!({"name": "c", "scopes": ["tools:read"]}),
            201,
        )
        .await;
    let grant = json!({"grant_type": "client_credentials", "client_id": made["id"], "client_secret": made["client_secret"]});
    let token = scene
        .server
        .client()
        .post("/v1/auth/token", grant)
        .await
        .unwrap();
    let token = json_of(token, 200)["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let client = scene.server.client().bearer(token);
    assert_eq!(
        message(&client, "/mcp", &list())
            .send()
            .await
            .unwrap()
            .status,
        200
    );
}

#[tokio::test]
async fn pages_and_hosts_of_others_are_refused() {
    let scene = scene().await;
    for (header, value, status) in [
        ("origin", "https://evil.example", 403),
        ("origin", "null", 403),
        ("origin", "https://tieline.test", 200),
        ("host", "evil.example", 403),
        ("host", "tieline.test", 200),
    ] {
        let asked = message(&scene.client, "/mcp", &list())
            .header(header, value)
            .unwrap();
        assert_eq!(
            asked.send().await.unwrap().status,
            status,
            "{header}: {value}"
        );
    }
}

#[tokio::test]
async fn tenants_see_only_their_own() {
    let scene = scene().await;
    let stranger = scene.server.tenant("*").await;
    let tools = async |client: &Client| {
        let answer = message(client, "/mcp", &list()).send().await.unwrap();
        json_of(answer, 200)["result"]["tools"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!((tools(&scene.client).await, tools(&stranger).await), (1, 0));
    let call = request(
        1,
        "tools/call",
        json!({"name": "find", "arguments": {"id": "1"}}),
    );
    let foreign = json_of(message(&stranger, "/mcp", &call).send().await.unwrap(), 200);
    assert_eq!(foreign["error"]["code"], -32602, "{foreign:#}");
    assert!(scene.received().is_empty());
}

#[tokio::test]
async fn an_ended_session_is_not_missed() {
    let scene = scene().await;
    let ended = scene
        .client
        .request(Method::DELETE, "/mcp")
        .header("mcp-session-id", "one")
        .unwrap();
    assert_eq!(ended.send().await.unwrap().status, 204);
}
