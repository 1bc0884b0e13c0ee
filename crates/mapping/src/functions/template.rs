//! `template`.

use std::borrow::Cow;

use serde_json::Value;

use super::body::{Compiled, MAX_OUTPUT};
use super::declaration::{Declaration, Example, Kind, Parameter, Takes};
use super::error::FunctionError;
use super::parameters::Parameters;
use crate::Fault;
use crate::template::{Gaps, Name, Place, Scope, Syntax, Text};

/// Longest template of a rule, in characters.
const MAX_LENGTH: usize = 4_000;

pub(super) static TEMPLATE: Declaration = Declaration::new(
    "template",
    "Puts values of the record into a text: `{{name}}` is a field of the record and `{{value}}` the value. A template \
     that is one placeholder keeps the kind of its value.",
    compile,
)
.takes(&[Kind::Any])
.gives(Kind::Any)
.with(&[
    Parameter::required("template", Takes::Text(MAX_LENGTH), "the text with its placeholders"),
    Parameter::optional(
        "missing",
        Takes::OneOf(&["blank", "null"]),
        "what becomes of a field that is absent or null: nothing in its place, or null instead of the whole text",
    )
    .or(r#""blank""#),
])
.seeing_nulls()
.shown(&[
    Example::new(
        r#"{"template": "{{first_name}} {{last_name | upper}}"}"#,
        "",
        r#""Ada LOVELACE""#,
    )
    .of(r#"{"first_name": "Ada", "last_name": "Lovelace"}"#),
    Example::new(
        r#"{"template": "https://crm.example/contacts/{{value | urlencode}}"}"#,
        r#""a b""#,
        r#""https://crm.example/contacts/a%20b""#,
    ),
    Example::new(r#"{"template": "{{address.city}}", "missing": "null"}"#, "", "null").of("{}"),
    Example::new(r#"{"template": "{{tags}}"}"#, "", r#"["vip"]"#).of(r#"{"tags": ["vip"]}"#),
]);

fn compile(parameters: &Parameters<'_>) -> Result<Compiled, Fault> {
    let template = parameters.text("template").unwrap_or_default();
    let template = Text::parse(&template, Syntax::Double)
        .map_err(|error| Fault::new("/template", error.to_string()))?;
    let gaps = match parameters.text("missing").as_deref() {
        Some("null") => Gaps::Drop,
        _ => Gaps::Blank,
    };
    Ok(Compiled::whole(move |value, context| {
        let value = value.unwrap_or_default();
        let fields = Fields {
            value: value.as_ref(),
            record: context.record,
        };
        if let Some(whole) = template.whole_value(&fields) {
            return Ok(Some(Cow::Owned(whole.unwrap_or_default().into_owned())));
        }
        let text = template.render(&fields, Place::Plain, gaps);
        let text = text.map_err(|error| FunctionError::unreadable(error.to_string()))?;
        if text.as_ref().is_some_and(|text| text.len() > MAX_OUTPUT) {
            return Err(FunctionError::TooLarge { most: MAX_OUTPUT });
        }
        Ok(Some(Cow::Owned(text.map_or(Value::Null, Value::String))))
    }))
}

/// The fields of the record, and the value under its own name.
struct Fields<'f> {
    value: &'f Value,
    record: &'f Value,
}

impl Scope for Fields<'_> {
    fn find(&self, name: &Name) -> Option<Cow<'_, Value>> {
        let found = match name.root() {
            "value" => name.below_root(self.value),
            _ => name.within(self.record),
        };
        found.map(Cow::Borrowed)
    }
}
