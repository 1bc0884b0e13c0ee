//! Turns as rows: read, written, locked.

use sqlx::AssertSqlSafe;
use tieline_domain::{
    TenantId, Timestamp, TurnId,
    conversation::{Turn, WaitsFor},
};

use crate::{
    Result,
    db::{Tx, in_tx},
    store::parsed,
};

pub(super) const COLUMNS: &str = "tenant_id, id, conversation_id, agent_id, message_id, event_id, status, waits_for, reason, \
                       reply_id, cancel, trace_id, created_at, started_at, ended_at";

pub(super) type Row = (
    String,
    String,
    String,
    String,
    String,
    String,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
    bool,
    String,
    i64,
    Option<i64>,
    Option<i64>,
);

pub(super) fn from_row(row: Row) -> Result<Turn> {
    let (
        tenant,
        id,
        conversation,
        agent,
        message,
        event,
        status,
        waits_for,
        reason,
        reply,
        cancel,
        trace_id,
        created_at,
        started_at,
        ended_at,
    ) = row;
    Ok(Turn {
        id: parsed(&id)?,
        tenant_id: parsed(&tenant)?,
        conversation_id: parsed(&conversation)?,
        agent_id: parsed(&agent)?,
        message_id: parsed(&message)?,
        event_id: parsed(&event)?,
        status: parsed(&status)?,
        waits_for: waits_for.as_deref().map(parsed).transpose()?,
        reason,
        reply_id: reply.as_deref().map(parsed).transpose()?,
        cancel,
        trace_id,
        created_at: Timestamp::from_micros(created_at),
        started_at: started_at.map(Timestamp::from_micros),
        ended_at: ended_at.map(Timestamp::from_micros),
    })
}

/// Writes a new turn.
pub(super) async fn insert(tx: &mut Tx, turn: &Turn) -> Result<()> {
    let text = format!(
        "INSERT INTO turns ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"
    );
    in_tx!(tx, |c| sqlx::query(AssertSqlSafe(text))
        .bind(turn.tenant_id.to_string())
        .bind(turn.id.to_string())
        .bind(turn.conversation_id.to_string())
        .bind(turn.agent_id.to_string())
        .bind(turn.message_id.to_string())
        .bind(turn.event_id.to_string())
        .bind(turn.status.as_str())
        .bind(turn.waits_for.map(WaitsFor::as_str))
        .bind(turn.reason.as_deref())
        .bind(turn.reply_id.map(|id| id.to_string()))
        .bind(turn.cancel)
        .bind(&turn.trace_id)
        .bind(turn.created_at.as_micros())
        .bind(turn.started_at.map(Timestamp::as_micros))
        .bind(turn.ended_at.map(Timestamp::as_micros))
        .execute(c)
        .await
        .map(drop))?;
    Ok(())
}

/// Writes what changes of a turn.
pub(super) async fn update(tx: &mut Tx, turn: &Turn) -> Result<()> {
    const UPDATE: &str = "UPDATE turns SET status = $1, waits_for = $2, reason = $3, reply_id = $4, started_at = $5, \
                          ended_at = $6 WHERE tenant_id = $7 AND id = $8";
    in_tx!(tx, |c| sqlx::query(UPDATE)
        .bind(turn.status.as_str())
        .bind(turn.waits_for.map(WaitsFor::as_str))
        .bind(turn.reason.as_deref())
        .bind(turn.reply_id.map(|id| id.to_string()))
        .bind(turn.started_at.map(Timestamp::as_micros))
        .bind(turn.ended_at.map(Timestamp::as_micros))
        .bind(turn.tenant_id.to_string())
        .bind(turn.id.to_string())
        .execute(c)
        .await
        .map(drop))?;
    Ok(())
}

/// Reads a turn and keeps others from changing it until the transaction ends.
pub(super) async fn lock_turn(tx: &mut Tx, tenant: TenantId, id: TurnId) -> Result<Option<Turn>> {
    let text = format!(
        "UPDATE turns SET cancel = cancel WHERE tenant_id = $1 AND id = $2 RETURNING {COLUMNS}"
    );
    let row: Option<Row> = in_tx!(tx, |c| sqlx::query_as(AssertSqlSafe(text))
        .bind(tenant.to_string())
        .bind(id.to_string())
        .fetch_optional(c)
        .await?);
    row.map(from_row).transpose()
}
