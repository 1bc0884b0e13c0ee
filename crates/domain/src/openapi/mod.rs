//! OpenAPI 3.0 and 3.1: what a description of an HTTP service offers, as operations that can be called.
//!
//! ```text
//! text ─► Document ─► every operation with its tool name ─► those that are wanted ─► Proposal
//!         (bounded)                                                                 (template, schema, notes)
//! ```
//!
//! A description is written by a stranger. Whatever it says, it is bounded in size and depth, references lead
//! nowhere but into it, one that leads back to itself is left open, and nothing in it can name a secret of the
//! tenant or bring a placeholder of its own: the only placeholders are those that this module writes.

mod body;
mod document;
mod include;
mod naming;
mod parameters;
mod proposal;
mod schema;
mod security;
mod server;

pub use document::{BadDocument, Document, MAX_BYTES, MAX_DEPTH};
pub use include::{Include, MAX_PATTERN};
pub use naming::MAX_NAME;
pub use proposal::{Choice, IMPORTED, MAX_CHOSEN, Proposal, TooMany, is_prefix};
pub use security::{Scheme, SecretFor};

/// What a proposal says about a place of the description: a JSON Pointer and a sentence.
pub type Note = crate::Violation;

#[cfg(test)]
mod tests;
