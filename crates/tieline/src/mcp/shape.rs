//! Operations as MCP tools, and what comes of a call as a tool's result.

use std::sync::Arc;

use rmcp::model::{CallToolResult, ContentBlock, JsonObject, Tool};
use serde_json::{Value, json};
use tieline_domain::operation::CallError;

use crate::operate::{Offered, Origin, formats::Format};

/// The tool that an operation is offered as; `None` if its definition is none, which its checks prevent.
pub(super) fn tool(offered: &Offered) -> Option<Tool> {
    let mut tool: Tool = serde_json::from_value(Format::Mcp.define(offered)).ok()?;
    // Before 2026-07-28 structured content is an object, and a schema of it promises nothing else.
    let is_object =
        |schema: &Arc<JsonObject>| schema.get("type").is_some_and(|kind| kind == "object");
    tool.output_schema = tool.output_schema.filter(is_object);
    Some(tool)
}

/// The result of a call that gave `output`. Revisions before 2026-07-28 know only objects as structured content; what
/// a remote tool said in several parts, or in pictures and sound, is handed on as it was.
pub(super) fn success(output: Value, origin: Origin, any_structure: bool) -> CallToolResult {
    if origin == Origin::McpServer
        && let Some(content) = parts(&output)
    {
        return CallToolResult::success(content);
    }
    let text = match &output {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mut result = CallToolResult::success(vec![ContentBlock::text(text)]);
    if output.is_object() || any_structure {
        result.structured_content = Some(output);
    }
    result
}

/// The parts of an output that is nothing but the content of a remote tool's result.
fn parts(output: &Value) -> Option<Vec<ContentBlock>> {
    let only = output.as_object().filter(|members| members.len() == 1)?;
    serde_json::from_value(only.get("content")?.clone()).ok()
}

/// The result of a call that failed: a sentence and what to do for the model, the kind and the fields for programs.
pub(super) fn failure(error: &CallError) -> CallToolResult {
    let CallError {
        kind,
        message,
        fields,
        retry_after_ms,
        connect_url,
        upstream,
    } = error;
    let mut told = json!({"kind": kind, "message": message, "advice": kind.advice()});
    let details = [
        ("fields", (!fields.is_empty()).then(|| json!(fields))),
        ("retry_after_ms", retry_after_ms.map(|ms| json!(ms))),
        ("connect_url", connect_url.as_ref().map(|url| json!(url))),
        ("upstream", upstream.as_ref().map(|text| json!(text))),
    ];
    for (name, value) in details {
        if let Some(value) = value {
            told[name] = value;
        }
    }
    let first = format!("{}: {message} {}", kind.as_str(), kind.advice());
    let fields = fields.iter().map(|field| format!("- {field}"));
    let connect = connect_url.iter().map(|url| format!("connect_url: {url}"));
    let said = upstream
        .iter()
        .map(|said| format!("The service said: {said}"));
    let lines = [first].into_iter().chain(fields).chain(connect).chain(said);
    let text = lines.collect::<Vec<_>>().join("\n");
    let mut result = CallToolResult::error(vec![ContentBlock::text(text)]);
    result.structured_content = Some(json!({"error": told}));
    result
}
