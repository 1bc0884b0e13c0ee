//! Tool calls as models ask for them.

use serde_json::{Map, Value, json};

/// The most calls that are made of one answer.
pub(super) const MOST_AT_ONCE: usize = 16;

/// How often one call may be made with the same input in one turn.
pub(super) const MOST_ALIKE: usize = 3;

/// A call that a model asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ToolCall {
    /// What the model calls it.
    pub id: String,
    /// The tool.
    pub name: String,
    /// What the tool is given: JSON text, as the model wrote it.
    pub arguments: String,
}

impl ToolCall {
    /// What the tool is given; what is wrong with it, in words for a model.
    pub(super) fn input(&self) -> Result<Value, String> {
        // No arguments at all is how some models say that there are none.
        if self.arguments.trim().is_empty() {
            return Ok(Value::Object(Map::new()));
        }
        match serde_json::from_str(&self.arguments) {
            Ok(Value::Object(members)) => Ok(Value::Object(members)),
            Ok(_) => Err(
                "the arguments are no JSON object; give an object as the tool's schema says"
                    .to_owned(),
            ),
            Err(error) => Err(format!(
                "the arguments are no JSON ({error}); repeat the call with one valid JSON object"
            )),
        }
    }

    pub(super) fn keep(&self) -> Value {
        json!({"id": self.id, "name": self.name, "arguments": self.arguments})
    }

    pub(super) fn kept(value: &Value) -> Self {
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        Self {
            id: text("id"),
            name: text("name"),
            arguments: text("arguments"),
        }
    }
}

/// Reads the arguments of a call, which services give as text and some as an object.
pub(super) fn arguments(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_an_object_or_a_reason() {
        let rows = [
            ("{\"a\":1}", true),
            ("", true),
            ("  ", true),
            ("{}", true),
            ("[1]", false),
            ("\"a\"", false),
            ("{a:1}", false),
            ("{\"a\":", false),
        ];
        for (arguments, good) in rows {
            let call = ToolCall {
                id: "1".to_owned(),
                name: "x".to_owned(),
                arguments: arguments.to_owned(),
            };
            assert_eq!(call.input().is_ok(), good, "{arguments}");
        }
    }
}
