//! `capitalize` and `title_case`.

use std::borrow::Cow;

use super::body::Compiled;
use super::declaration::{Declaration, Example};

pub(super) static CAPITALIZE: Declaration = Declaration::new(
    "capitalize",
    "Makes the first letter a capital and leaves the rest as it is.",
    |_| {
        Ok(Compiled::text(|text| {
            Ok(Cow::Owned(capitalized(&text, false)))
        }))
    },
)
.shown(&[
    Example::new("{}", r#""lead source""#, r#""Lead source""#),
    Example::new("{}", r#""éclair""#, r#""Éclair""#),
]);

pub(super) static TITLE_CASE: Declaration = Declaration::new(
    "title_case",
    "Makes the first letter of each word a capital and the others small. Words end at white space, hyphens and \
     apostrophes.",
    |_| Ok(Compiled::text(|text| Ok(Cow::Owned(titled(&text))))),
)
.shown(&[
    Example::new("{}", r#""ADA king-lovelace""#, r#""Ada King-Lovelace""#),
    Example::new("{}", r#""o'brien""#, r#""O'Brien""#),
]);

fn titled(text: &str) -> String {
    let ends = |c: char| c.is_whitespace() || matches!(c, '-' | '\'' | '’');
    let words = text.split_inclusive(ends);
    words.map(|word| capitalized(word, true)).collect()
}

fn capitalized(word: &str, lower_rest: bool) -> String {
    let mut letters = word.chars();
    let Some(first) = letters.next() else {
        return String::new();
    };
    let mut capitalized: String = first.to_uppercase().collect();
    if lower_rest {
        capitalized.push_str(&letters.as_str().to_lowercase());
    } else {
        capitalized.push_str(letters.as_str());
    }
    capitalized
}
