//! Why an expression came to no result. No value is repeated: it may be personal, and large.

use cel::ExecutionError;
use cel::common::value::Val;
use cel::objects::Value as CelValue;

use super::budget::MAX_COST;
use super::values::{MAX_INPUT, MAX_OUTPUT};

/// The reason, for the person who wrote the expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A variable or a field that is not there.
    #[error("there is no `{0}`: ask first with has(…), as in `has(a.{0}) ? a.{0} : ''`")]
    Absent(String),
    /// An operator or a function that does not take such values.
    #[error("{0}")]
    Kinds(String),
    /// A calculation without a result: a division by zero, a number too large, an index past the end.
    #[error("{0}")]
    Arithmetic(String),
    /// A result that is neither true nor false where a condition is asked for.
    #[error("a condition must come to true or false, not {0}")]
    NoCondition(String),
    /// A result that JSON cannot hold.
    #[error("the result is {0}, which JSON cannot hold")]
    NoJson(String),
    /// Variables larger than [`MAX_INPUT`].
    #[error(
        "the expression reads more than {MAX_INPUT} bytes of its variables; name the fields that it needs"
    )]
    InputTooLarge,
    /// A result larger than [`MAX_OUTPUT`].
    #[error("the result is larger than {MAX_OUTPUT} bytes")]
    OutputTooLarge,
    /// More work than [`MAX_COST`].
    #[error(
        "with these values the expression could take more than {MAX_COST} steps; compare fewer, or smaller, values in loops"
    )]
    TooCostly,
    /// What the language says in its own words.
    #[error("{0}")]
    Other(String),
}

impl From<ExecutionError> for Error {
    fn from(error: ExecutionError) -> Self {
        match error {
            ExecutionError::NoSuchKey(name) => Self::Absent(crate::excerpt(&name).into_owned()),
            ExecutionError::UndeclaredReference(name) => {
                Self::Absent(crate::excerpt(&name).into_owned())
            }
            ExecutionError::NoSuchOverload(error) => {
                let operator = operator(error.function());
                Self::Kinds(format!(
                    "{operator} does not take {}",
                    listed(error.argument_types())
                ))
            }
            ExecutionError::UnexpectedType { got, want } => {
                Self::Kinds(format!("needs {}, not {}", word(&want), word(&got)))
            }
            ExecutionError::ValuesNotComparable(a, b) => {
                Self::Kinds(format!("{} and {} cannot be compared", kind(&a), kind(&b)))
            }
            ExecutionError::UnsupportedBinaryOperator(name, a, b) => {
                let sign = sign(name);
                Self::Kinds(format!(
                    "{sign} does not take {} and {}",
                    kind(&a),
                    kind(&b)
                ))
            }
            ExecutionError::UnsupportedIndex(index, of) => Self::Kinds(format!(
                "{} cannot be indexed with {}",
                kind(&of),
                kind(&index)
            )),
            ExecutionError::UnsupportedKeyType(key) => {
                Self::Kinds(format!("{} cannot be the key of a map", kind(&key)))
            }
            ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
                Self::Arithmetic("divides by zero".to_owned())
            }
            ExecutionError::Overflow(name, ..) => {
                let sign = sign(name);
                Self::Arithmetic(format!("{sign} gives a number too large for 64 bits"))
            }
            ExecutionError::IndexOutOfBounds(_) => {
                Self::Arithmetic("the index is past the end of the list".to_owned())
            }
            ExecutionError::DuplicateKey(_) => {
                Self::Arithmetic("a map has the same key twice".to_owned())
            }
            ExecutionError::FunctionError { function, .. } => {
                Self::Other(format!("{function}() cannot read the value"))
            }
            _ => Self::Other("the expression cannot be evaluated with these values".to_owned()),
        }
    }
}

fn listed(types: &[String]) -> String {
    let words: Vec<&str> = types.iter().map(|name| word(name)).collect();
    match words.as_slice() {
        [] => "no value".to_owned(),
        words => words.join(" and "),
    }
}

/// The sign of an operator, or the name of a function.
fn operator(name: &str) -> String {
    match name.trim_matches(|c| c == '_' || c == '@') {
        "[_]" | "[_" => "an index".to_owned(),
        "?_:" => "`? :`".to_owned(),
        "matches" => "matches()".to_owned(),
        inner if inner.starts_with(|c: char| c.is_alphabetic()) && name != "@in" => {
            format!("{inner}()")
        }
        sign => format!("`{sign}`"),
    }
}

fn sign(name: &str) -> &str {
    const SIGNS: [(&str, &str); 5] = [
        ("add", "`+`"),
        ("sub", "`-`"),
        ("mul", "`*`"),
        ("div", "`/`"),
        ("rem", "`%`"),
    ];
    let mut known = SIGNS.iter();
    known
        .find_map(|(word, sign)| (*word == name).then_some(*sign))
        .unwrap_or("the operator")
}

/// The word for a type of CEL.
fn word(name: &str) -> &str {
    match name {
        "string" => "text",
        "int" | "uint" => "a whole number",
        "double" => "a number",
        "bool" => "a boolean",
        "null_type" => "null",
        "list" => "a list",
        "map" => "an object",
        other => other,
    }
}

fn kind(value: &CelValue) -> &'static str {
    match value {
        CelValue::List(_) => "a list",
        CelValue::Map(_) => "an object",
        CelValue::Int(_) | CelValue::UInt(_) => "a whole number",
        CelValue::Float(_) => "a number",
        CelValue::String(_) => "text",
        CelValue::Bool(_) => "a boolean",
        CelValue::Null => "null",
        _ => "a value of another kind",
    }
}

/// The word for the type of a value.
pub(super) fn type_name(value: &dyn Val) -> String {
    word(value.get_type().name()).to_owned()
}
