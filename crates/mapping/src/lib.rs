//! Paths, transforms and mappings of JSON: pure functions, no I/O.
//!
//! Everything here is bounded in time, size and depth whatever a tenant writes:
//! [`path`] refuses the selectors that would hang or abort a server, [`depth`] is checked before
//! a body is parsed, [`transform`] only combines the two, [`pattern`] runs the regular expressions of users
//! and [`expression`] what they compute. [`functions`] and [`validation`] are what a mapping's rules are made of.
//!
//! A mapping goes [`rules`] (its document read) → [`plan`] (compiled, run, traced) → [`batch`] (many records).
//! [`canonical`] has the defaults of providers, [`types`] what may be mapped to what, [`suggest`] proposes pairs, and
//! [`diff`] tells what a change would do.

pub mod batch;
pub mod canonical;
pub mod dates;
pub mod depth;
pub mod diff;
pub mod expression;
pub mod fault;
pub mod functions;
mod nearest;
pub mod path;
pub mod pattern;
mod phones;
pub mod plan;
pub mod rules;
pub mod schema;
pub mod suggest;
pub mod template;
pub mod transform;
pub mod types;
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

/// Whether a count says nothing: such counts are left out of what is written.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
pub(crate) fn is_zero(count: &usize) -> bool {
    *count == 0
}
