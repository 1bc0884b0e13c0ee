//! Messages to agents that come from elsewhere than a conversation: the content of the event that tells the agent, and
//! the place where it belongs.

use rand::random;
use serde_json::{Map, Value};
use tieline_domain::{
    ConversationId, MessageId,
    clock::Clock,
    conversation::{About, Conversation, Message, Role, Status},
};
use tieline_store::Store;

use super::{owed, user_message};
use crate::{publish::Owed, registry::OpenAgent};

/// The longest key of a conversation, in characters.
const MAX_KEY: usize = 256;

/// A message to an agent.
#[derive(Clone, Debug)]
pub(crate) struct Note {
    /// What it says.
    pub(crate) content: String,
    /// What goes with it.
    pub(crate) metadata: Map<String, Value>,
    /// What keeps messages in one conversation; a conversation of its own if absent.
    pub(crate) key: Option<String>,
    /// Where such conversations are held.
    pub(crate) channel: &'static str,
}

impl Note {
    /// The content of the `user.message` that tells `agent`, and to whom it is owed: in the open conversation of its
    /// key, or in a new one, which is made when the agent is told.
    pub(crate) async fn for_agent(
        self,
        agent: &OpenAgent,
        store: &Store,
        clock: &Clock,
    ) -> tieline_store::Result<(Value, Owed)> {
        let Self {
            content,
            metadata,
            key,
            channel,
        } = self;
        let tenant = agent.tenant_id;
        let content = storable(content);
        let key: Option<String> = key.map(|key| storable(key).chars().take(MAX_KEY).collect());
        let key = key.filter(|key| !key.is_empty());
        let known = match &key {
            Some(key) => store.find_keyed_conversation(tenant, agent.id, key).await?,
            None => None,
        };
        let now = clock.unique_now();
        let conversation = known.unwrap_or_else(|| Conversation {
            id: ConversationId::new(now, random()),
            tenant_id: tenant,
            agent_id: agent.id,
            status: Status::Active,
            key,
            about: About {
                channel: Some(channel.to_owned()),
                ..About::default()
            },
            messages: 0,
            was_escalated: false,
            created_at: now,
            updated_at: now,
            ended_at: None,
        });
        let message = Message {
            id: MessageId::new(clock.unique_now(), random()),
            conversation_id: conversation.id,
            tenant_id: tenant,
            role: Role::User,
            content,
            metadata,
            turn_id: None,
            created_at: now,
        };
        Ok((
            user_message(agent, &conversation, &message),
            owed(agent, conversation.id),
        ))
    }
}

/// PostgreSQL keeps no text with the character NUL; a sender who writes one is no reason to lose the message.
fn storable(text: String) -> String {
    if text.contains('\0') {
        text.replace('\0', "\u{fffd}")
    } else {
        text
    }
}
