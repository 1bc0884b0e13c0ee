//! Operations as MCP tools, and what comes of a call as a tool's result.

use std::sync::Arc;

use rmcp::model::{CallToolResult, ContentBlock, JsonObject, Tool, ToolAnnotations};
use serde_json::{Value, json};
use tieline_domain::operation::{CallError, Class};

use crate::operate::Offered;

/// The tool that an operation is offered as.
pub(super) fn tool(offered: &Offered) -> Tool {
    let is_read = offered.class == Class::Read;
    let annotations = ToolAnnotations::from_raw(
        offered.title.clone(),
        Some(is_read),
        Some(offered.class == Class::Destructive),
        Some(is_read || offered.idempotent),
        // Every operation asks a service that this server knows nothing of.
        Some(true),
    );
    let description = Some(&offered.description).filter(|text| !text.is_empty());
    let description = description.map(|text| text.clone().into());
    let mut tool = Tool::new_with_raw(
        offered.name.clone(),
        description,
        object(&offered.input_schema),
    )
    .with_annotations(annotations);
    tool.title.clone_from(&offered.title);
    // MCP before 2026-07-28 takes only objects as structured content, and a schema promises it.
    let output = offered.output_schema.as_ref();
    let output = output.filter(|schema| schema.get("type").is_some_and(|kind| kind == "object"));
    tool.output_schema = output.map(object);
    tool
}

fn object(schema: &Value) -> Arc<JsonObject> {
    Arc::new(schema.as_object().cloned().unwrap_or_default())
}

/// The result of a call that gave `output`. Revisions before 2026-07-28 know only objects as structured content.
pub(super) fn success(output: Value, any_structure: bool) -> CallToolResult {
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
    let mut text = format!("{}: {message} {}", kind.as_str(), kind.advice());
    for field in fields {
        text += &format!("\n- {field}");
    }
    if let Some(url) = connect_url {
        text += &format!("\nconnect_url: {url}");
    }
    if let Some(said) = upstream {
        text += &format!("\nThe service said: {said}");
    }
    let mut result = CallToolResult::error(vec![ContentBlock::text(text)]);
    result.structured_content = Some(json!({"error": told}));
    result
}
