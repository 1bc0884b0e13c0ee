//! The keyword `pattern`, read as JavaScript reads it: JSON Schema names ECMA-262 as its dialect of regular
//! expressions (2020-12, core 6.4), and that is what people write.

use jsonschema::{Keyword, ValidationError, paths::Location};
use serde_json::{Map, Value};

use crate::pattern::Pattern;

/// Reads the keyword.
pub(super) fn keyword<'a>(
    _: &'a Map<String, Value>,
    value: &'a Value,
    _: Location,
) -> Result<Box<dyn for<'i> Keyword<'i>>, ValidationError<'a>> {
    let Value::String(source) = value else {
        return Err(ValidationError::custom("must be a string"));
    };
    let pattern =
        Pattern::compile(source).map_err(|fault| ValidationError::custom(fault.detail))?;
    Ok(Box::new(OfPattern(pattern)))
}

struct OfPattern(Pattern);

impl<'i> Keyword<'i> for OfPattern {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        let Value::String(text) = instance else {
            return Ok(());
        };
        let source = self.0.source();
        match self.0.is_match(text) {
            Ok(true) => Ok(()),
            Ok(false) => {
                let detail = format!("the value does not match \"{source}\"");
                Err(ValidationError::custom(detail))
            }
            Err(too_hard) => Err(ValidationError::custom(too_hard.to_string())),
        }
    }

    fn is_valid(&self, instance: &'i Value) -> bool {
        self.validate(instance).is_ok()
    }
}
