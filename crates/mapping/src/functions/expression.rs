//! `expression`.

use std::borrow::Cow;

use super::body::Compiled;
use super::declaration::{Declaration, Example, Kind, Parameter, Takes};
use super::parameters::Parameters;
use crate::Fault;
use crate::expression::{Expression, MAX_SOURCE};

/// What an expression of a rule may name.
const VARIABLES: [&str; 2] = ["value", "record"];

pub(super) static EXPRESSION: Declaration = Declaration::new(
    "expression",
    "Computes with an expression of the Common Expression Language (CEL): `value` is the value, null where it is \
     absent, and `record` the whole record.",
    compile,
)
.takes(&[Kind::Any])
.gives(Kind::Any)
.with(&[Parameter::required(
    "expression",
    Takes::Text(MAX_SOURCE),
    "the expression, such as `value > 100 ? 'high' : 'low'`",
)])
.seeing_nulls()
.shown(&[
    Example::new(
        r#"{"expression": "value >= 100 ? 'high' : 'low'"}"#,
        "250",
        r#""high""#,
    ),
    Example::new(
        r#"{"expression": "has(record.nick) ? record.nick : record.name"}"#,
        "",
        r#""Ada""#,
    )
    .of(r#"{"name": "Ada"}"#),
    Example::new(
        r#"{"expression": "record.lines.filter(l, l.open).map(l, l.id)"}"#,
        "",
        "[1, 3]",
    )
    .of(r#"{"lines": [{"id": 1, "open": true}, {"id": 2, "open": false}, {"id": 3, "open": true}]}"#),
]);

fn compile(parameters: &Parameters<'_>) -> Result<Compiled, Fault> {
    let source = parameters.text("expression").unwrap_or_default();
    let expression =
        Expression::parse_with(&source, &VARIABLES).map_err(|fault| fault.under("/expression"))?;
    Ok(Compiled::whole(move |value, context| {
        let value = value.unwrap_or_default();
        let result = expression.evaluate_with(&[
            (VARIABLES[0], value.as_ref()),
            (VARIABLES[1], context.record),
        ])?;
        Ok(Some(Cow::Owned(result)))
    }))
}
