//! `default`.

use std::borrow::Cow;

use serde_json::Value;

use super::body::Compiled;
use super::declaration::{Declaration, Example, Kind, Parameter, Takes};
use super::parameters::Parameters;

pub(super) static DEFAULT: Declaration = Declaration::new(
    "default",
    "Puts a value where there is none: where it is absent or null.",
    |parameters| Ok(compile(parameters)),
)
.takes(&[Kind::Any])
.gives(Kind::Any)
.with(&[
    Parameter::required("value", Takes::Any, "what stands in"),
    Parameter::optional(
        "empty",
        Takes::Boolean,
        "whether it stands in for empty texts, lists and objects too",
    )
    .or("false"),
])
.seeing_nulls()
.shown(&[
    Example::new(r#"{"value": "unknown"}"#, "", r#""unknown""#),
    Example::new(r#"{"value": "unknown"}"#, "null", r#""unknown""#),
    Example::new(r#"{"value": "unknown"}"#, r#""""#, r#""""#),
    Example::new(
        r#"{"value": "unknown", "empty": true}"#,
        r#""""#,
        r#""unknown""#,
    ),
]);

fn compile(parameters: &Parameters<'_>) -> Compiled {
    let default = parameters.any("value").unwrap_or_default().into_owned();
    let empty = parameters.flag("empty");
    Compiled::whole(move |value, _| {
        let stands = value.filter(|value| !(value.is_null() || (empty && is_empty(value))));
        Ok(Some(stands.unwrap_or_else(|| Cow::Owned(default.clone()))))
    })
}

/// Whether it is an empty text, list or object.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}
