//! Text with placeholders.

use std::borrow::Cow;

use serde_json::Value;

use super::{
    MAX_RENDERED,
    filter::{self, Filter},
    name::{Name, Scope},
    parse::{self, Syntax, TextError},
    place::{Place, Unwritable},
};

/// A text with placeholders, ready to be rendered.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    pieces: Vec<Piece>,
}

/// A part of a text.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Piece {
    Literal(String),
    Placeholder(Expression),
}

/// What stands in a placeholder.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Expression {
    pub(super) head: Head,
    pub(super) filters: Vec<Filter>,
}

/// Where an expression's value comes from.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Head {
    Name(Name),
    Literal(Value),
}

/// What becomes of a text when a value in it is absent or `null`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gaps {
    /// There is no text then: what holds it is left out.
    Drop,
    /// Nothing is written in its place.
    Blank,
}

/// Why a text cannot be rendered with these values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` {reason}")]
pub struct RenderError {
    /// The name of the value; empty if it is literal.
    pub name: String,
    /// What is wrong with it.
    pub reason: Unwritable,
}

/// A part of a text as others see it: see [`Text::parts`].
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// Literal text.
    Literal(String),
    /// One placeholder.
    Placeholder(Text),
}

impl Text {
    /// Reads a text with placeholders.
    pub fn parse(text: &str, syntax: Syntax) -> Result<Self, TextError> {
        parse::pieces(text, syntax).map(|pieces| Self { pieces })
    }

    /// The names in it, in their order.
    pub fn names(&self) -> impl Iterator<Item = &Name> {
        let names = self.pieces.iter().filter_map(|piece| match piece {
            Piece::Placeholder(expression) => Some(expression),
            Piece::Literal(_) => None,
        });
        names.filter_map(|expression| match &expression.head {
            Head::Name(name) => Some(name),
            Head::Literal(_) => None,
        })
    }

    /// The text itself, if there is no placeholder in it.
    pub fn literal(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [] => Some(""),
            [Piece::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// Its parts, one after the other: what reads the literal text in another way (as a URL) takes it apart.
    pub fn parts(&self) -> impl Iterator<Item = Part> {
        self.pieces.iter().map(|piece| match piece {
            Piece::Literal(text) => Part::Literal(text.clone()),
            Piece::Placeholder(_) => Part::Placeholder(Self {
                pieces: vec![piece.clone()],
            }),
        })
    }

    /// The text that consists of these parts.
    pub fn from_parts(parts: impl IntoIterator<Item = Part>) -> Self {
        let mut pieces = Vec::new();
        for part in parts {
            match part {
                Part::Literal(text) => pieces.push(Piece::Literal(text)),
                Part::Placeholder(text) => pieces.extend(text.pieces),
            }
        }
        Self { pieces }
    }

    /// The only placeholder, if there is nothing else.
    pub(super) fn whole(&self) -> Option<&Expression> {
        match self.pieces.as_slice() {
            [Piece::Placeholder(expression)] => Some(expression),
            _ => None,
        }
    }

    /// The value that stands for the whole text, with its JSON type, if the text is exactly one placeholder;
    /// `None` if it is not, `Some(None)` if the value is absent.
    pub fn whole_value<'v>(
        &'v self,
        scope: &'v (impl Scope + ?Sized),
    ) -> Option<Option<Cow<'v, Value>>> {
        self.whole().map(|expression| expression.value(scope))
    }

    /// The text with the values of `scope`, written as `place` needs it: literal text as it is, values encoded.
    /// `None` if a value is absent or `null` and gaps drop the text.
    pub fn render(
        &self,
        scope: &(impl Scope + ?Sized),
        place: Place,
        gaps: Gaps,
    ) -> Result<Option<String>, RenderError> {
        let mut out = String::new();
        for piece in &self.pieces {
            let expression = match piece {
                Piece::Literal(text) => {
                    out.push_str(text);
                    continue;
                }
                Piece::Placeholder(expression) => expression,
            };
            let fault = |reason| RenderError {
                name: expression.shown(),
                reason,
            };
            match expression.value(scope).as_deref() {
                None | Some(Value::Null) if gaps == Gaps::Drop => return Ok(None),
                None | Some(Value::Null) => {}
                Some(value) => place.write(&filter::text(value), &mut out).map_err(fault)?,
            }
            if out.len() > MAX_RENDERED {
                return Err(fault(Unwritable::TooLong));
            }
        }
        Ok(Some(out))
    }
}

impl Expression {
    /// Its value; `None` if it is absent.
    pub(super) fn value<'v>(&'v self, scope: &'v (impl Scope + ?Sized)) -> Option<Cow<'v, Value>> {
        let value = match &self.head {
            Head::Name(name) => scope.find(name),
            Head::Literal(value) => Some(Cow::Borrowed(value)),
        };
        self.filters
            .iter()
            .fold(value, |value, filter| filter.apply(value))
    }

    /// Its name, for messages.
    pub(super) fn shown(&self) -> String {
        match &self.head {
            Head::Name(name) => name.to_string(),
            Head::Literal(_) => String::new(),
        }
    }
}
