//! Conversations, their messages, and the turns that agents take in them.

pub mod approvals;
pub(crate) mod erasure;
mod messages;
mod steps;
mod turn_rows;
mod turns;

use std::collections::BTreeSet;

use sqlx::AssertSqlSafe;
use tieline_domain::{
    AgentId, ConversationId, DestinationId, TenantId, Timestamp,
    conversation::{Conversation, Status},
};

use crate::{
    Error, Page, PageRequest, Result, Store,
    db::{Tx, in_tx, on_db},
    spine::{self, Entry, lines},
    store::{name_taken, parsed},
};

pub use erasure::Erasure;
pub use messages::{Said, Saying};
pub use turns::{Begun, Ending};

const COLUMNS: &str = "tenant_id, id, agent_id, status, key, about, messages, was_escalated, created_at, \
                       updated_at, ended_at";

type Row = (
    String,
    String,
    String,
    String,
    Option<String>,
    String,
    i64,
    bool,
    i64,
    i64,
    Option<i64>,
);

fn from_row(row: Row) -> Result<Conversation> {
    let (
        tenant,
        id,
        agent,
        status,
        key,
        about,
        messages,
        was_escalated,
        created_at,
        updated_at,
        ended_at,
    ) = row;
    Ok(Conversation {
        id: parsed(&id)?,
        tenant_id: parsed(&tenant)?,
        agent_id: parsed(&agent)?,
        status: parsed(&status)?,
        key,
        about: json(&about)?,
        messages: messages.unsigned_abs(),
        was_escalated,
        created_at: Timestamp::from_micros(created_at),
        updated_at: Timestamp::from_micros(updated_at),
        ended_at: ended_at.map(Timestamp::from_micros),
    })
}

/// Reads what a column holds as JSON.
fn json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(Error::content)
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
        let mut tx = self.db().begin().await?;
        lock_lines(&mut tx, [notice], None).await?;
        insert(&mut tx, new).await?;
        spine::write_notice(&mut tx, notice).await?;
        tx.commit().await
    }

    /// One conversation.
    pub async fn find_conversation(
        &self,
        tenant: TenantId,
        id: ConversationId,
    ) -> Result<Option<Conversation>> {
        let text = format!("SELECT {COLUMNS} FROM conversations WHERE tenant_id = $1 AND id = $2");
        let row: Option<Row> = on_db!(self.db(), |c| sqlx::query_as(AssertSqlSafe(text))
            .bind(tenant.to_string())
            .bind(id.to_string())
            .fetch_optional(c)
            .await?);
        row.map(from_row).transpose()
    }

    /// The conversation of an agent that has this key and is not over.
    pub async fn find_keyed_conversation(
        &self,
        tenant: TenantId,
        agent: AgentId,
        key: &str,
    ) -> Result<Option<Conversation>> {
        let text = format!(
            "SELECT {COLUMNS} FROM conversations WHERE tenant_id = $1 AND agent_id = $2 AND key = $3 \
             AND ended_at IS NULL"
        );
        let row: Option<Row> = on_db!(self.db(), |c| sqlx::query_as(AssertSqlSafe(text))
            .bind(tenant.to_string())
            .bind(agent.to_string())
            .bind(key)
            .fetch_optional(c)
            .await?);
        row.map(from_row).transpose()
    }

    /// A page of conversations, the newest first.
    pub async fn list_conversations(
        &self,
        tenant: TenantId,
        filter: &ConversationFilter,
        page: &PageRequest,
    ) -> Result<Page<Conversation>> {
        let text = format!(
            "SELECT {COLUMNS} FROM conversations WHERE tenant_id = $1 AND id < $2 AND ($3 = '' OR agent_id = $3) \
             AND ($4 = '' OR status = $4) ORDER BY id DESC LIMIT $5"
        );
        let rows: Vec<Row> = on_db!(self.db(), |c| sqlx::query_as(AssertSqlSafe(text))
            .bind(tenant.to_string())
            .bind(page.below())
            .bind(filter.agent_id.map(|id| id.to_string()).unwrap_or_default())
            .bind(filter.status.map(Status::as_str).unwrap_or_default())
            .bind(page.rows())
            .fetch_all(c)
            .await?);
        let found = rows.into_iter().map(from_row).collect::<Result<Vec<_>>>()?;
        Ok(Page::cut(found, page, |one| one.id))
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
            passed += in_tx!(tx, |c| sqlx::query(PASS)
                .bind(passage.to.as_str())
                .bind(passage.at.as_micros())
                .bind(passage.to == Status::Escalated)
                .bind(ended_at)
                .bind(tenant.to_string())
                .bind(id.to_string())
                .bind(from.as_str())
                .execute(c)
                .await?
                .rows_affected());
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
    in_tx!(tx, |c| sqlx::query(INSERT)
        .bind(new.tenant_id.to_string())
        .bind(new.id.to_string())
        .bind(new.agent_id.to_string())
        .bind(new.status.as_str())
        .bind(new.key.as_deref())
        .bind(about)
        .bind(new.created_at.as_micros())
        .execute(c)
        .await
        .map(drop))
    .map_err(name_taken)
}

/// Reads a conversation and keeps others from changing it until the transaction ends.
async fn lock(tx: &mut Tx, tenant: TenantId, id: ConversationId) -> Result<Option<Conversation>> {
    let text = format!(
        "UPDATE conversations SET messages = messages WHERE tenant_id = $1 AND id = $2 RETURNING {COLUMNS}"
    );
    let row: Option<Row> = in_tx!(tx, |c| sqlx::query_as(AssertSqlSafe(text))
        .bind(tenant.to_string())
        .bind(id.to_string())
        .fetch_optional(c)
        .await?);
    row.map(from_row).transpose()
}
