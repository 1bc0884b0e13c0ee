//! Erasing conversations at once: what was said, what was done about it, and the events that told of it.

use tieline_domain::conversation::Conversation;
use tieline_store::{ChangeBy, conversations::Erasure};

use super::{Conversations, Error};

/// How many events are looked up at a time.
const PAGE: usize = 100;

impl Conversations {
    /// Erases a conversation in which no turn is under way. Its events stay on the log without their content.
    pub async fn erase(&self, conversation: &Conversation, by: &ChangeBy) -> Result<(), Error> {
        let (tenant, id) = (conversation.tenant_id, conversation.id);
        if !self.store.open_turns(tenant, id).await?.is_empty() {
            return Err(under_way());
        }
        self.erase_events(conversation, by).await?;
        match self.store.erase_conversation(tenant, id, by).await? {
            Erasure::Done => Ok(()),
            Erasure::Missing => Err(Error::Missing("conversation")),
            Erasure::UnderWay => Err(under_way()),
        }
    }

    /// The conversation itself goes last: until then, what broke off can be done again.
    async fn erase_events(&self, conversation: &Conversation, by: &ChangeBy) -> Result<(), Error> {
        let (tenant, id) = (conversation.tenant_id, conversation.id);
        let mut last = None;
        loop {
            let events = self.store.events_of_conversation(tenant, id, last, PAGE);
            let events = events.await?;
            last = events.last().copied();
            if last.is_none() {
                return Ok(());
            }
            for event in events {
                self.store.erase_event(tenant, event, by).await?;
                self.dispatcher.call_off(event);
            }
        }
    }
}

fn under_way() -> Error {
    let detail = "a turn of this conversation has not ended; cancel it (POST /v1/conversations/{id}/turns/{turn_id}/cancel) \
                  or complete the conversation first";
    Error::Conflict(detail.to_owned())
}
