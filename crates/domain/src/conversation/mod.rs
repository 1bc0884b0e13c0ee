//! Conversations: what was said, and what an agent did about it.

mod turn;

use serde_json::{Map, Value};

use crate::{AgentId, ConversationId, MessageId, TenantId, Timestamp, TurnId, words::words};

pub use turn::{Approval, Decision, Step, StepKind, StepStatus, Turn, TurnStatus, WaitsFor};

words! {
    /// How far a conversation has come.
    Status, "status of a conversation" {
        /// The agent answers.
        Active = "active",
        /// A person answers.
        Escalated = "escalated",
        /// It is over; nothing more is said in it.
        Completed = "completed",
    }
}

words! {
    /// Who said a message.
    Role, "role" {
        /// The one who talks with the agent.
        User = "user",
        /// The agent, or a person in its place.
        Assistant = "assistant",
    }
}

/// A conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct Conversation {
    /// Its id.
    pub id: ConversationId,
    /// The tenant it belongs to.
    pub tenant_id: TenantId,
    /// Who answers in it.
    pub agent_id: AgentId,
    /// How far it has come.
    pub status: Status,
    /// What keeps messages from the same place together, while it is not over.
    pub key: Option<String>,
    /// Who talks, and where: as it was given.
    pub about: About,
    /// How many messages it has.
    pub messages: u64,
    /// Whether a person was called in.
    pub was_escalated: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When something was last said or done in it.
    pub updated_at: Timestamp,
    /// When it was completed.
    pub ended_at: Option<Timestamp>,
}

/// Who talks in a conversation, and where.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// Where it is held, such as `web` or `whatsapp`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Who talks, as the tenant knows them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// Their e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_email: Option<String>,
    /// Whatever else is known.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
}

/// A message.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// The conversation.
    pub conversation_id: ConversationId,
    /// The tenant it belongs to.
    pub tenant_id: TenantId,
    /// Who said it.
    pub role: Role,
    /// What was said.
    pub content: String,
    /// What came with it.
    pub metadata: Map<String, Value>,
    /// The turn that it began, or that brought it.
    pub turn_id: Option<TurnId>,
    /// When it was said.
    pub created_at: Timestamp,
}
