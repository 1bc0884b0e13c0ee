//! The one evaluator for paths: RFC 9535 JSONPath, with dotted paths compiled to it.
//!
//! Left out on purpose, because their cost has no bound in the evaluator: `match()` and `search()`,
//! and `$` inside a filter. [`guard`] holds the limits.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;
use serde_json_path::JsonPath;

mod dotted;
pub mod guard;

/// Values that one path may select; what lies beyond is cut off.
pub const MAX_RESULTS: usize = 10_000;

/// A compiled path, kept with the text it was written as.
///
/// Reads and writes as that text. Two paths are equal when their texts are.
#[derive(Debug, Clone)]
pub struct Path {
    text: String,
    compiled: JsonPath,
    searches: bool,
}

/// What a path found, in document order.
#[derive(Debug, Clone, PartialEq)]
pub enum Selection<'a> {
    /// Nothing matched.
    None,
    /// Exactly one value, which may be `null`.
    One(&'a Value),
    /// Several values, at most [`MAX_RESULTS`].
    Many(Vec<&'a Value>),
}

/// Why a text is no path that Tieline evaluates.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at character {position}: {problem}")]
pub struct PathError {
    /// The character, counted from 1, at which the fault shows.
    pub position: usize,
    /// What is wrong and what to do about it.
    pub problem: Problem,
}

/// The ways in which a path is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Nothing but white space.
    #[error("the path is empty; write $ for the whole document")]
    Empty,
    /// Longer than [`guard::MAX_LENGTH`].
    #[error(
        "a path has at most {} characters; select a nearer value",
        guard::MAX_LENGTH
    )]
    TooLong,
    /// More than [`guard::MAX_PARENTHESES`].
    #[error(
        "a path has at most {} parentheses; drop those that only group",
        guard::MAX_PARENTHESES
    )]
    Parentheses,
    /// More than [`guard::MAX_NESTED_FILTERS`].
    #[error(
        "filters nest at most {} deep; filter in fewer steps",
        guard::MAX_NESTED_FILTERS
    )]
    NestedFilters,
    /// More than [`guard::MAX_DESCENTS`].
    #[error("`..` may occur once; name the steps in between")]
    Descents,
    /// More than [`guard::MAX_ALTERNATIVES`].
    #[error(
        "lists such as ['a','b'] may multiply to at most {} alternatives; use fewer",
        guard::MAX_ALTERNATIVES
    )]
    Alternatives,
    /// More than [`guard::MAX_FAN_OUTS`].
    #[error(
        "a path has at most {} wildcards, slices and filters; name the steps in between",
        guard::MAX_FAN_OUTS
    )]
    FanOuts,
    /// `$` inside `[?…]`.
    #[error("`$` inside a filter is not supported; compare values under `@`")]
    RootInFilter,
    /// `match()` or `search()`.
    #[error("match() and search() are not supported; compare with == or filter by existence")]
    RegexFunction,
    /// A dotted path with an empty step, as in `a..b`.
    #[error("a name is missing; write a.b.c, or $..name to search at any depth")]
    MissingName,
    /// A character that a dotted path does not take.
    #[error("{0:?} is not allowed in a dotted path; write it as JSONPath, such as $['first name']")]
    NotDotted(char),
    /// Brackets of a dotted path that hold no index.
    #[error("brackets in a dotted path hold an index or *, such as items[0].name")]
    Index,
    /// Against the grammar of RFC 9535.
    #[error("not a JSONPath of RFC 9535 ({0}); write it like $.data.items[0].name")]
    Syntax(String),
}

impl Problem {
    fn at(self, position: usize) -> PathError {
        PathError {
            position,
            problem: self,
        }
    }
}

impl Path {
    /// Compiles a JSONPath (`$.a[?@.b > 1].c`) or a dotted path (`a[0].b`).
    ///
    /// White space around it is dropped. Takes time linear in the text and never panics.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Problem::Empty.at(1));
        }
        let searches = guard::check(text)?;
        let compiled = if text.starts_with('$') {
            JsonPath::parse(text).map_err(|error| {
                let before = text.get(..error.position()).unwrap_or(text);
                let position = before.chars().count() + 1;
                Problem::Syntax(error.message().to_owned()).at(position)
            })?
        } else {
            let translated = dotted::translate(text)?;
            JsonPath::parse(&translated)
                .map_err(|error| Problem::Syntax(error.message().to_owned()).at(1))?
        };
        Ok(Self {
            text: text.to_owned(),
            compiled,
            searches,
        })
    }

    /// The path as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the path searches the whole document with `..`, the costliest thing a path does.
    pub fn searches(&self) -> bool {
        self.searches
    }

    /// Evaluates the path on `document`.
    pub fn select<'a>(&self, document: &'a Value) -> Selection<'a> {
        self.select_counted(document).0
    }

    /// Like [`Path::select`], with the number of values that matched before the cut.
    pub fn select_counted<'a>(&self, document: &'a Value) -> (Selection<'a>, usize) {
        let mut nodes = self.compiled.query(document).all();
        let count = nodes.len();
        nodes.truncate(MAX_RESULTS);
        let selection = match nodes.as_slice() {
            [] => Selection::None,
            [only] => Selection::One(only),
            _ => Selection::Many(nodes),
        };
        (selection, count)
    }
}

impl<'a> Selection<'a> {
    /// The selected values as a slice.
    pub fn values(&self) -> &[&'a Value] {
        match self {
            Self::None => &[],
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Path {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl PartialEq for Path {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Path {}

impl Serialize for Path {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Path {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
