//! The kinds of validation, as data: the validator, the documentation and the console read this table.

use rlibphonenumber::Region;
use serde_json::Value;

use super::email::is_email;
use super::url::is_url;
use crate::dates::{Layout, is_date};
use crate::phones;

/// A kind of validation.
#[derive(Debug)]
pub struct KindDeclaration {
    /// The name that `type` gives.
    pub name: &'static str,
    /// What a value of this kind is; read after "must be".
    pub must_be: &'static str,
    /// The members that go with it, beside `pattern`, `min_length` and `max_length`.
    pub members: &'static [&'static str],
    /// Values that pass, as JSON: tests and documentation.
    pub good: &'static [&'static str],
    /// Values that do not.
    pub bad: &'static [&'static str],
    pub(super) passes: fn(&Value, &Settings) -> bool,
}

/// What a validation says beside its kind.
#[derive(Debug, Default)]
pub(super) struct Settings {
    pub(super) schemes: Vec<String>,
    pub(super) values: Vec<Value>,
    pub(super) country: Option<Region>,
    pub(super) layout: Option<Layout>,
}

/// Every kind.
pub static KINDS: &[KindDeclaration] = &[
    KindDeclaration {
        name: "email",
        must_be: "an e-mail address such as ada@example.com",
        members: &[],
        good: &[
            r#""ada@example.com""#,
            r#""a.b+c@sub.example.museum""#,
            r#""ü@exämple.de""#,
        ],
        bad: &[
            r#""ada""#,
            r#""a@b""#,
            r#""Ada <ada@example.com>""#,
            r#""a@b@c.de""#,
            r#""""#,
            "1",
        ],
        passes: |value, _| value.as_str().is_some_and(is_email),
    },
    KindDeclaration {
        name: "phone",
        must_be: "a telephone number such as +16502530000",
        members: &["default_country"],
        good: &[r#""+1 650 253 0000""#, r#""+49 30 901820""#],
        bad: &[
            r#""650 253 0000""#,
            r#""+1 23""#,
            r#""call me""#,
            r#""""#,
            "[[]]",
        ],
        passes: |value, settings| {
            let text = match value {
                Value::Number(number) => number.to_string(),
                value => value.as_str().unwrap_or_default().to_owned(),
            };
            phones::parse(&text, settings.country).is_some()
        },
    },
    KindDeclaration {
        name: "url",
        must_be: "a whole URL such as https://example.com/page",
        members: &["schemes"],
        good: &[
            r#""https://example.com""#,
            r#""http://localhost:8080/a?b=c#d""#,
        ],
        bad: &[
            r#""example.com""#,
            r#""https:/a""#,
            r#""javascript:alert(1)""#,
            r#""https://a b.com""#,
            "1",
        ],
        passes: |value, settings| {
            let text = value.as_str();
            text.is_some_and(|text| is_url(text, &settings.schemes))
        },
    },
    KindDeclaration {
        name: "date",
        must_be: "a date such as 2024-03-10 or 2024-03-10T15:00:00Z",
        members: &["format"],
        good: &[
            r#""2024-03-10""#,
            r#""10 Mar 2024 15:04 GMT""#,
            "1710082800",
        ],
        bad: &[r#""2024-02-30""#, r#""soon""#, r#""""#, "true"],
        passes: |value, settings| is_date(value, settings.layout.as_ref()),
    },
    KindDeclaration {
        name: "number",
        must_be: "a number, or text that is one",
        members: &["min", "max"],
        good: &["1", "-1.5e3", r#""12.50""#],
        bad: &[r#""""#, r#""1,5""#, r#""NaN""#, r#"" 1""#, "true"],
        passes: |value, _| number(value).is_some(),
    },
    KindDeclaration {
        name: "integer",
        must_be: "a whole number, or text that is one",
        members: &["min", "max"],
        good: &["1", "2.0", r#""-7""#],
        bad: &["1.5", r#""1.5""#, r#""one""#, "null"],
        passes: |value, _| number(value).is_some_and(|number| number.fract() == 0.0),
    },
    KindDeclaration {
        name: "boolean",
        must_be: "true or false",
        members: &[],
        good: &["true", "false", r#""true""#],
        bad: &["1", r#""yes""#, "null"],
        passes: |value, _| value.is_boolean() || matches!(value.as_str(), Some("true" | "false")),
    },
    KindDeclaration {
        name: "text",
        must_be: "text",
        members: &[],
        good: &[r#""""#, r#""a""#],
        bad: &["1", "{}", "null"],
        passes: |value, _| value.is_string(),
    },
    KindDeclaration {
        name: "enum",
        must_be: "one of the `values`",
        members: &["values"],
        good: &[r#""new""#],
        bad: &[r#""New""#, r#""""#, "null"],
        passes: |value, settings| settings.values.contains(value),
    },
    KindDeclaration {
        name: "length",
        must_be: "text or a list",
        members: &["min", "max"],
        good: &[r#""abc""#, "[1, 2]"],
        bad: &["1", "null"],
        passes: |value, _| value.is_string() || value.is_array(),
    },
];

/// The number that a value is or that its text writes.
pub(super) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => {
            let written = text
                .bytes()
                .all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
            let number = text.parse::<f64>().ok().filter(|_| written)?;
            number.is_finite().then_some(number)
        }
        _ => None,
    }
}
