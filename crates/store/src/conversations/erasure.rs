//! Removing conversations with all that belongs to them: when they are old, or at once.

use sqlx::{AssertSqlSafe, query::Query};
use tieline_domain::{ConversationId, EventId, TenantId};

use super::lock;
use crate::{
    ChangeBy, Result, Store,
    audit::{Action, Change, record},
    db::{Tx, in_tx, on_db},
    erasure::overwrite_what_is_freed,
    spine::replay::places,
    store::parsed,
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
        let rows: Vec<(String,)> = on_db!(self.db(), |c| sqlx::query_as(LIST)
            .bind(tenant.to_string())
            .bind(id.to_string())
            .bind(after.map(|id| id.to_string()).unwrap_or_default())
            .bind(limit as i64)
            .fetch_all(c)
            .await?);
        rows.iter().map(|(id,)| parsed(id)).collect()
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
    in_tx!(tx, |c| {
        let query = sqlx::query(AssertSqlSafe(text)).persistent(false);
        let query = query.bind(tenant.to_string());
        let query = ids.iter().fold(query, Query::bind);
        query.execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Whether a turn of the conversation has not ended.
async fn any_open_turn(
    tx: &mut Tx,
    tenant: TenantId,
    conversation: ConversationId,
) -> Result<bool> {
    const FIND: &str = "SELECT id FROM turns WHERE conversation_id = $1 AND tenant_id = $2 \
                        AND ended_at IS NULL LIMIT 1";
    let found: Option<(String,)> = in_tx!(tx, |c| sqlx::query_as(FIND)
        .bind(conversation.to_string())
        .bind(tenant.to_string())
        .fetch_optional(c)
        .await?);
    Ok(found.is_some())
}
