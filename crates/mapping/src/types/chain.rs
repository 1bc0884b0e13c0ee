//! What a rule's functions make of a field's type.

use serde_json::{Map, Value};

use super::{Field, FieldType};
use crate::functions::{self, Kind};
use crate::rules::{Call, Definition, Rule};

/// Functions that leave a value what it is.
const KEEPING: [&str; 2] = ["trim", "unique"];
/// Names of formats, and letters of patterns, that write the time of day.
const TIMES: [&str; 9] = [
    "rfc", "iso8601", "epoch", "%H", "%I", "%T", "%s", "HH", "hh",
];

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
    /// Values that a table has no entry for.
    pub(super) lacking: Vec<String>,
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
            lacking: Vec::new(),
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
            lacking: Vec::new(),
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
    match &rule.validation {
        Some((validation, _)) => validated(validation, value),
        None => value,
    }
}

fn step(call: &Call, before: Known, definition: &Definition) -> Known {
    let name = call.name.as_str();
    match name {
        _ if KEEPING.contains(&name) => before,
        "default" => Known {
            always: call
                .parameters
                .get("value")
                .is_some_and(|value| !value.is_null()),
            values: None,
            ..before
        },
        "lowercase" | "uppercase" => Known {
            values: before.values.map(|values| recased(values, name)),
            ..before
        },
        "first" | "last" if before.kind == FieldType::MultiEnum => Known {
            kind: FieldType::Enum,
            ..before
        },
        "constant" => call
            .parameters
            .get("value")
            .map_or_else(Known::nothing, Known::constant),
        "format_phone" => Known::of(FieldType::Phone, &before),
        "format_date" => Known::of(written_date(call), &before),
        "split" => Known::of(FieldType::MultiEnum, &before),
        "round" => Known {
            scale: call.parameters.get("digits").map_or(Some(0), |digits| {
                digits.as_u64().and_then(|d| d.try_into().ok())
            }),
            ..Known::of(FieldType::Number, &before)
        },
        "substring" => Known {
            max_length: call.parameters.get("length").and_then(Value::as_u64),
            ..Known::of(FieldType::Text, &before)
        },
        "lookup" => looked_up(table(call, "table", definition), call, before, false),
        "map_values" => looked_up(table(call, "values", definition), call, before, true),
        _ => declared(name, &before),
    }
}

/// What the function declares that it gives.
fn declared(name: &str, before: &Known) -> Known {
    let kind = match functions::find(name).map(|known| known.output) {
        Some(Kind::Text) => FieldType::Text,
        Some(Kind::Number | Kind::Integer) => FieldType::Number,
        Some(Kind::Boolean) => FieldType::Boolean,
        Some(Kind::Date) => FieldType::Date,
        _ => FieldType::Other,
    };
    Known::of(kind, before)
}

fn written_date(call: &Call) -> FieldType {
    let format = call
        .parameters
        .get("output_format")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if TIMES.iter().any(|part| format.contains(part)) {
        FieldType::Datetime
    } else {
        FieldType::Date
    }
}

fn recased(values: Vec<String>, function: &str) -> Vec<String> {
    let recase = |value: String| match function {
        "lowercase" => value.to_lowercase(),
        _ => value.to_uppercase(),
    };
    values.into_iter().map(recase).collect()
}

/// The table that the parameter holds or names.
fn table<'t>(
    call: &'t Call,
    parameter: &str,
    definition: &'t Definition,
) -> Option<&'t Map<String, Value>> {
    match call.parameters.get(parameter)? {
        Value::String(stored) => definition.lookup_tables.get(stored)?.as_object(),
        inline => inline.as_object(),
    }
}

/// What a table makes of the value. Where there is no entry, `stays` says whether the value stays or is an error.
fn looked_up(table: Option<&Map<String, Value>>, call: &Call, before: Known, stays: bool) -> Known {
    let Some(table) = table else {
        return Known::of(FieldType::Other, &before);
    };
    let default = call.parameters.get("default");
    let folds = call.parameters.get("case_sensitive") == Some(&Value::Bool(false));
    let has = |value: &String| {
        table.contains_key(value)
            || (folds
                && table
                    .keys()
                    .any(|key| key.to_lowercase() == value.to_lowercase()))
    };
    let without_entry: Vec<String> = match (&before.values, default) {
        (Some(values), None) => values.iter().filter(|value| !has(value)).cloned().collect(),
        _ => Vec::new(),
    };
    let results: Vec<&Value> = table.values().chain(default).collect();
    let mut texts: Option<Vec<String>> = results
        .iter()
        .map(|v| v.as_str().map(str::to_owned))
        .collect();
    if stays && default.is_none() {
        let known = before.values.is_some();
        texts = texts
            .filter(|_| known)
            .map(|texts| [texts, without_entry.clone()].concat());
    }
    let all = |is: fn(&Value) -> bool| results.iter().all(|value| is(value));
    let kind = match before.kind {
        FieldType::MultiEnum if all(Value::is_string) => FieldType::MultiEnum,
        _ if all(Value::is_string) => FieldType::Enum,
        _ if all(Value::is_boolean) => FieldType::Boolean,
        _ if all(Value::is_number) => FieldType::Number,
        _ => FieldType::Other,
    };
    Known {
        values: texts,
        lacking: if stays { Vec::new() } else { without_entry },
        ..Known::of(kind, &before)
    }
}

/// What the rule's validation vouches for.
fn validated(validation: &Value, value: Known) -> Known {
    let kind = validation
        .as_str()
        .or_else(|| validation.get("type")?.as_str());
    let most = validation
        .get("max_length")
        .or_else(|| validation.get("max"))
        .and_then(Value::as_u64);
    let kind_or = |other: FieldType| {
        if value.kind == FieldType::Text {
            other
        } else {
            value.kind
        }
    };
    let kind = match kind {
        Some("email") => kind_or(FieldType::Email),
        Some("phone") => kind_or(FieldType::Phone),
        Some("url") => kind_or(FieldType::Url),
        Some("enum") => {
            let options = validation.get("values").and_then(Value::as_array);
            let texts =
                options.and_then(|all| all.iter().map(|v| v.as_str().map(str::to_owned)).collect());
            return Known {
                kind: kind_or(FieldType::Enum),
                values: texts,
                ..value
            };
        }
        _ => value.kind,
    };
    Known {
        kind,
        max_length: most.or(value.max_length),
        ..value
    }
}
