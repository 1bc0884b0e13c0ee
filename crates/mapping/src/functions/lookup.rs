//! `lookup`, and the tables that it reads.

use std::borrow::Cow;
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::body::{Compiled, into_text};
use super::declaration::{Declaration, Example, Kind, Parameter, Takes};
use super::error::FunctionError;
use super::parameters::Parameters;
use crate::Fault;

/// Entries of one table.
pub const MAX_ENTRIES: usize = 10_000;

/// Values by what they are looked up with.
#[derive(Debug, Default)]
pub struct Table {
    entries: Map<String, Value>,
}

impl Table {
    /// A table of these entries.
    pub fn new(entries: Map<String, Value>) -> Self {
        Self { entries }
    }

    /// The entries, as they were written.
    pub fn entries(&self) -> &Map<String, Value> {
        &self.entries
    }

    /// Every key by its small letters, or the fault of two keys that differ in nothing else.
    fn folded(&self, pointer: &str) -> Result<IndexMap<String, Value>, Fault> {
        let mut folded = IndexMap::new();
        for (key, value) in &self.entries {
            if folded.insert(key.to_lowercase(), value.clone()).is_some() {
                let detail = format!(
                    "two keys of the table differ only in case (`{}`); set `case_sensitive` to true or drop one",
                    crate::excerpt(key)
                );
                return Err(Fault::new(pointer, detail));
            }
        }
        Ok(folded)
    }

    /// The table from values to keys, if every value is a text that stands for one key.
    pub(super) fn flipped(&self) -> Option<Map<String, Value>> {
        let mut flipped = Map::new();
        for (key, value) in &self.entries {
            let value = value.as_str()?.to_owned();
            if flipped.insert(value, key.as_str().into()).is_some() {
                return None;
            }
        }
        Some(flipped)
    }
}

/// The lookup tables of a mapping, by name.
#[derive(Clone, Debug, Default)]
pub struct Tables(IndexMap<String, Arc<Table>>);

impl Tables {
    /// The tables as a mapping writes them: name to an object of entries.
    ///
    /// # Errors
    ///
    /// A table that is no object or has more than [`MAX_ENTRIES`], with a pointer such as `/countries`.
    pub fn read(tables: &Map<String, Value>) -> Result<Self, Vec<Fault>> {
        let mut read = IndexMap::new();
        let mut faults = Vec::new();
        for (name, table) in tables {
            let pointer = format!("/{}", crate::fault::pointer_step(name));
            match table {
                Value::Object(entries) if entries.len() <= MAX_ENTRIES => {
                    read.insert(name.clone(), Arc::new(Table::new(entries.clone())));
                }
                Value::Object(_) => {
                    let detail = format!("a lookup table has at most {MAX_ENTRIES} entries");
                    faults.push(Fault::new(pointer, detail));
                }
                _ => {
                    let detail =
                        "a lookup table is an object: what is looked up, and what it stands for";
                    faults.push(Fault::new(pointer, detail));
                }
            }
        }
        if faults.is_empty() {
            return Ok(Self(read));
        }
        Err(faults)
    }

    /// The table of this name.
    pub fn get(&self, name: &str) -> Option<Arc<Table>> {
        self.0.get(name).cloned()
    }

    /// The names, in the order written.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// What `lookup` and `map_values` have in common beside the table.
pub(super) const CASE_SENSITIVE: Parameter = Parameter::optional(
    "case_sensitive",
    Takes::Boolean,
    "whether `US` and `us` are two keys",
)
.or("true");

const TABLE: Parameter = Parameter::required(
    "table",
    Takes::TableOrName,
    "the name of one of the mapping's `lookup_tables`, or the table itself: an object",
);
const DEFAULT: Parameter = Parameter::optional(
    "default",
    Takes::Any,
    "what a value without an entry becomes; without it such a value is an error",
);

pub(super) static LOOKUP: Declaration = Declaration::new(
    "lookup",
    "Looks the value up in a table, and each value of a list.",
    compile,
)
.gives(Kind::Any)
.with(&[TABLE, DEFAULT, CASE_SENSITIVE])
.undone("the flipped table, when its entries are texts that differ and there is no `default`")
.shown(&[
    Example::new(
        r#"{"table": {"DE": "Germany", "FR": "France"}}"#,
        r#""DE""#,
        r#""Germany""#,
    ),
    Example::new(
        r#"{"table": {"de": "Germany"}, "case_sensitive": false, "default": "elsewhere"}"#,
        r#"["DE", "NZ"]"#,
        r#"["Germany", "elsewhere"]"#,
    ),
    Example::new(r#"{"table": {"1": true, "0": false}}"#, "1", "true"),
]);

fn compile(parameters: &Parameters<'_>) -> Result<Compiled, Fault> {
    looking(parameters, "table", "lookup", Missing::IsAnError)
}

/// What becomes of a value that the table has no entry for, when there is no default.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    IsAnError,
    Stays,
}

/// Looks values up in the table that this parameter gives.
pub(super) fn looking(
    parameters: &Parameters<'_>,
    table: &'static str,
    function: &'static str,
    missing: Missing,
) -> Result<Compiled, Fault> {
    let entries = parameters.table(table)?;
    let default = parameters.any("default").map(Cow::into_owned);
    let case_sensitive = parameters.flag("case_sensitive");
    let flipped = entries.flipped().filter(|_| default.is_none());
    let folded = if case_sensitive {
        None
    } else {
        Some(entries.folded(&format!("/{table}"))?)
    };
    let search = Search {
        entries,
        folded,
        default,
        missing,
    };
    let compiled = Compiled::value(move |value, _| match value.as_ref() {
        Value::Array(items) => {
            let found = items.iter().map(|item| search.of_list(item));
            found
                .collect::<Result<Vec<_>, _>>()
                .map(|found| Cow::Owned(Value::Array(found)))
        }
        one => search.one(one).map(Cow::Owned),
    });
    Ok(match flipped {
        None => compiled,
        Some(flipped) => compiled.undone_by(
            function,
            Map::from_iter([
                (table.to_owned(), Value::Object(flipped)),
                ("case_sensitive".to_owned(), case_sensitive.into()),
            ]),
        ),
    })
}

struct Search {
    entries: Arc<Table>,
    /// The entries by small letters, when case does not matter.
    folded: Option<IndexMap<String, Value>>,
    default: Option<Value>,
    missing: Missing,
}

impl Search {
    fn of_list(&self, item: &Value) -> Result<Value, FunctionError> {
        if item.is_null() {
            return Ok(Value::Null);
        }
        self.one(item)
    }

    fn one(&self, value: &Value) -> Result<Value, FunctionError> {
        let key = into_text(Cow::Borrowed(value))?;
        let found = match &self.folded {
            None => self.entries.entries.get(key.as_ref()),
            Some(folded) => folded.get(&key.to_lowercase()),
        };
        let stays = (self.missing == Missing::Stays).then_some(value);
        let found = found.or(self.default.as_ref()).or(stays);
        found.cloned().ok_or_else(|| not_in(&self.entries))
    }
}

fn not_in(table: &Table) -> FunctionError {
    const SHOWN: usize = 5;
    let keys = table
        .entries
        .keys()
        .take(SHOWN)
        .map(|key| crate::excerpt(key));
    let keys = keys.collect::<Vec<_>>().join("`, `");
    let more = if table.entries.len() > SHOWN {
        ", …"
    } else {
        ""
    };
    FunctionError::NotInTable(format!(
        "has no entry in the table (`{keys}`{more}); add one, or a `default`"
    ))
}
