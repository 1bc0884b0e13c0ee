//! What a model, or a service in its place, is told, and what it answers: the same whatever speaks to it.

use std::fmt::Write as _;

use serde_json::Value;
use tieline_domain::conversation::{Message, Role, Step, StepKind, StepStatus};

use super::calls::ToolCall;

/// The longest result of one tool call that a model is told, in bytes.
const MOST_RESULT: usize = 64 * 1_024;

/// The most that a model is told of the conversation, in bytes of text; the oldest messages are left out first.
const MOST_HISTORY: usize = 512 * 1_024;

/// What a model is told.
#[derive(Clone, Debug, Default)]
pub(super) struct Prompt {
    /// What it is told before every conversation.
    pub instructions: Option<String>,
    /// What was said and done so far, the oldest first.
    pub said: Vec<Told>,
}

/// One thing that was said or done.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Told {
    /// By the one who talks with the agent.
    User(String),
    /// By the model.
    Assistant {
        /// What it said.
        content: Option<String>,
        /// What it wanted to be called.
        calls: Vec<ToolCall>,
    },
    /// By a tool.
    Result {
        /// Which call it answers.
        call_id: String,
        /// The tool.
        name: String,
        /// What came of it: JSON text.
        content: String,
    },
}

/// What a model answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Answer {
    /// What it says.
    pub content: Option<String>,
    /// What it wants to be called.
    pub calls: Vec<ToolCall>,
    /// How many tokens it took, as the service tells.
    pub usage: Option<Value>,
}

impl Prompt {
    /// What a model is told in a turn about the last of `history` in which these steps were taken.
    pub(super) fn of(instructions: Option<&str>, history: &[Message], steps: &[Step]) -> Self {
        let mut said = Vec::with_capacity(history.len() + steps.len());
        said.extend(latest(history).iter().map(|message| match message.role {
            Role::User => Told::User(message.content.clone()),
            Role::Assistant => Told::Assistant {
                content: Some(message.content.clone()),
                calls: Vec::new(),
            },
        }));
        said.extend(steps.iter().map(|step| match step.kind {
            StepKind::Model => {
                let answer = Answer::kept(&step.output);
                Told::Assistant {
                    content: answer.content,
                    calls: answer.calls,
                }
            }
            StepKind::Tool => Told::Result {
                call_id: step.call_id.clone().unwrap_or_default(),
                name: step.name.clone(),
                content: result(step),
            },
        }));
        Self {
            instructions: instructions.map(str::to_owned),
            said,
        }
    }
}

/// The latest messages that fit together; the last one in any case.
fn latest(history: &[Message]) -> &[Message] {
    let mut bytes = 0;
    let fitting = history.iter().rev().take_while(|message| {
        bytes += message.content.len();
        bytes <= MOST_HISTORY
    });
    let fitting = fitting.count().max(1).min(history.len());
    &history[history.len() - fitting..]
}

/// What a model is told of a tool call.
fn result(step: &Step) -> String {
    let text = match (&step.status, &step.error) {
        (StepStatus::Completed, _) => step.output.to_string(),
        (_, Some(error)) if step.output.is_null() => {
            serde_json::json!({"error": error}).to_string()
        }
        (_, Some(_) | None) => step.output.to_string(),
    };
    cut(text)
}

/// A text that is not longer than a model is told.
fn cut(mut text: String) -> String {
    if text.len() <= MOST_RESULT {
        return text;
    }
    let whole = text.len();
    text.truncate(text.floor_char_boundary(MOST_RESULT));
    let _ = write!(text, "… [cut: {MOST_RESULT} of {whole} bytes]");
    text
}

impl Answer {
    /// As it is written down with its step.
    pub(super) fn keep(&self) -> Value {
        let mut kept = serde_json::json!({"content": self.content});
        if !self.calls.is_empty() {
            kept["tool_calls"] = self.calls.iter().map(ToolCall::keep).collect();
        }
        if let Some(usage) = &self.usage {
            kept["usage"] = usage.clone();
        }
        kept
    }

    /// What was written down with a step.
    pub(super) fn kept(output: &Value) -> Self {
        let calls = output["tool_calls"].as_array().into_iter().flatten();
        Self {
            content: output["content"].as_str().map(str::to_owned),
            calls: calls.map(ToolCall::kept).collect(),
            usage: output.get("usage").cloned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_is_kept_whole() {
        let answer = Answer {
            content: Some("let me look".to_owned()),
            calls: vec![ToolCall {
                id: "call_1".to_owned(),
                name: "lookup".to_owned(),
                arguments: "{\"id\": 7, }".to_owned(),
            }],
            usage: Some(json!({"total_tokens": 12})),
        };
        assert_eq!(Answer::kept(&answer.keep()), answer);
    }

    #[test]
    fn long_results_are_cut_at_a_character() {
        let text = cut("é".repeat(MOST_RESULT));
        assert!(
            text.len() < MOST_RESULT + 64 && text.ends_with("bytes]"),
            "{}",
            text.len()
        );
        assert_eq!(cut("short".to_owned()), "short");
    }
}
