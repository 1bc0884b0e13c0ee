//! Services of the tenant's own in the place of a model; docs/agents.md has the contract.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde::Deserialize;
use serde_json::{Value, json};
use tieline_domain::{
    agent::Http,
    conversation::{Conversation, Turn},
};

use super::{
    calls::{ToolCall, arguments},
    model::{self, Failure, Question},
    prompt::{Answer, Told},
};
use crate::{
    outbound::{BodyLimit, Outbound, Request},
    registry::{Registry, Revealed},
    telemetry::traces,
};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// How much of a refusal is kept, in characters.
const SAID: usize = 1_000;

/// Of what a question is a part.
pub(super) struct AboutTurn<'a> {
    /// What the tenant calls the agent.
    pub agent: &'a str,
    /// The conversation.
    pub conversation: &'a Conversation,
    /// The turn.
    pub turn: &'a Turn,
    /// How often it was asked in this turn before.
    pub asked: u32,
}

/// What it answers. Whatever else it says is left alone.
#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    tool_calls: Vec<SaidCall>,
}

#[derive(Deserialize)]
struct SaidCall {
    #[serde(default)]
    id: Option<String>,
    name: String,
    #[serde(default)]
    arguments: Value,
}

/// Asks the service.
pub(super) async fn ask(
    outbound: &Outbound,
    registry: &Registry,
    question: &Question<'_>,
    service: &Http,
) -> Result<Answer, Failure> {
    let destination = outbound.check_url(&service.url);
    let destination = destination.map_err(|bad| Failure::unusable(bad.to_string()))?;
    let (headers, secrets) = headers(registry, question, service).await?;
    let request = Request {
        method: Method::POST,
        uri: destination.uri().clone(),
        headers,
        body: Bytes::from(body(question).to_string()),
        deadline: question.deadline,
        body_limit: BodyLimit::Whole {
            at_most: question.at_most,
        },
    };
    let answer = outbound.send(request).await?;
    if !answer.status.is_success() {
        let said = String::from_utf8_lossy(&answer.body);
        let said: String = said.chars().take(SAID).collect();
        let said = secrets
            .iter()
            .fold(said, |said, secret| secret.redact(&said));
        let wait = model::wait(&answer.headers, question.now);
        return Err(Failure::status(answer.status, wait, &said));
    }
    read(&answer.body).map_err(Failure::unusable)
}

async fn headers(
    registry: &Registry,
    question: &Question<'_>,
    service: &Http,
) -> Result<(HeaderMap, Vec<Revealed>), Failure> {
    let mut headers = HeaderMap::new();
    let mut secrets = Vec::new();
    for (name, text) in &service.headers {
        let revealed = model::reveal(registry, question.tenant, text).await?;
        let unfit = |()| Failure::unusable(format!("the header `{name}` cannot be sent"));
        let mut value = HeaderValue::try_from(revealed.text.as_str()).map_err(|_| unfit(()))?;
        value.set_sensitive(true);
        headers.insert(HeaderName::try_from(name).map_err(|_| unfit(()))?, value);
        secrets.push(revealed);
    }
    let json = HeaderValue::from_static("application/json");
    headers.insert(header::CONTENT_TYPE, json.clone());
    headers.insert(header::ACCEPT, json);
    headers.insert(traces::TRACEPARENT, traces::header(&question.trace));
    let about = question.about;
    let key = format!("{}-{}", about.turn.id, about.asked);
    if let Ok(key) = HeaderValue::try_from(key) {
        headers.insert(IDEMPOTENCY_KEY, key);
    }
    Ok((headers, secrets))
}

fn body(question: &Question<'_>) -> Value {
    let AboutTurn {
        agent,
        conversation,
        turn,
        asked,
    } = question.about;
    let tools = question.tools.iter().map(|tool| {
        json!({"name": tool.name, "description": tool.description, "input_schema": tool.input_schema})
    });
    let about = &conversation.about;
    json!({
        "agent_id": agent,
        "turn_id": turn.id,
        "step": asked + 1,
        "conversation": {
            "id": conversation.id,
            "channel": about.channel,
            "user_id": about.user_id,
            "user_email": about.user_email,
            "metadata": about.metadata,
        },
        "instructions": question.prompt.instructions,
        "messages": question.prompt.said.iter().map(message).collect::<Vec<_>>(),
        "tools": tools.collect::<Vec<_>>(),
    })
}

fn message(told: &Told) -> Value {
    match told {
        Told::User(content) => json!({"role": "user", "content": content}),
        Told::Assistant { content, calls } if calls.is_empty() => {
            json!({"role": "assistant", "content": content})
        }
        Told::Assistant { content, calls } => {
            let calls = calls.iter().map(|call| {
                let arguments = call
                    .input()
                    .unwrap_or_else(|_| Value::from(call.arguments.as_str()));
                json!({"id": call.id, "name": call.name, "arguments": arguments})
            });
            json!({"role": "assistant", "content": content, "tool_calls": calls.collect::<Vec<_>>()})
        }
        Told::Result {
            call_id,
            name,
            content,
        } => {
            // It is JSON, unless it was cut.
            let content =
                serde_json::from_str(content).unwrap_or_else(|_| Value::from(content.as_str()));
            json!({"role": "tool", "tool_call_id": call_id, "name": name, "content": content})
        }
    }
}

/// Reads an answer; what is wrong with it, in a sentence.
fn read(body: &[u8]) -> Result<Answer, String> {
    tieline_mapping::check_depth(body, 64)
        .map_err(|error| format!("the answer is unusable: {error}"))?;
    let said: Said = serde_json::from_slice(body).map_err(|error| {
        format!("the answer is not {{\"content\": …}} or {{\"tool_calls\": […]}}: {error}")
    })?;
    let calls = said
        .tool_calls
        .into_iter()
        .enumerate()
        .map(|(i, call)| ToolCall {
            id: call.id.unwrap_or_else(|| format!("call_{i}")),
            name: call.name,
            arguments: arguments(Some(&call.arguments)),
        });
    let answer = Answer {
        content: said.content.filter(|content| !content.is_empty()),
        calls: calls.collect(),
        usage: None,
    };
    if answer.content.is_none() && answer.calls.is_empty() {
        return Err("the answer says nothing and calls nothing".to_owned());
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_services_are_read() {
        let answer = read(br#"{"content":"hi","mood":"good"}"#).unwrap();
        assert_eq!(answer.content.as_deref(), Some("hi"));
        let answer = read(br#"{"tool_calls":[{"name":"look","arguments":{"a":1}}]}"#).unwrap();
        assert_eq!(
            (&*answer.calls[0].id, &*answer.calls[0].arguments),
            ("call_0", "{\"a\":1}")
        );
        for bad in [
            "",
            "{}",
            "[]",
            r#"{"content":""}"#,
            r#"{"content":7}"#,
            r#"{"tool_calls":[{}]}"#,
        ] {
            assert!(read(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
