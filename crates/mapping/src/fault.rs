//! What is wrong with something that a user has written.

use std::fmt;

use crate::nearest::nearest;

/// One fault in a function's parameters, a validation, an expression or a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// JSON Pointer (RFC 6901) to the place, from what was compiled.
    pub pointer: String,
    /// What is wrong there and what to do, in a sentence.
    pub detail: String,
    /// The valid name that was probably meant, when a name is what is wrong. The detail tells it too.
    pub nearest: Option<String>,
}

impl Fault {
    /// A fault at `pointer`.
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            detail: detail.into(),
            nearest: None,
        }
    }

    /// A name at `pointer` that is not among the `known` ones; `what` says what it should name, as in
    /// "no function".
    pub fn unknown<'k>(
        pointer: impl Into<String>,
        what: &str,
        name: &str,
        known: impl IntoIterator<Item = &'k str>,
    ) -> Self {
        let nearest = nearest(name, known).map(str::to_owned);
        let hint = nearest.as_ref();
        let hint = hint.map_or_else(String::new, |n| format!("; the nearest is `{n}`"));
        let name = crate::excerpt(name);
        Self {
            pointer: pointer.into(),
            detail: format!("`{name}` is {what}{hint}"),
            nearest,
        }
    }

    /// The same fault, seen from what holds the compiled part at `place`: a pointer such as `/mappings/0`.
    pub fn under(mut self, place: &str) -> Self {
        self.pointer.insert_str(0, place);
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.pointer.is_empty() {
            return f.write_str(&self.detail);
        }
        write!(f, "{}: {}", self.pointer, self.detail)
    }
}

impl std::error::Error for Fault {}

/// One step of a JSON Pointer, escaped (RFC 6901, section 3).
pub fn pointer_step(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
