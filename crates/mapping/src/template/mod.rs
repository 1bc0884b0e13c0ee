//! The one renderer of templates: values put into text and JSON.
//!
//! ```text
//! "https://crm.example/{{id}}"   ─┐ parse, once,   ┌─ Text ──────► render(scope, place) ─► text
//! {"query": "{{identifier}}"}    ─┘ when saved     └─ Template ──► render(scope) ────────► JSON
//! ```
//!
//! Two delimiters ([`Syntax`]) over one parsed form. A value is encoded by where it stands ([`Place`]), and keeps its
//! JSON type where a string is exactly one placeholder. Parsing, rendering and what is rendered are bounded.

mod filter;
mod json;
mod name;
mod parse;
mod place;
mod text;

pub use filter::{Description as FilterDescription, FILTERS};
pub use json::{Template, TemplateError, TemplateProblem, Use};
pub use name::{MAX_STEPS, Name, Scope};
pub use parse::{Problem, Syntax, TextError};
pub use place::{Place, Unwritable};
pub use text::{Gaps, Part, RenderError, Text};

/// The longest text with placeholders, in bytes.
pub const MAX_TEXT_BYTES: usize = 64 * 1024;
/// The most placeholders of one template.
pub const MAX_PLACEHOLDERS: usize = 1_000;
/// The most filters of one placeholder.
pub const MAX_FILTERS: usize = 8;
/// How deep a template may nest.
pub const MAX_DEPTH: usize = 32;
/// The longest that rendering makes of a template, in bytes: values that are used often multiply.
pub const MAX_RENDERED: usize = 4 * 1024 * 1024;

#[cfg(test)]
mod tests;
