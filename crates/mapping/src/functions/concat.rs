//! `concat` and `join`: several values become one text.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::body::{Compiled, Flow, MAX_OUTPUT, into_text};
use super::declaration::{Declaration, Example, Kind, Parameter, Takes};
use super::error::FunctionError;
use super::parameters::Parameters;

/// Characters that a separator may have.
pub(super) const MAX_SEPARATOR: usize = 100;

const SKIP_EMPTY: Parameter = Parameter::optional(
    "skip_empty",
    Takes::Boolean,
    "whether empty texts are left out like absent and null values",
)
.or("false");

pub(super) static CONCAT: Declaration = Declaration::new(
    "concat",
    "Puts the values of several sources, or of a list, one after the other into one text. Absent and null values \
     are left out; when there is no other, the result is null.",
    |parameters| Ok(compile(parameters)),
)
.takes(&[Kind::List, Kind::Text])
.with(&[
    Parameter::optional(
        "separator",
        Takes::Text(MAX_SEPARATOR),
        "what stands between two values",
    )
    .or(r#""""#),
    SKIP_EMPTY,
])
.undone("`split` at the same separator, unless that is empty; exact while no value contains the separator")
.shown(&[
    Example::new(r#"{"separator": " "}"#, r#"["Ada", "Lovelace"]"#, r#""Ada Lovelace""#),
    Example::new(r#"{"separator": ", "}"#, r#"["Paris", null, "", 75001]"#, r#""Paris, , 75001""#),
    Example::new(
        r#"{"separator": ", ", "skip_empty": true}"#,
        r#"["Paris", null, "", 75001]"#,
        r#""Paris, 75001""#,
    ),
    Example::new("{}", "[null, null]", "null"),
]);

pub(super) static JOIN: Declaration = Declaration::new(
    "join",
    "Writes a list as one text. Null values are left out; an empty list becomes an empty text.",
    |parameters| Ok(compile_join(parameters)),
)
.takes(&[Kind::List, Kind::Text])
.with(&[
    Parameter::optional(
        "separator",
        Takes::Text(MAX_SEPARATOR),
        "what stands between two values",
    )
    .or(r#"",""#),
    SKIP_EMPTY,
])
.undone("`split` at the same separator, unless that is empty; exact while no value contains the separator")
.shown(&[
    Example::new(r#"{"separator": ";"}"#, r#"["vip", "eu"]"#, r#""vip;eu""#),
    Example::new("{}", "[1, true, null]", r#""1,true""#),
    Example::new("{}", "[]", r#""""#),
]);

fn compile(parameters: &Parameters<'_>) -> Compiled {
    joining(parameters, Value::Null)
}

fn compile_join(parameters: &Parameters<'_>) -> Compiled {
    joining(parameters, Value::String(String::new()))
}

/// Joins with the separator; `nothing` is what no value at all becomes.
fn joining(parameters: &Parameters<'_>, nothing: Value) -> Compiled {
    let separator = parameters.text("separator").unwrap_or_default();
    let skip_empty = parameters.flag("skip_empty");
    let undo = (!separator.is_empty()).then(|| {
        let separator = Value::String(separator.clone());
        Map::from_iter([("separator".to_owned(), separator)])
    });
    let compiled = Compiled::value(move |value, _| {
        let Some(items) = value.as_array() else {
            return into_text(value).map(|text| Flow::Owned(Value::String(text.into_owned())));
        };
        let joined = join(items, &separator, skip_empty)?;
        Ok(Cow::Owned(
            joined.map_or_else(|| nothing.clone(), Value::String),
        ))
    });
    match undo {
        Some(parameters) => compiled.undone_by("split", parameters),
        None => compiled,
    }
}

fn join(
    items: &[Value],
    separator: &str,
    skip_empty: bool,
) -> Result<Option<String>, FunctionError> {
    let mut joined: Option<String> = None;
    for item in items.iter().filter(|item| !item.is_null()) {
        let text = into_text(Cow::Borrowed(item))?;
        if skip_empty && text.is_empty() {
            continue;
        }
        match &mut joined {
            None => joined = Some(text.into_owned()),
            Some(joined) => {
                joined.push_str(separator);
                joined.push_str(&text);
            }
        }
        if joined
            .as_ref()
            .is_some_and(|joined| joined.len() > MAX_OUTPUT)
        {
            return Err(FunctionError::TooLarge { most: MAX_OUTPUT });
        }
    }
    Ok(joined)
}
