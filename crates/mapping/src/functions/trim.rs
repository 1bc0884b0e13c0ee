//! `trim`.

use std::borrow::Cow;

use super::body::Compiled;
use super::declaration::{Declaration, Example};

pub(super) static TRIM: Declaration = Declaration::new(
    "trim",
    "Takes white space away from both ends of text.",
    |_| Ok(Compiled::text(|text| Ok(trimmed(text)))),
)
.shown(&[
    Example::new("{}", r#""  Ada ""#, r#""Ada""#),
    Example::new("{}", r#""\u00a0\t""#, r#""""#),
    Example::new("{}", "null", "null"),
]);

fn trimmed(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) if text.trim().len() == text.len() => Cow::Owned(text),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    }
}
