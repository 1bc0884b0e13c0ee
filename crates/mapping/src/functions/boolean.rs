//! `boolean`.

use std::borrow::Cow;

use serde_json::Value;

use super::body::{Compiled, into_text};
use super::declaration::{Declaration, Example, Kind, Parameter, Takes};
use super::error::FunctionError;
use super::parameters::Parameters;
use crate::Fault;

pub(super) static BOOLEAN: Declaration = Declaration::new(
    "boolean",
    "Reads a value as true or false, without regard to case. An empty text becomes null; other words are an error.",
    compile,
)
.takes(&[Kind::Text, Kind::Boolean, Kind::Number])
.gives(Kind::Boolean)
.with(&[
    Parameter::optional("true_values", Takes::Texts, "the words for true")
        .or(r#"["true", "yes", "y", "on", "1"]"#),
    Parameter::optional("false_values", Takes::Texts, "the words for false")
        .or(r#"["false", "no", "n", "off", "0"]"#),
])
.shown(&[
    Example::new("{}", r#""Yes""#, "true"),
    Example::new("{}", "0", "false"),
    Example::new(
        r#"{"true_values": ["oui"], "false_values": ["non"]}"#,
        r#""Oui""#,
        "true",
    ),
    Example::new("{}", r#""""#, "null"),
]);

fn compile(parameters: &Parameters<'_>) -> Result<Compiled, Fault> {
    let words = |name| {
        let words = parameters.texts(name).into_iter();
        words
            .map(|word| word.trim().to_lowercase())
            .collect::<Vec<_>>()
    };
    let (truths, falsehoods) = (words("true_values"), words("false_values"));
    if let Some(both) = truths.iter().find(|word| falsehoods.contains(word)) {
        let detail = format!("`{}` stands for true and for false", crate::excerpt(both));
        return Err(Fault::new("/false_values", detail));
    }
    Ok(Compiled::value(move |value, _| {
        if value.is_boolean() {
            return Ok(value);
        }
        let text = into_text(value)?;
        let word = text.trim().to_lowercase();
        if word.is_empty() {
            return Ok(Cow::Owned(Value::Null));
        }
        if truths.contains(&word) {
            return Ok(Cow::Owned(true.into()));
        }
        if falsehoods.contains(&word) {
            return Ok(Cow::Owned(false.into()));
        }
        let words = [truths.join("`, `"), falsehoods.join("`, `")].join("`, `");
        let words = crate::excerpt(&words).into_owned();
        Err(FunctionError::unreadable(format!("is none of `{words}`")))
    }))
}
