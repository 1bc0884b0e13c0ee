//! The steps of turns, written as they begin and as they end.

use std::time::Duration;

use sqlx::{AssertSqlSafe, query::QueryAs};
use tieline_domain::{
    TenantId, Timestamp, TurnId,
    conversation::{Step, StepStatus},
};

use super::json;
use crate::{
    Error, Result, Store,
    db::{Tx, in_tx, on_db},
    spine::replay::places,
    store::parsed,
};

const COLUMNS: &str = "tenant_id, turn_id, number, kind, name, call_id, status, input, output, error, started_at, \
                       duration_us";

type Row = (
    String,
    String,
    i64,
    String,
    String,
    Option<String>,
    String,
    String,
    String,
    Option<String>,
    i64,
    Option<i64>,
);

fn from_row(row: Row) -> Result<Step> {
    let (
        tenant,
        turn,
        number,
        kind,
        name,
        call_id,
        status,
        input,
        output,
        error,
        started_at,
        duration,
    ) = row;
    Ok(Step {
        turn_id: parsed(&turn)?,
        tenant_id: parsed(&tenant)?,
        number: u32::try_from(number).map_err(Error::content)?,
        kind: parsed(&kind)?,
        name,
        call_id,
        status: parsed(&status)?,
        input: json(&input)?,
        output: json(&output)?,
        error,
        started_at: Timestamp::from_micros(started_at),
        took: duration.map(|us| Duration::from_micros(us.unsigned_abs())),
    })
}

impl Store {
    /// Writes steps that begin, or have ended already, in one commit. [`Error::NameTaken`] if one of these places in
    /// the turn is taken: another node is at the turn.
    pub async fn write_steps(&self, steps: &[Step]) -> Result<()> {
        let mut tx = self.db().begin().await?;
        for step in steps {
            insert(&mut tx, step).await?;
        }
        tx.commit().await
    }

    /// Writes how a step went.
    pub async fn rewrite_step(&self, step: &Step) -> Result<()> {
        let mut tx = self.db().begin().await?;
        update(&mut tx, step).await?;
        tx.commit().await
    }

    /// The steps of some turns, in their order.
    pub async fn list_steps(&self, tenant: TenantId, turns: &[TurnId]) -> Result<Vec<Step>> {
        if turns.is_empty() {
            return Ok(Vec::new());
        }
        let text = format!(
            "SELECT {COLUMNS} FROM steps WHERE tenant_id = $1 AND turn_id IN ({}) ORDER BY turn_id, number",
            places(2, turns.len())
        );
        let ids: Vec<_> = turns.iter().map(ToString::to_string).collect();
        let rows: Vec<Row> = on_db!(self.db(), |c| {
            let query = sqlx::query_as(AssertSqlSafe(text)).persistent(false);
            let query = query.bind(tenant.to_string());
            ids.iter().fold(query, QueryAs::bind).fetch_all(c).await?
        });
        rows.into_iter().map(from_row).collect()
    }
}

async fn insert(tx: &mut Tx, step: &Step) -> Result<()> {
    let text = format!(
        "INSERT INTO steps ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
    );
    in_tx!(tx, |c| sqlx::query(AssertSqlSafe(text))
        .bind(step.tenant_id.to_string())
        .bind(step.turn_id.to_string())
        .bind(i64::from(step.number))
        .bind(step.kind.as_str())
        .bind(&step.name)
        .bind(step.call_id.as_deref())
        .bind(step.status.as_str())
        .bind(step.input.to_string())
        .bind(step.output.to_string())
        .bind(step.error.as_deref())
        .bind(step.started_at.as_micros())
        .bind(micros(step.took))
        .execute(c)
        .await
        .map(drop))
    .map_err(crate::store::name_taken)
}

async fn update(tx: &mut Tx, step: &Step) -> Result<()> {
    const UPDATE: &str = "UPDATE steps SET status = $1, output = $2, error = $3, started_at = $4, duration_us = $5 \
                          WHERE tenant_id = $6 AND turn_id = $7 AND number = $8";
    in_tx!(tx, |c| sqlx::query(UPDATE)
        .bind(step.status.as_str())
        .bind(step.output.to_string())
        .bind(step.error.as_deref())
        .bind(step.started_at.as_micros())
        .bind(micros(step.took))
        .bind(step.tenant_id.to_string())
        .bind(step.turn_id.to_string())
        .bind(i64::from(step.number))
        .execute(c)
        .await
        .map(drop))?;
    Ok(())
}

/// Notes what a person said of the step that waits for consent.
pub(super) async fn decide(
    tx: &mut Tx,
    tenant: TenantId,
    turn: TurnId,
    number: u32,
    status: StepStatus,
    error: Option<&str>,
) -> Result<()> {
    const DECIDE: &str = "UPDATE steps SET status = $1, error = $2 WHERE tenant_id = $3 AND turn_id = $4 \
                          AND number = $5 AND status = 'waiting'";
    in_tx!(tx, |c| sqlx::query(DECIDE)
        .bind(status.as_str())
        .bind(error)
        .bind(tenant.to_string())
        .bind(turn.to_string())
        .bind(i64::from(number))
        .execute(c)
        .await
        .map(drop))?;
    Ok(())
}

fn micros(took: Option<Duration>) -> Option<i64> {
    took.map(|took| i64::try_from(took.as_micros()).unwrap_or(i64::MAX))
}
