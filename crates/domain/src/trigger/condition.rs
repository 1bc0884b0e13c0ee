//! Which of the events of its types a trigger is about.

use serde_json::Value;
use tieline_mapping::expression::{Error, Expression};

use crate::{
    Bounds, Violation,
    filter::{Document, Filter},
};

/// The variable that holds the event in an expression.
const EVENT: &str = "event";

/// A compiled condition.
#[derive(Debug)]
pub enum Condition {
    /// A CEL expression over `event`.
    Expression(Box<Expression>),
    /// A filter, as webhooks have it.
    Filter(Filter),
}

impl Condition {
    /// Compiles a condition: text is an expression, an object is a filter. Pointers are relative to it.
    pub fn compile(condition: &Value, bounds: &Bounds) -> Result<Self, Vec<Violation>> {
        match condition {
            Value::String(source) => Expression::parse_with(source, &[EVENT])
                .map(|expression| Self::Expression(Box::new(expression)))
                .map_err(|fault| vec![Violation::new(fault.pointer, fault.detail)]),
            Value::Object(_) => Filter::compile(condition, bounds.filter_parts).map(Self::Filter),
            _ => {
                let detail = "give an expression such as \"event.data.total > 100\", or a filter such as \
                              {\"field\": \"data.total\", \"gt\": 100}";
                Err(vec![Violation::new("", detail)])
            }
        }
    }

    /// Whether it holds for an event. What is absent meets no condition; an expression that cannot be evaluated for
    /// another reason says why.
    pub fn holds(&self, event: &Document<'_>) -> Result<bool, String> {
        match self {
            Self::Filter(filter) => Ok(filter.matches(event)),
            Self::Expression(expression) => {
                match expression.is_true_with(&[(EVENT, event.whole())]) {
                    Ok(holds) => Ok(holds),
                    Err(Error::Absent(_)) => Ok(false),
                    Err(error) => Err(error.to_string()),
                }
            }
        }
    }
}
