//! What a value must be before it is passed on: a rule's `validation` (seed 001).

mod check;
mod email;
mod kind;
mod url;

#[cfg(test)]
mod tests;

pub use check::{Check, Invalid};
pub use kind::{KINDS, KindDeclaration};
