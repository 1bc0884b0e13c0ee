//! Triggers as clients write and read them.

#![expect(
    unused_qualifications,
    reason = "the derived schema of a step names the type of its event in full"
)]

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::{Value, json};
use tieline_domain::{
    SubscriptionId, Timestamp,
    pattern::Pattern,
    trigger::{Status, Step, Trigger},
};
use tieline_store::documents::Document;
use utoipa::{
    ToSchema,
    openapi::{
        RefOr, Schema,
        schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Type},
    },
};

use super::{document::content, problem::Problem, trigger_event::TriggerEvent};

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

/// One pattern or several.
#[derive(Debug)]
struct Patterns(Vec<Pattern>);

impl<'de> Deserialize<'de> for Patterns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Patterns;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an event type, a pattern such as `order.*`, or a list of them")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Patterns, E> {
                let pattern = text.parse().map_err(E::custom)?;
                Ok(Patterns(vec![pattern]))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Patterns, A::Error> {
                let mut patterns = Vec::new();
                while let Some(pattern) = list.next_element()? {
                    patterns.push(pattern);
                }
                Ok(Patterns(patterns))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

fn patterns_schema() -> RefOr<Schema> {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let list = ArrayBuilder::new().items(text());
    let either = OneOfBuilder::new()
        .item(text())
        .item(list)
        .description(Some(
            "Which events start it: a type, a pattern such as `order.*`, or a list of them",
        ))
        .examples([json!("order.paid"), json!(["order.*", "invoice.paid"])]);
    Schema::from(either.build()).into()
}

impl From<NewTrigger> for Trigger {
    fn from(new: NewTrigger) -> Self {
        let NewTrigger {
            name,
            description,
            event: Patterns(event),
            condition,
            steps,
            status,
        } = new;
        Self {
            name,
            description,
            event,
            condition,
            steps: steps.into_iter().map(Into::into).collect(),
            status,
        }
    }
}

impl From<TriggerStep> for Step {
    fn from(step: TriggerStep) -> Self {
        let TriggerStep {
            name,
            action,
            input,
            agent,
            message,
            conversation_key,
            event,
            webhook,
        } = step;
        Self {
            name,
            action,
            input,
            agent,
            message,
            conversation_key,
            event: event.map(Into::into),
            webhook,
        }
    }
}

impl From<Step> for TriggerStep {
    fn from(step: Step) -> Self {
        let Step {
            name,
            action,
            input,
            agent,
            message,
            conversation_key,
            event,
            webhook,
        } = step;
        Self {
            name,
            action,
            input,
            agent,
            message,
            conversation_key,
            event: event.map(Into::into),
            webhook,
        }
    }
}

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
