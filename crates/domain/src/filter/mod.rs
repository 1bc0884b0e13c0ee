//! Content filters: which events of the wanted types a subscription takes.
//!
//! A filter is a small JSON form (see `docs/events-and-deliveries.md`): `all`, `any` and `not` around
//! conditions on fields. It is compiled once, when it is saved or loaded, and evaluated for each event.
//! A condition holds or does not: there is no third value. A field that is missing meets no comparison.

mod compare;
mod compile;
mod evaluate;

use serde_json::Value;
use tieline_mapping::path::Path;

pub use evaluate::{Document, Explained};

/// How deep `all`, `any` and `not` may stand inside one another.
pub const MAX_DEPTH: usize = 8;
/// How many parts a filter can have, whatever the operator allows: each `all`, `any`, `not` and condition
/// counts.
pub const MOST_NODES: usize = 256;
/// How many values one `in` may list.
pub const MAX_LISTED: usize = 100;
/// The longest text that a field is compared with, in characters.
pub const MAX_TEXT: usize = 1_024;
/// How many fields of one filter may search the whole event with `..`.
pub const MAX_SEARCHES: usize = 4;

/// A compiled filter.
#[derive(Clone, Debug)]
pub struct Filter {
    root: Node,
}

#[derive(Clone, Debug)]
enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Field(Condition),
}

/// What is asked of one field.
#[derive(Clone, Debug)]
struct Condition {
    path: Path,
    asks: Asks,
}

#[derive(Clone, Debug)]
enum Asks {
    /// That it is there, or that it is not.
    Exists(bool),
    /// That one of its values passes every test.
    Passes(Vec<Test>),
}

#[derive(Clone, Debug)]
enum Test {
    Equals(Value),
    OneOf(Vec<Value>),
    Order(Order, Value),
    Prefix(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

#[cfg(test)]
mod tests;
