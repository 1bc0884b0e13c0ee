//! An answer that comes piece by piece, as the protocol has it.

use serde_json::Value;

use super::answer;
use crate::converse::{
    calls::{MOST_AT_ONCE, ToolCall, arguments},
    prompt::Answer,
};

/// The end of a stream.
const DONE: &str = "[DONE]";

/// What was gathered of an answer.
#[derive(Default)]
pub(super) struct Gathered {
    content: String,
    calls: Vec<ToolCall>,
    usage: Option<Value>,
    finished: bool,
}

/// What one piece brought.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// More of the text.
    Text(String),
    /// Nothing to show.
    Nothing,
    /// Nothing more comes.
    Done,
}

impl Gathered {
    /// Takes the data of one event; what is wrong with it, in a sentence.
    pub(super) fn take(&mut self, data: &str) -> Result<Piece, String> {
        if data.trim() == DONE {
            return Ok(Piece::Done);
        }
        let piece: Value = serde_json::from_str(data)
            .map_err(|error| format!("a piece of the answer is no JSON: {error}"))?;
        if let Some(error) = piece.get("error").filter(|error| !error.is_null()) {
            let said = answer::words(error);
            return Err(format!("it answered with an error: {said}"));
        }
        if let Some(usage) = piece.get("usage").filter(|usage| usage.is_object()) {
            self.usage = Some(usage.clone());
        }
        let choice = &piece["choices"][0];
        self.finished |= choice["finish_reason"].is_string();
        let delta = &choice["delta"];
        for (i, call) in delta["tool_calls"]
            .as_array()
            .into_iter()
            .flatten()
            .enumerate()
        {
            self.take_call(i, call)?;
        }
        let text = delta["content"]
            .as_str()
            .or_else(|| delta["refusal"].as_str());
        match text.filter(|text| !text.is_empty()) {
            Some(text) => {
                self.content.push_str(text);
                Ok(Piece::Text(text.to_owned()))
            }
            None => Ok(Piece::Nothing),
        }
    }

    /// Takes a piece of a call: its place, and more of its name or of its arguments.
    fn take_call(&mut self, position: usize, piece: &Value) -> Result<(), String> {
        let index = piece["index"]
            .as_u64()
            .and_then(|i| usize::try_from(i).ok());
        let index = index.unwrap_or(position);
        // Of more than are made, one more is kept: it is told what the bound is.
        if index > MOST_AT_ONCE {
            return Err(format!("it wants more than {MOST_AT_ONCE} calls at once"));
        }
        while self.calls.len() <= index {
            self.calls.push(ToolCall {
                id: format!("call_{}", self.calls.len()),
                name: String::new(),
                arguments: String::new(),
            });
        }
        let call = &mut self.calls[index];
        if let Some(id) = piece["id"].as_str().filter(|id| !id.is_empty()) {
            id.clone_into(&mut call.id);
        }
        let function = &piece["function"];
        call.name
            .push_str(function["name"].as_str().unwrap_or_default());
        call.arguments
            .push_str(&arguments(function.get("arguments")));
        Ok(())
    }

    /// Whether the answer said that it is complete.
    pub(super) fn is_finished(&self) -> bool {
        self.finished
    }

    /// The answer.
    pub(super) fn answer(self) -> Result<Answer, String> {
        answer::check(Answer {
            content: (!self.content.is_empty()).then_some(self.content),
            calls: self.calls,
            usage: self.usage,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_become_one_answer() {
        let mut gathered = Gathered::default();
        let rows = [
            (
                r#"{"choices":[{"delta":{"role":"assistant","content":""}}]}"#,
                Piece::Nothing,
            ),
            (
                r#"{"choices":[{"delta":{"content":"let "}}]}"#,
                Piece::Text("let ".to_owned()),
            ),
            (
                r#"{"choices":[{"delta":{"content":"me"}}]}"#,
                Piece::Text("me".to_owned()),
            ),
            (
                r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c1","function":{"name":"look","arguments":""}}]}}]}"#,
                Piece::Nothing,
            ),
            (
                r#"{"choices":[{"delta":{"tool_calls":[{"index":1,"id":"c2","function":{"name":"see","arguments":"{}"}}]}}]}"#,
                Piece::Nothing,
            ),
            (
                r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\""}}]}}]}"#,
                Piece::Nothing,
            ),
            (
                r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":":1}"}}]},"finish_reason":"tool_calls"}]}"#,
                Piece::Nothing,
            ),
            (
                r#"{"choices":[],"usage":{"total_tokens":3}}"#,
                Piece::Nothing,
            ),
            ("[DONE]", Piece::Done),
        ];
        for (data, expected) in rows {
            assert_eq!(gathered.take(data).unwrap(), expected, "{data}");
        }
        assert!(gathered.is_finished());
        let answer = gathered.answer().unwrap();
        assert_eq!(answer.content.as_deref(), Some("let me"));
        let calls: Vec<_> = answer
            .calls
            .iter()
            .map(|c| (&*c.id, &*c.name, &*c.arguments))
            .collect();
        assert_eq!(calls, [("c1", "look", "{\"a\":1}"), ("c2", "see", "{}")]);
        assert!(answer.usage.is_some());
    }

    #[test]
    fn bad_pieces_are_told() {
        let rows = [
            ("{", "no JSON"),
            (r#"{"error":{"message":"overloaded"}}"#, "overloaded"),
            (
                r#"{"choices":[{"delta":{"tool_calls":[{"index":99999}]}}]}"#,
                "calls at once",
            ),
        ];
        for (data, says) in rows {
            let error = Gathered::default().take(data).unwrap_err();
            assert!(error.contains(says), "{data}: {error}");
        }
    }
}
