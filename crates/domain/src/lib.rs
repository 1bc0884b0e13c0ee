//! The nouns of Tieline and their rules: pure, no I/O; same input, same output.

pub mod signature;
