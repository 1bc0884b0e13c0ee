//! The official MCP client of PyPI lists and calls tools, in the older revisions and in the newest one.

use std::process::Stdio;

use serde_json::{Value, json};
use tieline_testkit::receiver::{Behaviour, Receiver, Script};

use crate::packages;
use crate::stage::{OWNER_KEY, launch, owner, skip};

#[tokio::test]
async fn the_python_client_lists_and_calls_tools() {
    let mut run = match packages::mcp_client("mcp_client.py") {
        Ok(run) => run,
        Err(why) => return skip("the official MCP client of PyPI", &why),
    };
    let server = launch().start().await.unwrap();
    let customer = json!({"id": "c1", "name": "John"});
    let script = Script::new().on("/customers/c1", Behaviour::json(200, &customer));
    let crm = Receiver::start(script).await.unwrap();
    let owner = owner(server.url());
    let tool = json!({
        "name": "lookup_customer", "description": "Finds a customer.",
        "parameters": {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]},
        "endpoint": {"url": crm.url("/customers/{{id}}"), "method": "GET"},
        "output_mapping": {"name": "$.name"}
    });
    owner
        .post("/v1/tools", tool)
        .await
        .unwrap()
        .expect(201)
        .unwrap();

    let mut child = run
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let asked = json!({
        "url": format!("{}/mcp", server.url()), "key": OWNER_KEY,
        "tool": "lookup_customer", "arguments": {"id": "c1"}
    });
    serde_json::to_writer(child.stdin.take().unwrap(), &asked).unwrap();
    let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap())
        .await
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    let told: Vec<Value> = serde_json::Deserializer::from_slice(&output.stdout)
        .into_iter()
        .collect::<Result<_, _>>()
        .unwrap();
    let versions: Vec<_> = told
        .iter()
        .map(|one| one["version"].as_str().unwrap())
        .collect();
    assert_eq!(versions, ["2025-11-25", "2026-07-28"]);
    for one in told {
        assert_eq!(one["server"], "tieline");
        assert_eq!(one["tools"], json!(["lookup_customer"]));
        assert_eq!(one["structured"], json!({"name": "John"}));
        assert_eq!(
            serde_json::from_str::<Value>(one["text"].as_str().unwrap()).unwrap(),
            json!({"name": "John"})
        );
        assert_eq!(
            (&one["bad_is_error"], &one["bad_kind"]),
            (&json!(true), &json!("bad_input"))
        );
    }
}
