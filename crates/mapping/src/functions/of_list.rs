//! `first`, `last`, `coalesce` and `unique`: what is taken of a list.

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::Value;

use super::body::{Compiled, Flow};
use super::declaration::{Declaration, Example, Kind};

pub(super) static FIRST: Declaration = Declaration::new(
    "first",
    "Takes the first value of a list, null of an empty one; what is no list stays as it is.",
    |_| {
        Ok(Compiled::value(|value, _| {
            Ok(taken(value, 0, <[Value]>::first))
        }))
    },
)
.takes(&[Kind::List, Kind::Any])
.gives(Kind::Any)
.shown(&[
    Example::new(
        "{}",
        r#"["a@example.com", "b@example.com"]"#,
        r#""a@example.com""#,
    ),
    Example::new("{}", "[]", "null"),
    Example::new("{}", "7", "7"),
]);

pub(super) static LAST: Declaration = Declaration::new(
    "last",
    "Takes the last value of a list, null of an empty one; what is no list stays as it is.",
    |_| {
        Ok(Compiled::value(|value, _| {
            let last = value
                .as_array()
                .map_or(0, |items| items.len().saturating_sub(1));
            Ok(taken(value, last, <[Value]>::last))
        }))
    },
)
.takes(&[Kind::List, Kind::Any])
.gives(Kind::Any)
.shown(&[Example::new("{}", "[1, 2, 3]", "3")]);

pub(super) static COALESCE: Declaration = Declaration::new(
    "coalesce",
    "Takes the first of several sources, or of a list, that is neither null nor an empty text; null if there is none.",
    |_| {
        Ok(Compiled::value(|value, _| {
            let stands = |item: &Value| !item.is_null() && item.as_str() != Some("");
            let at = value.as_array().and_then(|items| items.iter().position(stands));
            let at = at.unwrap_or(usize::MAX);
            Ok(taken(value, at, |items| items.get(at)))
        }))
    },
)
.takes(&[Kind::List, Kind::Any])
.gives(Kind::Any)
.shown(&[
    Example::new("{}", r#"[null, "", "mobile", "home"]"#, r#""mobile""#),
    Example::new("{}", r#"[null, ""]"#, "null"),
]);

pub(super) static UNIQUE: Declaration = Declaration::new(
    "unique",
    "Leaves out the values of a list that were there before; what is no list stays as it is.",
    |_| Ok(Compiled::value(|value, _| Ok(without_repeats(value)))),
)
.takes(&[Kind::List, Kind::Any])
.gives(Kind::List)
.shown(&[Example::new(
    "{}",
    r#"["eu", "vip", "eu", 1, "1"]"#,
    r#"["eu", "vip", 1, "1"]"#,
)]);

/// The value at a place of a list, borrowed when the list is.
fn taken(value: Flow<'_>, at: usize, of: impl Fn(&[Value]) -> Option<&Value>) -> Flow<'_> {
    match value {
        Cow::Borrowed(Value::Array(items)) => {
            of(items).map_or(Cow::Owned(Value::Null), Cow::Borrowed)
        }
        Cow::Owned(Value::Array(mut items)) if at < items.len() => {
            Cow::Owned(items.swap_remove(at))
        }
        Cow::Owned(Value::Array(_)) => Cow::Owned(Value::Null),
        other => other,
    }
}

fn without_repeats(value: Flow<'_>) -> Flow<'_> {
    let Some(items) = value.as_array() else {
        return value;
    };
    let mut seen = HashSet::new();
    let unique = items.iter().filter(|item| seen.insert(item.to_string()));
    Cow::Owned(unique.cloned().collect())
}
