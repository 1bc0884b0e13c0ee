//! `parse_json` and `to_json`.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::body::{Compiled, MAX_OUTPUT};
use super::declaration::{Declaration, Example, Kind};
use super::error::FunctionError;
use crate::depth::{DEFAULT_MAX_DEPTH, check_depth};

pub(super) static PARSE_JSON: Declaration = Declaration::new(
    "parse_json",
    "Reads text as JSON; an empty text becomes null.",
    |_| {
        let compiled = Compiled::value(|value, _| match value.as_ref() {
            Value::String(text) => parsed(text).map(Cow::Owned),
            other => Err(FunctionError::kind("text", other)),
        });
        Ok(compiled.undone_by("to_json", Map::new()))
    },
)
.gives(Kind::Any)
.undone("`to_json`; the text comes back without its white space")
.shown(&[
    Example::new(
        "{}",
        r#""{\"plan\": \"pro\", \"seats\": 3}""#,
        r#"{"plan": "pro", "seats": 3}"#,
    ),
    Example::new("{}", r#""""#, "null"),
]);

pub(super) static TO_JSON: Declaration =
    Declaration::new("to_json", "Writes a value as the text of its JSON.", |_| {
        let compiled = Compiled::value(|value, _| {
            let text = value.to_string();
            if text.len() > MAX_OUTPUT {
                return Err(FunctionError::TooLarge { most: MAX_OUTPUT });
            }
            Ok(Cow::Owned(Value::String(text)))
        });
        Ok(compiled.undone_by("parse_json", Map::new()))
    })
    .takes(&[Kind::Any])
    .undone("`parse_json`")
    .shown(&[Example::new(
        "{}",
        r#"{"tags": ["vip"]}"#,
        r#""{\"tags\":[\"vip\"]}""#,
    )]);

fn parsed(text: &str) -> Result<Value, FunctionError> {
    if text.trim().is_empty() {
        return Ok(Value::Null);
    }
    if text.len() > MAX_OUTPUT {
        return Err(FunctionError::TooLarge { most: MAX_OUTPUT });
    }
    if check_depth(text.as_bytes(), DEFAULT_MAX_DEPTH).is_err() {
        let detail = format!("nests more than {DEFAULT_MAX_DEPTH} levels deep");
        return Err(FunctionError::Unreadable(detail));
    }
    serde_json::from_str(text).map_err(|error| {
        let place = error.column();
        FunctionError::Unreadable(format!(
            "is no JSON: see line {}, character {place}",
            error.line()
        ))
    })
}
