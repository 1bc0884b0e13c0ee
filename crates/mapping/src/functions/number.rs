//! `number`.

use std::borrow::Cow;

use serde_json::{Number, Value};

use super::body::Compiled;
use super::declaration::{Declaration, Example, Kind, Parameter, Takes};
use super::error::FunctionError;
use super::parameters::Parameters;

pub(super) static NUMBER: Declaration = Declaration::new(
    "number",
    "Reads text as a number. Signs of currencies, spaces and separators of thousands are passed over; true is 1 and \
     false is 0. An empty text becomes null.",
    |parameters| Ok(compile(parameters)),
)
.takes(&[Kind::Text, Kind::Number, Kind::Boolean])
.gives(Kind::Number)
.with(&[Parameter::optional(
    "decimal",
    Takes::OneOf(&[".", ","]),
    "the sign before the decimals; the other one separates thousands",
)
.or(r#"".""#)])
.shown(&[
    Example::new("{}", r#""42""#, "42"),
    Example::new("{}", r#""$1,234.50""#, "1234.5"),
    Example::new(r#"{"decimal": ","}"#, r#""1.234,50 €""#, "1234.5"),
    Example::new("{}", "true", "1"),
    Example::new("{}", r#""""#, "null"),
]);

fn compile(parameters: &Parameters<'_>) -> Compiled {
    let comma = parameters.text("decimal").as_deref() == Some(",");
    Compiled::value(move |value, _| match value.as_ref() {
        Value::Number(_) => Ok(value),
        Value::Bool(truth) => Ok(Cow::Owned(i64::from(*truth).into())),
        Value::String(text) if text.trim().is_empty() => Ok(Cow::Owned(Value::Null)),
        Value::String(text) => {
            let number = read(text, comma);
            let no_number = || FunctionError::unreadable("is no number");
            number
                .map(|n| Cow::Owned(Value::Number(n)))
                .ok_or_else(no_number)
        }
        other => Err(FunctionError::kind("a number or text", other)),
    })
}

/// Longest written number, in bytes.
const MAX_LENGTH: usize = 400;

fn read(text: &str, comma: bool) -> Option<Number> {
    if text.len() > MAX_LENGTH {
        return None;
    }
    let (decimal, thousands) = if comma { (',', '.') } else { ('.', ',') };
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '0'..='9' | '-' | '+' | 'e' | 'E' => plain.push(character),
            '−' => plain.push('-'),
            c if c == decimal => plain.push('.'),
            c if c == thousands
                && plain.contains(|c: char| c.is_ascii_digit())
                && !plain.contains('.') => {}
            '\'' | '’' | '_' | '$' | '€' | '£' | '¥' | '₹' | '₽' | '₩' => {}
            c if c.is_whitespace() => {}
            _ => return None,
        }
    }
    let plain = plain.strip_prefix('+').unwrap_or(&plain);
    if !plain.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if let Ok(whole) = plain.parse::<i64>() {
        return Some(whole.into());
    }
    if let Ok(whole) = plain.parse::<u64>() {
        return Some(whole.into());
    }
    Number::from_f64(plain.parse().ok()?)
}
