//! The steps of turns, written as they begin and as they end.

use sqlx::AssertSqlSafe;
use tieline_domain::{
    TenantId, TurnId,
    conversation::{Step, StepStatus},
};

use crate::{
    Result, Store,
    db::Tx,
    sql::{Noun, Read, Row, select, sql},
};

impl Noun for Step {
    const TABLE: &str = "steps";
    const COLUMNS: &str = "tenant_id, turn_id, number, kind, name, call_id, status, input, output, error, started_at, \
                           duration_us";
}

impl Read for Step {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            turn_id: row.get("turn_id")?,
            tenant_id: row.get("tenant_id")?,
            number: row.get("number")?,
            kind: row.get("kind")?,
            name: row.get("name")?,
            call_id: row.get("call_id")?,
            status: row.get("status")?,
            input: row.json("input")?,
            output: row.json("output")?,
            error: row.get("error")?,
            started_at: row.get("started_at")?,
            took: row.get("duration_us")?,
        })
    }
}

impl Store {
    /// Writes steps that begin, or have ended already, in one commit. [`Error::NameTaken`] if one of these places in
    /// the turn is taken: another node is at the turn.
    pub async fn write_steps(&self, steps: &[Step]) -> Result<()> {
        let write = async |tx: &mut Tx| {
            for step in steps {
                insert(tx, step).await?;
            }
            Ok(())
        };
        self.db().shared(write).await
    }

    /// Writes how a step went.
    pub async fn rewrite_step(&self, step: &Step) -> Result<()> {
        let rewrite = async |tx: &mut Tx| update(tx, step).await;
        self.db().shared(rewrite).await
    }

    /// The steps of some turns, in their order.
    pub async fn list_steps(&self, tenant: TenantId, turns: &[TurnId]) -> Result<Vec<Step>> {
        if turns.is_empty() {
            return Ok(Vec::new());
        }
        let steps = select(tenant).among("turn_id", turns.iter().copied());
        steps.list("turn_id, number", self.db()).await
    }
}

async fn insert(tx: &mut Tx, step: &Step) -> Result<()> {
    let text = format!(
        "INSERT INTO steps ({}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        Step::COLUMNS
    );
    sql(AssertSqlSafe(text))
        .bind(step.tenant_id)
        .bind(step.turn_id)
        .bind(step.number)
        .bind(step.kind)
        .bind(&step.name)
        .bind(step.call_id.as_deref())
        .bind(step.status)
        .bind(step.input.to_string())
        .bind(step.output.to_string())
        .bind(step.error.as_deref())
        .bind(step.started_at)
        .bind(step.took)
        .run_unless_taken(tx)
        .await
}

async fn update(tx: &mut Tx, step: &Step) -> Result<()> {
    const UPDATE: &str = "UPDATE steps SET status = $1, output = $2, error = $3, started_at = $4, duration_us = $5 \
                          WHERE tenant_id = $6 AND turn_id = $7 AND number = $8";
    sql(UPDATE)
        .bind(step.status)
        .bind(step.output.to_string())
        .bind(step.error.as_deref())
        .bind(step.started_at)
        .bind(step.took)
        .bind(step.tenant_id)
        .bind(step.turn_id)
        .bind(step.number)
        .run(tx)
        .await?;
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
    sql(DECIDE)
        .bind(status)
        .bind(error)
        .bind(tenant)
        .bind(turn)
        .bind(number)
        .run(tx)
        .await?;
    Ok(())
}
