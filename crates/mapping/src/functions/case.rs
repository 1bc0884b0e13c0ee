//! `lowercase` and `uppercase`.

use std::borrow::Cow;

use super::body::Compiled;
use super::declaration::{Declaration, Example};

pub(super) static LOWERCASE: Declaration =
    Declaration::new("lowercase", "Writes text in small letters.", |_| {
        Ok(Compiled::text(|text| Ok(lowercase(text))))
    })
    .shown(&[
        Example::new("{}", r#""Ada@Example.COM""#, r#""ada@example.com""#),
        Example::new(
            "{}",
            r#"["VIP", null, "Straße"]"#,
            r#"["vip", null, "straße"]"#,
        ),
    ]);

pub(super) static UPPERCASE: Declaration =
    Declaration::new("uppercase", "Writes text in capital letters.", |_| {
        Ok(Compiled::text(|text| Ok(uppercase(text))))
    })
    .shown(&[
        Example::new("{}", r#""us""#, r#""US""#),
        Example::new("{}", r#""straße""#, r#""STRASSE""#),
    ]);

fn lowercase(text: Cow<'_, str>) -> Cow<'_, str> {
    if !text.is_ascii() {
        return Cow::Owned(text.to_lowercase());
    }
    if !text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return text;
    }
    let mut text = text.into_owned();
    text.make_ascii_lowercase();
    Cow::Owned(text)
}

fn uppercase(text: Cow<'_, str>) -> Cow<'_, str> {
    if !text.is_ascii() {
        return Cow::Owned(text.to_uppercase());
    }
    if !text.bytes().any(|byte| byte.is_ascii_lowercase()) {
        return text;
    }
    let mut text = text.into_owned();
    text.make_ascii_uppercase();
    Cow::Owned(text)
}
