//! The events that tell of conversations (facts: platform-apis 4).

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tieline_domain::{
    ConversationId, EventId, MessageId, TenantId, Timestamp, TurnId,
    clock::Clock,
    conversation::{self, Approval, Conversation, Message, Turn},
    event::types,
    filter::Document,
};
use tieline_store::spine::Entry;

use crate::{
    publish::{NewEvent, Owed, mint, own_type, told},
    registry::{self, OpenAgent, Registry},
};

/// Makes events with what they are owed, to be written with what they tell of.
#[derive(Clone)]
pub struct Teller {
    clock: Clock,
    registry: Registry,
}

/// In whose conversation something happens, and in which trace.
#[derive(Clone, Copy)]
pub struct About<'a> {
    /// The tenant.
    pub tenant: TenantId,
    /// The agent.
    pub agent: &'a OpenAgent,
    /// The conversation.
    pub conversation: ConversationId,
    /// The trace.
    pub trace_id: &'a str,
    /// The event that led to it.
    pub cause: Option<EventId>,
}

/// What an agent is told: a message, or that a turn goes on.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Cue {
    pub(super) conversation_id: ConversationId,
    pub(super) agent_id: String,
    /// The message, for `user.message`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) message_id: Option<MessageId>,
    /// The turn, for `turn.resumed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) turn_id: Option<TurnId>,
    #[serde(default)]
    pub(super) content: String,
    #[serde(default)]
    pub(super) channel: Option<String>,
    #[serde(default)]
    pub(super) user_id: Option<String>,
    #[serde(default)]
    pub(super) user_email: Option<String>,
    #[serde(default)]
    pub(super) metadata: Map<String, Value>,
    /// What keeps messages from one place together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) conversation_key: Option<String>,
}

/// The content of `user.message`.
pub(super) fn user_message(
    agent: &OpenAgent,
    conversation: &Conversation,
    message: &Message,
) -> Value {
    let about = &conversation.about;
    let mut data = json!({
        "conversation_id": conversation.id,
        "agent_id": agent.handle,
        "message_id": message.id,
        "content": message.content,
        "channel": about.channel,
        "user_id": about.user_id,
        "user_email": about.user_email,
        "metadata": message.metadata,
    });
    if let Some(key) = &conversation.key {
        data["conversation_key"] = key.as_str().into();
    }
    data
}

/// To whom a message of this conversation is owed: its agent, after what was said before.
pub(super) fn owed(agent: &OpenAgent, conversation: ConversationId) -> Owed {
    Owed {
        to: agent.id.into(),
        ordering_key: Some(conversation.to_string().into()),
    }
}

impl Teller {
    /// A teller of this clock and these destinations.
    pub fn new(clock: Clock, registry: Registry) -> Self {
        Self { clock, registry }
    }

    async fn tell(
        &self,
        about: About<'_>,
        kind: &'static str,
        data: &Value,
        to_agent: bool,
    ) -> Result<Entry, registry::Error> {
        let new = NewEvent {
            event_type: own_type(kind),
            source: format!("/v1/conversations/{}", about.conversation).into(),
            subject: Some(about.conversation.to_string().into()),
            data: data.to_string().into(),
            trace_id: about.trace_id.into(),
            trust: None,
            owed: None,
        };
        let event = mint(&self.clock, about.tenant, new, about.cause);
        let routes = self.registry.routes(about.tenant).await?;
        let wanting: Vec<_> = routes.wanting(&Document::of(&event)).collect();
        let owed = to_agent
            .then(|| routes.get(about.agent.id))
            .flatten()
            .map(|route| (&**route, owed(about.agent, about.conversation).ordering_key));
        Ok(told(&self.clock, event, wanting.into_iter(), owed))
    }

    /// A conversation has begun.
    pub(super) async fn started(
        &self,
        about: About<'_>,
        conversation: &Conversation,
        first: Option<&str>,
    ) -> Result<Entry, registry::Error> {
        let conversation::About {
            channel,
            user_id,
            user_email,
            metadata: _,
        } = &conversation.about;
        let data = json!({
            "conversation_id": conversation.id,
            "agent_id": about.agent.handle,
            "agent_name": about.agent.agent.name,
            "channel": channel,
            "user_id": user_id,
            "user_email": user_email,
            "initial_message": first,
        });
        self.tell(about, types::CONVERSATION_STARTED, &data, false)
            .await
    }

    /// Someone said something to the agent, who is told.
    pub(super) async fn said(
        &self,
        about: About<'_>,
        conversation: &Conversation,
        message: &Message,
    ) -> Result<Entry, registry::Error> {
        let data = user_message(about.agent, conversation, message);
        self.tell(about, types::USER_MESSAGE, &data, true).await
    }

    /// A turn goes on; its agent is told.
    pub(super) async fn resumed(
        &self,
        about: About<'_>,
        turn: TurnId,
    ) -> Result<Entry, registry::Error> {
        let data = json!({
            "conversation_id": about.conversation,
            "agent_id": about.agent.handle,
            "turn_id": turn,
        });
        self.tell(about, types::TURN_RESUMED, &data, true).await
    }

    /// The agent, or a person in its place, has answered.
    pub(super) async fn answered(
        &self,
        about: About<'_>,
        reply: &Message,
        asked_at: Timestamp,
    ) -> Result<Entry, registry::Error> {
        let took = reply.created_at.since(asked_at);
        let data = json!({
            "conversation_id": about.conversation,
            "agent_id": about.agent.handle,
            "message_id": reply.id,
            "content": reply.content,
            "response_time_ms": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            "confidence_score": null,
        });
        self.tell(about, types::AGENT_RESPONSE, &data, false).await
    }

    /// A turn brought no answer.
    pub(super) async fn failed(
        &self,
        about: About<'_>,
        turn: &Turn,
        reason: &str,
    ) -> Result<Entry, registry::Error> {
        let data = json!({
            "conversation_id": about.conversation,
            "agent_id": about.agent.handle,
            "turn_id": turn.id,
            "message_id": turn.message_id,
            "reason": reason,
        });
        self.tell(about, types::TURN_FAILED, &data, false).await
    }

    /// A person is called in: the conversation's side of it, and the people's.
    pub(super) async fn escalated(
        &self,
        about: About<'_>,
        conversation: &Conversation,
        reason: Option<&str>,
        priority: Option<&str>,
    ) -> Result<Vec<Entry>, registry::Error> {
        let data = json!({
            "conversation_id": about.conversation,
            "agent_id": about.agent.handle,
            "reason": reason,
        });
        let first = self
            .tell(about, types::CONVERSATION_ESCALATED, &data, false)
            .await?;
        let who = &conversation.about;
        let data = json!({
            "conversation_id": about.conversation,
            "agent_id": about.agent.handle,
            "agent_name": about.agent.agent.name,
            "reason": reason,
            "priority": priority,
            "channel": who.channel,
            "user_id": who.user_id,
            "user_email": who.user_email,
        });
        let second = self
            .tell(about, types::ESCALATION_TRIGGERED, &data, false)
            .await?;
        Ok(vec![first, second])
    }

    /// A conversation is over.
    pub(super) async fn completed(
        &self,
        about: About<'_>,
        conversation: &Conversation,
        (resolution_rate, satisfaction_score): (Option<f64>, Option<f64>),
    ) -> Result<Entry, registry::Error> {
        let took = self.clock.now().since(conversation.created_at);
        let data = json!({
            "conversation_id": about.conversation,
            "agent_id": about.agent.handle,
            "duration_seconds": took.as_secs(),
            "messages_count": conversation.messages,
            "resolution_rate": resolution_rate,
            "satisfaction_score": satisfaction_score,
            "was_escalated": conversation.was_escalated,
        });
        self.tell(about, types::CONVERSATION_COMPLETED, &data, false)
            .await
    }

    /// A person's consent is asked for.
    pub(super) async fn asks(
        &self,
        about: About<'_>,
        approval: &Approval,
    ) -> Result<Entry, registry::Error> {
        let data = json!({
            "approval_id": approval.id,
            "conversation_id": about.conversation,
            "agent_id": about.agent.handle,
            "turn_id": approval.turn_id,
            "tool": approval.tool,
            "input": approval.input,
        });
        self.tell(about, types::APPROVAL_REQUESTED, &data, false)
            .await
    }

    /// What an agent is has changed.
    pub(super) fn updated(agent: &OpenAgent, trace_id: Arc<str>) -> NewEvent {
        let data = json!({
            "agent_id": agent.handle,
            "agent_name": agent.agent.name,
            "status": agent.agent.status.as_str(),
            "version": agent.version,
        });
        NewEvent {
            event_type: own_type(types::AGENT_UPDATED),
            source: "/v1/agents".into(),
            subject: Some(agent.handle.as_str().into()),
            data: data.to_string().into(),
            trace_id,
            trust: None,
            owed: None,
        }
    }
}
