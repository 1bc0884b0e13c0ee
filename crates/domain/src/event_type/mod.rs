//! The catalogue of event types: what the content of an event of each type looks like.
//!
//! The types that Tieline publishes itself stand in `own.json`; a tenant adds its own.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tieline_mapping::schema::{Fault, Schema};

use crate::Violation;

/// The longest example, in bytes of JSON.
pub const MAX_EXAMPLE: usize = 64 * 1_024;

/// What a tenant says of an event type, and how it is kept; its name is the name of the document.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// When it happens, for people: at most 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What its content looks like: JSON Schema 2020-12; anything if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    /// An example of its content, which fits the schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub example: Option<Value>,
    /// What happens to an event whose content does not fit.
    #[serde(default)]
    pub validate: Validate,
}

/// What happens to a published event whose content does not fit its schema.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Validate {
    /// Nothing: the schema is documentation.
    #[default]
    Off,
    /// It is refused, and with it the whole publication.
    Reject,
}

impl Definition {
    /// Everything that is wrong with it.
    pub fn violations(&self) -> Vec<Violation> {
        let mut found = Vec::new();
        if self.validate == Validate::Reject && self.schema.is_none() {
            let detail = "there is nothing to validate with: give a `schema`, or `off`";
            found.push(Violation::new("/validate", detail));
        }
        let bytes = self.example.as_ref().map_or(0, |e| e.to_string().len());
        if bytes > MAX_EXAMPLE {
            let detail =
                format!("an example has at most {MAX_EXAMPLE} bytes, this one has {bytes}");
            found.push(Violation::new("/example", detail));
            return found;
        }
        let schema = self.schema.as_ref().map(Schema::compile).transpose();
        match (schema, &self.example) {
            (Err(faults), _) => found.extend(under("/schema", faults)),
            (Ok(Some(schema)), Some(example)) => {
                found.extend(under("/example", schema.faults(example, bytes)));
            }
            (Ok(_), _) => {}
        }
        found
    }

    /// What checks published events; `None` if nothing does.
    pub fn validator(&self) -> Result<Option<Schema>, Vec<Violation>> {
        let schema = self.schema.as_ref();
        let wanted = schema.filter(|_| self.validate == Validate::Reject);
        let compiled = wanted.map(Schema::compile).transpose();
        compiled.map_err(|faults| under("/schema", faults).collect())
    }
}

fn under(place: &str, faults: Vec<Fault>) -> impl Iterator<Item = Violation> {
    faults.into_iter().map(move |fault| {
        let Fault { pointer, detail } = fault;
        Violation::new(pointer, detail).under(place)
    })
}

/// What is wrong with the content of a published event, with pointers below `/data`.
pub fn violations(schema: &Schema, data: &str) -> Vec<Violation> {
    match serde_json::from_str(data) {
        Ok(value) => under("/data", schema.faults(&value, data.len())).collect(),
        Err(error) => vec![Violation::new("/data", format!("cannot be read: {error}"))],
    }
}

/// A type that Tieline publishes itself.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnType {
    /// Its name.
    pub name: String,
    /// When it happens.
    pub description: String,
    /// What its content looks like: JSON Schema 2020-12.
    pub schema: Value,
    /// An example of its content.
    pub example: Value,
    /// Whether tenants may publish it too: what happens in conversations that are held elsewhere.
    #[serde(default)]
    pub also_yours: bool,
}

/// The types that only Tieline publishes: they tell what became of webhooks and deliveries.
pub static OWN: LazyLock<Vec<OwnType>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("own.json")).expect("a test reads the file")
});

/// The type of Tieline's own with this name.
pub fn own(name: &str) -> Option<&'static OwnType> {
    OWN.iter().find(|own| own.name == name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{event::types, pattern::EventType};

    #[test]
    fn every_own_type_is_described_and_its_example_fits() {
        for name in [
            types::WEBHOOK_RECEIVED,
            types::TRANSFORM_FAILED,
            types::DELIVERY_DEAD_LETTERED,
            types::STATUS_CHANGED,
            types::SUBSCRIPTION_DISABLED,
            types::WEBHOOK_TEST,
            types::CONVERSATION_STARTED,
            types::USER_MESSAGE,
            types::AGENT_RESPONSE,
            types::CONVERSATION_ESCALATED,
            types::ESCALATION_TRIGGERED,
            types::CONVERSATION_COMPLETED,
            types::TURN_FAILED,
            types::TURN_RESUMED,
            types::APPROVAL_REQUESTED,
            types::AGENT_UPDATED,
        ] {
            assert!(own(name).is_some(), "{name}");
        }
        for own in OWN.iter() {
            let OwnType {
                name,
                description,
                schema,
                example,
                also_yours: _,
            } = own;
            assert!(name.parse::<EventType>().is_ok(), "{name}");
            assert!(description.ends_with('.'), "{name}");
            let definition = Definition {
                schema: Some(schema.clone()),
                example: Some(example.clone()),
                ..Definition::default()
            };
            assert_eq!(definition.violations(), [], "{name}");
        }
    }

    #[test]
    fn faults_say_where_they_are() {
        let rows = [
            (json!({}), None),
            (json!({"schema": true, "validate": "reject"}), None),
            (json!({"example": 1}), None),
            (json!({"validate": "reject"}), Some("/validate")),
            (json!({"schema": {"type": "nothing"}}), Some("/schema/type")),
            (
                json!({"schema": {"$ref": "https://example.com"}}),
                Some("/schema/$ref"),
            ),
            (
                json!({"schema": {"properties": {"n": {"type": "integer"}}}, "example": {"n": "1"}}),
                Some("/example/n"),
            ),
            (
                json!({"example": "x".repeat(MAX_EXAMPLE)}),
                Some("/example"),
            ),
        ];
        for (definition, pointer) in rows {
            let parsed: Definition = serde_json::from_value(definition.clone()).unwrap();
            let violations = parsed.violations();
            let first = violations.first().map(|violation| &*violation.pointer);
            assert_eq!(first, pointer, "{definition}: {violations:?}");
        }
    }
}
