//! Comparing JSON values: numbers exactly, texts by code point, nothing across types.

use std::cmp::Ordering;

use serde_json::{Number, Value};

use super::Order;

/// 2^64: every whole number of JSON that is kept as such lies below it and above its negative.
const BEYOND_INTEGERS: f64 = 18_446_744_073_709_551_616.0;

/// Whether two scalars are equal; `1` equals `1.0`, and `"1"` does not equal `1`.
pub(super) fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => numbers(a, b) == Some(Ordering::Equal),
        _ => a == b,
    }
}

/// How `a` stands to `b`: two numbers or two texts; `None` for anything else.
pub(super) fn order(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => numbers(a, b),
        // UTF-8 sorts as its code points do.
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

impl Order {
    pub(super) fn allows(self, ordering: Ordering) -> bool {
        match self {
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
        }
    }
}

fn numbers(a: &Number, b: &Number) -> Option<Ordering> {
    match (whole(a), whole(b)) {
        (Some(a), Some(b)) => Some(a.cmp(&b)),
        (Some(a), None) => whole_to_float(a, b.as_f64()?),
        (None, Some(b)) => whole_to_float(b, a.as_f64()?).map(Ordering::reverse),
        (None, None) => a.as_f64()?.partial_cmp(&b.as_f64()?),
    }
}

fn whole(number: &Number) -> Option<i128> {
    let signed = number.as_i64().map(i128::from);
    signed.or_else(|| number.as_u64().map(i128::from))
}

/// How a whole number stands to a float, without rounding either.
fn whole_to_float(whole: i128, float: f64) -> Option<Ordering> {
    if float.is_nan() {
        return None;
    }
    if float.abs() >= BEYOND_INTEGERS {
        return Some(if float > 0.0 {
            Ordering::Less
        } else {
            Ordering::Greater
        });
    }
    // Below 2^64 the whole part of a float fits, exactly.
    let floor = float.floor();
    let beside = whole.cmp(&(floor as i128));
    Some(beside.then(if float > floor {
        Ordering::Less
    } else {
        Ordering::Equal
    }))
}
