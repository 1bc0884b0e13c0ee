//! Tools and actions as configuration: made, changed, refused, versioned, exported.

use http::Method;
use serde_json::{Value, json};
use tieline_testkit::receiver::Script;

use crate::scene::{Scene, json_of, text};

/// The tool of seed 000, at a host of its own.
pub(crate) fn lookup_customer(url: &str) -> Value {
    json!({
        "name": "lookup_customer",
        "description": "Look up customer information by email or ID",
        "parameters": {
            "type": "object",
            "properties": {
                "identifier": {"type": "string", "description": "Customer email or ID"},
                "fields": {"type": "array", "items": {"type": "string"}, "description": "Fields to return"}
            },
            "required": ["identifier"]
        },
        "endpoint": {
            "url": url,
            "method": "POST",
            "headers": {"Authorization": "Bearer {{secrets.CRM_API_KEY}}"},
            "body_template": {"query": "{{identifier}}", "select": "{{fields}}"}
        }
    })
}

pub(crate) async fn secret(scene: &Scene, name: &str, value: &str) {
    let body = json!({"name": name, "value": value});
    scene.post("/v1/secrets", body, 201).await;
}

fn pointers(problem: &Value) -> Vec<String> {
    let errors = problem["errors"].as_array().unwrap();
    errors.iter().map(|error| text(&error["pointer"])).collect()
}

#[tokio::test]
async fn a_tool_is_made_changed_and_deleted() {
    let scene = Scene::open(Script::new()).await;
    let tool = lookup_customer("https://your-api.com/customers/lookup");
    let refused = scene.post("/v1/tools", tool.clone(), 422).await;
    assert_eq!(pointers(&refused), ["/endpoint/headers/Authorization"]);
    assert!(
        text(&refused["detail"]).contains("no secret `CRM_API_KEY`"),
        "{refused}"
    );

    secret(&scene, "CRM_API_KEY", "sk_live_abc123").await;
    let answer = scene
        .client
        .post("/api/v1/tools", tool.clone())
        .await
        .unwrap();
    assert_eq!(answer.header("etag"), Some("\"1\""));
    let made = json_of(answer, 201);
    let id = text(&made["id"]);
    assert!(id.starts_with("tool_"), "{made}");
    for (name, value) in tool.as_object().unwrap() {
        assert_eq!(&made[name], value, "{name} comes back as it was given");
    }
    let again = scene.post("/v1/tools", tool.clone(), 409).await;
    assert_eq!(again["type"], "/docs/errors/name-taken");
    assert_eq!(scene.get("/v1/tools/lookup_customer").await, made);
    assert_eq!(scene.get(&format!("/v1/tools/{id}")).await, made);
    assert_eq!(scene.list("/v1/tools").await, std::slice::from_ref(&made));

    // The secret cannot go while the tool names it.
    let secrets = scene.list("/v1/secrets").await;
    assert_eq!(secrets[0]["used_by"], json!([id]));
    let kept = json_of(
        scene
            .client
            .delete("/v1/secrets/CRM_API_KEY")
            .await
            .unwrap(),
        409,
    );
    assert_eq!(kept["type"], "/docs/errors/in-use");
    assert!(
        text(&kept["detail"]).contains(&format!("tool lookup_customer ({id})")),
        "{kept}"
    );

    let patch =
        json!({"timeout_seconds": 5, "description": null, "parameters": {"required": null}});
    let patched = scene
        .client
        .patch("/v1/tools/lookup_customer", patch)
        .await
        .unwrap();
    assert_eq!(patched.header("etag"), Some("\"2\""));
    let patched = json_of(patched, 200);
    assert_eq!(
        (&patched["timeout_seconds"], &patched["description"]),
        (&json!(5), &json!(""))
    );
    assert_eq!(patched["parameters"].get("required"), None);
    let stale = scene
        .client
        .request(Method::PUT, "/v1/tools/lookup_customer");
    let stale = stale
        .header("if-match", "\"1\"")
        .unwrap()
        .json(&tool)
        .unwrap();
    stale.send().await.unwrap().expect(412).unwrap();

    // Nobody else sees it.
    let stranger = scene.server.tenant("*").await;
    for answer in [
        stranger.get("/v1/tools/lookup_customer").await,
        stranger.get(&format!("/v1/tools/{id}")).await,
        stranger.put(&format!("/v1/tools/{id}"), &tool).await,
        stranger.patch(&format!("/v1/tools/{id}"), json!({})).await,
        stranger.delete(&format!("/v1/tools/{id}")).await,
        stranger.get(&format!("/v1/tools/{id}/versions")).await,
        stranger.get(&format!("/v1/tools/{id}/versions/1")).await,
        stranger
            .post(&format!("/v1/tools/{id}/rollback"), json!({"version": 1}))
            .await,
        stranger.get(&format!("/v1/tools/{id}/usage")).await,
        stranger
            .post(&format!("/v1/tools/{id}/call"), json!({}))
            .await,
        stranger
            .post(&format!("/v1/tools/{id}/test"), json!({}))
            .await,
        // A tool is no action.
        scene
            .client
            .get(&format!("/v1/integrations/actions/{id}"))
            .await,
        scene
            .client
            .post("/v1/integrations/actions/lookup_customer/run", json!({}))
            .await,
    ] {
        answer.unwrap().expect(404).unwrap();
    }

    scene.delete("/v1/tools/lookup_customer").await;
    scene.missing(&format!("/v1/tools/{id}")).await;
    scene.delete("/v1/secrets/CRM_API_KEY").await;
}

#[tokio::test]
async fn versions_are_kept_and_gone_back_to() {
    let scene = Scene::open(Script::new()).await;
    let action = json!({
        "name": "ping", "endpoint": {"url": "https://x.example/{{a}}", "method": "GET"},
        "input_schema": {"type": "object", "properties": {"a": {}}}
    });
    scene.post("/v1/integrations/actions", action, 201).await;
    let path = "/v1/integrations/actions/ping";
    for seconds in [5, 6] {
        let patch = json!({"timeout_seconds": seconds});
        scene
            .client
            .patch(path, patch)
            .await
            .unwrap()
            .expect(200)
            .unwrap();
    }
    let versions = scene.list(&format!("{path}/versions")).await;
    let numbers: Vec<_> = versions
        .iter()
        .map(|version| version["version"].as_i64().unwrap())
        .collect();
    assert_eq!(numbers, [3, 2, 1]);
    let second = scene.get(&format!("{path}/versions/2")).await;
    assert_eq!(second["content"]["timeout_seconds"], 5);
    assert!(text(&second["saved_by"]).starts_with("key_"), "{second}");
    for missing in ["4", "0", "x", "-1"] {
        let answer = scene
            .client
            .get(&format!("{path}/versions/{missing}"))
            .await
            .unwrap();
        answer.expect(404).unwrap();
    }
    let back = scene
        .post(&format!("{path}/rollback"), json!({"version": 2}), 200)
        .await;
    assert_eq!(back["timeout_seconds"], 5);
    assert_eq!(scene.list(&format!("{path}/versions")).await.len(), 4);
    scene
        .post(&format!("{path}/rollback"), json!({"version": 99}), 404)
        .await;
    assert_eq!(scene.list(&format!("{path}/usage")).await, [] as [Value; 0]);
}

#[tokio::test]
async fn bad_tools_are_refused_with_the_place() {
    let scene = Scene::open(Script::new()).await;
    let good = json!({"url": "https://x.example/", "method": "GET"});
    let rows = [
        (json!({"name": "t"}), 400, "/endpoint"),
        (
            json!({"name": "t", "endpoint": good, "paramters": {}}),
            400,
            "/paramters",
        ),
        (
            json!({"name": "t", "endpoint": {"url": "https://x.example/", "method": "TRACE"}}),
            400,
            "/endpoint/method",
        ),
        (json!({"name": "a b", "endpoint": good}), 422, "/name"),
        (
            json!({"name": "t", "endpoint": {"url": "https://x.example/{{idd}}", "method": "GET"}}),
            422,
            "/endpoint/url",
        ),
        (
            json!({"name": "t", "endpoint": {"url": "http://192.168.0.1/", "method": "GET"}}),
            422,
            "/endpoint/url",
        ),
        (
            json!({"name": "t", "endpoint": {"url": "http://169.254.169.254/", "method": "GET"}}),
            422,
            "/endpoint/url",
        ),
        (
            json!({"name": "t", "endpoint": {"url": "ftp://x.example/", "method": "GET"}}),
            422,
            "/endpoint/url",
        ),
        (
            json!({"name": "t", "endpoint": good, "parameters": {"type": "object", "properties": {"a": {"type": "strng"}}}}),
            422,
            "/parameters/properties/a/type",
        ),
        (
            json!({"name": "t", "endpoint": good, "parameters": {"type": "object", "allOf": [{"$ref": "#"}]}}),
            422,
            "/parameters/allOf/0/$ref",
        ),
        (
            json!({"name": "t", "endpoint": good, "output_mapping": {"a": "$.["}}),
            422,
            "/output_mapping/a",
        ),
        (
            json!({"name": "t", "endpoint": good, "connection": "crm"}),
            422,
            "/connection",
        ),
    ];
    for (body, status, pointer) in rows {
        let shown = body.to_string();
        let problem = scene.post("/v1/tools", body, status).await;
        assert!(
            pointers(&problem).contains(&pointer.to_owned()),
            "{shown}: {problem}"
        );
    }
    // Agents call both by their names.
    scene
        .post("/v1/tools", json!({"name": "one", "endpoint": good}), 201)
        .await;
    let same = scene
        .post(
            "/v1/integrations/actions",
            json!({"name": "one", "endpoint": good}),
            422,
        )
        .await;
    assert_eq!(pointers(&same), ["/name"]);
    // An action's schema is called so in the faults of an action.
    let wrong = json!({"name": "two", "endpoint": good, "input_schema": {"type": "array"}});
    let wrong = scene.post("/v1/integrations/actions", wrong, 422).await;
    assert_eq!(pointers(&wrong), ["/input_schema/type"]);

    let reader = scene.server.tenant("tools:read").await;
    let denied = reader
        .post("/v1/tools", json!({"name": "t", "endpoint": good}))
        .await;
    denied.unwrap().expect(403).unwrap();
    reader.get("/v1/tools").await.unwrap().expect(200).unwrap();
    let denied = reader.post("/v1/tools/one/call", json!({})).await.unwrap();
    denied.expect(403).unwrap();
}

#[tokio::test]
async fn tools_are_exported_in_the_forms_of_models_and_clients() {
    let scene = Scene::open(Script::new()).await;
    let schema =
        json!({"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]});
    let read = json!({
        "name": "b_read", "title": "Read it", "description": "Reads.", "parameters": schema,
        "output_schema": {"type": "object"},
        "endpoint": {"url": "https://x.example/{{id}}", "method": "GET"}
    });
    let remove = json!({
        "name": "a_remove", "description": "Removes.", "parameters": schema,
        "endpoint": {"url": "https://x.example/{{id}}", "method": "DELETE"}
    });
    for tool in [read, remove] {
        scene.post("/v1/tools", tool, 201).await;
    }
    let action =
        json!({"name": "act", "endpoint": {"url": "https://x.example/", "method": "POST"}});
    scene.post("/v1/integrations/actions", action, 201).await;

    let golden = [
        (
            "openai",
            json!([
                {"type": "function", "function": {"name": "a_remove", "description": "Removes.", "parameters": schema}},
                {"type": "function", "function": {"name": "b_read", "description": "Reads.", "parameters": schema}},
            ]),
        ),
        (
            "anthropic",
            json!([
                {"name": "a_remove", "description": "Removes.", "input_schema": schema},
                {"name": "b_read", "description": "Reads.", "input_schema": schema},
            ]),
        ),
        (
            "mcp",
            json!([
                {
                    "name": "a_remove", "description": "Removes.", "inputSchema": schema,
                    "annotations": {"readOnlyHint": false, "destructiveHint": true, "idempotentHint": true, "openWorldHint": true}
                },
                {
                    "name": "b_read", "title": "Read it", "description": "Reads.", "inputSchema": schema,
                    "outputSchema": {"type": "object"},
                    "annotations": {"readOnlyHint": true, "destructiveHint": false, "idempotentHint": true, "openWorldHint": true}
                },
            ]),
        ),
    ];
    for (format, expected) in golden {
        let found = scene.get(&format!("/v1/tools?format={format}")).await;
        assert_eq!(
            found,
            json!({"data": expected, "next_cursor": null}),
            "{format}"
        );
    }
    let actions = scene.list("/v1/integrations/actions?format=mcp").await;
    assert_eq!(actions.len(), 1);
    let unknown = scene.client.get("/v1/tools?format=xml").await.unwrap();
    unknown.expect(400).unwrap();
}
