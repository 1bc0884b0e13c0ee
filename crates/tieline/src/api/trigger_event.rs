//! Events that steps of triggers publish, as clients write and read them.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tieline_domain::{pattern::EventType, trigger::NewEvent};
use utoipa::ToSchema;

/// An event that a step publishes.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TriggerEvent {
    /// Its type.
    #[schema(value_type = String)]
    r#type: EventType,
    /// Its content: JSON with placeholders; `{}` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    data: Option<Value>,
    /// What it is about: text with placeholders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
}

impl From<TriggerEvent> for NewEvent {
    fn from(event: TriggerEvent) -> Self {
        let TriggerEvent {
            r#type,
            data,
            subject,
        } = event;
        Self {
            event_type: r#type,
            data,
            subject,
        }
    }
}

impl From<NewEvent> for TriggerEvent {
    fn from(event: NewEvent) -> Self {
        let NewEvent {
            event_type,
            data,
            subject,
        } = event;
        Self {
            r#type: event_type,
            data,
            subject,
        }
    }
}
