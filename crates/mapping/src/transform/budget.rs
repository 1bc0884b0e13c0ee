//! How much a transform may copy out of one payload.

use serde_json::Value;

/// What any transform may copy, in units of [`weigh`].
const FREE: usize = 64 * 1024;
/// How many times over the payload may be copied when it is larger than that.
const COPIES: usize = 4;

/// The weight that may still be copied.
pub(super) struct Budget<'a> {
    left: usize,
    /// Weighed only when what is free is spent: most payloads never are.
    document: Option<&'a Value>,
}

impl<'a> Budget<'a> {
    pub(super) fn for_document(document: &'a Value) -> Self {
        Self {
            left: FREE,
            document: Some(document),
        }
    }

    /// A copy of the value, if the budget allows one.
    pub(super) fn copy(&mut self, value: &Value) -> Option<Value> {
        if weigh(value, self.left).is_none() {
            let document = self.document.take()?;
            let whole = usize::MAX / COPIES - self.left;
            self.left += COPIES * weigh(document, whole)?;
        }
        self.left -= weigh(value, self.left)?;
        Some(value.clone())
    }
}

/// One for each value and for each byte of text, at most what the payload has bytes; `None` as soon
/// as it passes `limit`, so that the work is bounded by the limit too.
pub(crate) fn weigh(value: &Value, limit: usize) -> Option<usize> {
    let mut left = limit.checked_sub(1)?;
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
        Value::String(text) => left = left.checked_sub(text.len())?,
        Value::Array(items) => {
            for item in items {
                left -= weigh(item, left)?;
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                left = left.checked_sub(name.len())?;
                left -= weigh(field, left)?;
            }
        }
    }
    Some(limit - left)
}
