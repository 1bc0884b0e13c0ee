//! What a model answers, as the protocol has it.

use serde_json::Value;

use crate::converse::{
    calls::{self, ToolCall},
    prompt::Answer,
};

/// Reads an answer that came as one; what is wrong with it, in a sentence.
pub(super) fn read(body: &[u8]) -> Result<Answer, String> {
    tieline_mapping::check_depth(body, 64)
        .map_err(|error| format!("the answer is unusable: {error}"))?;
    let answer: Value =
        serde_json::from_slice(body).map_err(|error| format!("the answer is no JSON: {error}"))?;
    if let Some(error) = answer.get("error").filter(|error| !error.is_null()) {
        return Err(format!("it answered with an error: {}", words(error)));
    }
    let message = &answer["choices"][0]["message"];
    if !message.is_object() {
        return Err("the answer holds no message at choices[0].message".to_owned());
    }
    let listed = message["tool_calls"].as_array().into_iter().flatten();
    let mut calls: Vec<_> = listed
        .enumerate()
        .map(|(i, call)| self::call(i, call))
        .collect();
    // The form before `tool_calls`, which some services still have.
    let legacy = message.get("function_call").filter(|call| call.is_object());
    calls.extend(legacy.map(|function| function_call(0, None, function)));
    let answer = Answer {
        content: content(message),
        calls,
        usage: answer
            .get("usage")
            .filter(|usage| usage.is_object())
            .cloned(),
    };
    check(answer)
}

/// An answer that says something or wants something.
pub(super) fn check(answer: Answer) -> Result<Answer, String> {
    if answer.content.is_none() && answer.calls.is_empty() {
        return Err("the answer says nothing and calls nothing".to_owned());
    }
    Ok(answer)
}

/// The text of a message: a string, a list of parts, or the reason why there is none.
fn content(message: &Value) -> Option<String> {
    let text = match &message["content"] {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => {
            let texts = parts.iter().filter_map(|part| part["text"].as_str());
            Some(texts.collect())
        }
        _ => None,
    };
    let text = text.filter(|text: &String| !text.is_empty());
    text.or_else(|| message["refusal"].as_str().map(str::to_owned))
}

fn call(index: usize, call: &Value) -> ToolCall {
    function_call(index, call["id"].as_str(), &call["function"])
}

fn function_call(index: usize, id: Option<&str>, function: &Value) -> ToolCall {
    ToolCall {
        id: id.map_or_else(|| format!("call_{index}"), str::to_owned),
        name: function["name"].as_str().unwrap_or_default().to_owned(),
        arguments: calls::arguments(function.get("arguments")),
    }
}

/// What an error says, in words.
pub(super) fn words(error: &Value) -> String {
    let message = error["message"].as_str().or_else(|| error.as_str());
    message.map_or_else(|| error.to_string(), str::to_owned)
}

/// What a service says beside a status that is no success, in at most so many bytes.
pub(super) fn refusal(body: &[u8], at_most: usize) -> String {
    let said = serde_json::from_slice::<Value>(body).ok();
    let said = said.and_then(|said| Some(words(said.get("error")?)));
    let mut said = said.unwrap_or_else(|| String::from_utf8_lossy(body).into_owned());
    said.retain(|c| c == '\n' || !c.is_control());
    said.truncate(said.floor_char_boundary(at_most));
    said
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn call(id: &str, arguments: &str) -> ToolCall {
        ToolCall {
            id: id.to_owned(),
            name: "look".to_owned(),
            arguments: arguments.to_owned(),
        }
    }

    #[test]
    fn answers_of_many_services_are_read() {
        let message = |message: Value| json!({"choices": [{"message": message}]});
        let rows = [
            (
                message(json!({"role": "assistant", "content": "hi"})),
                Some("hi"),
                vec![],
            ),
            (
                message(json!({"content": [{"type": "text", "text": "a"}, {"text": "b"}]})),
                Some("ab"),
                vec![],
            ),
            (
                message(json!({"content": null, "refusal": "no"})),
                Some("no"),
                vec![],
            ),
            (
                message(json!({"content": null, "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{\"a\":1}"}}]})),
                None,
                vec![call("c1", "{\"a\":1}")],
            ),
            (
                message(
                    json!({"content": "", "tool_calls": [{"function": {"name": "look", "arguments": {"a": 1}}}]}),
                ),
                None,
                vec![call("call_0", "{\"a\":1}")],
            ),
            (
                message(json!({"function_call": {"name": "look", "arguments": null}})),
                None,
                vec![call("call_0", "")],
            ),
        ];
        for (body, content, calls) in rows {
            let answer = read(body.to_string().as_bytes()).unwrap();
            assert_eq!(answer.content.as_deref(), content, "{body}");
            assert_eq!(answer.calls, calls, "{body}");
        }
    }

    #[test]
    fn what_is_no_answer_is_told() {
        let rows = [
            ("<html>", "no JSON"),
            ("{}", "no message"),
            (r#"{"choices":[]}"#, "no message"),
            (
                r#"{"choices":[{"message":{"content":""}}]}"#,
                "says nothing",
            ),
            (r#"{"error":{"message":"quota"}}"#, "quota"),
            (r#"{"error":"down"}"#, "down"),
        ];
        for (body, says) in rows {
            let error = read(body.as_bytes()).unwrap_err();
            assert!(error.contains(says), "{body}: {error}");
        }
        let deep = "[".repeat(10_000);
        assert!(read(deep.as_bytes()).is_err());
    }

    #[test]
    fn refusals_are_short_and_plain() {
        assert_eq!(
            refusal(br#"{"error":{"message":"bad key"}}"#, 100),
            "bad key"
        );
        assert_eq!(refusal(b"up\x07stream", 4), "upst");
    }
}
