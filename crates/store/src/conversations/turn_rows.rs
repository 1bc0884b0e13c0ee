//! Turns as rows: read, written, locked.

use sqlx::AssertSqlSafe;
use tieline_domain::{TenantId, TurnId, conversation::Turn};

use crate::{
    Result,
    db::Tx,
    sql::{Noun, Read, Row, select, sql},
};

impl Noun for Turn {
    const TABLE: &str = "turns";
    const COLUMNS: &str = "tenant_id, id, conversation_id, agent_id, message_id, event_id, status, waits_for, reason, \
                           reply_id, cancel, trace_id, created_at, started_at, ended_at";
}

impl Read for Turn {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            tenant_id: row.get("tenant_id")?,
            conversation_id: row.get("conversation_id")?,
            agent_id: row.get("agent_id")?,
            message_id: row.get("message_id")?,
            event_id: row.get("event_id")?,
            status: row.get("status")?,
            waits_for: row.get("waits_for")?,
            reason: row.get("reason")?,
            reply_id: row.get("reply_id")?,
            cancel: row.get("cancel")?,
            trace_id: row.get("trace_id")?,
            created_at: row.get("created_at")?,
            started_at: row.get("started_at")?,
            ended_at: row.get("ended_at")?,
        })
    }
}

/// Writes a new turn.
pub(super) async fn insert(tx: &mut Tx, turn: &Turn) -> Result<()> {
    let text = format!(
        "INSERT INTO turns ({}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        Turn::COLUMNS
    );
    sql(AssertSqlSafe(text))
        .bind(turn.tenant_id)
        .bind(turn.id)
        .bind(turn.conversation_id)
        .bind(turn.agent_id)
        .bind(turn.message_id)
        .bind(turn.event_id)
        .bind(turn.status)
        .bind(turn.waits_for)
        .bind(turn.reason.as_deref())
        .bind(turn.reply_id)
        .bind(turn.cancel)
        .bind(&turn.trace_id)
        .bind(turn.created_at)
        .bind(turn.started_at)
        .bind(turn.ended_at)
        .run(tx)
        .await?;
    Ok(())
}

/// Writes what changes of a turn.
pub(super) async fn update(tx: &mut Tx, turn: &Turn) -> Result<()> {
    const UPDATE: &str = "UPDATE turns SET status = $1, waits_for = $2, reason = $3, reply_id = $4, started_at = $5, \
                          ended_at = $6 WHERE tenant_id = $7 AND id = $8";
    sql(UPDATE)
        .bind(turn.status)
        .bind(turn.waits_for)
        .bind(turn.reason.as_deref())
        .bind(turn.reply_id)
        .bind(turn.started_at)
        .bind(turn.ended_at)
        .bind(turn.tenant_id)
        .bind(turn.id)
        .run(tx)
        .await?;
    Ok(())
}

/// Reads a turn and keeps others from changing it until the transaction ends.
pub(super) async fn lock_turn(tx: &mut Tx, tenant: TenantId, id: TurnId) -> Result<Option<Turn>> {
    let turn = select(tenant).with("id = ?", id);
    turn.lock("cancel", tx).await
}
