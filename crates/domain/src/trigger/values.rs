//! What templates of steps are rendered with.

use std::borrow::Cow;

use serde_json::{Value, json};
use tieline_mapping::template::{Name, Scope};

/// The root of names that lead into the event.
pub(super) const EVENT: &str = "event";
/// The root of names that lead to the outputs of earlier steps.
pub(super) const STEPS: &str = "steps";

/// What templates of steps are rendered with: the event, and the outputs of the steps before.
#[derive(Clone, Debug)]
pub struct Values(Value);

impl Values {
    /// The values before the first step.
    pub fn new(event: Value) -> Self {
        Self(json!({EVENT: event, STEPS: {}}))
    }

    /// Adds the output of a step, under its number and its name.
    pub fn add(&mut self, number: usize, name: &str, output: Value) {
        if let Some(steps) = self.0[STEPS].as_object_mut() {
            steps.insert(name.to_owned(), output.clone());
            steps.insert(number.to_string(), output);
        }
    }
}

impl Scope for Values {
    fn find(&self, name: &Name) -> Option<Cow<'_, Value>> {
        self.0.find(name)
    }
}

/// The values of a dry run: the outputs of steps, which are not taken, are shown as the placeholders that they are.
#[derive(Clone, Debug)]
pub struct Sample(Values);

impl Sample {
    /// The values of this event.
    pub fn new(event: Value) -> Self {
        Self(Values::new(event))
    }
}

impl Scope for Sample {
    fn find(&self, name: &Name) -> Option<Cow<'_, Value>> {
        if name.root() == STEPS {
            return Some(Cow::Owned(Value::String(format!("{{{{{name}}}}}"))));
        }
        self.0.find(name)
    }
}
