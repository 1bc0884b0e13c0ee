//! From text to pieces: literal text and placeholders.

use serde_json::Value;

use super::{
    MAX_FILTERS, MAX_TEXT_BYTES,
    filter::{FILTERS, Filter, Misuse},
    name::{Name, is_name_character},
    text::{Expression, Head, Piece},
};
use crate::nearest;

/// How placeholders are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// `{{name}}`. Every `{{` begins a placeholder; `{{'{{'}}` writes the two braces themselves.
    Double,
    /// `{name}`. A brace that no name follows is text.
    Single,
}

impl Syntax {
    const fn delimiters(self) -> (&'static str, &'static str) {
        match self {
            Self::Double => ("{{", "}}"),
            Self::Single => ("{", "}"),
        }
    }
}

/// What is wrong with a text, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at character {position}: {problem}")]
pub struct TextError {
    /// The character, counted from 1, at which the fault shows.
    pub position: usize,
    /// What is wrong and what to do about it.
    pub problem: Problem,
}

/// The ways in which a text is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Longer than [`MAX_TEXT_BYTES`].
    #[error("a text with placeholders has at most {MAX_TEXT_BYTES} bytes; shorten it")]
    TooLong,
    /// A placeholder without its end.
    #[error("the placeholder does not end; close it with {0}")]
    Unclosed(&'static str),
    /// Nothing, or nothing readable, where a name should be.
    #[error(
        "a name is expected here: letters, digits, _ and -, with dots between steps, such as contact.email"
    )]
    Name,
    /// A quoted text without its end.
    #[error("the quoted text does not end; close it with {0}")]
    Quote(char),
    /// Something between the name or a filter and the end of the placeholder.
    #[error("`|` and a filter, or the end of the placeholder, is expected here")]
    Unexpected,
    /// No such filter.
    #[error("there is no filter `{given}`{}; there are {}", suggestion(.nearest.as_deref()), filter_names())]
    UnknownFilter {
        /// What was written.
        given: String,
        /// What was probably meant.
        nearest: Option<String>,
    },
    /// A filter with arguments that it does not take.
    #[error("the filter is written `{0}`")]
    Arguments(&'static str),
    /// An argument that is no text, number, true, false or null.
    #[error("an argument is a quoted text, a number, true, false or null")]
    Argument,
    /// More than [`MAX_FILTERS`].
    #[error("a placeholder has at most {MAX_FILTERS} filters")]
    TooManyFilters,
}

fn suggestion(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |nearest| {
        format!(" (did you mean `{nearest}`?)")
    })
}

fn filter_names() -> String {
    let names: Vec<_> = FILTERS.iter().map(|filter| filter.name).collect();
    names.join(", ")
}

/// Reads a text. Takes time linear in the text and never panics.
pub(super) fn pieces(text: &str, syntax: Syntax) -> Result<Vec<Piece>, TextError> {
    let mut reader = Reader {
        text,
        at: 0,
        syntax,
    };
    if text.len() > MAX_TEXT_BYTES {
        return Err(reader.fault(Problem::TooLong));
    }
    let (open, _) = syntax.delimiters();
    let mut pieces: Vec<Piece> = Vec::new();
    let mut literal = String::new();
    while let Some(offset) = reader.rest().find(open) {
        literal.push_str(&reader.rest()[..offset]);
        reader.at += offset + open.len();
        if syntax == Syntax::Single && !reader.rest().starts_with(is_name_character) {
            literal.push_str(open);
            continue;
        }
        let expression = reader.expression()?;
        if !literal.is_empty() {
            pieces.push(Piece::Literal(std::mem::take(&mut literal)));
        }
        pieces.push(Piece::Placeholder(expression));
    }
    literal.push_str(reader.rest());
    if !literal.is_empty() {
        pieces.push(Piece::Literal(literal));
    }
    Ok(pieces)
}

struct Reader<'t> {
    text: &'t str,
    /// How many bytes are read.
    at: usize,
    syntax: Syntax,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn fault(&self, problem: Problem) -> TextError {
        TextError {
            position: self.text[..self.at].chars().count() + 1,
            problem,
        }
    }

    fn skip_spaces(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    /// Goes past `token` if it comes next.
    fn take(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        self.at += if found { token.len() } else { 0 };
        found
    }

    /// Goes past the characters that `wanted` takes, and returns them.
    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|c| !wanted(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// What stands between the delimiters; the opening one has been read.
    fn expression(&mut self) -> Result<Expression, TextError> {
        let (_, close) = self.syntax.delimiters();
        self.skip_spaces();
        let head = match self.rest().chars().next() {
            Some(quote @ ('\'' | '"')) => Head::Literal(self.quoted(quote)?.into()),
            _ => self.name()?,
        };
        let mut filters = Vec::new();
        loop {
            self.skip_spaces();
            if self.take(close) {
                return Ok(Expression { head, filters });
            }
            if self.rest().is_empty() {
                return Err(self.fault(Problem::Unclosed(close)));
            }
            if !self.take("|") {
                return Err(self.fault(Problem::Unexpected));
            }
            if filters.len() == MAX_FILTERS {
                return Err(self.fault(Problem::TooManyFilters));
            }
            filters.push(self.filter()?);
        }
    }

    fn name(&mut self) -> Result<Head, TextError> {
        let begin = self.at;
        let text = self.take_while(|c| is_name_character(c) || matches!(c, '.' | '[' | ']'));
        Name::parse(text).map(Head::Name).ok_or_else(|| {
            self.at = begin;
            self.fault(Problem::Name)
        })
    }

    fn filter(&mut self) -> Result<Filter, TextError> {
        self.skip_spaces();
        let begin = self.at;
        let name = self.take_while(|c| c.is_alphanumeric() || c == '_');
        let end = self.at;
        self.skip_spaces();
        let arguments = if self.take("(") {
            self.arguments()?
        } else {
            self.at = end;
            Vec::new()
        };
        Filter::new(name, arguments).map_err(|misuse| {
            self.at = begin;
            self.fault(match misuse {
                Misuse::Unknown => Problem::UnknownFilter {
                    given: name.chars().take(64).collect(),
                    nearest: nearest(name, FILTERS.iter().map(|filter| filter.name))
                        .map(str::to_owned),
                },
                Misuse::Arguments(description) => Problem::Arguments(description.usage),
            })
        })
    }

    /// Arguments up to the closing parenthesis; the opening one has been read.
    fn arguments(&mut self) -> Result<Vec<Value>, TextError> {
        let mut arguments = Vec::new();
        loop {
            self.skip_spaces();
            if arguments.is_empty() && self.take(")") {
                return Ok(arguments);
            }
            arguments.push(self.argument()?);
            self.skip_spaces();
            if self.take(")") {
                return Ok(arguments);
            }
            if arguments.len() >= MAX_FILTERS || !self.take(",") {
                return Err(self.fault(Problem::Argument));
            }
        }
    }

    fn argument(&mut self) -> Result<Value, TextError> {
        if let Some(quote @ ('\'' | '"')) = self.rest().chars().next() {
            return self.quoted(quote).map(Value::from);
        }
        let begin = self.at;
        let word = self.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+'));
        serde_json::from_str(word).map_err(|_| {
            self.at = begin;
            self.fault(Problem::Argument)
        })
    }

    /// The text between two quotes, in which a backslash takes the next character as it is.
    fn quoted(&mut self, quote: char) -> Result<String, TextError> {
        let begin = self.at;
        let mut text = String::new();
        let mut escaped = false;
        for (offset, c) in self.rest().char_indices().skip(1) {
            match c {
                c if escaped => {
                    text.push(c);
                    escaped = false;
                }
                '\\' => escaped = true,
                c if c == quote => {
                    self.at += offset + quote.len_utf8();
                    return Ok(text);
                }
                c => text.push(c),
            }
        }
        self.at = begin;
        Err(self.fault(Problem::Quote(quote)))
    }
}
