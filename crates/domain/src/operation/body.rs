//! The body of a request, in the form that its content type asks for.

use serde_json::{Map, Value};
use tieline_mapping::template::{
    Gaps, Place, RenderError, Scope, Syntax, Template, TemplateError, Text, Use,
};

use crate::{Violation, violation::pointer_step};

/// In which form a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// JSON (RFC 8259).
    Json,
    /// `application/x-www-form-urlencoded` (WHATWG URL, 5).
    Fields,
    /// Text, with values written for that place.
    Text(Place),
}

impl Form {
    /// The form of a content type; JSON where there is none.
    pub(super) fn of(content_type: Option<&str>) -> Result<Self, String> {
        let Some(content_type) = content_type else {
            return Ok(Self::Json);
        };
        let essence = content_type.split(';').next().unwrap_or_default();
        let essence = essence.trim().to_ascii_lowercase();
        Ok(match essence.as_str() {
            "application/json" => Self::Json,
            "application/x-www-form-urlencoded" => Self::Fields,
            json if json.ends_with("+json") => Self::Json,
            xml if xml.ends_with("+xml") || xml.ends_with("/xml") => Self::Text(Place::Markup),
            "text/html" => Self::Text(Place::Markup),
            text if text.starts_with("text/") => Self::Text(Place::Plain),
            other => {
                return Err(format!(
                    "a body of the type `{other}` cannot be made; give JSON, a form \
                     (application/x-www-form-urlencoded), XML or text"
                ));
            }
        })
    }

    /// The content type to send where the author gives none.
    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Fields => "application/x-www-form-urlencoded",
            Self::Text(_) => "text/plain; charset=utf-8",
        }
    }
}

/// What the body is made of.
#[derive(Clone, Debug)]
pub(super) enum BodyTemplate {
    /// JSON, or what becomes a form.
    Json(Template),
    /// Text.
    Text(Text, Place),
}

impl BodyTemplate {
    pub(super) fn parse(template: &Value, form: Form) -> Result<Self, Violation> {
        let refuse = |detail: &str| Err(Violation::new("", detail));
        match (form, template) {
            (Form::Text(place), Value::String(text)) => Text::parse(text, Syntax::Double)
                .map(|text| Self::Text(text, place))
                .map_err(|error| Violation::new("", error.to_string())),
            (Form::Text(_), _) => refuse("the content type asks for text: give a string"),
            (Form::Fields, Value::Object(_)) | (Form::Json, _) if !is_json_as_text(template) => {
                Template::parse(template, Syntax::Double)
                    .map(Self::Json)
                    .map_err(|TemplateError { pointer, problem }| {
                        Violation::new(pointer, problem.to_string())
                    })
            }
            (Form::Fields, _) => refuse("a form is made of an object: give its fields"),
            (Form::Json, _) => refuse(
                "this is JSON in a string, which values could break out of; write it as JSON, with placeholders \
                 in its strings",
            ),
        }
    }

    /// The names in it, with pointers relative to it.
    pub(super) fn uses(&self) -> Vec<Use<'_>> {
        match self {
            Self::Json(template) => template.uses(),
            Self::Text(text, _) => {
                let uses = text.names().map(|name| Use {
                    pointer: String::new(),
                    name,
                });
                uses.collect()
            }
        }
    }

    /// The body with the values of `scope`; nothing where there is nothing to send.
    pub(super) fn render(
        &self,
        form: Form,
        scope: &(impl Scope + ?Sized),
    ) -> Result<String, RenderError> {
        Ok(match self {
            Self::Text(text, place) => text.render(scope, *place, Gaps::Blank)?.unwrap_or_default(),
            Self::Json(template) => {
                let value = template.render(scope)?;
                value.map_or_else(String::new, |value| written(&value, form))
            }
        })
    }
}

/// A value in the form of a body.
pub(super) fn written(value: &Value, form: Form) -> String {
    match (form, value) {
        (Form::Fields, Value::Object(members)) => form_of(members),
        (Form::Text(_), Value::String(text)) => text.clone(),
        _ => value.to_string(),
    }
}

fn form_of(members: &Map<String, Value>) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in members {
        for text in query_texts(value) {
            form.append_pair(name, &text);
        }
    }
    form.finish()
}

/// The texts that a value is in a query or a form: an array repeats the name, an object is JSON text, `null` is
/// left out.
pub(super) fn query_texts(value: &Value) -> Vec<String> {
    let text = |value: &Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    match value {
        Value::Array(items) => items.iter().filter_map(text).collect(),
        other => text(other).into_iter().collect(),
    }
}

/// Whether a body that should be JSON is a string with JSON written in it.
fn is_json_as_text(template: &Value) -> bool {
    let Value::String(text) = template else {
        return false;
    };
    let begin = text.trim_start();
    let is_object = begin.starts_with('{') && !begin.starts_with("{{");
    is_object || begin.starts_with('[')
}

/// What could not be written, as a fault of the input.
pub(super) fn input_fault(error: &RenderError) -> Violation {
    let pointer: String = error.name.split('.').map(pointer_step).collect();
    Violation::new(pointer, error.to_string())
}
