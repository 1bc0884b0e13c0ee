//! Filters: what may be done to a value before it is written. The table below is the documentation, too.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::place;

/// What a filter is, for the parser, the documentation and its tests.
pub struct Description {
    /// Its name.
    pub name: &'static str,
    /// How it is written.
    pub usage: &'static str,
    /// What it does.
    pub summary: &'static str,
    /// A value as JSON, a use of the filter, and what comes of it as JSON.
    pub example: (&'static str, &'static str, &'static str),
    argument: Argument,
    apply: fn(&Value, &Value) -> Value,
}

/// Whether a filter takes an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Argument {
    None,
    Required,
    Optional,
}

/// Every filter. All of them are total: whatever the value, there is a result. An absent value and `null` pass
/// all but `default` and `json` untouched.
pub const FILTERS: &[Description] = &[
    Description {
        name: "default",
        usage: "default('none')",
        summary: "The argument where the value is absent or null.",
        example: ("null", "default('none')", "\"none\""),
        argument: Argument::Required,
        apply: |value, _| value.clone(),
    },
    Description {
        name: "string",
        usage: "string",
        summary: "The value as text, where it would keep its type otherwise.",
        example: ("7", "string", "\"7\""),
        argument: Argument::None,
        apply: |value, _| text(value).into(),
    },
    Description {
        name: "json",
        usage: "json",
        summary: "The value written as JSON text.",
        example: ("{\"a\":\"b\"}", "json", "\"{\\\"a\\\":\\\"b\\\"}\""),
        argument: Argument::None,
        apply: |value, _| value.to_string().into(),
    },
    Description {
        name: "lower",
        usage: "lower",
        summary: "Lower case.",
        example: ("\"ÄB\"", "lower", "\"äb\""),
        argument: Argument::None,
        apply: |value, _| text(value).to_lowercase().into(),
    },
    Description {
        name: "upper",
        usage: "upper",
        summary: "Upper case.",
        example: ("\"äb\"", "upper", "\"ÄB\""),
        argument: Argument::None,
        apply: |value, _| text(value).to_uppercase().into(),
    },
    Description {
        name: "trim",
        usage: "trim",
        summary: "Without white space at both ends.",
        example: ("\" a b \"", "trim", "\"a b\""),
        argument: Argument::None,
        apply: |value, _| text(value).trim().into(),
    },
    Description {
        name: "join",
        usage: "join(', ')",
        summary: "The items of an array as one text, with the argument between them; a comma without one.",
        example: ("[\"a\",1]", "join(', ')", "\"a, 1\""),
        argument: Argument::Optional,
        apply: join,
    },
    Description {
        name: "urlencode",
        usage: "urlencode",
        summary: "Percent-encoded (RFC 3986), for URLs inside of other text.",
        example: ("\"a b&c\"", "urlencode", "\"a%20b%26c\""),
        argument: Argument::None,
        apply: |value, _| {
            let mut out = String::new();
            place::percent_encode(&text(value), &mut out);
            out.into()
        },
    },
    Description {
        name: "escape",
        usage: "escape",
        summary: "Escaped for XML and HTML.",
        example: ("\"a<b\"", "escape", "\"a&lt;b\""),
        argument: Argument::None,
        apply: |value, _| {
            let mut out = String::new();
            place::escape_markup(&text(value), &mut out);
            out.into()
        },
    },
    Description {
        name: "base64",
        usage: "base64",
        summary: "The bytes of the text in base64 (RFC 4648, 4).",
        example: ("\"user:pass\"", "base64", "\"dXNlcjpwYXNz\""),
        argument: Argument::None,
        apply: |value, _| STANDARD.encode(text(value).as_bytes()).into(),
    },
];

/// A value as text: a string as it is, everything else as JSON.
pub(super) fn text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}

fn join(value: &Value, separator: &Value) -> Value {
    let Value::Array(items) = value else {
        return text(value).into();
    };
    let separator = match separator {
        Value::Null => Cow::Borrowed(","),
        given => text(given),
    };
    let items: Vec<_> = items.iter().map(text).collect();
    items.join(&separator).into()
}

/// A filter as it is used.
#[derive(Clone)]
pub(super) struct Filter {
    description: &'static Description,
    argument: Value,
}

impl std::fmt::Debug for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}({})", self.description.name, self.argument)
    }
}

impl PartialEq for Filter {
    fn eq(&self, other: &Self) -> bool {
        self.description.name == other.description.name && self.argument == other.argument
    }
}

/// Why a filter cannot be used so.
pub(super) enum Misuse {
    /// There is none of that name.
    Unknown,
    /// It takes another number of arguments.
    Arguments(&'static Description),
}

impl Filter {
    /// The filter `name` with these arguments.
    pub(super) fn new(name: &str, arguments: Vec<Value>) -> Result<Self, Misuse> {
        let found = FILTERS
            .iter()
            .find(|description| description.name == name)
            .ok_or(Misuse::Unknown)?;
        let fits = match found.argument {
            Argument::None => arguments.is_empty(),
            Argument::Required => arguments.len() == 1,
            Argument::Optional => arguments.len() <= 1,
        };
        if !fits {
            return Err(Misuse::Arguments(found));
        }
        Ok(Self {
            description: found,
            argument: arguments.into_iter().next().unwrap_or(Value::Null),
        })
    }

    /// What comes of `value`, which may be absent.
    pub(super) fn apply<'v>(&'v self, value: Option<Cow<'v, Value>>) -> Option<Cow<'v, Value>> {
        let is_empty = value.as_deref().is_none_or(Value::is_null);
        match (self.description.name, value) {
            ("default", _) if is_empty => Some(Cow::Borrowed(&self.argument)),
            ("default", value) => value,
            ("json", Some(value)) => Some(Cow::Owned(self.run(&value))),
            (_, value) if is_empty => value,
            (_, value) => value.map(|value| Cow::Owned(self.run(&value))),
        }
    }

    fn run(&self, value: &Value) -> Value {
        (self.description.apply)(value, &self.argument)
    }
}
