//! Events that steps of triggers publish, as clients write and read them.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tieline_domain::{pattern::EventType, trigger::NewEvent};
use utoipa::ToSchema;

use super::fields::same_fields;

/// An event that a step publishes.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TriggerEvent {
    /// Its type.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    event_type: EventType,
    /// Its content: JSON with placeholders; `{}` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    data: Option<Value>,
    /// What it is about: text with placeholders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
}

same_fields!(TriggerEvent => NewEvent {
    event_type, data, subject
});
same_fields!(NewEvent => TriggerEvent {
    event_type, data, subject
});
