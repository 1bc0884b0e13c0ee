//! The MCP endpoint: revisions of the protocol, lists, calls, errors, cancellation, progress.

use http::Method;
use serde_json::{Value, json};
use tieline_testkit::{
    events::EventStream,
    http::{Answer, Client, Request},
    receiver::{Behaviour, Gate, Reply, Script},
};

use crate::scene::{Scene, json_of};

/// A message as a client of 2025-11-25 sends it.
pub(crate) fn message<'c>(client: &'c Client, path: &str, message: &Value) -> Request<'c> {
    let request = client.request(Method::POST, path).json(message).unwrap();
    let request = request.header("accept", "application/json, text/event-stream");
    let request = request
        .unwrap()
        .header("mcp-protocol-version", "2025-11-25");
    request.unwrap()
}

pub(crate) fn request(id: i64, method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

/// The answer to a request, which has to be a result.
async fn ask(client: &Client, method: &str, params: Value) -> Value {
    let answer = message(client, "/mcp", &request(1, method, params))
        .send()
        .await;
    let answer = json_of(answer.unwrap(), 200);
    assert!(answer.get("result").is_some(), "{answer:#}");
    answer["result"].clone()
}

/// Makes a tool that calls `path` of the receiver.
pub(crate) async fn tool(scene: &Scene, name: &str, method: &str, path: &str, more: Value) {
    let mut tool = json!({
        "name": name, "description": format!("Does {name}."),
        "parameters": {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]},
        "endpoint": {
            "url": scene.receiver.url(&format!("{path}/{{{{id}}}}")), "method": method,
            "headers": {"Authorization": "Bearer {{secrets.CRM_KEY}}"}
        }
    });
    for (key, value) in more.as_object().unwrap() {
        tool[key] = value.clone();
    }
    scene.post("/v1/tools", tool, 201).await;
}

const SECRET: &str = "crm-key-that-nobody-sees";

async fn scene(script: Script) -> Scene {
    let scene = Scene::open(script).await;
    let secret = json!({"name": "CRM_KEY", "value": SECRET});
    scene.post("/v1/secrets", secret, 201).await;
    scene
}

fn call(id: i64, name: &str, arguments: Value) -> Value {
    request(
        id,
        "tools/call",
        json!({"name": name, "arguments": arguments}),
    )
}

#[tokio::test]
async fn every_revision_is_spoken_on_one_endpoint() {
    let scene = scene(Script::new()).await;
    let client = |name| json!({"name": name, "version": "1"});
    for (asked, answered) in [
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        // That revision has no handshake; who shakes hands gets the last one that has.
        ("2026-07-28", "2025-11-25"),
    ] {
        let params =
            json!({"protocolVersion": asked, "capabilities": {}, "clientInfo": client("old")});
        let first = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params});
        let sent = scene
            .client
            .request(Method::POST, "/mcp")
            .json(&first)
            .unwrap();
        let sent = sent
            .header("accept", "application/json, text/event-stream")
            .unwrap();
        let answer = sent.send().await.unwrap();
        assert!(answer.header("mcp-session-id").is_some(), "{answer:?}");
        let result = &json_of(answer, 200)["result"];
        assert_eq!(result["protocolVersion"], answered, "{asked}");
        assert_eq!(result["serverInfo"]["name"], "tieline");
        assert!(result["capabilities"].get("tools").is_some());
        let told = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        let told = message(&scene.client, "/mcp", &told).send().await.unwrap();
        assert_eq!(told.status, 202);
    }
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": client("new"),
        "io.modelcontextprotocol/clientCapabilities": {}
    });
    for (method, named) in [
        ("server/discover", "supportedVersions"),
        ("tools/list", "tools"),
    ] {
        let asked = request(7, method, json!({"_meta": meta}));
        let sent = scene
            .client
            .request(Method::POST, "/mcp")
            .json(&asked)
            .unwrap();
        let sent = sent
            .header("accept", "application/json, text/event-stream")
            .unwrap();
        let sent = sent.header("mcp-protocol-version", "2026-07-28").unwrap();
        let answer = sent
            .header("mcp-method", method)
            .unwrap()
            .send()
            .await
            .unwrap();
        assert_eq!(
            answer.header("mcp-session-id"),
            None,
            "there are no sessions"
        );
        let result = &json_of(answer, 200)["result"];
        assert!(result[named].is_array(), "{method}: {result:#}");
    }
}

#[tokio::test]
async fn lists_are_sorted_described_and_cut_into_pages() {
    let scene = scene(Script::new()).await;
    tool(&scene, "zebra", "DELETE", "/z", json!({})).await;
    let mapped = json!({"title": "Find", "output_mapping": {"customer": "$.id"}});
    tool(&scene, "find", "GET", "/f", mapped).await;
    tool(&scene, "make", "POST", "/m", json!({"idempotent": true})).await;
    let tools = &ask(&scene.client, "tools/list", json!({})).await["tools"];
    let names: Vec<_> = tools
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| &tool["name"])
        .collect();
    assert_eq!(names, ["find", "make", "zebra"]);
    let hints = |i: usize| {
        let hints = &tools[i]["annotations"];
        [
            "readOnlyHint",
            "destructiveHint",
            "idempotentHint",
            "openWorldHint",
        ]
        .map(|hint| hints[hint].as_bool().unwrap())
    };
    assert_eq!(hints(0), [true, false, true, true]);
    assert_eq!(hints(1), [false, false, true, true]);
    assert_eq!(hints(2), [false, true, true, true]);
    assert_eq!(tools[0]["title"], "Find");
    assert_eq!(tools[0]["description"], "Does find.");
    assert_eq!(tools[0]["inputSchema"]["required"], json!(["id"]));
    assert_eq!(
        tools[0]["outputSchema"]["properties"],
        json!({"customer": {}})
    );
    assert_eq!(tools[1].get("outputSchema"), None);

    for i in 0..120 {
        tool(&scene, &format!("many_{i:03}"), "GET", "/f", json!({})).await;
    }
    let first = ask(&scene.client, "tools/list", json!({})).await;
    assert_eq!(first["tools"].as_array().unwrap().len(), 100);
    let cursor = first["nextCursor"].clone();
    let second = ask(&scene.client, "tools/list", json!({"cursor": cursor})).await;
    assert_eq!(second["tools"].as_array().unwrap().len(), 23);
    assert_eq!(second.get("nextCursor"), None);
    assert_eq!(second["tools"][22]["name"], "zebra");
    let bad = request(1, "tools/list", json!({"cursor": "nonsense"}));
    let bad = json_of(
        message(&scene.client, "/mcp", &bad).send().await.unwrap(),
        200,
    );
    assert_eq!(bad["error"]["code"], -32602, "{bad:#}");
}

#[tokio::test]
async fn a_call_carries_the_secret_and_brings_back_what_the_service_says() {
    let answer = Behaviour::json(200, &json!({"id": "c1", "echo": SECRET}));
    let scene = scene(Script::new().on("/f/c1", answer)).await;
    tool(&scene, "find", "GET", "/f", json!({})).await;
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let params =
        json!({"name": "find", "arguments": {"id": "c1"}, "_meta": {"traceparent": trace}});
    let result = ask(&scene.client, "tools/call", params).await;
    let expected = json!({"id": "c1", "echo": "[redacted]"});
    assert_eq!(result["structuredContent"], expected);
    assert_eq!(result["isError"], false);
    let text: Value = serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(text, expected);
    let sent = &scene.received()[0];
    assert_eq!(
        sent.header("authorization"),
        Some(&*format!("Bearer {SECRET}"))
    );
    let passed_on = sent.header("traceparent").unwrap();
    assert_eq!(passed_on[..36], trace[..36], "the client's trace goes on");
}

#[tokio::test]
async fn what_goes_wrong_is_told_to_the_model() {
    let script = Script::new()
        .on("/f/slow", Behaviour::retry_after(429, "7"))
        .on("/f/denied", Behaviour::status(401))
        .on("/f/none", Behaviour::status(404))
        .on("/f/broken", Behaviour::status(500));
    let scene = scene(script).await;
    tool(&scene, "find", "GET", "/f", json!({"timeout_seconds": 1})).await;
    let rows = [
        (json!({}), "bad_input"),
        (json!({"id": 7}), "bad_input"),
        (json!({"id": "slow"}), "rate_limited"),
        (json!({"id": "denied"}), "auth_required"),
        (json!({"id": "none"}), "not_found"),
        (json!({"id": "broken"}), "upstream_error"),
    ];
    for (arguments, kind) in rows {
        let params = json!({"name": "find", "arguments": arguments});
        let result = ask(&scene.client, "tools/call", params).await;
        assert_eq!(result["isError"], true, "{arguments}");
        let error = &result["structuredContent"]["error"];
        assert_eq!(error["kind"], kind, "{arguments}: {error:#}");
        assert!(!error["advice"].as_str().unwrap().is_empty());
        assert!(
            result["content"][0]["text"]
                .as_str()
                .unwrap()
                .starts_with(kind)
        );
        match kind {
            "bad_input" => assert!(error["fields"][0]["pointer"].is_string(), "{error:#}"),
            "rate_limited" => assert!(error["retry_after_ms"].as_u64().is_some(), "{error:#}"),
            _ => {}
        }
    }
    let unknown = message(&scene.client, "/mcp", &call(1, "nothing", json!({})));
    let unknown = json_of(unknown.send().await.unwrap(), 200);
    assert_eq!(unknown["error"]["code"], -32602, "{unknown:#}");
}

#[tokio::test]
async fn what_is_no_message_is_refused() {
    let scene = Scene::open(Script::new()).await;
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
    let long = format!("\"{}\"", "x".repeat(2_000_000));
    let rows: [(&str, u16); 5] = [
        ("nonsense", 415),
        ("[]", 415),
        (r#"{"jsonrpc": "2.0"}"#, 415),
        (&deep, 400),
        (&long, 413),
    ];
    for (body, status) in rows {
        let request = scene
            .client
            .request(Method::POST, "/mcp")
            .body(body.to_owned());
        let request = request.header("content-type", "application/json").unwrap();
        let request = request
            .header("accept", "application/json, text/event-stream")
            .unwrap();
        let answer = request.send().await.unwrap();
        assert_eq!(
            answer.status,
            status,
            "{}: {answer:?}",
            &body[..body.len().min(40)]
        );
    }
    let got = scene.client.get("/mcp").await.unwrap();
    assert!(got.status == 405 || got.status == 406, "{got:?}");
}

/// A call that is held up at the service, in the background; it is at the service when this returns.
async fn held(scene: &Scene, session: &str, id: i64) -> tokio::task::JoinHandle<Answer> {
    let (client, session) = (scene.client.clone(), session.to_owned());
    let before = scene.received().len();
    let task = tokio::spawn(async move {
        let asked = message(&client, "/mcp", &call(id, "find", json!({"id": "held"})));
        let asked = asked.header("mcp-session-id", session).unwrap();
        asked.send().await.unwrap()
    });
    scene.receiver.wait_for(before + 1).await.unwrap();
    task
}

#[tokio::test]
async fn a_cancelled_call_ends_and_no_other() {
    let gate = Gate::new();
    let found = Behaviour::json(200, &json!({"id": "held"}));
    let scene = scene(Script::new().on("/f/held", Behaviour::held(&gate, found))).await;
    tool(&scene, "find", "GET", "/f", json!({})).await;
    let one = held(&scene, "one", 3).await;
    let other = held(&scene, "other", 3).await;
    let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 3, "reason": "enough"}});
    let cancel = message(&scene.client, "/mcp", &cancel)
        .header("mcp-session-id", "one")
        .unwrap();
    assert_eq!(cancel.send().await.unwrap().status, 202);
    let cancelled = json_of(one.await.unwrap(), 200);
    assert_eq!(
        cancelled["result"]["structuredContent"]["error"]["kind"], "cancelled",
        "{cancelled:#}"
    );
    gate.open();
    let answered = json_of(other.await.unwrap(), 200);
    assert_eq!(answered["result"]["isError"], false, "{answered:#}");
}

#[tokio::test]
async fn a_long_call_tells_how_it_goes() {
    let gate = Gate::new();
    let reply = Reply::new(200)
        .header("content-type", "application/json")
        .body(r#"{"id":"held"}"#);
    let scene = scene(Script::new().on("/f/held", Behaviour::held(&gate, reply.into()))).await;
    tool(&scene, "find", "GET", "/f", json!({})).await;
    let params =
        json!({"name": "find", "arguments": {"id": "held"}, "_meta": {"progressToken": "p1"}});
    let asked = message(&scene.client, "/mcp", &request(1, "tools/call", params));
    let mut stream = EventStream::open(asked).await.unwrap();
    let news = stream.next().await.unwrap().unwrap().data;
    assert_eq!(news["method"], "notifications/progress", "{news:#}");
    assert_eq!(news["params"]["progressToken"], "p1");
    assert!(news["params"]["progress"].as_f64().unwrap() >= 1.0);
    gate.open();
    let result = loop {
        let next = stream.next().await.unwrap().unwrap().data;
        if next.get("result").is_some() {
            break next;
        }
    };
    assert_eq!(result["result"]["structuredContent"], json!({"id": "held"}));
}
