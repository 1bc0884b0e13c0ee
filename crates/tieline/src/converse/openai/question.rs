//! What a model is asked, as the protocol has it.

use serde_json::{Value, json};
use tieline_domain::agent::Openai;

use crate::{
    converse::{calls::ToolCall, model::Question, prompt::Told},
    operate::Offered,
};

/// The body of the request.
pub(super) fn body(question: &Question<'_>, model: &Openai, streams: bool) -> Value {
    let prompt = question.prompt;
    let instructions = prompt
        .instructions
        .iter()
        .map(|text| json!({"role": "system", "content": text}));
    let messages: Vec<_> = instructions
        .chain(prompt.said.iter().map(message))
        .collect();
    let mut body = json!({"model": model.model, "messages": messages});
    if !question.tools.is_empty() {
        body["tools"] = question.tools.iter().map(|tool| self::tool(tool)).collect();
    }
    if let Some(temperature) = model.temperature {
        body["temperature"] = json!(temperature);
    }
    if streams {
        body["stream"] = true.into();
    }
    body
}

fn message(told: &Told) -> Value {
    match told {
        Told::User(content) => json!({"role": "user", "content": content}),
        Told::Assistant { content, calls } => {
            let mut message = json!({"role": "assistant", "content": content});
            if !calls.is_empty() {
                message["tool_calls"] = calls.iter().map(call).collect();
            }
            message
        }
        Told::Result {
            call_id,
            name: _,
            content,
        } => json!({"role": "tool", "tool_call_id": call_id, "content": content}),
    }
}

fn call(call: &ToolCall) -> Value {
    // Services parse it again, and refuse what is no JSON; the model has been told of its mistake.
    let arguments = match call.input() {
        Ok(_) if !call.arguments.trim().is_empty() => call.arguments.clone(),
        _ => "{}".to_owned(),
    };
    json!({
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": arguments},
    })
}

fn tool(tool: &Offered) -> Value {
    json!({
        "type": "function",
        "function": {
            "name": tool.name,
            "description": tool.description,
            "parameters": tool.input_schema,
        },
    })
}
