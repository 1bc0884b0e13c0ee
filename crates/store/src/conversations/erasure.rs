//! Removing conversations with all that belongs to them: when they are old, or at once.

use sqlx::AssertSqlSafe;
use tieline_domain::{ConversationId, EventId, TenantId};

use super::lock;
use crate::{
    ChangeBy, Result, Store,
    audit::{Action, Change, record},
    db::Tx,
    erasure::overwrite_what_is_freed,
    sql::{places, sql},
};

/// What belongs to conversations, and they themselves; `$1` is the tenant, and `{ids}` are the conversations. What is
/// found by another index than that of its ids is looked up first, or all rows of the tenant would be read.
pub(crate) const REMOVE: [&str; 5] = [
    "DELETE FROM steps WHERE tenant_id = $1 AND turn_id IN (SELECT id FROM turns WHERE conversation_id IN ({ids}))",
    "DELETE FROM approvals WHERE tenant_id = $1 AND id IN (SELECT id FROM approvals \
     WHERE turn_id IN (SELECT id FROM turns WHERE conversation_id IN ({ids})))",
    "DELETE FROM turns WHERE tenant_id = $1 AND id IN (SELECT id FROM turns WHERE conversation_id IN ({ids}))",
    "DELETE FROM messages WHERE tenant_id = $1 AND conversation_id IN ({ids})",
    "DELETE FROM conversations WHERE tenant_id = $1 AND id IN ({ids})",
];

/// What the log of calls knows of them.
const REMOVE_CALLS: &str = "DELETE FROM calls WHERE tenant_id = $1 AND conversation_id IN ({ids})";

/// What became of an erasure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Erasure {
    /// It is gone.
    Done,
    /// There is no such conversation.
    Missing,
    /// A turn of it has not ended.
    UnderWay,
}

impl Store {
    /// Up to `limit` events behind `after` that tell of a conversation or began a turn of it, the oldest first.
    pub async fn events_of_conversation(
        &self,
        tenant: TenantId,
        id: ConversationId,
        after: Option<EventId>,
        limit: usize,
    ) -> Result<Vec<EventId>> {
        const LIST: &str = "SELECT id FROM events WHERE tenant_id = $1 AND subject = $2 \
                            AND substr(subject, 1, 5) = 'conv_' AND id > $3 \
                            UNION SELECT event_id FROM turns WHERE conversation_id = $2 AND tenant_id = $1 \
                            AND event_id > $3 ORDER BY 1 LIMIT $4";
        let list = sql(LIST)
            .bind(tenant)
            .bind(id)
            .bind(after.map(|id| id.to_string()).unwrap_or_default())
            .bind(limit);
        list.list(self.db()).await
    }

    /// Removes a conversation with its messages, turns, and calls of tools, unless a turn of it has not ended; with a
    /// row of the audit log.
    pub async fn erase_conversation(
        &self,
        tenant: TenantId,
        id: ConversationId,
        by: &ChangeBy,
    ) -> Result<Erasure> {
        let mut tx = self.db().begin().await?;
        if lock(&mut tx, tenant, id).await?.is_none() {
            return Ok(Erasure::Missing);
        }
        if any_open_turn(&mut tx, tenant, id).await? {
            return Ok(Erasure::UnderWay);
        }
        overwrite_what_is_freed(&mut tx, self.db(), true).await?;
        let ids = [id.to_string()];
        for statement in [REMOVE_CALLS].into_iter().chain(REMOVE) {
            remove(&mut tx, statement, tenant, &ids).await?;
        }
        overwrite_what_is_freed(&mut tx, self.db(), false).await?;
        let change = Change {
            tenant_id: tenant,
            action: Action::Delete,
            kind: "conversation",
            id: &ids[0],
            before: None,
            after: None,
        };
        record(&mut tx, change, by).await?;
        tx.commit().await?;
        Ok(Erasure::Done)
    }
}

/// Removes what `statement` names of the objects with these ids.
pub(crate) async fn remove(
    tx: &mut Tx,
    statement: &str,
    tenant: TenantId,
    ids: &[String],
) -> Result<()> {
    let text = statement.replace("{ids}", &places(2, ids.len()));
    let remove = sql(AssertSqlSafe(text)).bind(tenant).bind_all(ids);
    remove.run(tx).await.map(drop)
}

/// Whether a turn of the conversation has not ended.
async fn any_open_turn(
    tx: &mut Tx,
    tenant: TenantId,
    conversation: ConversationId,
) -> Result<bool> {
    const FIND: &str = "SELECT id FROM turns WHERE conversation_id = $1 AND tenant_id = $2 \
                        AND ended_at IS NULL LIMIT 1";
    let find = sql(FIND).bind(conversation).bind(tenant);
    let found: Option<String> = find.find_in(tx).await?;
    Ok(found.is_some())
}
