//! A model behind the chat-completions protocol of OpenAI, as the script of a receiver: it follows rules, calls tools,
//! streams, and refuses what the protocol forbids.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use crate::receiver::{Behaviour, Received, Reply, Script};

/// Where the protocol has it.
pub const PATH: &str = "/v1/chat/completions";

/// What the model does.
#[derive(Clone, Debug, Default)]
pub struct Model {
    key: Option<String>,
    rules: Vec<Rule>,
    delay: Option<Duration>,
}

#[derive(Clone, Debug)]
struct Rule {
    when: String,
    then: Then,
}

#[derive(Clone, Debug)]
enum Then {
    /// Call a tool with these arguments: JSON text, or what is none. `always`: after each result again.
    Call {
        tool: String,
        arguments: String,
        always: bool,
    },
    /// Call a tool with the first address of the message in this parameter.
    LookUp { tool: String, parameter: String },
    /// Say something.
    Say(String),
}

impl Model {
    /// A model that repeats what it is told, and says what tools brought.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only with this key.
    pub fn key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    /// Calls a tool, if it is offered, when the last message contains `when`. Several rules that fit call at once.
    pub fn calls(self, when: &str, tool: &str, arguments: &Value) -> Self {
        self.calls_with(when, tool, &arguments.to_string())
    }

    /// The same with arguments that need not be JSON, of a tool that need not be offered.
    pub fn calls_with(mut self, when: &str, tool: &str, arguments: &str) -> Self {
        self.rules.push(Rule {
            when: when.to_owned(),
            then: Then::Call {
                tool: tool.to_owned(),
                arguments: arguments.to_owned(),
                always: false,
            },
        });
        self
    }

    /// Calls a tool again and again once a message contains `when`.
    pub fn loops(mut self, when: &str, tool: &str, arguments: &Value) -> Self {
        self.rules.push(Rule {
            when: when.to_owned(),
            then: Then::Call {
                tool: tool.to_owned(),
                arguments: arguments.to_string(),
                always: true,
            },
        });
        self
    }

    /// Calls a tool, if it is offered, with the first email address of the last message in `parameter`.
    pub fn looks_up(mut self, tool: &str, parameter: &str) -> Self {
        self.rules.push(Rule {
            when: "@".to_owned(),
            then: Then::LookUp {
                tool: tool.to_owned(),
                parameter: parameter.to_owned(),
            },
        });
        self
    }

    /// Says `what` when the last message contains `when`.
    pub fn says(mut self, when: &str, what: &str) -> Self {
        self.rules.push(Rule {
            when: when.to_owned(),
            then: Then::Say(what.to_owned()),
        });
        self
    }

    /// Takes so long for each answer.
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = Some(delay);
        self
    }

    /// What it does with a request.
    pub fn behaviour(self) -> Behaviour {
        let delay = self.delay;
        let model = Arc::new(self);
        let answers = Behaviour::computed(move |request| model.answer(request));
        match delay {
            None => answers,
            Some(after) => Behaviour::Later {
                after,
                then: Box::new(answers),
            },
        }
    }

    /// A receiver's script with the model at [`PATH`].
    pub fn script(self) -> Script {
        Script::new()
            .otherwise(Behaviour::json(
                404,
                &json!({"error": {"message": "no such path"}}),
            ))
            .on(PATH, self.behaviour())
    }

    fn answer(&self, request: &Received) -> Reply {
        if let Some(key) = &self.key
            && request.header("authorization") != Some(&*format!("Bearer {key}"))
        {
            return refusal(401, "Incorrect API key provided", "invalid_api_key");
        }
        let Ok(asked) = request.json() else {
            return refusal(
                400,
                "We could not parse the JSON body of your request.",
                "invalid_json",
            );
        };
        if let Err(message) = check(&asked) {
            return refusal(400, &message, "invalid_value");
        }
        let message = self.message(&asked);
        if asked["stream"] == true {
            stream(&asked, &message)
        } else {
            whole(&asked, &message)
        }
    }

    /// The message of the assistant.
    fn message(&self, asked: &Value) -> Value {
        let messages = asked["messages"].as_array().map_or(&[][..], Vec::as_slice);
        let last = messages.last().unwrap_or(&Value::Null);
        let said = |message: &Value| message["content"].as_str().unwrap_or_default().to_owned();
        let last_said = said(last);
        let after_tool = last["role"] == "tool";
        let heard = |when: &str| {
            let mut users = messages.iter().filter(|message| message["role"] == "user");
            users
                .next_back()
                .is_some_and(|message| said(message).contains(when))
        };
        let fits = |rule: &&Rule| match &rule.then {
            Then::Call { always: true, .. } => heard(&rule.when),
            Then::Call { .. } | Then::LookUp { .. } | Then::Say(_) => {
                !after_tool && last_said.contains(&rule.when)
            }
        };
        let fitting: Vec<_> = self.rules.iter().filter(fits).collect();
        let calls: Vec<_> = fitting
            .iter()
            .filter_map(|rule| match &rule.then {
                Then::Call {
                    tool, arguments, ..
                } if asked["tools"].is_array() => Some((tool, arguments.clone())),
                Then::LookUp { tool, parameter } if asked["tools"].is_array() => {
                    Some((tool, json!({parameter: address_in(&last_said)}).to_string()))
                }
                _ => None,
            })
            .enumerate()
            .map(|(i, (tool, arguments))| {
                json!({
                    "id": format!("call_{}_{i}", messages.len()),
                    "type": "function",
                    "function": {"name": tool, "arguments": arguments},
                })
            })
            .collect();
        if !calls.is_empty() {
            return json!({"role": "assistant", "content": null, "tool_calls": calls});
        }
        let told = fitting.iter().find_map(|rule| match &rule.then {
            Then::Say(text) => Some(text.clone()),
            Then::Call { .. } | Then::LookUp { .. } => None,
        });
        let content = told.unwrap_or_else(|| {
            if after_tool {
                let results = messages.iter().rev().take_while(|m| m["role"] == "tool");
                let mut results: Vec<_> = results.map(said).collect();
                results.reverse();
                format!("The tools say: {}", results.join(" and "))
            } else {
                format!("You said: {last_said}")
            }
        });
        json!({"role": "assistant", "content": content})
    }
}

/// The first email address in a text, roughly.
fn address_in(text: &str) -> &str {
    let mut words = text.split_whitespace();
    let found = words.find(|word| word.contains('@')).unwrap_or_default();
    found.trim_matches(|c: char| !c.is_alphanumeric())
}

/// What the protocol forbids.
fn check(asked: &Value) -> Result<(), String> {
    if !asked["model"].is_string() {
        return Err("you must provide a model parameter".to_owned());
    }
    let messages = asked["messages"]
        .as_array()
        .filter(|messages| !messages.is_empty());
    let messages = messages.ok_or("'messages' must be a list that is not empty")?;
    let mut open: Vec<&str> = Vec::new();
    for (i, message) in messages.iter().enumerate() {
        let role = message["role"].as_str().unwrap_or_default();
        if role == "tool" {
            let id = message["tool_call_id"].as_str().unwrap_or_default();
            let known = open.iter().position(|open| *open == id);
            let known = known.ok_or_else(|| {
                format!("messages.[{i}]: a message with role 'tool' must follow a message with its 'tool_calls'")
            })?;
            open.remove(known);
            continue;
        }
        if !open.is_empty() {
            return Err(format!(
                "messages.[{i}]: 'tool_calls' must be followed by a tool message for each of {open:?}"
            ));
        }
        match role {
            "system" | "developer" | "user" if message["content"].is_null() => {
                return Err(format!("messages.[{i}].content is missing"));
            }
            "system" | "developer" | "user" => {}
            "assistant" => open = called(i, message)?,
            other => return Err(format!("messages.[{i}].role: '{other}' is none")),
        }
    }
    if open.is_empty() {
        Ok(())
    } else {
        Err(format!("the calls {open:?} have no results"))
    }
}

/// The ids of the calls of an assistant's message.
fn called(place: usize, message: &Value) -> Result<Vec<&str>, String> {
    let calls = message["tool_calls"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    if calls.is_empty() && message["content"].is_null() {
        return Err(format!(
            "messages.[{place}] has neither content nor tool_calls"
        ));
    }
    let ids = calls.iter().map(|call| {
        let arguments = call["function"]["arguments"].as_str();
        let is_json = |text: &str| serde_json::from_str::<Value>(text).is_ok();
        if call["type"] != "function" || !arguments.is_some_and(is_json) {
            return Err(format!("messages.[{place}].tool_calls: {call} is none"));
        }
        call["id"]
            .as_str()
            .ok_or_else(|| format!("messages.[{place}].tool_calls: no id"))
    });
    ids.collect()
}

fn refusal(status: u16, message: &str, code: &str) -> Reply {
    let error = json!({"error": {
        "message": message, "type": "invalid_request_error", "param": null, "code": code,
    }});
    Reply::new(status)
        .header("content-type", "application/json")
        .body(error.to_string())
}

fn usage() -> Value {
    json!({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15})
}

fn finish(message: &Value) -> &'static str {
    if message["tool_calls"].is_array() {
        "tool_calls"
    } else {
        "stop"
    }
}

fn whole(asked: &Value, message: &Value) -> Reply {
    let mut message = message.clone();
    message["refusal"] = Value::Null;
    let answer = json!({
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": asked["model"],
        "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": finish(&message)}],
        "usage": usage(),
    });
    Reply::new(200)
        .header("content-type", "application/json")
        .body(answer.to_string())
}

/// The same piece by piece: text by words, arguments in two halves.
fn stream(asked: &Value, message: &Value) -> Reply {
    let mut body = String::new();
    let mut chunk = |delta: Value, finish: Value| {
        let piece = json!({
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1_790_000_000,
            "model": asked["model"],
            "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}],
        });
        body.extend(["data: ", &piece.to_string(), "\n\n"]);
    };
    chunk(json!({"role": "assistant", "content": ""}), Value::Null);
    for word in message["content"]
        .as_str()
        .unwrap_or_default()
        .split_inclusive(' ')
    {
        chunk(json!({"content": word}), Value::Null);
    }
    for (index, call) in message["tool_calls"]
        .as_array()
        .into_iter()
        .flatten()
        .enumerate()
    {
        let function = &call["function"];
        let begin = json!({"index": index, "id": call["id"], "type": "function", "function": {"name": function["name"], "arguments": ""}});
        chunk(json!({"tool_calls": [begin]}), Value::Null);
        let arguments = function["arguments"].as_str().unwrap_or_default();
        let half = arguments.floor_char_boundary(arguments.len() / 2);
        for part in [&arguments[..half], &arguments[half..]] {
            let more = json!({"index": index, "function": {"arguments": part}});
            chunk(json!({"tool_calls": [more]}), Value::Null);
        }
    }
    chunk(json!({}), finish(message).into());
    if asked["stream_options"]["include_usage"] == true {
        let piece = json!({
            "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_790_000_000,
            "model": asked["model"], "choices": [], "usage": usage(),
        });
        body.extend(["data: ", &piece.to_string(), "\n\n"]);
    }
    body.push_str("data: [DONE]\n\n");
    Reply::new(200)
        .header("content-type", "text/event-stream")
        .body(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_protocol_forbids_is_refused() {
        let user = json!({"role": "user", "content": "hi"});
        let call =
            json!({"id": "c1", "type": "function", "function": {"name": "x", "arguments": "{}"}});
        let rows = [
            (json!({"model": "m", "messages": [user]}), true),
            (json!({"messages": [user]}), false),
            (json!({"model": "m", "messages": []}), false),
            (
                json!({"model": "m", "messages": [{"role": "robot", "content": "hi"}]}),
                false,
            ),
            (
                json!({"model": "m", "messages": [{"role": "tool", "tool_call_id": "c1", "content": "1"}]}),
                false,
            ),
            (
                json!({"model": "m", "messages": [user, {"role": "assistant", "tool_calls": [call]}]}),
                false,
            ),
            (
                json!({"model": "m", "messages": [user, {"role": "assistant", "content": null, "tool_calls": [call]},
                    {"role": "tool", "tool_call_id": "c1", "content": "1"}]}),
                true,
            ),
            (
                json!({"model": "m", "messages": [user, {"role": "assistant", "content": null, "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "x", "arguments": "{"}}]},
                    {"role": "tool", "tool_call_id": "c1", "content": "1"}]}),
                false,
            ),
        ];
        for (asked, good) in rows {
            assert_eq!(check(&asked).is_ok(), good, "{asked}");
        }
    }
}
