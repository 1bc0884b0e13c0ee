//! What is said in conversations.

use tieline_domain::{
    ConversationId, MessageId, TenantId,
    conversation::{Conversation, Message, Status, Turn},
};

use super::{insert, lock, lock_lines, turn_rows};
use crate::{
    Error, Page, PageRequest, Result, Store,
    db::Tx,
    spine::{self, Entry},
    sql::{Noun, Read, Row, select, sql},
};

impl Noun for Message {
    const TABLE: &str = "messages";
    const COLUMNS: &str =
        "tenant_id, conversation_id, id, role, content, metadata, turn_id, created_at";
}

impl Read for Message {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            conversation_id: row.get("conversation_id")?,
            tenant_id: row.get("tenant_id")?,
            role: row.get("role")?,
            content: row.get("content")?,
            metadata: row.json("metadata")?,
            turn_id: row.get("turn_id")?,
            created_at: row.get("created_at")?,
        })
    }
}

/// A message of the one who talks with the agent, with all that is written with it.
#[derive(Clone, Debug)]
pub struct Saying {
    /// The conversation, as it is made if it is not there.
    pub conversation: Conversation,
    /// The event that tells of its beginning, then; without one it must be there.
    pub started: Option<Entry>,
    /// The message.
    pub message: Message,
    /// The turn that is taken about it.
    pub turn: Turn,
    /// The event that tells the agent, unless it is on the log already.
    pub told: Option<Entry>,
}

/// What became of a saying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// It is written.
    New,
    /// It was written before.
    Repeated,
    /// The conversation is over.
    Ended,
    /// There is no such conversation any more.
    Missing,
}

impl Store {
    /// Writes a message with its turn, and with its conversation if that is not there, all in one commit. The same
    /// message is written once. [`Error::NameTaken`] if the conversation is new and its agent has another one with
    /// the same key by now.
    pub async fn say(&self, saying: &Saying) -> Result<Said> {
        let say = async |tx: &mut Tx| say(tx, saying).await;
        self.db().shared(say).await
    }

    /// A page of the messages of a conversation, the newest first.
    pub async fn list_messages(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        page: &PageRequest,
    ) -> Result<Page<Message>> {
        let messages = select(tenant).with("conversation_id = ?", conversation);
        messages
            .page(page, |message: &Message| message.id, self.db())
            .await
    }

    /// One message of a conversation.
    pub async fn find_message(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        id: MessageId,
    ) -> Result<Option<Message>> {
        let messages = select(tenant).with("conversation_id = ?", conversation);
        messages.with("id = ?", id).find(self.db()).await
    }

    /// What was said before a message, and the message: at most `limit`, the oldest first and the message last.
    /// What its author said later belongs to later turns.
    pub async fn history(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        about: MessageId,
        limit: usize,
    ) -> Result<Vec<Message>> {
        let said = select(tenant)
            .with("conversation_id = ?", conversation)
            .with("(id <= ? OR role = 'assistant')", about);
        let mut messages: Vec<Message> = said.first(limit, "id DESC", self.db()).await?;
        // An answer to an earlier message may have come after this one.
        messages.sort_by_key(|message| (message.id == about, message.id));
        Ok(messages)
    }
}

async fn say(tx: &mut Tx, saying: &Saying) -> Result<Said> {
    let Saying {
        conversation,
        started,
        message,
        turn,
        told,
    } = saying;
    lock_lines(tx, started.iter().chain(told), None).await?;
    match lock(tx, conversation.tenant_id, conversation.id).await? {
        Some(found) if message_is_there(tx, message).await? => {
            drop(found);
            return Ok(Said::Repeated);
        }
        Some(found) if found.status == Status::Completed => return Ok(Said::Ended),
        Some(_) => {}
        None => {
            let Some(started) = started else {
                return Ok(Said::Missing);
            };
            insert(tx, conversation).await?;
            spine::write_notice(tx, started).await?;
        }
    }
    insert_message(tx, message).await?;
    turn_rows::insert(tx, turn).await?;
    if let Some(told) = told {
        spine::write_notice(tx, told).await?;
    }
    Ok(Said::New)
}

async fn message_is_there(tx: &mut Tx, message: &Message) -> Result<bool> {
    const FIND: &str =
        "SELECT id FROM messages WHERE tenant_id = $1 AND conversation_id = $2 AND id = $3";
    let found = sql(FIND)
        .bind(message.tenant_id)
        .bind(message.conversation_id)
        .bind(message.id);
    Ok(found.find_in::<()>(tx).await?.is_some())
}

/// Writes a message and counts it. Its conversation must be locked.
pub(super) async fn insert_message(tx: &mut Tx, message: &Message) -> Result<()> {
    const INSERT: &str = "INSERT INTO messages (tenant_id, conversation_id, id, role, content, metadata, turn_id, \
                          created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    const COUNT: &str = "UPDATE conversations SET messages = messages + 1, updated_at = $1 \
                         WHERE tenant_id = $2 AND id = $3";
    let metadata = serde_json::to_string(&message.metadata).map_err(Error::content)?;
    sql(INSERT)
        .bind(message.tenant_id)
        .bind(message.conversation_id)
        .bind(message.id)
        .bind(message.role)
        .bind(&message.content)
        .bind(metadata)
        .bind(message.turn_id)
        .bind(message.created_at)
        .run(tx)
        .await?;
    sql(COUNT)
        .bind(message.created_at)
        .bind(message.tenant_id)
        .bind(message.conversation_id)
        .run(tx)
        .await?;
    Ok(())
}
