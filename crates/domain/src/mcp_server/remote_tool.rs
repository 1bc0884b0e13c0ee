//! A tool as a remote server describes it, and the hash by which a change of it is noticed.

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tieline_mapping::Schema;

use crate::operation::{Class, MAX_DESCRIPTION, is_name};

/// The most tools of one server.
pub const MAX_TOOLS: usize = 200;
/// The longest name of a remote tool, in bytes (MCP 2025-11-25, "Tool Names": 128).
const MAX_REMOTE_NAME: usize = 128;
/// The longest title, in characters.
const MAX_TITLE: usize = 200;

/// A tool of a remote server: what a model is told of it, and nothing else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RemoteTool {
    /// Its name over there.
    pub name: String,
    /// Its name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it does.
    pub description: String,
    /// What it takes.
    pub input_schema: Value,
    /// What comes out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Value>,
    /// What it says that it does to the world: the server's word, not checked.
    pub class: Class,
    /// Whether it says that repeating a call does no more than the first one.
    pub idempotent: bool,
}

/// The description of a tool that cannot be offered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnusableTool(pub String);

impl RemoteTool {
    /// Reads an entry of `tools/list`.
    pub fn read(entry: &Value) -> Result<Self, UnusableTool> {
        let unusable = |why: String| UnusableTool(why);
        let text = |key: &str| entry.get(key).and_then(Value::as_str);
        let name = text("name").unwrap_or_default();
        if name.is_empty() || name.len() > MAX_REMOTE_NAME {
            return Err(unusable(format!(
                "its name has to have 1 to {MAX_REMOTE_NAME} bytes"
            )));
        }
        let description = text("description").unwrap_or_default();
        if description.chars().count() > MAX_DESCRIPTION {
            let why = format!("its description has more than {MAX_DESCRIPTION} characters");
            return Err(unusable(why));
        }
        let annotations = entry.get("annotations").cloned().unwrap_or_default();
        let hint = |key: &str| annotations.get(key).and_then(Value::as_bool);
        let title = text("title").or_else(|| annotations.get("title").and_then(Value::as_str));
        let output_schema = entry
            .get("outputSchema")
            .filter(|schema| Schema::compile(schema).is_ok());
        Ok(Self {
            name: name.to_owned(),
            title: title.map(|title| title.chars().take(MAX_TITLE).collect()),
            description: description.to_owned(),
            input_schema: input_schema(entry.get("inputSchema"))?,
            output_schema: output_schema.cloned(),
            class: class(hint("readOnlyHint"), hint("destructiveHint")),
            idempotent: hint("idempotentHint").unwrap_or(false),
        })
    }

    /// SHA-256 of all that is told of it, in hexadecimal. The order of keys does not matter.
    pub fn hash(&self) -> String {
        let whole = sorted(&json!(self)).to_string();
        hex::encode(digest(&SHA256, whole.as_bytes()))
    }

    /// What it is called here: the prefix and its name, with `_` for what cannot stand in a name. `None` if that
    /// is too long.
    pub fn offered_name(&self, prefix: &str) -> Option<String> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let own = self.name.chars().map(|c| if is_plain(c) { c } else { '_' });
        let name: String = prefix.chars().chain(own).collect();
        is_name(&name).then_some(name)
    }
}

/// The schema of the input, which has to be one that can be checked.
fn input_schema(given: Option<&Value>) -> Result<Value, UnusableTool> {
    let Some(Value::Object(given)) = given else {
        return Err(UnusableTool(
            "it does not say what it takes (inputSchema)".to_owned(),
        ));
    };
    let mut schema = given.clone();
    // Servers name older dialects; what is written in them is read as 2020-12.
    schema.shift_remove("$schema");
    schema.insert("type".to_owned(), json!("object"));
    let schema = Value::Object(schema);
    Schema::compile(&schema).map_err(|faults| {
        let told = faults.into_iter().map(|fault| fault.detail).next();
        UnusableTool(format!(
            "its inputSchema cannot be checked: {}",
            told.unwrap_or_default()
        ))
    })?;
    Ok(schema)
}

/// MCP 2025-06-18, "ToolAnnotations": a tool that says nothing may be destructive.
fn class(read_only: Option<bool>, destructive: Option<bool>) -> Class {
    match (read_only, destructive) {
        (Some(true), _) => Class::Read,
        (_, Some(false)) => Class::Write,
        _ => Class::Destructive,
    }
}

/// The same value with the keys of its objects in order.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut entries: Vec<_> = members
                .iter()
                .map(|(key, value)| (key.clone(), sorted(value)))
                .collect();
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            Value::Object(entries.into_iter().collect::<Map<_, _>>())
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}
