//! What a function says of itself: the one place from which the validator, the documentation and the console read.

use serde_json::{Map, Value};

use super::body::Compiled;
use super::parameters::Parameters;
use crate::Fault;

/// A kind of JSON value that a function takes or gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Whatever there is.
    Any,
    /// A string; numbers and booleans are read as they are written.
    Text,
    /// A number, whole or not.
    Number,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// An array.
    List,
    /// An object.
    Object,
    /// A date or a time, in one of the written forms that `format_date` reads.
    Date,
}

impl Kind {
    /// The word for it in the API and the documentation.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Text => "text",
            Self::Number => "number",
            Self::Integer => "integer",
            Self::Boolean => "boolean",
            Self::List => "list",
            Self::Object => "object",
            Self::Date => "date",
        }
    }
}

/// What a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// A string of at most so many characters.
    Text(usize),
    /// A whole number from the one to the other, both included.
    Integer(i64, i64),
    /// `true` or `false`.
    Boolean,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// Any JSON value.
    Any,
    /// An object whose keys are looked up.
    Table,
    /// The name of one of the mapping's `lookup_tables`, or such a table itself.
    TableOrName,
    /// A list of strings.
    Texts,
}

impl Takes {
    /// The word for it in the API and the documentation.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text(_) | Self::OneOf(_) => "text",
            Self::Integer(..) => "integer",
            Self::Boolean => "boolean",
            Self::Any => "any",
            Self::Table => "object",
            Self::TableOrName => "text or object",
            Self::Texts => "list of text",
        }
    }
}

/// One parameter of a function.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub takes: Takes,
    /// Whether it must be given.
    pub required: bool,
    /// What holds when it is not given, as JSON.
    pub default: Option<&'static str>,
    /// What it is for, in a sentence.
    pub doc: &'static str,
}

impl Parameter {
    /// A parameter that may be left out, with nothing in its place.
    pub(super) const fn optional(name: &'static str, takes: Takes, doc: &'static str) -> Self {
        Self {
            name,
            takes,
            required: false,
            default: None,
            doc,
        }
    }

    /// A parameter that must be given.
    pub(super) const fn required(name: &'static str, takes: Takes, doc: &'static str) -> Self {
        Self {
            required: true,
            ..Self::optional(name, takes, doc)
        }
    }

    /// The same parameter with this default, as JSON.
    pub(super) const fn or(self, default: &'static str) -> Self {
        Self {
            default: Some(default),
            ..self
        }
    }
}

/// A worked example: it is tested, and it is the documentation.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// The parameters, as JSON.
    pub parameters: &'static str,
    /// The value given, as JSON; empty for an absent one.
    pub input: &'static str,
    /// What comes out, as JSON; empty for an absent value.
    pub output: &'static str,
    /// The record that the value comes from, as JSON, where the function looks at it.
    pub record: Option<&'static str>,
}

impl Example {
    pub(super) const fn new(
        parameters: &'static str,
        input: &'static str,
        output: &'static str,
    ) -> Self {
        Self {
            parameters,
            input,
            output,
            record: None,
        }
    }

    /// The same example, with the value taken from this record.
    pub(super) const fn of(self, record: &'static str) -> Self {
        Self {
            record: Some(record),
            ..self
        }
    }
}

/// Everything that is to be known of a function.
#[derive(Debug)]
pub struct Declaration {
    /// The name that rules call it by.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// The kinds of value it takes.
    pub input: &'static [Kind],
    /// The kind of value it gives.
    pub output: Kind,
    /// Its parameters.
    pub parameters: &'static [Parameter],
    /// What undoes it and when, in a sentence; without it nothing does.
    pub inverse: Option<&'static str>,
    /// Whether it is asked for absent and null values too. Every other function lets them pass.
    pub sees_nulls: bool,
    /// Examples, the most usual one first.
    pub examples: &'static [Example],
    /// Makes it ready, its parameters being of the kinds declared.
    pub(super) compile: fn(&Parameters<'_>) -> Result<Compiled, Fault>,
}

impl Declaration {
    /// A function from text to text, without parameters.
    pub(super) const fn new(
        name: &'static str,
        summary: &'static str,
        compile: fn(&Parameters<'_>) -> Result<Compiled, Fault>,
    ) -> Self {
        Self {
            name,
            summary,
            input: &[Kind::Text],
            output: Kind::Text,
            parameters: &[],
            inverse: None,
            sees_nulls: false,
            examples: &[],
            compile,
        }
    }

    pub(super) const fn takes(self, input: &'static [Kind]) -> Self {
        Self { input, ..self }
    }

    pub(super) const fn gives(self, output: Kind) -> Self {
        Self { output, ..self }
    }

    pub(super) const fn with(self, parameters: &'static [Parameter]) -> Self {
        Self { parameters, ..self }
    }

    pub(super) const fn undone(self, inverse: &'static str) -> Self {
        Self {
            inverse: Some(inverse),
            ..self
        }
    }

    pub(super) const fn seeing_nulls(self) -> Self {
        Self {
            sees_nulls: true,
            ..self
        }
    }

    pub(super) const fn shown(self, examples: &'static [Example]) -> Self {
        Self { examples, ..self }
    }

    /// The parameter of this name.
    pub fn parameter(&self, name: &str) -> Option<&'static Parameter> {
        self.parameters.iter().find(|known| known.name == name)
    }

    /// The parameters as a JSON Schema 2020-12, for forms that ask for them.
    pub fn parameter_schema(&self) -> Value {
        let properties = self.parameters.iter();
        let properties = properties.map(|p| (p.name.to_owned(), schema(p)));
        let required = self.parameters.iter().filter(|p| p.required);
        let required: Vec<Value> = required.map(|p| p.name.into()).collect();
        let mut schema = Map::new();
        schema.insert("type".to_owned(), "object".into());
        schema.insert("properties".to_owned(), Value::Object(properties.collect()));
        if !required.is_empty() {
            schema.insert("required".to_owned(), Value::Array(required));
        }
        schema.insert("additionalProperties".to_owned(), false.into());
        Value::Object(schema)
    }
}

fn schema(parameter: &Parameter) -> Value {
    use serde_json::json;
    let mut schema = match parameter.takes {
        Takes::Text(most) => json!({"type": "string", "maxLength": most}),
        Takes::Integer(least, most) => {
            json!({"type": "integer", "minimum": least, "maximum": most})
        }
        Takes::Boolean => json!({"type": "boolean"}),
        Takes::OneOf(words) => json!({"type": "string", "enum": words}),
        Takes::Any => json!({}),
        Takes::Table => json!({"type": "object"}),
        Takes::TableOrName => json!({"type": ["string", "object"]}),
        Takes::Texts => json!({"type": "array", "items": {"type": "string"}}),
    };
    schema["description"] = parameter.doc.into();
    if let Some(default) = parameter.default {
        schema["default"] = serde_json::from_str(default).unwrap_or_default();
    }
    schema
}
