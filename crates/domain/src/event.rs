//! Events: immutable facts on a tenant's log, with CloudEvents attributes.

use std::sync::Arc;

use crate::{EventId, TenantId, Timestamp, pattern::EventType, signature::Trust};

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// The tenant on whose log it stands.
    pub tenant_id: TenantId,
    /// What kind of thing happened.
    pub event_type: EventType,
    /// Where it came from (CloudEvents `source`), such as `/sources/wh_in_…` or `/v1/events`.
    pub source: Arc<str>,
    /// What it is about (CloudEvents `subject`).
    pub subject: Option<Arc<str>>,
    /// When it happened.
    pub time: Timestamp,
    /// Its content: JSON text, kept as it was received, so that no digit is lost.
    pub data: Arc<str>,
    /// The event whose outcome caused this one.
    pub cause_id: Option<EventId>,
    /// The trace it belongs to: 32 hex digits (W3C Trace Context).
    pub trace_id: Arc<str>,
    /// How much the request that it came with proved; `None` if it did not come through a source.
    pub trust: Option<Trust>,
}

/// The event types that Tieline itself publishes about the spine.
pub mod types {
    /// A source accepted a request.
    pub const WEBHOOK_RECEIVED: &str = "webhook.received";
    /// A source's transform found no message in a request.
    pub const TRANSFORM_FAILED: &str = "transform.failed";
    /// A delivery failed its last attempt.
    pub const DELIVERY_DEAD_LETTERED: &str = "delivery.dead_lettered";
    /// A destination's health changed.
    pub const STATUS_CHANGED: &str = "integration.status_changed";
    /// A subscription was ended: by its receiver (410), or by hand.
    pub const SUBSCRIPTION_DISABLED: &str = "subscription.disabled";
    /// A job did all that was asked for.
    pub const JOB_COMPLETED: &str = "job.completed";
    /// A job ended by a fault before all was done.
    pub const JOB_FAILED: &str = "job.failed";
    /// A conversation has begun.
    pub const CONVERSATION_STARTED: &str = "conversation.started";
    /// Someone said something to an agent.
    pub const USER_MESSAGE: &str = "user.message";
    /// An agent, or a person in its place, has answered.
    pub const AGENT_RESPONSE: &str = "agent.response";
    /// A conversation was handed to a person.
    pub const CONVERSATION_ESCALATED: &str = "conversation.escalated";
    /// People are called in.
    pub const ESCALATION_TRIGGERED: &str = "escalation.triggered";
    /// A conversation is over.
    pub const CONVERSATION_COMPLETED: &str = "conversation.completed";
    /// A turn brought no answer.
    pub const TURN_FAILED: &str = "turn.failed";
    /// A turn that waited goes on.
    pub const TURN_RESUMED: &str = "turn.resumed";
    /// A tool call waits for a person's consent.
    pub const APPROVAL_REQUESTED: &str = "approval.requested";
    /// What an agent is was changed.
    pub const AGENT_UPDATED: &str = "agent.updated";
    /// An action is to be run in the background.
    pub const ACTION_REQUESTED: &str = "action.requested";
    /// A trigger is to be run by hand.
    pub const TRIGGER_REQUESTED: &str = "trigger.requested";
    /// What a test send delivers; never stored.
    pub const WEBHOOK_TEST: &str = "webhook.test";
}

/// Whether events of this type tell of deliveries. Their own failures cause no further events, or
/// two dead receivers would feed each other for ever.
pub fn is_about_deliveries(event_type: &EventType) -> bool {
    [
        types::DELIVERY_DEAD_LETTERED,
        types::STATUS_CHANGED,
        types::SUBSCRIPTION_DISABLED,
    ]
    .contains(&event_type.as_str())
}
