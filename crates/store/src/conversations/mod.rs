//! Conversations, their messages, and the turns that agents take in them.

pub mod approvals;
pub(crate) mod erasure;
mod messages;
mod steps;
mod turn_rows;
mod turns;

use std::collections::BTreeSet;

use tieline_domain::{
    AgentId, ConversationId, DestinationId, TenantId, Timestamp,
    conversation::{Conversation, Status},
};

use crate::{
    Error, Page, PageRequest, Result, Store,
    db::Tx,
    spine::{self, Entry, lines},
    sql::{Noun, Read, Row, select, sql},
};

pub use erasure::Erasure;
pub use messages::{Said, Saying};
pub use turns::{Begun, Ending};

impl Noun for Conversation {
    const TABLE: &str = "conversations";
    const COLUMNS: &str = "tenant_id, id, agent_id, status, key, about, messages, was_escalated, created_at, \
                           updated_at, ended_at";
}

impl Read for Conversation {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            tenant_id: row.get("tenant_id")?,
            agent_id: row.get("agent_id")?,
            status: row.get("status")?,
            key: row.get("key")?,
            about: row.json("about")?,
            messages: row.get("messages")?,
            was_escalated: row.get("was_escalated")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
            ended_at: row.get("ended_at")?,
        })
    }
}

/// Which conversations a list shows; every field narrows it.
#[derive(Clone, Debug, Default)]
pub struct ConversationFilter {
    /// Of this agent.
    pub agent_id: Option<AgentId>,
    /// Of this status.
    pub status: Option<Status>,
}

/// A step of a conversation's life that nobody but a client or a person takes.
#[derive(Clone, Debug)]
pub struct Passage {
    /// What it turns to.
    pub to: Status,
    /// It turns only from one of these.
    pub from: &'static [Status],
    /// When.
    pub at: Timestamp,
    /// The events that tell of it.
    pub notices: Vec<Entry>,
}

impl Store {
    /// Begins a conversation, with the event that tells of it. [`Error::NameTaken`] if its agent has one with this
    /// key that is not over.
    pub async fn create_conversation(&self, new: &Conversation, notice: &Entry) -> Result<()> {
        let create = async |tx: &mut Tx| {
            lock_lines(tx, [notice], None).await?;
            insert(tx, new).await?;
            spine::write_notice(tx, notice).await
        };
        self.db().shared(create).await
    }

    /// One conversation.
    pub async fn find_conversation(
        &self,
        tenant: TenantId,
        id: ConversationId,
    ) -> Result<Option<Conversation>> {
        let conversation = select(tenant).with("id = ?", id);
        conversation.find(self.db()).await
    }

    /// The conversation of an agent that has this key and is not over.
    pub async fn find_keyed_conversation(
        &self,
        tenant: TenantId,
        agent: AgentId,
        key: &str,
    ) -> Result<Option<Conversation>> {
        let open = select(tenant)
            .with("agent_id = ?", agent)
            .with("key = ?", key)
            .that("ended_at IS NULL");
        open.find(self.db()).await
    }

    /// A page of conversations, the newest first.
    pub async fn list_conversations(
        &self,
        tenant: TenantId,
        filter: &ConversationFilter,
        page: &PageRequest,
    ) -> Result<Page<Conversation>> {
        let found = select(tenant)
            .with_any("agent_id = ?", filter.agent_id)
            .with_any("status = ?", filter.status);
        found
            .page(page, |one: &Conversation| one.id, self.db())
            .await
    }

    /// Escalates or completes a conversation, with the events that tell of it. Says whether it did; not if the
    /// conversation has another status by now.
    pub async fn pass_conversation(
        &self,
        tenant: TenantId,
        id: ConversationId,
        passage: &Passage,
    ) -> Result<bool> {
        const PASS: &str = "UPDATE conversations SET status = $1, updated_at = $2, \
                            was_escalated = was_escalated OR $3, ended_at = $4 \
                            WHERE tenant_id = $5 AND id = $6 AND status = $7";
        let mut tx = self.db().begin().await?;
        lock_lines(&mut tx, &passage.notices, None).await?;
        let ended_at = (passage.to == Status::Completed).then_some(passage.at.as_micros());
        let mut passed = 0;
        for from in passage.from {
            passed += sql(PASS)
                .bind(passage.to)
                .bind(passage.at)
                .bind(passage.to == Status::Escalated)
                .bind(ended_at)
                .bind(tenant)
                .bind(id)
                .bind(*from)
                .run(&mut tx)
                .await?;
        }
        if passed == 0 {
            return Ok(false);
        }
        for notice in &passage.notices {
            spine::write_notice(&mut tx, notice).await?;
        }
        tx.commit().await?;
        Ok(true)
    }
}

/// Locks the lines that these events join, and those of one agent.
async fn lock_lines<'e>(
    tx: &mut Tx,
    entries: impl IntoIterator<Item = &'e Entry>,
    agent: Option<AgentId>,
) -> Result<()> {
    let joined = entries.into_iter().flat_map(lines::joined_by);
    let lines: BTreeSet<_> = joined.chain(agent.map(DestinationId::from)).collect();
    lines::lock(tx, lines).await
}

async fn insert(tx: &mut Tx, new: &Conversation) -> Result<()> {
    const INSERT: &str = "INSERT INTO conversations (tenant_id, id, agent_id, status, key, about, messages, \
                          was_escalated, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, 0, FALSE, $7, $7)";
    let about = serde_json::to_string(&new.about).map_err(Error::content)?;
    sql(INSERT)
        .bind(new.tenant_id)
        .bind(new.id)
        .bind(new.agent_id)
        .bind(new.status)
        .bind(new.key.as_deref())
        .bind(about)
        .bind(new.created_at)
        .run_unless_taken(tx)
        .await
}

/// Reads a conversation and keeps others from changing it until the transaction ends.
async fn lock(tx: &mut Tx, tenant: TenantId, id: ConversationId) -> Result<Option<Conversation>> {
    let conversation = select(tenant).with("id = ?", id);
    conversation.lock("messages", tx).await
}
