//! `substring`.

use std::borrow::Cow;

use super::body::Compiled;
use super::declaration::{Declaration, Example, Parameter, Takes};
use super::parameters::Parameters;

/// Characters that a place may be from either end.
const FAR: i64 = 1_000_000;

pub(super) static SUBSTRING: Declaration = Declaration::new(
    "substring",
    "Takes a part of text, by characters; what lies beyond its end is not there.",
    |parameters| Ok(compile(parameters)),
)
.with(&[
    Parameter::optional(
        "start",
        Takes::Integer(-FAR, FAR),
        "where it begins, from 0; below 0 it is counted from the end",
    )
    .or("0"),
    Parameter::optional(
        "length",
        Takes::Integer(0, FAR),
        "how many characters it has at most; without it, all that follow",
    ),
])
.shown(&[
    Example::new(r#"{"length": 3}"#, r#""Lovelace""#, r#""Lov""#),
    Example::new(r#"{"start": -4}"#, r#""4111 1111 1111 1234""#, r#""1234""#),
    Example::new(r#"{"start": 1, "length": 2}"#, r#""🦀äb""#, r#""äb""#),
    Example::new(r#"{"start": 9}"#, r#""short""#, r#""""#),
]);

fn compile(parameters: &Parameters<'_>) -> Compiled {
    let start = parameters.integer("start").unwrap_or_default();
    let length = parameters
        .integer("length")
        .and_then(|length| usize::try_from(length).ok());
    Compiled::text(move |text| Ok(part(text, start, length)))
}

fn part(text: Cow<'_, str>, start: i64, length: Option<usize>) -> Cow<'_, str> {
    let from_either_end = usize::try_from(start.unsigned_abs()).unwrap_or(usize::MAX);
    let skipped = if start < 0 {
        text.chars().count().saturating_sub(from_either_end)
    } else {
        from_either_end
    };
    let at = |text: &str, characters| {
        let mut places = text.char_indices();
        places.nth(characters).map_or(text.len(), |(at, _)| at)
    };
    let begin = at(&text, skipped);
    let end = length.map_or(text.len(), |length| begin + at(&text[begin..], length));
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[begin..end]),
        Cow::Owned(text) => Cow::Owned(text[begin..end].to_owned()),
    }
}
