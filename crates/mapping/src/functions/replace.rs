//! `replace`.

use std::borrow::Cow;

use super::body::{Compiled, MAX_OUTPUT};
use super::declaration::{Declaration, Example, Parameter, Takes};
use super::error::FunctionError;
use super::parameters::Parameters;
use crate::Fault;
use crate::pattern::{MAX_LENGTH, Pattern};

/// Replacements in one text.
const MOST: usize = 10_000;

pub(super) static REPLACE: Declaration = Declaration::new(
    "replace",
    "Puts another text for each place where a text, or a regular expression, is found.",
    compile,
)
.with(&[
    Parameter::required("find", Takes::Text(MAX_LENGTH), "what is looked for"),
    Parameter::optional(
        "with",
        Takes::Text(1_000),
        "what is put in its place, as it stands",
    )
    .or(r#""""#),
    Parameter::optional(
        "pattern",
        Takes::Boolean,
        "whether `find` is a regular expression, as in JavaScript",
    )
    .or("false"),
    Parameter::optional(
        "first",
        Takes::Boolean,
        "whether only the first place counts",
    )
    .or("false"),
])
.shown(&[
    Example::new(
        r#"{"find": "-", "with": " "}"#,
        r#""555-01-02""#,
        r#""555 01 02""#,
    ),
    Example::new(
        r#"{"find": "\\D+", "pattern": true}"#,
        r#""Order #17-B""#,
        r#""17""#,
    ),
    Example::new(
        r#"{"find": "a", "with": "o", "first": true}"#,
        r#""Ada, ada""#,
        r#""Ado, ada""#,
    ),
]);

fn compile(parameters: &Parameters<'_>) -> Result<Compiled, Fault> {
    let find = parameters.text("find").unwrap_or_default();
    if find.is_empty() {
        return Err(Fault::new("/find", "`find` must not be empty"));
    }
    let with = parameters.text("with").unwrap_or_default();
    let most = if parameters.flag("first") { 1 } else { MOST };
    if !parameters.flag("pattern") {
        return Ok(Compiled::text(move |text| {
            let places = text.match_indices(find.as_str()).take(most);
            let places: Vec<_> = places.map(|(at, found)| at..at + found.len()).collect();
            replaced(text, &places, &with)
        }));
    }
    let pattern = Pattern::compile(&find).map_err(|fault| fault.under("/find"))?;
    Ok(Compiled::text(move |text| {
        let places = pattern.find(&text, most);
        let places = places.map_err(|error| FunctionError::unreadable(error.to_string()))?;
        replaced(text, &places, &with)
    }))
}

fn replaced<'t>(
    text: Cow<'t, str>,
    places: &[std::ops::Range<usize>],
    with: &str,
) -> Result<Cow<'t, str>, FunctionError> {
    if places.is_empty() {
        return Ok(text);
    }
    if text.len() + places.len() * with.len() > MAX_OUTPUT {
        return Err(FunctionError::TooLarge { most: MAX_OUTPUT });
    }
    let mut out = String::with_capacity(text.len());
    let mut behind = 0;
    for place in places {
        out.push_str(&text[behind..place.start]);
        out.push_str(with);
        behind = place.end;
    }
    out.push_str(&text[behind..]);
    Ok(Cow::Owned(out))
}
