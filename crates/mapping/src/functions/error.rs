//! Why a function could not make anything of a value.

/// The reason, for the person who looks at the record. It never repeats the value, which may be personal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FunctionError {
    /// A value of another kind than the function takes.
    #[error("takes {expected}, not {found}")]
    Kind {
        /// What it takes.
        expected: &'static str,
        /// What it was given.
        found: &'static str,
    },
    /// A value of the right kind that cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// A value that a table has no entry for.
    #[error("{0}")]
    NotInTable(String),
    /// More than a function may make of one value.
    #[error("would make more than {most} bytes of one value")]
    TooLarge {
        /// What it may make, in bytes.
        most: usize,
    },
    /// An expression that came to no result.
    #[error(transparent)]
    Expression(#[from] crate::expression::Error),
}

impl FunctionError {
    pub(super) fn kind(expected: &'static str, found: &serde_json::Value) -> Self {
        Self::Kind {
            expected,
            found: kind_of(found),
        }
    }

    pub(super) fn unreadable(detail: impl Into<String>) -> Self {
        Self::Unreadable(detail.into())
    }
}

/// The kind of a JSON value, as errors say it.
pub fn kind_of(value: &serde_json::Value) -> &'static str {
    match value {
        serde_json::Value::Null => "null",
        serde_json::Value::Bool(_) => "a boolean",
        serde_json::Value::Number(_) => "a number",
        serde_json::Value::String(_) => "text",
        serde_json::Value::Array(_) => "a list",
        serde_json::Value::Object(_) => "an object",
    }
}
