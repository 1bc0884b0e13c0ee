//! `constant`.

use std::borrow::Cow;

use super::body::Compiled;
use super::declaration::{Declaration, Example, Kind, Parameter, Takes};
use super::parameters::Parameters;

pub(super) static CONSTANT: Declaration = Declaration::new(
    "constant",
    "Gives the same value whatever the source holds, and where there is no source.",
    |parameters| Ok(compile(parameters)),
)
.takes(&[Kind::Any])
.gives(Kind::Any)
.with(&[Parameter::required("value", Takes::Any, "the value")])
.seeing_nulls()
.shown(&[
    Example::new(r#"{"value": "web"}"#, "", r#""web""#),
    Example::new(r#"{"value": ["lead"]}"#, r#""ignored""#, r#"["lead"]"#),
]);

fn compile(parameters: &Parameters<'_>) -> Compiled {
    let value = parameters.any("value").unwrap_or_default().into_owned();
    Compiled::whole(move |_, _| Ok(Some(Cow::Owned(value.clone()))))
}
