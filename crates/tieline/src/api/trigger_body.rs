//! Triggers as clients write and read them.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tieline_domain::{
    SubscriptionId, Timestamp,
    pattern::Pattern,
    trigger::{Status, Step, Trigger},
};
use tieline_store::documents::Document;
use utoipa::ToSchema;

use super::{
    document::content,
    fields::same_fields,
    problem::Problem,
    trigger_event::TriggerEvent,
    trigger_patterns::{Patterns, patterns_schema},
};

/// What a trigger is made from.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "escalate-large-orders", "event": "order.paid", "condition": "event.data.total > 1000", "do": [{"name": "ticket", "action": "create_support_ticket", "input": {"subject": "Large order {{event.data.id}}", "customer_email": "{{event.data.email}}"}}, {"event": {"type": "order.escalated", "subject": "order/{{event.data.id}}", "data": {"ticket_id": "{{steps.ticket.ticket_id}}"}}}]}))]
pub struct NewTrigger {
    /// Its name, unique among your triggers: it can stand in place of the id. At most 100 characters.
    #[serde(default)]
    name: Option<String>,
    /// What it is for: at most 500 characters.
    #[serde(default)]
    description: Option<String>,
    /// Which events start it: a type, a pattern such as `order.*`, or a list of them.
    #[schema(schema_with = patterns_schema)]
    event: Patterns,
    /// Which of these events: a CEL expression over `event` (`id`, `type`, `source`, `subject`, `time`, `data`) such as
    /// `event.data.total > 100`, or a filter as webhooks have it. What is absent meets no condition.
    #[serde(default)]
    #[schema(value_type = Option<Value>, example = "event.data.total > 100")]
    condition: Option<Value>,
    /// What is done, one after the other: 1 to 20 steps.
    #[serde(rename = "do")]
    steps: Vec<TriggerStep>,
    /// `active` (the default), or `disabled`: events do not start it.
    #[serde(default)]
    #[schema(value_type = String)]
    status: Status,
}

/// One step of a trigger: exactly one of `action`, `agent`, `event` and `webhook`. In templates, `{{event.…}}` leads into
/// the event, and `{{steps[0].…}}` or `{{steps.NAME.…}}` into the output of an earlier step.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TriggerStep {
    /// The name by which later steps use its output: a letter, then letters, digits, `_` and `-`, at most 64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// The name or the id of an action to run. Its output is the action's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    action: Option<String>,
    /// What the action is run with: an object with placeholders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    input: Option<Value>,
    /// The id of an agent to tell something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    agent: Option<String>,
    /// What the agent is told: text with placeholders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// What keeps messages to the agent in one conversation: text with placeholders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    conversation_key: Option<String>,
    /// An event to publish. Its output is `{"event_id"}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event: Option<TriggerEvent>,
    /// A webhook to deliver the event to that started the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    webhook: Option<SubscriptionId>,
}

/// A trigger.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": "trg_01kb3f9z5qf8m9w2v7x4t6n0hm", "name": "escalate-large-orders", "description": null, "event": ["order.paid"], "condition": "event.data.total > 1000", "do": [{"name": "ticket", "action": "create_support_ticket", "input": {"subject": "Large order {{event.data.id}}"}}], "status": "active", "created_at": "2026-11-22T10:00:00.000Z", "updated_at": "2026-11-22T10:00:00.000Z"}))]
pub struct TriggerView {
    /// Its id.
    id: String,
    /// Its name.
    name: Option<String>,
    /// What it is for.
    description: Option<String>,
    /// Which events start it.
    #[schema(value_type = Vec<String>)]
    event: Vec<Pattern>,
    /// Which of these events; null for all.
    #[schema(value_type = Option<Value>)]
    condition: Option<Value>,
    /// What is done.
    #[serde(rename = "do")]
    steps: Vec<TriggerStep>,
    /// `active` or `disabled`.
    #[schema(value_type = String)]
    status: Status,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

same_fields!(NewTrigger => Trigger {
    name, description, event: event.0, condition, status,
    steps: steps.into_iter().map(Into::into).collect(),
});

same_fields!(TriggerStep => Step {
    name, action, input, agent, message, conversation_key, event: event.map(Into::into), webhook
});

same_fields!(Step => TriggerStep {
    name, action, input, agent, message, conversation_key, event: event.map(Into::into), webhook
});

impl TriggerView {
    /// What a document says.
    pub(super) fn of(document: Document) -> Result<Self, Problem> {
        let Trigger {
            name,
            description,
            event,
            condition,
            steps,
            status,
        } = content(&document)?;
        Ok(Self {
            id: document.id,
            name,
            description,
            event,
            condition,
            steps: steps.into_iter().map(Into::into).collect(),
            status,
            created_at: document.created_at,
            updated_at: document.updated_at,
        })
    }
}
