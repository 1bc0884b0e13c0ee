//! `/mcp/{agent_id}`: what one agent may use, and nothing else.

use serde_json::{Value, json};
use tieline_testkit::{
    http::Client,
    receiver::{Behaviour, Script},
};

use crate::{
    mcp::{message, request, tool},
    scene::{Scene, json_of},
};

async fn scene() -> Scene {
    let found = Behaviour::json(200, &json!({"id": "1"}));
    let scene = Scene::open(Script::new().on("/f/1", found)).await;
    let secret = json!({"name": "CRM_KEY", "value": "k3y-of-the-crm"});
    scene.post("/v1/secrets", secret, 201).await;
    for (name, method) in [("find", "GET"), ("remove", "DELETE"), ("other", "GET")] {
        tool(&scene, name, method, "/f", json!({})).await;
    }
    let agent = json!({
        "id": "agent_sales", "name": "Sales", "runtime": {"type": "inbox"},
        "tools": ["find", "remove"], "approval": {"classes": ["destructive"]}
    });
    scene.post("/v1/agents", agent, 201).await;
    scene
}

async fn ask(client: &Client, path: &str, method: &str, params: Value) -> Value {
    let asked = message(client, path, &request(1, method, params))
        .send()
        .await;
    json_of(asked.unwrap(), 200)
}

async fn call(scene: &Scene, name: &str) -> Value {
    let params = json!({"name": name, "arguments": {"id": "1"}});
    ask(&scene.client, "/mcp/agent_sales", "tools/call", params).await
}

#[tokio::test]
async fn an_agent_s_endpoint_offers_what_the_agent_may_use() {
    let scene = scene().await;
    let listed = ask(&scene.client, "/mcp/agent_sales", "tools/list", json!({})).await;
    let tools = listed["result"]["tools"].as_array().unwrap().iter();
    let names: Vec<_> = tools.map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["find", "remove"]);
    let found = call(&scene, "find").await;
    assert_eq!(found["result"]["structuredContent"], json!({"id": "1"}));
    assert_eq!(call(&scene, "other").await["error"]["code"], -32602);
    let waits = call(&scene, "remove").await;
    let error = &waits["result"]["structuredContent"]["error"];
    assert_eq!(
        error["kind"], "forbidden",
        "a person has to approve it: {waits:#}"
    );
    assert_eq!(scene.received().len(), 1, "only the one that was allowed");
}

#[tokio::test]
async fn an_agent_that_is_not_there_looks_like_another_tenant_s() {
    let scene = scene().await;
    let list = request(1, "tools/list", json!({}));
    let stranger = scene.server.tenant("*").await;
    for (client, path) in [
        (&scene.client, "/mcp/agent_nobody"),
        (&stranger, "/mcp/agent_sales"),
    ] {
        let answer = message(client, path, &list).send().await.unwrap();
        assert_eq!(answer.status, 404, "{path}");
    }
}
