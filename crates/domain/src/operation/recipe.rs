//! An operation ready to be called: its templates read, its names checked, its schema compiled.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use tieline_mapping::{
    Schema,
    template::{Gaps, Name, Place, RenderError, Scope, Syntax, Text},
};

use super::{
    Method, Operation, OutputMapping,
    body::{BodyTemplate, Form, input_fault, query_texts, written},
    checks,
    url_template::UrlTemplate,
};
use crate::{Bounds, Violation};

/// The first step of names that lead to secrets.
pub(super) const SECRETS: &str = "secrets";
/// The first step of names that lead to what a connection knows.
pub(super) const CONNECTION: &str = "connection";

/// An operation ready to be called.
#[derive(Debug)]
pub struct Recipe {
    pub(super) method: Method,
    pub(super) url: UrlTemplate,
    pub(super) query: Vec<(String, Text)>,
    pub(super) headers: Vec<(String, Text)>,
    pub(super) form: Form,
    pub(super) body: Option<BodyTemplate>,
    /// The parameters that have a place of their own.
    pub(super) placed: BTreeSet<String>,
    /// The secrets that it needs, with the place of the first use of each.
    pub(super) secrets: BTreeMap<String, String>,
    pub(super) schema: Schema,
    pub(super) output: Option<OutputMapping>,
}

/// A request that is ready to be sent, apart from what the way out adds.
#[derive(Clone, Debug, PartialEq)]
pub struct PreparedRequest {
    /// The method.
    pub method: Method,
    /// The URL, whole.
    pub url: String,
    /// The headers; the flag says whether the value holds a secret.
    pub headers: Vec<(String, String, bool)>,
    /// The body, if there is one.
    pub body: Option<PreparedBody>,
}

/// The body of a request.
#[derive(Clone, Debug, PartialEq)]
pub struct PreparedBody {
    /// What is sent.
    pub text: String,
    /// The content type, where the headers do not say it.
    pub content_type: Option<&'static str>,
}

impl Recipe {
    /// Reads an operation, or lists everything that is wrong with it, with pointers into it.
    pub fn compile(operation: &Operation, bounds: &Bounds) -> Result<Self, Vec<Violation>> {
        checks::compile(operation, bounds)
    }

    /// The URL with a letter for each placeholder, for checks of where it leads.
    pub fn probe(&self) -> &str {
        self.url.probe()
    }

    /// The names of the secrets that it needs, each with a JSON Pointer to where the operation names it.
    pub fn secrets(&self) -> &BTreeMap<String, String> {
        &self.secrets
    }

    /// What becomes of the answer; `None` where it is handed on as it is.
    pub fn output(&self) -> Option<&OutputMapping> {
        self.output.as_ref()
    }

    /// What is wrong with an input, with pointers into it.
    pub fn faults(&self, input: &Value) -> Vec<Violation> {
        let bytes = input.to_string().len();
        let faults = self.schema.faults(input, bytes).into_iter();
        faults
            .map(|fault| Violation::new(fault.pointer, fault.detail))
            .collect()
    }

    /// The request for `input`, which fits the schema; `scope` finds the values of names, those of secrets too.
    /// Lists what cannot be written, with pointers into the input.
    pub fn prepare(
        &self,
        input: &Value,
        scope: &(impl Scope + ?Sized),
    ) -> Result<PreparedRequest, Vec<Violation>> {
        let mut url = self.url.render(scope)?;
        let left = self.left_over(input);
        let mut separator = '?';
        let mut push = |name: &str, value: &str| {
            url.push(separator);
            url.push_str(name);
            url.push('=');
            url.push_str(value);
            separator = '&';
        };
        for (name, value) in self.url.query().iter().chain(&self.query) {
            for value in values(value, scope).map_err(|fault| vec![input_fault(&fault)])? {
                push(name, &value);
            }
        }
        let rest_is_query = self.body.is_none() && !self.method.has_body();
        if rest_is_query {
            for (name, value) in &left {
                for text in query_texts(value) {
                    push(&encoded(name), &encoded(&text));
                }
            }
        }
        let headers = self.render_headers(scope)?;
        let body = self.render_body(left, scope)?;
        Ok(PreparedRequest {
            method: self.method,
            url,
            headers,
            body,
        })
    }

    /// The parameters that are used nowhere else.
    fn left_over(&self, input: &Value) -> Map<String, Value> {
        let given = input.as_object().into_iter().flatten();
        given
            .filter(|(name, _)| !self.placed.contains(*name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }

    fn render_headers(
        &self,
        scope: &(impl Scope + ?Sized),
    ) -> Result<Vec<(String, String, bool)>, Vec<Violation>> {
        let mut headers = Vec::with_capacity(self.headers.len());
        for (name, value) in &self.headers {
            let rendered = value.render(scope, Place::Header, Gaps::Drop);
            let rendered = rendered.map_err(|fault| vec![input_fault(&fault)])?;
            let is_secret = value.names().any(holds_secret);
            headers.extend(rendered.map(|text| (name.clone(), text, is_secret)));
        }
        Ok(headers)
    }

    fn render_body(
        &self,
        left: Map<String, Value>,
        scope: &(impl Scope + ?Sized),
    ) -> Result<Option<PreparedBody>, Vec<Violation>> {
        let text = match &self.body {
            Some(template) => template
                .render(self.form, scope)
                .map_err(|fault| vec![input_fault(&fault)])?,
            None if self.method.has_body() => written(&Value::Object(left), self.form),
            None => return Ok(None),
        };
        if text.is_empty() && !self.method.has_body() {
            return Ok(None);
        }
        let is_said = self
            .headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        Ok(Some(PreparedBody {
            text,
            content_type: (!is_said).then_some(self.form.content_type()),
        }))
    }
}

/// Whether a name leads to something that nobody may see.
pub(super) fn holds_secret(name: &Name) -> bool {
    matches!(name.root(), SECRETS | CONNECTION)
}

/// The encoded values of a query parameter: an array that is the whole value repeats the name.
fn values(text: &Text, scope: &(impl Scope + ?Sized)) -> Result<Vec<String>, RenderError> {
    if let Some(Some(value)) = text.whole_value(scope)
        && value.is_array()
    {
        return Ok(query_texts(&value)
            .iter()
            .map(|text| encoded(text))
            .collect());
    }
    let rendered = text.render(scope, Place::Query, Gaps::Drop)?;
    Ok(rendered.into_iter().collect())
}

/// A text as a name or a value of a query.
fn encoded(text: &str) -> String {
    let encoded = Place::Query.encode(text);
    encoded.expect("every text can be percent-encoded")
}

/// The text of a query parameter as its author writes it.
pub(super) fn query_text(written: &Value) -> Result<Text, String> {
    use tieline_mapping::template::Part;
    let text = match written {
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Bool(_) => written.to_string(),
        _ => return Err("give a string, a number, true or false".to_owned()),
    };
    let parsed = Text::parse(&text, Syntax::Double).map_err(|error| error.to_string())?;
    // Literal text is encoded here, once; values are when they are there.
    Ok(Text::from_parts(parsed.parts().map(|part| match part {
        Part::Literal(text) => Part::Literal(encoded(&text)),
        placeholder @ Part::Placeholder(_) => placeholder,
    })))
}
