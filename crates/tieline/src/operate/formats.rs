//! Operations in the form in which models and clients take tools.

use std::str::FromStr;

use serde_json::{Value, json};
use tieline_domain::operation::Class;

use super::Offered;

/// A form of tool definitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `tools` of OpenAI's chat completions.
    OpenAi,
    /// `tools` of Anthropic's messages.
    Anthropic,
    /// `tools` of the Model Context Protocol.
    Mcp,
}

/// Every form with its word.
const WORDS: [(Format, &str); 3] = [
    (Format::OpenAi, "openai"),
    (Format::Anthropic, "anthropic"),
    (Format::Mcp, "mcp"),
];

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let row = WORDS.iter().find(|(_, word)| *word == text);
        let words = WORDS.map(|(_, word)| word).join(", ");
        row.map(|(format, _)| *format)
            .ok_or_else(|| format!("there is no format `{text}`; there are {words}"))
    }
}

impl Format {
    /// The definition of one operation.
    pub fn define(self, offered: &Offered) -> Value {
        let Offered {
            name,
            description,
            input_schema,
            ..
        } = offered;
        match self {
            Self::OpenAi => json!({
                "type": "function",
                "function": {"name": name, "description": description, "parameters": input_schema},
            }),
            Self::Anthropic => json!({
                "name": name, "description": description, "input_schema": input_schema,
            }),
            Self::Mcp => mcp(offered),
        }
    }
}

/// The definition for the Model Context Protocol (revision 2025-11-25, "Tool").
fn mcp(offered: &Offered) -> Value {
    let mut tool = json!({
        "name": offered.name,
        "description": offered.description,
        "inputSchema": offered.input_schema,
        "annotations": {
            "readOnlyHint": offered.class == Class::Read,
            "destructiveHint": offered.class == Class::Destructive,
            "idempotentHint": offered.idempotent,
            "openWorldHint": true,
        },
    });
    if let Some(title) = &offered.title {
        tool["title"] = json!(title);
    }
    if let Some(schema) = &offered.output_schema {
        tool["outputSchema"] = schema.clone();
    }
    tool
}
