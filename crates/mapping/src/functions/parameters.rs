//! The parameters that a rule gives a function, checked against its declaration.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::declaration::{Declaration, Parameter, Takes};
use super::error::kind_of;
use super::lookup::{Table, Tables};
use crate::Fault;
use crate::fault::pointer_step;

/// Parameters of the kinds that the declaration says, with its defaults.
pub(super) struct Parameters<'p> {
    declaration: &'static Declaration,
    given: &'p Map<String, Value>,
    tables: &'p Tables,
}

impl<'p> Parameters<'p> {
    /// Checks what is given: every name known, every value of its kind, nothing missing. Lists every fault.
    pub(super) fn check(
        declaration: &'static Declaration,
        given: &'p Map<String, Value>,
        tables: &'p Tables,
    ) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        for (name, value) in given {
            let pointer = format!("/{}", pointer_step(name));
            match declaration.parameter(name) {
                None => faults.push(unknown(declaration, pointer, name)),
                Some(parameter) => {
                    faults
                        .extend(wrong(parameter, value).map(|detail| Fault::new(pointer, detail)));
                }
            }
        }
        let required = declaration.parameters.iter().filter(|p| p.required);
        for missing in required.filter(|p| !given.contains_key(p.name)) {
            let (function, parameter) = (declaration.name, missing.name);
            let detail = format!("`{function}` needs `{parameter}`: {}", missing.doc);
            faults.push(Fault::new("", detail));
        }
        if faults.is_empty() {
            return Ok(Self {
                declaration,
                given,
                tables,
            });
        }
        Err(faults)
    }

    /// The value given or the default; `None` where there is neither.
    pub(super) fn any(&self, name: &str) -> Option<Cow<'p, Value>> {
        if let Some(value) = self.given.get(name) {
            return Some(Cow::Borrowed(value));
        }
        let parameter = self.declaration.parameter(name);
        let default = parameter
            .expect("functions ask for the parameters they declare")
            .default?;
        let default = serde_json::from_str(default).expect("defaults are written as JSON");
        Some(Cow::Owned(default))
    }

    /// The text given or the default.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        match self.any(name)?.into_owned() {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The whole number given or the default.
    pub(super) fn integer(&self, name: &str) -> Option<i64> {
        self.any(name)?.as_i64()
    }

    /// The flag given or the default; `false` where there is neither.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.any(name)
            .and_then(|value| value.as_bool())
            .unwrap_or_default()
    }

    /// The texts given or the default; none where there is neither.
    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        let Some(value) = self.any(name) else {
            return Vec::new();
        };
        let texts = value.as_array().into_iter().flatten();
        texts
            .filter_map(|text| text.as_str().map(str::to_owned))
            .collect()
    }

    /// The table given, or the stored one of the name given.
    pub(super) fn table(&self, name: &str) -> Result<Arc<Table>, Fault> {
        match self.any(name).as_deref() {
            Some(Value::Object(entries)) => Ok(Arc::new(Table::new(entries.clone()))),
            Some(Value::String(stored)) => self.tables.get(stored).ok_or_else(|| {
                let known = self.tables.names();
                let what = "none of the mapping's `lookup_tables`";
                Fault::unknown(format!("/{name}"), what, stored, known)
            }),
            _ => Ok(Arc::default()),
        }
    }
}

fn unknown(declaration: &Declaration, pointer: String, name: &str) -> Fault {
    if declaration.parameters.is_empty() {
        let detail = format!("`{}` takes no parameters", declaration.name);
        return Fault::new(pointer, detail);
    }
    let what = format!("no parameter of `{}`", declaration.name);
    let known = declaration.parameters.iter().map(|known| known.name);
    Fault::unknown(pointer, &what, name, known)
}

/// What is wrong with the value of a parameter.
fn wrong(parameter: &Parameter, value: &Value) -> Option<String> {
    let name = parameter.name;
    let must = |be: &str| Some(format!("`{name}` must be {be}, not {}", kind_of(value)));
    match (parameter.takes, value) {
        (Takes::Text(most), Value::String(text)) => {
            (text.chars().count() > most).then(|| format!("`{name}` has at most {most} characters"))
        }
        (Takes::OneOf(words), Value::String(word)) => {
            if words.contains(&word.as_str()) {
                return None;
            }
            let one_of = words.join("`, `");
            Some(format!("`{name}` must be one of `{one_of}`"))
        }
        (Takes::Integer(least, most), value) => {
            let given = value.as_i64();
            if given.is_some_and(|given| (least..=most).contains(&given)) {
                return None;
            }
            Some(format!(
                "`{name}` must be a whole number from {least} to {most}"
            ))
        }
        (Takes::Texts, Value::Array(items)) => {
            if items.iter().all(Value::is_string) {
                return None;
            }
            Some(format!("`{name}` must be a list of text only"))
        }
        (Takes::Any, _)
        | (Takes::Boolean, Value::Bool(_))
        | (Takes::Table | Takes::TableOrName, Value::Object(_))
        | (Takes::TableOrName, Value::String(_)) => None,
        (Takes::Text(_) | Takes::OneOf(_), _) => must("text"),
        (Takes::Boolean, _) => must("true or false"),
        (Takes::Table, _) => must("an object"),
        (Takes::TableOrName, _) => must("an object, or the name of a lookup table"),
        (Takes::Texts, _) => must("a list of text"),
    }
}
