//! The functions that an expression may call.

use std::sync::{Arc, LazyLock};

use cel::common::types::{CelList, CelMap, CelMapKey, DYN_TYPE};
use cel::common::value::{CowVal, Val};
use cel::{Env, ExecutionError};

/// Puts what a loop goes over into one order: the keys of an object by the alphabet.
pub(super) const IN_ORDER: &str = "in_order@";

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
pub(super) const FUNCTIONS: [&str; 24] = [
    "size",
    "contains",
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
    Arc::new(environment)
});

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
