//! Expressions of users: the Common Expression Language (CEL), bounded.
//!
//! CEL has no loops but those over what is there, no recursion and no side effects, and yet an expression of a few
//! characters can take all memory or overflow the stack (facts: libraries 6). So a text passes [`guard`] when it is
//! saved, and what its evaluation may cost is reckoned by [`budget`] from the actual values before it begins.

mod budget;
mod error;
mod guard;
mod library;
mod nesting;
mod reads;
mod values;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use cel::common::types::CelBool;
use cel::parser::Expression as Tree;
use cel::{Context, Value as CelValue};
use serde_json::Value;

use crate::Fault;
use crate::pattern::Pattern;

pub use budget::{MAX_COST, MAX_SIZE};
pub use error::Error;
pub use guard::{MAX_DEPTH, MAX_NESTING, MAX_SIGNS, MAX_SOURCE};
pub use values::{MAX_INPUT, MAX_OUTPUT};

use reads::Reads;

/// A variable of an expression and what it holds.
pub type Variable<'v> = (&'v str, &'v Value);

/// An expression, parsed and found bounded.
pub struct Expression {
    source: String,
    tree: Tree,
    /// What it reads of its variables: nothing else is copied.
    reads: Vec<(String, Reads)>,
    /// Whether it can make more of its variables than they are.
    grows: bool,
    patterns: Vec<Arc<Pattern>>,
}

impl Expression {
    /// Parses an expression whose variables may have any name.
    ///
    /// # Errors
    ///
    /// What is wrong, with an empty pointer: longer than [`MAX_SOURCE`], no CEL, an unknown function, or a form that
    /// cannot be bounded, such as a comprehension inside another.
    pub fn parse(source: &str) -> Result<Self, Fault> {
        Self::parse_known(source, None)
    }

    /// Like [`Expression::parse`]; a variable that is not `known` is refused, with the nearest that is.
    pub fn parse_with(source: &str, known: &[&str]) -> Result<Self, Fault> {
        Self::parse_known(source, Some(known))
    }

    fn parse_known(source: &str, known: Option<&[&str]>) -> Result<Self, Fault> {
        let guarded = guard::parse(source, known).map_err(guard::Refusal::into_fault)?;
        Ok(Self {
            source: source.to_owned(),
            tree: guarded.tree,
            reads: guarded.reads,
            grows: guarded.grows,
            patterns: guarded.patterns,
        })
    }

    /// The expression as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The names of the variables that it reads, in the order of their first use.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.reads.iter().map(|(name, _)| name.as_str())
    }

    /// Evaluates it; `variables` is an object with a member for each variable.
    ///
    /// # Errors
    ///
    /// Why there is no result: an absent field, a value of the wrong kind, or more than is allowed.
    pub fn evaluate(&self, variables: &Value) -> Result<Value, Error> {
        self.evaluated(|name| variables.get(name))
    }

    /// Like [`Expression::evaluate`], with the variables one by one.
    ///
    /// # Errors
    ///
    /// As [`Expression::evaluate`].
    pub fn evaluate_with(&self, variables: &[Variable<'_>]) -> Result<Value, Error> {
        self.evaluated(|name| of_name(variables, name))
    }

    /// Evaluates a condition; `variables` is an object with a member for each variable.
    ///
    /// # Errors
    ///
    /// As [`Expression::evaluate`], and [`Error::NoCondition`] for a result that is neither true nor false.
    pub fn is_true(&self, variables: &Value) -> Result<bool, Error> {
        self.condition(|name| variables.get(name))
    }

    /// Like [`Expression::is_true`], with the variables one by one.
    ///
    /// # Errors
    ///
    /// As [`Expression::is_true`].
    pub fn is_true_with(&self, variables: &[Variable<'_>]) -> Result<bool, Error> {
        self.condition(|name| of_name(variables, name))
    }

    fn evaluated<'v>(&self, find: impl Fn(&str) -> Option<&'v Value>) -> Result<Value, Error> {
        let context = self.context(find)?;
        let result = CelValue::resolve_val(&self.tree, &context)?;
        values::to_json(result.as_ref())
    }

    fn condition<'v>(&self, find: impl Fn(&str) -> Option<&'v Value>) -> Result<bool, Error> {
        let context = self.context(find)?;
        let result = CelValue::resolve_val(&self.tree, &context)?;
        match result.downcast_ref::<CelBool>() {
            Some(truth) => Ok(*truth.inner()),
            None => Err(Error::NoCondition(error::type_name(result.as_ref()))),
        }
    }

    /// What it reads of the variables, copied; an evaluation that could cost too much is refused here.
    fn context<'v>(
        &self,
        find: impl Fn(&str) -> Option<&'v Value>,
    ) -> Result<Context<'v, 'v>, Error> {
        let mut context = Context::with_env(Arc::clone(&library::ENVIRONMENT));
        let mut weight = values::Weight::default();
        let mut bound = Vec::with_capacity(self.reads.len());
        for (name, reads) in &self.reads {
            let value = find(name).ok_or_else(|| Error::Absent(name.clone()))?;
            context.add_variable_as_val(name.as_str(), values::to_cel(value, reads, &mut weight)?);
            bound.push((name.as_str(), value));
        }
        for (number, pattern) in self.patterns.iter().enumerate() {
            let pattern = library::PatternValue(Arc::clone(pattern));
            context.add_variable_as_val(library::pattern_name(number), Box::new(pattern));
        }
        if self.grows {
            budget::check(&self.tree, &bound)?;
        }
        Ok(context)
    }
}

fn of_name<'v>(variables: &[Variable<'v>], name: &str) -> Option<&'v Value> {
    let mut variables = variables.iter();
    variables.find_map(|(known, value)| (*known == name).then_some(*value))
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.source).finish()
    }
}
