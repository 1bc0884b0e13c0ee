//! The functions that an expression may call.

use std::any::Any;
use std::sync::{Arc, LazyLock};

use cel::common::types::{
    CelBool, CelList, CelMap, CelMapKey, CelString, DYN_TYPE, STRING_TYPE, Type,
};
use cel::common::value::{CowVal, StaticVal, Val};
use cel::{Env, ExecutionError};

use crate::pattern::Pattern;

/// Puts what a loop goes over into one order: the keys of an object by the alphabet.
pub(super) const IN_ORDER: &str = "in_order@";

/// Lets through what stands behind a `+`, unless it is an object: a list would take its keys in no particular order.
pub(super) const ADDEND: &str = "addend@";

/// Asks a compiled pattern.
pub(super) const MATCHES: &str = "matches@";

/// The name that a pattern is bound to; no source can write it.
pub(super) fn pattern_name(number: usize) -> String {
    format!("pattern@{number}")
}

/// The names of types, as in `type(value) == string`.
pub(super) const TYPES: [&str; 9] = [
    "bool",
    "bytes",
    "double",
    "int",
    "list",
    "map",
    "null_type",
    "string",
    "uint",
];

/// What may be called: the standard functions and those on text whose results are no larger than what they are
/// given. `has`, `all`, `exists`, `exists_one`, `map` and `filter` are gone when the tree is walked; they are here
/// to be named as the nearest.
pub(super) const FUNCTIONS: [&str; 25] = [
    "size",
    "contains",
    "matches",
    "startsWith",
    "endsWith",
    "int",
    "uint",
    "double",
    "string",
    "bool",
    "dyn",
    "type",
    "charAt",
    "indexOf",
    "lastIndexOf",
    "lowerAscii",
    "upperAscii",
    "trim",
    "split",
    "substring",
    "has",
    "all",
    "exists",
    "map",
    "filter",
];

/// What every evaluation shares.
pub(super) static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut environment = Env::stdlib();
    cel::extensions::strings(&mut environment).expect("declared once");
    environment
        .add_overload(IN_ORDER, IN_ORDER, vec![DYN_TYPE], in_order)
        .expect("declared once");
    environment
        .add_overload(ADDEND, ADDEND, vec![DYN_TYPE], addend)
        .expect("declared once");
    environment
        .add_overload(MATCHES, MATCHES, vec![STRING_TYPE, DYN_TYPE], matches)
        .expect("declared once");
    Arc::new(environment)
});

/// A pattern as a value, which only [`MATCHES`] can do anything with.
#[derive(Clone, Debug)]
pub(super) struct PatternValue(pub(super) Arc<Pattern>);

static PATTERN_TYPE: Type = Type::new_unspecified_type("pattern");

impl Val for PatternValue {
    fn get_type(&self) -> &Type {
        &PATTERN_TYPE
    }

    fn cel_type() -> &'static Type {
        &PATTERN_TYPE
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v> {
        Box::new(self.clone())
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl StaticVal for PatternValue {}

fn matches<'b, 'v>(values: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let text = values
        .first()
        .and_then(|text| text.downcast_ref::<CelString<'v>>());
    let pattern = values
        .get(1)
        .and_then(|pattern| pattern.downcast_ref::<PatternValue>());
    let (Some(text), Some(PatternValue(pattern))) = (text, pattern) else {
        return Err(ExecutionError::invalid_argument_count(2, values.len()));
    };
    let found = pattern.is_match(text.inner());
    let found = found.map_err(|error| ExecutionError::function_error("matches", error))?;
    Ok(CowVal::owned(CelBool::from(found)))
}

fn addend<'b, 'v>(mut values: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let Some(value) = values.pop() else {
        return Err(ExecutionError::invalid_argument_count(1, 0));
    };
    if value.downcast_ref::<CelMap<'v>>().is_none() {
        return Ok(value);
    }
    Err(ExecutionError::UnexpectedType {
        got: "map".to_owned(),
        want: "something that can be added".to_owned(),
    })
}

fn in_order<'b, 'v>(mut values: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let Some(range) = values.pop() else {
        return Err(ExecutionError::invalid_argument_count(1, 0));
    };
    let Some(map) = range.downcast_ref::<CelMap<'v>>() else {
        return Ok(range);
    };
    let mut keys: Vec<CelMapKey<'v>> = map.inner().keys().cloned().collect();
    keys.sort_by_cached_key(|key| match key {
        CelMapKey::String(text) => (1, 0, text.inner().to_owned()),
        CelMapKey::Int(number) => (0, i128::from(*number.inner()), String::new()),
        CelMapKey::UInt(number) => (0, i128::from(*number.inner()), String::new()),
        CelMapKey::Bool(truth) => (2, i128::from(*truth.inner()), String::new()),
    });
    let keys = keys.into_iter().map(|key| key.inner().clone_as_boxed());
    let keys: Vec<Box<dyn Val + 'v>> = keys.collect();
    Ok(CowVal::owned(CelList::from(keys)))
}
