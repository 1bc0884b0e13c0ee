//! What of a description would become a tool.

use serde_json::{Map, Value, json};
use tieline_mapping::Schema;
use url::Url;

use super::{
    Note, body,
    document::{Document, Operation, shortened},
    include::Include,
    naming::{MAX_NAME, tool_names},
    parameters,
    schema::Writer,
    security::{self, Scheme, SecretFor},
    server,
};

/// The most operations that are taken at once.
pub const MAX_CHOSEN: usize = 200;
/// The longest description of a tool that is written, in characters.
const MAX_DESCRIPTION: usize = 1_000;
/// The longest title of a tool that is written, in characters.
const MAX_TITLE: usize = 100;

/// Which operations are wanted, and how they are called.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// What is wanted; everything if empty.
    pub include: Vec<Include>,
    /// The base URL that takes the place of the servers of the description.
    pub server: Option<Url>,
    /// Where the description was fetched from.
    pub fetched_from: Option<Url>,
    /// The secrets that stand for security schemes.
    pub security: SecretFor,
    /// What the names of the tools begin with; plain letters, digits, `_` and `-`.
    pub prefix: String,
}

/// What a call does to the world, told from its method (RFC 9110, 9.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// It only looks.
    Read,
    /// It makes or changes something.
    Write,
    /// It removes something.
    Destructive,
}

/// One operation of a description, as a tool.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// The tool's name.
    pub name: String,
    /// The `operationId`.
    pub operation_id: Option<String>,
    /// The path as the description writes it.
    pub path: String,
    /// What it is called, for people.
    pub title: Option<String>,
    /// What it does, for agents.
    pub description: String,
    /// The method in capitals.
    pub method: String,
    /// The URL with its placeholders.
    pub url: String,
    /// Query parameter → template.
    pub query: Vec<(String, String)>,
    /// Header → template.
    pub headers: Vec<(String, String)>,
    /// The template of the body; absent where every input that stands nowhere else is a field of it.
    pub body_template: Option<Value>,
    /// JSON Schema 2020-12 of the input.
    pub input_schema: Value,
    /// What a call does.
    pub class: Class,
    /// Whether a call may be made twice without doing more than once (RFC 9110, 9.2.2).
    pub is_idempotent: bool,
    /// Whether the description calls it deprecated.
    pub is_deprecated: bool,
    /// What was left out or open.
    pub notes: Vec<Note>,
    /// Why no tool can be made of it; empty if one can.
    pub problems: Vec<Note>,
}

/// More operations are wanted than are taken at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0} operations are chosen, and at most {MAX_CHOSEN} are taken at once; choose some with `include`, such as [\"GET /customers*\"] or [\"tag:orders\"]"
)]
pub struct TooMany(pub usize);

impl Document {
    /// The security schemes of the description.
    pub fn schemes(&self) -> Vec<Scheme> {
        security::schemes(self)
    }

    /// The indices of the patterns that choose nothing.
    pub fn idle_patterns(&self, include: &[Include]) -> Vec<usize> {
        let is_idle = |pattern: &Include| {
            !self
                .operations()
                .any(|operation| pattern.matches(&operation))
        };
        (0..include.len())
            .filter(|i| is_idle(&include[*i]))
            .collect()
    }

    /// The operations that are wanted, as tools, in the order of the description.
    pub fn propose(&self, choice: &Choice) -> Result<Vec<Proposal>, TooMany> {
        let names = tool_names(self, &choice.prefix);
        let is_wanted = |operation: &Operation<'_>| {
            choice.include.is_empty()
                || choice
                    .include
                    .iter()
                    .any(|pattern| pattern.matches(operation))
        };
        let wanted = || {
            self.operations()
                .zip(&names)
                .filter(|(operation, _)| is_wanted(operation))
        };
        let count = wanted().count();
        if count > MAX_CHOSEN {
            return Err(TooMany(count));
        }
        Ok(wanted()
            .map(|(operation, name)| self.proposal(&operation, name, choice))
            .collect())
    }

    fn proposal(&self, operation: &Operation<'_>, name: &str, choice: &Choice) -> Proposal {
        let (class, is_idempotent) = match operation.method {
            "get" => (Class::Read, true),
            "put" => (Class::Write, true),
            "delete" => (Class::Destructive, true),
            _ => (Class::Write, false),
        };
        let text = |key: &str| {
            operation
                .content
                .get(key)
                .and_then(Value::as_str)
                .map(str::trim)
        };
        let summary = text("summary").filter(|summary| !summary.is_empty());
        let mut proposal = Proposal {
            name: name.to_owned(),
            operation_id: operation.id().map(|id| shortened(id, 200).into_owned()),
            path: operation.path.to_owned(),
            title: summary.map(|summary| shortened(summary, MAX_TITLE).into_owned()),
            description: description(summary, text("description"), operation),
            method: operation.method.to_ascii_uppercase(),
            url: String::new(),
            query: Vec::new(),
            headers: Vec::new(),
            body_template: None,
            input_schema: json!({"type": "object"}),
            class,
            is_idempotent,
            is_deprecated: operation.content.get("deprecated") == Some(&json!(true)),
            notes: Vec::new(),
            problems: Vec::new(),
        };
        if let Err(problem) = self.fill(&mut proposal, operation, choice) {
            proposal.problems.push(problem);
        }
        proposal
    }

    /// Writes the request and the input of a proposal.
    fn fill(
        &self,
        proposal: &mut Proposal,
        operation: &Operation<'_>,
        choice: &Choice,
    ) -> Result<(), Note> {
        let base = server::base(
            self,
            operation,
            choice.server.as_ref(),
            choice.fetched_from.as_ref(),
        )?;
        let mut writer = Writer::new(self);
        let authorized = security::authorize(self, operation, &choice.security);
        let fixed = authorized.clone().unwrap_or_default();
        let mut inputs = parameters::inputs(self, operation, &fixed, &mut writer)?;
        let body = body::add(self, operation, &mut inputs, &mut writer)?;
        proposal.notes = writer.notes;
        proposal.url = format!("{base}{}", inputs.path);
        proposal.query = inputs.query;
        proposal.headers = inputs.headers;
        if let Some(content_type) = body.content_type {
            proposal
                .headers
                .push(("Content-Type".to_owned(), content_type));
        }
        proposal.body_template = body.template;
        proposal.input_schema = object(inputs.properties, inputs.required);
        if let Err(faults) = Schema::compile(&proposal.input_schema) {
            let told = faults
                .into_iter()
                .map(|fault| fault.detail)
                .next()
                .unwrap_or_default();
            return Err(Note::new(
                operation.pointer(),
                format!("its input cannot be checked: {told}"),
            ));
        }
        let authorized = authorized?;
        let has_secret = !authorized.headers.is_empty() || !authorized.query.is_empty();
        if has_secret && !self.is_at_home(&base, choice) {
            let detail = "this operation is on another host than the rest of the description, and a secret is not sent there unasked; give `server`";
            return Err(Note::new(
                format!("{}/servers", operation.pointer()),
                detail,
            ));
        }
        proposal.headers.extend(authorized.headers);
        proposal.query.extend(authorized.query);
        Ok(())
    }

    /// Whether `base` is on the host that was chosen, or that the description names first: a server that one
    /// operation brings must not receive the secrets that were meant for the service.
    fn is_at_home(&self, base: &str, choice: &Choice) -> bool {
        if choice.server.is_some() {
            return true;
        }
        let nowhere = Map::new();
        let anywhere = Operation {
            path: "/",
            method: "get",
            item: &nowhere,
            content: &nowhere,
        };
        let home = server::base(self, &anywhere, None, choice.fetched_from.as_ref());
        let origin = |text: &str| Url::parse(text).ok().map(|url| url.origin());
        home.is_ok_and(|home| origin(&home) == origin(base))
    }
}

/// What the agent is told: the summary and the description, or the method and the path.
fn description(summary: Option<&str>, long: Option<&str>, operation: &Operation<'_>) -> String {
    let parts: Vec<_> = [summary, long]
        .into_iter()
        .flatten()
        .filter(|part| !part.is_empty())
        .collect();
    let whole = match &parts[..] {
        [] => format!(
            "{} {}",
            operation.method.to_ascii_uppercase(),
            operation.path
        ),
        [one, other] if one == other => (*one).to_owned(),
        several => several.join("\n\n"),
    };
    shortened(&whole, MAX_DESCRIPTION).into_owned()
}

/// An object with these fields and no others.
fn object(properties: Map<String, Value>, required: Vec<String>) -> Value {
    let mut schema =
        json!({"type": "object", "properties": properties, "additionalProperties": false});
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

/// Whether a prefix leaves room for a name.
pub fn is_prefix(text: &str) -> bool {
    text.len() <= MAX_NAME / 2
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
}
