//! What a rule's functions make of a field's type.

use serde_json::Value;

use super::{Field, FieldType};
use crate::functions::{self, Kind};
use crate::rules::{Call, Definition, Rule};

/// Functions that leave a value what it is.
const KEEPING: [&str; 6] = ["trim", "lowercase", "uppercase", "default", "first", "last"];
/// Functions that look a value up in a table.
const LOOKING_UP: [&str; 2] = ["lookup", "map_values"];

/// What is known of a value on its way.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Known {
    /// What it is; [`FieldType::Other`] where that cannot be told.
    pub(super) kind: FieldType,
    /// All values it can be, where they are known.
    pub(super) values: Option<Vec<String>>,
    /// The most characters it has, where that is known.
    pub(super) max_length: Option<u64>,
    /// Digits behind the point, where they are known.
    pub(super) scale: Option<u8>,
    /// The kind of record it refers to.
    pub(super) references: Option<String>,
    /// Whether there is always a value.
    pub(super) always: bool,
}

impl Known {
    pub(super) fn nothing() -> Self {
        Self {
            kind: FieldType::Other,
            values: None,
            max_length: None,
            scale: None,
            references: None,
            always: false,
        }
    }

    pub(super) fn field(field: &Field) -> Self {
        let values = field.options.iter().map(|option| option.value().to_owned());
        let values: Vec<String> = values.collect();
        Self {
            kind: field.kind,
            values: (!values.is_empty()).then_some(values),
            max_length: field.max_length,
            scale: field.scale,
            references: field.references.clone(),
            always: field.required,
        }
    }

    fn of(kind: FieldType, before: &Self) -> Self {
        Self {
            kind,
            always: before.always,
            ..Self::nothing()
        }
    }

    /// A value of this JSON.
    fn constant(value: &Value) -> Self {
        let kind = match value {
            Value::Bool(_) => FieldType::Boolean,
            Value::Number(_) => FieldType::Number,
            Value::String(_) => FieldType::Enum,
            _ => FieldType::Other,
        };
        let text = value.as_str();
        Self {
            kind,
            values: text.map(|text| vec![text.to_owned()]),
            max_length: text.map(|text| text.chars().count() as u64),
            always: !value.is_null(),
            ..Self::nothing()
        }
    }
}

/// What the rule's value is when its functions and its validation are through.
pub(super) fn through(rule: &Rule, source: Known, definition: &Definition) -> Known {
    let value = rule
        .functions
        .iter()
        .fold(source, |value, call| step(call, value, definition));
    match validated(rule) {
        Some(kind) if value.kind == FieldType::Text => Known { kind, ..value },
        _ => value,
    }
}

fn step(call: &Call, before: Known, definition: &Definition) -> Known {
    let name = call.name.as_str();
    let text = |parameter: &str| call.parameters.get(parameter).and_then(Value::as_str);
    match name {
        "default" => Known {
            always: call
                .parameters
                .get("value")
                .is_some_and(|value| !value.is_null()),
            values: None,
            ..before
        },
        _ if KEEPING.contains(&name) => match (name, before.kind) {
            ("lowercase" | "uppercase", FieldType::Enum) => Known {
                values: before.values.map(|values| recased(values, name)),
                ..before
            },
            ("first" | "last", FieldType::MultiEnum) => Known {
                kind: FieldType::Enum,
                ..before
            },
            _ => before,
        },
        "constant" => call
            .parameters
            .get("value")
            .map_or_else(Known::nothing, Known::constant),
        "format_phone" => Known::of(FieldType::Phone, &before),
        "format_date" => {
            let format = text("output_format").unwrap_or_default();
            let timed = ["%H", "%I", "%T", "%s", "HH", "hh"]
                .iter()
                .any(|part| format.contains(part));
            let kind = if timed {
                FieldType::Datetime
            } else {
                FieldType::Date
            };
            Known::of(kind, &before)
        }
        "split" => Known::of(FieldType::MultiEnum, &before),
        _ if LOOKING_UP.contains(&name) => looked_up(call, before, definition),
        _ => match functions::find(name).map(|known| known.output) {
            Some(Kind::Text) => Known::of(FieldType::Text, &before),
            Some(Kind::Number) => Known::of(FieldType::Number, &before),
            Some(Kind::Integer) => Known {
                scale: Some(0),
                ..Known::of(FieldType::Number, &before)
            },
            Some(Kind::Boolean) => Known::of(FieldType::Boolean, &before),
            Some(Kind::Date) => Known::of(FieldType::Date, &before),
            _ => Known::of(FieldType::Other, &before),
        },
    }
}

fn recased(values: Vec<String>, function: &str) -> Vec<String> {
    let recase = |value: String| match function {
        "lowercase" => value.to_lowercase(),
        _ => value.to_uppercase(),
    };
    values.into_iter().map(recase).collect()
}

/// One of the texts of the table, or the default.
fn looked_up(call: &Call, before: Known, definition: &Definition) -> Known {
    let table = ["table", "values", "map"]
        .iter()
        .find_map(|name| call.parameters.get(*name));
    let table = match table {
        Some(Value::String(stored)) => definition.lookup_tables.get(stored),
        table => table,
    };
    let entries = table
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(|entries| entries.values());
    let values: Vec<&Value> = entries.chain(call.parameters.get("default")).collect();
    let texts: Option<Vec<String>> = values
        .iter()
        .map(|value| value.as_str().map(str::to_owned))
        .collect();
    let kind = match (&texts, before.kind) {
        (Some(_), FieldType::MultiEnum) => FieldType::MultiEnum,
        (Some(_), _) => FieldType::Enum,
        _ if values.iter().all(|value| value.is_boolean()) => FieldType::Boolean,
        _ if values.iter().all(|value| value.is_number()) => FieldType::Number,
        _ => FieldType::Other,
    };
    Known {
        values: texts,
        ..Known::of(kind, &before)
    }
}

/// The kind that the rule's validation vouches for.
fn validated(rule: &Rule) -> Option<FieldType> {
    let (validation, _) = rule.validation.as_ref()?;
    let kind = validation
        .as_str()
        .or_else(|| validation.get("type")?.as_str())?;
    match kind {
        "email" => Some(FieldType::Email),
        "phone" => Some(FieldType::Phone),
        "url" => Some(FieldType::Url),
        _ => None,
    }
}
