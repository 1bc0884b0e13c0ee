//! What is wrong with an input, and where.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One fault of an input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// JSON Pointer (RFC 6901) to the faulty place; empty for the whole input.
    pub pointer: String,
    /// A sentence that says what is wrong and what to do.
    pub detail: String,
}

impl Violation {
    /// The fault `detail` at `pointer`.
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            detail: detail.into(),
        }
    }

    /// The same fault, seen from one level further out: `/url` under `/endpoint`.
    pub fn under(mut self, parent: &str) -> Self {
        self.pointer.insert_str(0, parent);
        self
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.pointer, self.detail)
    }
}

/// One step of a JSON Pointer (RFC 6901, 3), with its slash: `a/b` becomes `/a~1b`.
pub fn pointer_step(key: &str) -> String {
    format!("/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// Checks that `text` has between `min` and `max` characters.
pub fn length(pointer: &str, text: &str, min: usize, max: usize) -> Option<Violation> {
    let count = text.chars().count();
    if count < min {
        let detail = format!("must have at least {min} character(s), has {count}");
        return Some(Violation::new(pointer, detail));
    }
    (count > max).then(|| {
        Violation::new(
            pointer,
            format!("must have at most {max} characters, has {count}; shorten it"),
        )
    })
}
