//! Paths, transforms and mappings of JSON: pure functions, no I/O.
//!
//! Everything here is bounded in time, size and depth whatever a tenant writes:
//! [`path`] refuses the selectors that would hang or abort a server, [`depth`] is checked before
//! a body is parsed, [`transform`] only combines the two, [`pattern`] runs the regular expressions of users
//! and [`expression`] what they compute. [`functions`] and [`validation`] are what a mapping's rules are made of.

pub mod depth;
pub mod expression;
pub mod fault;
pub mod functions;
mod nearest;
pub mod path;
pub mod pattern;
pub mod schema;
pub mod template;
pub mod transform;
pub mod validation;

pub use depth::{TooDeep, check_depth};
pub use fault::Fault;
pub use nearest::nearest;
pub use path::{Path, PathError, Selection};
pub use schema::Schema;
pub use transform::{CompiledTransform, Transform, TransformError, Transformed};

/// Characters of a user's text that an error repeats.
const EXCERPT: usize = 60;

/// The beginning of `text`, short enough for an error.
pub(crate) fn excerpt(text: &str) -> std::borrow::Cow<'_, str> {
    match text.char_indices().nth(EXCERPT) {
        None => text.into(),
        Some((end, _)) => format!("{}…", &text[..end]).into(),
    }
}
