//! Conversations, as the API takes and shows them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tieline_domain::{
    Timestamp,
    conversation::{About, Conversation},
};
use utoipa::ToSchema;

use super::agents::Handles;
use crate::converse::NewConversation;

/// A new conversation.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"agent_id": "agent_sales", "channel": "web", "user_id": "u_7", "user_email": "ada@example.com", "metadata": {"lead_id": "lead_123"}}))]
pub struct NewConversationBody {
    /// The agent that answers.
    agent_id: String,
    /// What keeps messages from one place together: the agent has one open conversation with this key.
    #[serde(default)]
    key: Option<String>,
    /// Where it is held, such as `web` or `whatsapp`.
    #[serde(default)]
    channel: Option<String>,
    /// Who talks, as you know them.
    #[serde(default)]
    user_id: Option<String>,
    /// Their e-mail address.
    #[serde(default)]
    user_email: Option<String>,
    /// Whatever else is known: at most 16 KiB of JSON.
    #[serde(default)]
    #[schema(value_type = Object)]
    metadata: Map<String, Value>,
}

/// A conversation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": "conv_01kb3f9z5qf8m9w2v7x4t6n0hc", "agent_id": "agent_sales", "status": "active", "key": null, "channel": "web", "user_id": "u_7", "user_email": "ada@example.com", "metadata": {"lead_id": "lead_123"}, "messages_count": 2, "was_escalated": false, "started_at": "2026-11-22T10:00:00.000Z", "updated_at": "2026-11-22T10:00:01.000Z", "ended_at": null}))]
pub struct ConversationView {
    /// Its id.
    id: String,
    /// Who answers.
    agent_id: String,
    /// `active`, `escalated` (people answer) or `completed`.
    status: &'static str,
    /// What keeps messages from one place together.
    key: Option<String>,
    /// Where it is held.
    channel: Option<String>,
    /// Who talks.
    user_id: Option<String>,
    /// Their e-mail address.
    user_email: Option<String>,
    /// Whatever else is known.
    #[schema(value_type = Object)]
    metadata: Map<String, Value>,
    /// How many messages it has.
    messages_count: u64,
    /// Whether people were called in.
    was_escalated: bool,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    /// When something was last said or done in it.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// When it was completed.
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
}

impl ConversationView {
    /// What is shown of it.
    pub(super) fn of(conversation: Conversation, handles: &Handles) -> Self {
        let Conversation {
            id,
            tenant_id: _,
            agent_id,
            status,
            key,
            about:
                About {
                    channel,
                    user_id,
                    user_email,
                    metadata,
                },
            messages,
            was_escalated,
            created_at,
            updated_at,
            ended_at,
        } = conversation;
        Self {
            id: id.to_string(),
            agent_id: handles.of(agent_id),
            status: status.as_str(),
            key,
            channel,
            user_id,
            user_email,
            metadata,
            messages_count: messages,
            was_escalated,
            started_at: created_at,
            updated_at,
            ended_at,
        }
    }
}

impl From<NewConversationBody> for NewConversation {
    fn from(body: NewConversationBody) -> Self {
        let NewConversationBody {
            agent_id,
            key,
            channel,
            user_id,
            user_email,
            metadata,
        } = body;
        Self {
            agent_id,
            key,
            about: About {
                channel,
                user_id,
                user_email,
                metadata,
            },
        }
    }
}
