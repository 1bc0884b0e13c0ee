//! What of a description would become a tool.

use indexmap::IndexMap;
use serde_json::{Map, Value, json};
use url::Url;

use crate::{
    Bounds,
    operation::{Endpoint, Method, Operation, Recipe, no_parameters},
};

use super::{
    Note, body,
    document::{Document, METHODS, Operation as Described, shortened},
    include::Include,
    naming::{MAX_NAME, tool_names},
    parameters,
    schema::Writer,
    security::{self, Authorized, Scheme, SecretFor},
    server,
};

/// The most operations that are taken at once.
pub const MAX_CHOSEN: usize = 200;
/// The tag of tools that were made from a description: only those are changed when it is imported again.
pub const IMPORTED: &str = "openapi";
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

/// One operation of a description, as a tool.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// The tool; not to be made as long as there are problems.
    pub operation: Operation,
    /// The `operationId`.
    pub operation_id: Option<String>,
    /// The path as the description writes it.
    pub path: String,
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
        let is_wanted = |operation: &Described<'_>| {
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

    fn proposal(&self, described: &Described<'_>, name: &str, choice: &Choice) -> Proposal {
        let text = |key: &str| {
            described
                .content
                .get(key)
                .and_then(Value::as_str)
                .map(str::trim)
        };
        let summary = text("summary").filter(|summary| !summary.is_empty());
        let method = METHODS.iter().find(|(word, _)| *word == described.method);
        let mut proposal = Proposal {
            operation: Operation {
                name: name.to_owned(),
                title: summary.map(|summary| shortened(summary, MAX_TITLE).into_owned()),
                description: description(summary, text("description"), described),
                input_schema: no_parameters(),
                endpoint: Endpoint {
                    url: String::new(),
                    method: method.map_or(Method::Get, |(_, method)| *method),
                    headers: IndexMap::new(),
                    query: IndexMap::new(),
                    body_template: None,
                    idempotency_header: None,
                },
                output_mapping: None,
                output_schema: None,
                connection: None,
                timeout_seconds: None,
                idempotent: None,
                class: None,
                rate_limit: None,
                max_in_flight: None,
                tags: vec![IMPORTED.to_owned()],
            },
            operation_id: described.id().map(|id| shortened(id, 200).into_owned()),
            path: described.path.to_owned(),
            is_deprecated: described.content.get("deprecated") == Some(&json!(true)),
            notes: Vec::new(),
            problems: Vec::new(),
        };
        if let Err(problem) = self.fill(&mut proposal, described, choice) {
            proposal.problems.push(problem);
        }
        proposal
    }

    /// Writes the request and the input of a proposal.
    fn fill(
        &self,
        proposal: &mut Proposal,
        described: &Described<'_>,
        choice: &Choice,
    ) -> Result<(), Note> {
        let base = server::base(
            self,
            described,
            choice.server.as_ref(),
            choice.fetched_from.as_ref(),
        )?;
        let mut writer = Writer::new(self);
        let authorized = security::authorize(self, described, &choice.security);
        let fixed = authorized.clone().unwrap_or_default();
        let mut inputs = parameters::inputs(self, described, &fixed, &mut writer)?;
        let body = body::add(self, described, &mut inputs, &mut writer)?;
        proposal.notes = writer.notes;
        let operation = &mut proposal.operation;
        let endpoint = &mut operation.endpoint;
        endpoint.url = format!("{base}{}", inputs.path);
        endpoint.headers.extend(inputs.headers);
        endpoint.headers.extend(
            body.content_type
                .map(|kind| ("Content-Type".to_owned(), kind)),
        );
        endpoint.query.extend(
            inputs
                .query
                .into_iter()
                .map(|(name, text)| (name, json!(text))),
        );
        endpoint.body_template = body.template;
        operation.input_schema = object(inputs.properties, inputs.required);
        let Authorized { headers, query } = authorized?;
        let has_secret = !headers.is_empty() || !query.is_empty();
        if has_secret && !self.is_at_home(&base, choice) {
            let detail = "this operation is on another host than the rest of the description, and a secret is not sent there unasked; give `server`";
            return Err(Note::new(
                format!("{}/servers", described.pointer()),
                detail,
            ));
        }
        let endpoint = &mut proposal.operation.endpoint;
        endpoint.headers.extend(headers);
        endpoint
            .query
            .extend(query.into_iter().map(|(name, text)| (name, json!(text))));
        // What is proposed can be made: the description may ask for what no tool is allowed.
        let made = Recipe::compile(&proposal.operation, &Bounds::default());
        made.map(drop).map_err(|faults| {
            let told = faults.first().map(ToString::to_string).unwrap_or_default();
            Note::new(
                described.pointer(),
                format!("no tool can be made of it: {told}"),
            )
        })
    }

    /// Whether `base` is on the host that was chosen, or that the description names first: a server that one
    /// operation brings must not receive the secrets that were meant for the service.
    fn is_at_home(&self, base: &str, choice: &Choice) -> bool {
        if choice.server.is_some() {
            return true;
        }
        let nowhere = Map::new();
        let anywhere = Described {
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
fn description(summary: Option<&str>, long: Option<&str>, described: &Described<'_>) -> String {
    let parts: Vec<_> = [summary, long]
        .into_iter()
        .flatten()
        .filter(|part| !part.is_empty())
        .collect();
    let whole = match &parts[..] {
        [] => format!(
            "{} {}",
            described.method.to_ascii_uppercase(),
            described.path
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
