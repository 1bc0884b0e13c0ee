//! `split`.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::body::{Compiled, into_text};
use super::concat::MAX_SEPARATOR;
use super::declaration::{Declaration, Example, Kind, Parameter, Takes};
use super::parameters::Parameters;
use crate::Fault;

pub(super) static SPLIT: Declaration = Declaration::new(
    "split",
    "Cuts text into a list. An empty text becomes an empty list; a list stays as it is.",
    compile,
)
.takes(&[Kind::Text, Kind::List])
.gives(Kind::List)
.with(&[
    Parameter::optional(
        "separator",
        Takes::Text(MAX_SEPARATOR),
        "where the text is cut",
    )
    .or(r#"",""#),
    Parameter::optional(
        "limit",
        Takes::Integer(1, 10_000),
        "how many parts there are at most; the last one keeps the rest",
    ),
    Parameter::optional(
        "trim",
        Takes::Boolean,
        "whether white space around each part is taken away",
    )
    .or("false"),
])
.undone("`join` with the same separator, unless parts are trimmed")
.shown(&[
    Example::new("{}", r#""vip,eu""#, r#"["vip", "eu"]"#),
    Example::new(
        r#"{"separator": " ", "limit": 2}"#,
        r#""Ada King Lovelace""#,
        r#"["Ada", "King Lovelace"]"#,
    ),
    Example::new(r#"{"trim": true}"#, r#""a , b""#, r#"["a", "b"]"#),
    Example::new("{}", r#""""#, "[]"),
]);

fn compile(parameters: &Parameters<'_>) -> Result<Compiled, Fault> {
    let separator = parameters.text("separator").unwrap_or_default();
    if separator.is_empty() {
        let detail = "`separator` must not be empty: there is nothing to cut at";
        return Err(Fault::new("/separator", detail));
    }
    let limit = parameters
        .integer("limit")
        .and_then(|limit| usize::try_from(limit).ok());
    let trim = parameters.flag("trim");
    let undo = Map::from_iter([("separator".to_owned(), Value::String(separator.clone()))]);
    let compiled = Compiled::value(move |value, _| {
        if value.is_array() {
            return Ok(value);
        }
        let text = into_text(value)?;
        if text.is_empty() {
            return Ok(Cow::Owned(Value::Array(Vec::new())));
        }
        let parts = text.splitn(limit.unwrap_or(usize::MAX), &separator);
        let parts = parts.map(|part| if trim { part.trim() } else { part });
        Ok(Cow::Owned(parts.map(Value::from).collect()))
    });
    if trim {
        return Ok(compiled);
    }
    Ok(compiled.undone_by("join", undo))
}
