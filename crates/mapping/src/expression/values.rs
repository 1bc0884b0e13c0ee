//! JSON as values of CEL and back: whole numbers, fractions, texts, null, lists and objects keep what they are.

use std::collections::HashMap;

use cel::common::types::{
    CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString, CelUInt,
};
use cel::common::value::Val;
use serde_json::{Map, Number, Value};

use super::error::{Error, type_name};
use super::reads::Reads;

/// What an expression may read of its variables, in bytes of text plus one for each value.
pub const MAX_INPUT: usize = 1 << 20;
/// What may come out, in bytes of text plus eight for each value.
pub const MAX_OUTPUT: usize = 256 * 1_024;
/// Levels of a result.
const MAX_DEPTH: usize = 64;

/// What was read so far.
#[derive(Default)]
pub(super) struct Weight(usize);

impl Weight {
    fn add(&mut self, bytes: usize) -> Result<(), Error> {
        self.0 += bytes + 1;
        if self.0 > MAX_INPUT {
            return Err(Error::InputTooLarge);
        }
        Ok(())
    }
}

/// The parts of a value that are read, as a value of CEL that borrows its texts.
pub(super) fn to_cel<'v>(
    value: &'v Value,
    reads: &Reads,
    weight: &mut Weight,
) -> Result<Box<dyn Val + 'v>, Error> {
    let Value::Object(members) = value else {
        return whole(value, weight);
    };
    if reads.whole {
        return whole(value, weight);
    }
    let mut map: HashMap<CelMapKey<'v>, Box<dyn Val + 'v>> = HashMap::new();
    for (name, below) in &reads.members {
        if let Some((name, member)) = members.get_key_value(name) {
            map.insert(
                CelMapKey::from(name.as_str()),
                to_cel(member, below, weight)?,
            );
        }
    }
    Ok(Box::new(CelMap::from(map)))
}

fn whole<'v>(value: &'v Value, weight: &mut Weight) -> Result<Box<dyn Val + 'v>, Error> {
    weight.add(0)?;
    Ok(match value {
        Value::Null => Box::new(CelNull),
        Value::Bool(truth) => Box::new(CelBool::from(*truth)),
        Value::Number(number) => of_number(number),
        Value::String(text) => {
            weight.add(text.len())?;
            Box::new(CelString::from(text.as_str()))
        }
        Value::Array(items) => {
            let items = items.iter().map(|item| whole(item, weight));
            Box::new(CelList::from(items.collect::<Result<Vec<_>, _>>()?))
        }
        Value::Object(members) => {
            let mut map: HashMap<CelMapKey<'v>, Box<dyn Val + 'v>> = HashMap::new();
            for (name, member) in members {
                weight.add(name.len())?;
                map.insert(CelMapKey::from(name.as_str()), whole(member, weight)?);
            }
            Box::new(CelMap::from(map))
        }
    })
}

fn of_number<'v>(number: &Number) -> Box<dyn Val + 'v> {
    if let Some(number) = number.as_i64() {
        Box::new(CelInt::from(number))
    } else if let Some(number) = number.as_u64() {
        Box::new(CelUInt::from(number))
    } else {
        Box::new(CelDouble::from(number.as_f64().unwrap_or(f64::NAN)))
    }
}

/// A result as JSON, the members of objects by the alphabet.
pub(super) fn to_json(result: &dyn Val) -> Result<Value, Error> {
    let mut left = MAX_OUTPUT;
    written(result, 0, &mut left)
}

fn written(value: &dyn Val, depth: usize, left: &mut usize) -> Result<Value, Error> {
    if depth > MAX_DEPTH {
        return Err(Error::OutputTooLarge);
    }
    take(left, 8)?;
    if let Some(text) = value.downcast_ref::<CelString<'_>>() {
        take(left, text.inner().len())?;
        return Ok(text.inner().into());
    }
    if let Some(list) = value.downcast_ref::<CelList<'_>>() {
        let items = list.inner().iter();
        return items
            .map(|item| written(item.as_ref(), depth + 1, left))
            .collect();
    }
    if let Some(map) = value.downcast_ref::<CelMap<'_>>() {
        let mut members = Vec::with_capacity(map.inner().len());
        for (key, member) in map.inner() {
            let name = key_text(key);
            take(left, name.len())?;
            members.push((name, written(member.as_ref(), depth + 1, left)?));
        }
        members.sort_by(|(a, _), (b, _)| a.cmp(b));
        return Ok(Value::Object(Map::from_iter(members)));
    }
    scalar(value)
}

fn scalar(value: &dyn Val) -> Result<Value, Error> {
    if let Some(truth) = value.downcast_ref::<CelBool>() {
        return Ok((*truth.inner()).into());
    }
    if let Some(number) = value.downcast_ref::<CelInt>() {
        return Ok((*number.inner()).into());
    }
    if let Some(number) = value.downcast_ref::<CelUInt>() {
        return Ok((*number.inner()).into());
    }
    if let Some(number) = value.downcast_ref::<CelDouble>() {
        let number = Number::from_f64(*number.inner());
        let no_number = || Error::NoJson("not a finite number".to_owned());
        return number.map(Value::Number).ok_or_else(no_number);
    }
    if value.downcast_ref::<CelNull>().is_some() {
        return Ok(Value::Null);
    }
    Err(Error::NoJson(type_name(value)))
}

fn take(left: &mut usize, bytes: usize) -> Result<(), Error> {
    *left = left.checked_sub(bytes).ok_or(Error::OutputTooLarge)?;
    Ok(())
}

fn key_text(key: &CelMapKey<'_>) -> String {
    match key {
        CelMapKey::String(text) => text.inner().to_owned(),
        CelMapKey::Int(number) => number.inner().to_string(),
        CelMapKey::UInt(number) => number.inner().to_string(),
        CelMapKey::Bool(truth) => truth.inner().to_string(),
    }
}
