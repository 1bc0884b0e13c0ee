//! `round`.

use std::borrow::Cow;

use serde_json::{Number, Value};

use super::body::Compiled;
use super::declaration::{Declaration, Example, Kind, Parameter, Takes};
use super::error::FunctionError;
use super::parameters::Parameters;

pub(super) static ROUND: Declaration = Declaration::new(
    "round",
    "Rounds a number as it is written in decimals: 1.005 with two digits is 1.01.",
    |parameters| Ok(compile(parameters)),
)
.takes(&[Kind::Number])
.gives(Kind::Number)
.with(&[
    Parameter::optional(
        "digits",
        Takes::Integer(0, 12),
        "the decimals that stay; with none the number is whole",
    )
    .or("0"),
    Parameter::optional(
        "mode",
        Takes::OneOf(&["nearest", "down", "up"]),
        "to the nearest (halves away from zero), down towards minus infinity, or up",
    )
    .or(r#""nearest""#),
])
.shown(&[
    Example::new("{}", "2.5", "3"),
    Example::new(r#"{"digits": 2}"#, "1.005", "1.01"),
    Example::new(r#"{"digits": 1, "mode": "down"}"#, "-1.25", "-1.3"),
    Example::new(r#"{"mode": "up"}"#, "41.0001", "42"),
]);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Nearest,
    Down,
    Up,
}

fn compile(parameters: &Parameters<'_>) -> Compiled {
    let digits = parameters
        .integer("digits")
        .and_then(|digits| usize::try_from(digits).ok());
    let digits = digits.unwrap_or_default();
    let mode = match parameters.text("mode").as_deref() {
        Some("down") => Mode::Down,
        Some("up") => Mode::Up,
        _ => Mode::Nearest,
    };
    Compiled::value(move |value, _| match value.as_ref() {
        Value::Number(number) if number.is_f64() => {
            let rounded = rounded(number, digits, mode);
            let too_large = || FunctionError::unreadable("is too large to be rounded");
            rounded
                .map(|n| Cow::Owned(Value::Number(n)))
                .ok_or_else(too_large)
        }
        Value::Number(_) => Ok(value),
        other => Err(FunctionError::kind(
            "a number; put `number` before it",
            other,
        )),
    })
}

/// Rounds the shortest decimals that write the number, not the binary fraction that it is.
fn rounded(number: &Number, digits: usize, mode: Mode) -> Option<Number> {
    let value = number.as_f64()?;
    let written = format!("{}", value.abs());
    let (whole, decimals) = written.split_once('.').unwrap_or((&written, ""));
    let (kept, dropped) = decimals.split_at(digits.min(decimals.len()));
    let more = match mode {
        Mode::Nearest => dropped.starts_with(['5', '6', '7', '8', '9']),
        Mode::Down => value < 0.0 && dropped.contains(|c| c != '0'),
        Mode::Up => value > 0.0 && dropped.contains(|c| c != '0'),
    };
    let mut scaled: u128 = format!("{whole}{kept:0<digits$}").parse().ok()?;
    scaled += u128::from(more);
    let sign = if value < 0.0 && scaled > 0 { "-" } else { "" };
    if digits == 0 {
        let whole = format!("{sign}{scaled}");
        let whole = whole.parse::<i64>().map(Number::from).ok();
        return whole.or_else(|| Number::from_f64(value));
    }
    let scaled = format!("{scaled:0>width$}", width = digits + 1);
    let (whole, decimals) = scaled.split_at(scaled.len() - digits);
    Number::from_f64(format!("{sign}{whole}.{decimals}").parse().ok()?)
}
