//! Names for people: what a key, a client or a tenant is called.

use tieline_domain::{Violation, violation};

/// The most characters of a name.
pub const MAX_NAME: usize = 200;
/// The most characters of a description.
pub const MAX_DESCRIPTION: usize = 500;

/// Checks a name: 1 to 200 characters on one line, not only spaces.
pub fn name(pointer: &str, text: &str) -> Vec<Violation> {
    let mut found: Vec<_> = violation::length(pointer, text, 1, MAX_NAME)
        .into_iter()
        .collect();
    if text.chars().any(char::is_control) {
        found.push(Violation::new(
            pointer,
            "must not contain control characters such as line breaks",
        ));
    } else if !text.is_empty() && text.trim().is_empty() {
        found.push(Violation::new(pointer, "must not consist of spaces only"));
    }
    found
}

/// Checks a description: at most 500 characters, line breaks allowed.
pub fn description(pointer: &str, text: Option<&str>) -> Vec<Violation> {
    let text = text.unwrap_or_default();
    let mut found: Vec<_> = violation::length(pointer, text, 0, MAX_DESCRIPTION)
        .into_iter()
        .collect();
    if text.chars().any(|c| c.is_control() && !"\n\t".contains(c)) {
        found.push(Violation::new(
            pointer,
            "must not contain control characters other than line breaks",
        ));
    }
    found
}
