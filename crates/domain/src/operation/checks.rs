//! What an operation must pass before it is kept, and what it becomes.

use std::collections::{BTreeMap, BTreeSet};

use tieline_mapping::{
    Schema,
    schema::Fault,
    template::{Name, Syntax, Text},
};

use super::{
    Operation, OutputMapping,
    body::{BodyTemplate, Form},
    parameters::Parameters,
    recipe::{CONNECTION, Recipe, SECRETS, query_text},
    url_template::UrlTemplate,
};
use crate::{
    Bounds, Violation,
    source::is_header_name,
    violation::{length, pointer_step},
};

/// The longest name, in characters: what models and MCP clients take.
pub const MAX_NAME: usize = 64;
/// The longest description, in characters.
pub const MAX_DESCRIPTION: usize = 4_096;
/// The longest time-out, in seconds.
pub const MAX_TIMEOUT_SECONDS: u32 = 300;
/// The most headers of an operation.
pub const MAX_HEADERS: usize = 50;
/// The most tags of an operation.
pub const MAX_TAGS: usize = 20;
/// The most query parameters beside those of the URL.
const MAX_QUERY: usize = 100;
/// The most calls at once that can be asked for.
const MAX_IN_FLIGHT: u32 = 10_000;

/// Headers that belong to the connection, that Tieline writes itself, or that open the metadata services of
/// clouds. One that ends in `*` is the beginning of names.
const OWN_HEADERS: [&str; 15] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "upgrade",
    "te",
    "trailer",
    "expect",
    "keep-alive",
    "proxy-*",
    "http2-settings",
    "accept-encoding",
    "traceparent",
    "metadata-flavor",
    "x-aws-ec2-metadata-*",
];

/// Whether `text` can be the name of an operation: what models, MCP clients and URLs all take.
pub fn is_name(text: &str) -> bool {
    let is_character = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    (1..=MAX_NAME).contains(&text.len()) && text.bytes().all(is_character)
}

/// The recipe of an operation, or everything that is wrong with it.
pub(super) fn compile(operation: &Operation, bounds: &Bounds) -> Result<Recipe, Vec<Violation>> {
    let mut faults = plain(operation);
    let parts = Parts::read(operation, bounds, &mut faults);
    match parts {
        Some(parts) => {
            let recipe = parts.recipe(operation, &mut faults);
            if faults.is_empty() {
                return Ok(recipe);
            }
            Err(faults)
        }
        None => Err(faults),
    }
}

/// What can be said without reading a template.
fn plain(operation: &Operation) -> Vec<Violation> {
    let mut found = Vec::new();
    if !is_name(&operation.name) {
        let detail = format!("give 1 to {MAX_NAME} letters, digits, `_` and `-`");
        found.push(Violation::new("/name", detail));
    }
    if let Some(title) = &operation.title {
        found.extend(length("/title", title, 1, 200));
    }
    found.extend(length(
        "/description",
        &operation.description,
        0,
        MAX_DESCRIPTION,
    ));
    let seconds = operation.timeout_seconds();
    if !(1..=MAX_TIMEOUT_SECONDS).contains(&seconds) {
        let detail = format!("give 1 to {MAX_TIMEOUT_SECONDS} seconds");
        found.push(Violation::new("/timeout_seconds", detail));
    }
    if let Some(limit) = &operation.rate_limit {
        let faults = limit.violations().into_iter();
        found.extend(faults.map(|fault| fault.under("/rate_limit")));
    }
    let at_once = operation.max_in_flight.unwrap_or(1);
    if !(1..=MAX_IN_FLIGHT).contains(&at_once) {
        let detail = format!("give 1 to {MAX_IN_FLIGHT} calls");
        found.push(Violation::new("/max_in_flight", detail));
    }
    if operation.tags.len() > MAX_TAGS {
        let detail = format!("at most {MAX_TAGS} tags");
        found.push(Violation::new("/tags", detail));
    }
    for (i, tag) in operation.tags.iter().enumerate() {
        found.extend(length(&format!("/tags/{i}"), tag, 1, MAX_NAME));
    }
    if let Some(schema) = &operation.output_schema
        && let Err(faults) = Schema::compile(schema)
    {
        found.extend(
            faults
                .into_iter()
                .map(|fault| violation(fault).under("/output_schema")),
        );
    }
    if let Some(connection) = &operation.connection {
        found.extend(length("/connection", connection, 1, 200));
    }
    found
}

fn violation(fault: Fault) -> Violation {
    Violation::new(fault.pointer, fault.detail)
}

/// The parts of a recipe, each read by itself.
struct Parts {
    url: UrlTemplate,
    query: Vec<(String, Text)>,
    headers: Vec<(String, Text)>,
    form: Form,
    body: Option<BodyTemplate>,
    schema: Schema,
    output: Option<OutputMapping>,
}

impl Parts {
    /// Reads every part; `None` if one cannot be read. The faults of all are told at once.
    fn read(operation: &Operation, bounds: &Bounds, faults: &mut Vec<Violation>) -> Option<Self> {
        let endpoint = &operation.endpoint;
        let url = if endpoint.url.len() > bounds.url_bytes {
            let most = bounds.url_bytes;
            Err(format!(
                "the URL has {} bytes; at most {most}",
                endpoint.url.len()
            ))
        } else {
            UrlTemplate::parse(&endpoint.url)
        };
        let url = note(url, "/endpoint/url", faults);
        let query = query(operation, faults);
        let headers = headers(operation, faults);
        let content_type = headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        let form = content_type.map(|(name, value)| {
            let place = format!("/endpoint/headers{}", pointer_step(name));
            let literal = value
                .literal()
                .ok_or("the content type cannot hold a placeholder");
            let form = literal
                .map_err(str::to_owned)
                .and_then(|literal| Form::of(Some(literal)));
            note(form, &place, faults)
        });
        let form = form.unwrap_or(Some(Form::Json));
        let body = form.and_then(|form| {
            let read = body(operation, form);
            read.map_err(|fault| faults.push(fault.under("/endpoint/body_template")))
                .ok()
        });
        let schema = match Schema::compile(&operation.input_schema) {
            Ok(schema) => Some(schema),
            Err(wrong) => {
                faults.extend(
                    wrong
                        .into_iter()
                        .map(|fault| violation(fault).under("/input_schema")),
                );
                None
            }
        };
        if operation.input_schema.get("type").and_then(|t| t.as_str()) != Some("object") {
            let detail = "the input is an object: the schema says `\"type\": \"object\"`";
            faults.push(Violation::new("/input_schema/type", detail));
        }
        let output = operation
            .output_mapping
            .as_ref()
            .map(OutputMapping::compile);
        let output = output.transpose().unwrap_or_else(|wrong| {
            faults.extend(
                wrong
                    .into_iter()
                    .map(|fault| fault.under("/output_mapping")),
            );
            None
        });
        Some(Self {
            url: url?,
            query,
            headers,
            form: form?,
            body: body?,
            schema: schema?,
            output,
        })
    }

    /// The recipe; notes the names that nothing has.
    fn recipe(self, operation: &Operation, faults: &mut Vec<Violation>) -> Recipe {
        let mut names = Names {
            parameters: Parameters::of(&operation.input_schema),
            has_connection: operation.connection.is_some(),
            placed: BTreeSet::new(),
            secrets: BTreeMap::new(),
            faults,
        };
        for text in self.url.texts() {
            names.take("/endpoint/url", text.names());
        }
        for (name, text) in &self.query {
            names.take(
                &format!("/endpoint/query{}", pointer_step(name)),
                text.names(),
            );
        }
        for (name, text) in &self.headers {
            names.take(
                &format!("/endpoint/headers{}", pointer_step(name)),
                text.names(),
            );
        }
        for used in self.body.iter().flat_map(BodyTemplate::uses) {
            let place = format!("/endpoint/body_template{}", used.pointer);
            names.take(&place, [used.name]);
        }
        let Names {
            placed, secrets, ..
        } = names;
        Recipe {
            method: operation.endpoint.method,
            url: self.url,
            query: self.query,
            headers: self.headers,
            form: self.form,
            placed,
            secrets,
            schema: self.schema,
            output: self.output,
            body: self.body,
        }
    }
}

/// The value, or a fault at `pointer`.
fn note<T>(read: Result<T, String>, pointer: &str, faults: &mut Vec<Violation>) -> Option<T> {
    read.map_err(|detail| faults.push(Violation::new(pointer, detail)))
        .ok()
}

fn query(operation: &Operation, faults: &mut Vec<Violation>) -> Vec<(String, Text)> {
    let given = &operation.endpoint.query;
    if given.len() > MAX_QUERY {
        let detail = format!("at most {MAX_QUERY} query parameters");
        faults.push(Violation::new("/endpoint/query", detail));
        return Vec::new();
    }
    let read = given.iter().filter_map(|(name, value)| {
        let place = format!("/endpoint/query{}", pointer_step(name));
        let text = note(query_text(value), &place, faults)?;
        let name = tieline_mapping::template::Place::Query.encode(name);
        Some((name.expect("every text can be percent-encoded"), text))
    });
    read.collect()
}

fn headers(operation: &Operation, faults: &mut Vec<Violation>) -> Vec<(String, Text)> {
    let given = &operation.endpoint.headers;
    if given.len() > MAX_HEADERS {
        let detail = format!("at most {MAX_HEADERS} headers");
        faults.push(Violation::new("/endpoint/headers", detail));
        return Vec::new();
    }
    let idempotency = operation.endpoint.idempotency_header.as_deref();
    if let Some(fault) = idempotency.and_then(header_fault) {
        faults.push(Violation::new("/endpoint/idempotency_header", fault));
    }
    let read = given.iter().filter_map(|(name, value)| {
        let place = format!("/endpoint/headers{}", pointer_step(name));
        if let Some(fault) = header_fault(name) {
            faults.push(Violation::new(place, fault));
            return None;
        }
        let text = Text::parse(value, Syntax::Double).map_err(|error| error.to_string());
        let text = note(text, &place, faults)?;
        if value.chars().any(char::is_control) {
            let detail = "a header holds no control characters such as line breaks";
            faults.push(Violation::new(place, detail));
        }
        Some((name.clone(), text))
    });
    read.collect()
}

fn header_fault(name: &str) -> Option<String> {
    if !is_header_name(name) {
        return Some("this is no name of a header".to_owned());
    }
    let lower = name.to_ascii_lowercase();
    let fits = |pattern: &&str| match pattern.strip_suffix('*') {
        Some(start) => lower.starts_with(start),
        None => lower == **pattern,
    };
    OWN_HEADERS
        .iter()
        .any(fits)
        .then(|| format!("`{name}` belongs to the connection and is set by Tieline; leave it out"))
}

/// The body's template; nothing where there is none.
fn body(operation: &Operation, form: Form) -> Result<Option<BodyTemplate>, Violation> {
    let endpoint = &operation.endpoint;
    let Some(template) = &endpoint.body_template else {
        let is_text = matches!(form, Form::Text(_));
        if is_text && endpoint.method.has_body() {
            let detail = "the content type asks for text: give a `body_template`";
            return Err(Violation::new("", detail));
        }
        return Ok(None);
    };
    if endpoint.method == super::Method::Get {
        let detail = "a GET request has no body; put the values in `query` or in the URL";
        return Err(Violation::new("", detail));
    }
    BodyTemplate::parse(template, form).map(Some)
}

/// What is found out about the names of an operation.
struct Names<'a> {
    parameters: Parameters<'a>,
    has_connection: bool,
    placed: BTreeSet<String>,
    secrets: BTreeMap<String, String>,
    faults: &'a mut Vec<Violation>,
}

impl Names<'_> {
    fn take<'n>(&mut self, pointer: &str, names: impl IntoIterator<Item = &'n Name>) {
        for name in names {
            if let Err(detail) = self.one(name, pointer) {
                self.faults.push(Violation::new(pointer, detail));
            }
        }
    }

    fn one(&mut self, name: &Name, pointer: &str) -> Result<(), String> {
        match (name.root(), name.steps()) {
            (SECRETS, [_, secret]) => {
                let first = self.secrets.entry(secret.clone());
                first.or_insert_with(|| pointer.to_owned());
                Ok(())
            }
            (SECRETS, _) => Err("name one secret, such as {{secrets.CRM_API_KEY}}".to_owned()),
            (CONNECTION, _) if self.has_connection => Ok(()),
            (CONNECTION, _) => Err(format!(
                "`{name}` needs a connection: name one in `connection`"
            )),
            (root, _) => {
                self.placed.insert(root.to_owned());
                self.parameters.check(name)
            }
        }
    }
}
