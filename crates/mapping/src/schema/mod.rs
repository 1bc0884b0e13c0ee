//! JSON Schema 2020-12, bounded: a schema is compiled once, and costs no more than its [`guard`] allows.

pub mod guard;
mod pattern;

use std::fmt;

use jsonschema::{Draft, PatternOptions, ValidationError, Validator};
use serde_json::Value;

/// The most faults that one validation tells.
pub const MAX_FAULTS: usize = 20;
/// What a compiled pattern may take, in bytes.
const PATTERN_BYTES: usize = 256 * 1_024;
/// What one validation may cost: the weight of the schema times the bytes of the document.
const BUDGET: usize = 1 << 28;

/// What is wrong with a schema, or with a document that it describes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// JSON Pointer (RFC 6901) to the place.
    pub pointer: String,
    /// What is wrong there, in a sentence.
    pub detail: String,
}

impl Fault {
    fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            detail: detail.into(),
        }
    }
}

/// A compiled schema.
pub struct Schema {
    validator: Validator,
    weight: usize,
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schema")
            .field("weight", &self.weight)
            .finish_non_exhaustive()
    }
}

impl Schema {
    /// Compiles a schema, or says what is wrong with it. Nothing is ever fetched; patterns are those of
    /// [`crate::pattern`], and those of `patternProperties` of an engine whose time is linear in the text,
    /// without look-around and back-references.
    pub fn compile(schema: &Value) -> Result<Self, Vec<Fault>> {
        let weight = guard::weigh(schema)?;
        let options = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .should_validate_formats(true)
            .with_keyword("pattern", pattern::keyword)
            .with_pattern_options(
                PatternOptions::regex()
                    .size_limit(PATTERN_BYTES)
                    .dfa_size_limit(PATTERN_BYTES),
            )
            .offline();
        let validator = options.build(schema).map_err(|error| vec![fault(&error)])?;
        Ok(Self { validator, weight })
    }

    /// What is wrong with `document`, which is `bytes` long as text: at most [`MAX_FAULTS`]. A document that
    /// would cost too much to check is refused as a whole.
    pub fn faults(&self, document: &Value, bytes: usize) -> Vec<Fault> {
        if self.weight.saturating_mul(bytes) > BUDGET {
            let most = BUDGET / self.weight;
            let detail =
                format!("has {bytes} bytes; a schema as large as this one takes at most {most}");
            return vec![Fault::new("", detail)];
        }
        let errors = self.validator.iter_errors(document);
        errors.take(MAX_FAULTS).map(|error| fault(&error)).collect()
    }
}

/// The fault without the faulty value, which may be as large as the document.
fn fault(error: &ValidationError<'_>) -> Fault {
    let place = error.instance_path().to_string();
    Fault::new(place, error.masked_with("the value").to_string())
}

#[cfg(test)]
mod tests;
