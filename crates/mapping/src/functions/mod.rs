//! What a rule can do to a value: one file and one [`Declaration`] for each function.
//!
//! Absent, null and the empty text are three things. A function is asked for neither absent nor null values unless
//! its declaration says so: both pass through it unchanged. Functions on text take numbers and booleans as JSON
//! writes them, and a list value by value.

mod body;
mod boolean;
mod capitalize;
mod case;
mod concat;
mod constant;
mod declaration;
mod default;
mod error;
mod expression;
mod format_date;
mod format_phone;
mod hash;
mod json;
mod lookup;
mod manual;
mod map_values;
mod number;
mod of_list;
mod parameters;
mod replace;
mod round;
mod slug;
mod split;
mod substring;
mod template;
mod text;
mod trim;

#[cfg(test)]
mod tests;

use std::fmt;

use serde_json::{Map, Value};

pub use body::{Context, Flow, MAX_OUTPUT};
pub use declaration::{Declaration, Example, Kind, Parameter, Takes};
pub use error::{FunctionError, kind_of};
pub use lookup::{MAX_ENTRIES, Table, Tables};
pub use manual::manual;

use crate::Fault;
use parameters::Parameters;

/// Every function, in the order of the documentation.
pub static ALL: &[&Declaration] = &[
    &case::LOWERCASE,
    &case::UPPERCASE,
    &trim::TRIM,
    &format_date::FORMAT_DATE,
    &format_phone::FORMAT_PHONE,
    &concat::CONCAT,
    &split::SPLIT,
    &lookup::LOOKUP,
    &default::DEFAULT,
    &constant::CONSTANT,
    &replace::REPLACE,
    &substring::SUBSTRING,
    &text::TEXT,
    &number::NUMBER,
    &round::ROUND,
    &boolean::BOOLEAN,
    &concat::JOIN,
    &of_list::FIRST,
    &of_list::LAST,
    &of_list::COALESCE,
    &of_list::UNIQUE,
    &map_values::MAP_VALUES,
    &capitalize::CAPITALIZE,
    &capitalize::TITLE_CASE,
    &slug::SLUG,
    &hash::HASH,
    &template::TEMPLATE,
    &json::PARSE_JSON,
    &json::TO_JSON,
    &expression::EXPRESSION,
];

/// The function of this name.
pub fn find(name: &str) -> Option<&'static Declaration> {
    ALL.iter().copied().find(|known| known.name == name)
}

/// A function with its parameters, ready to be applied to any number of values.
pub struct Function {
    declaration: &'static Declaration,
    parameters: Map<String, Value>,
    body: body::Body,
    inverse: Option<(&'static str, Map<String, Value>)>,
}

impl Function {
    /// Makes a function ready.
    ///
    /// # Errors
    ///
    /// Every fault: an unknown function at `/name`, others with a pointer into the parameters, such as `/separator`.
    pub fn compile(
        name: &str,
        parameters: &Map<String, Value>,
        tables: &Tables,
    ) -> Result<Self, Vec<Fault>> {
        let Some(declaration) = find(name) else {
            let known = ALL.iter().map(|known| known.name);
            return Err(vec![Fault::unknown("/name", "no function", name, known)]);
        };
        let checked = Parameters::check(declaration, parameters, tables)?;
        let compiled = (declaration.compile)(&checked).map_err(|fault| vec![fault])?;
        Ok(Self {
            declaration,
            parameters: parameters.clone(),
            body: compiled.body,
            inverse: compiled.inverse,
        })
    }

    /// What the function says of itself.
    pub fn declaration(&self) -> &'static Declaration {
        self.declaration
    }

    /// The parameters as they were given.
    pub fn parameters(&self) -> &Map<String, Value> {
        &self.parameters
    }

    /// Applies it. `None` is an absent value; what the function does not change stays borrowed.
    ///
    /// # Errors
    ///
    /// What is wrong with the value.
    pub fn apply<'v>(
        &self,
        value: Option<Flow<'v>>,
        context: &Context<'_>,
    ) -> Result<Option<Flow<'v>>, FunctionError> {
        self.body.run(value, *context)
    }

    /// The function that undoes this one with these parameters, if there is one.
    pub fn invert(&self) -> Option<Self> {
        let (name, parameters) = self.inverse.as_ref()?;
        Self::compile(name, parameters, &Tables::default()).ok()
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Function")
            .field("name", &self.declaration.name)
            .field("parameters", &self.parameters)
            .finish_non_exhaustive()
    }
}
