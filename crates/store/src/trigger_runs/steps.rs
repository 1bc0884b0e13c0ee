//! The steps of runs.

use tieline_domain::{
    TenantId, Timestamp, TriggerRunId,
    trigger::{Run, RunStep},
};

use super::text;
use crate::{
    Error, Result, Store,
    db::Tx,
    spine::{
        self, Entry, lines,
        replay::{self, Again},
    },
    sql::{Noun, Read, Row, select, sql},
};

impl Noun for RunStep {
    const TABLE: &str = "trigger_steps";
    const COLUMNS: &str = "number, name, kind, status, attempts, input, output, error, call_id, started_at, \
                           duration_us";
}

impl Read for RunStep {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            number: row.get("number")?,
            name: row.get("name")?,
            kind: row.get("kind")?,
            status: row.get("status")?,
            attempts: row.get("attempts")?,
            input: row.json("input")?,
            output: row.json_if_any("output")?,
            error: row.json_if_any("error")?,
            call_id: row.get("call_id")?,
            started_at: row.get("started_at")?,
            duration: row.get("duration_us")?,
        })
    }
}

/// What a step leaves behind beside its row.
#[derive(Clone, Debug, Default)]
pub struct Effects {
    /// Events that it publishes, with what they are owed.
    pub events: Vec<Entry>,
    /// Events that it delivers.
    pub deliveries: Vec<Again>,
}

impl Store {
    /// The steps of a run that were begun, the first one first.
    pub async fn trigger_steps(&self, tenant: TenantId, run: TriggerRunId) -> Result<Vec<RunStep>> {
        let steps = select(tenant).with("run_id = ?", run);
        steps.list("number", self.db()).await
    }

    /// Notes that a step of a run begins, or begins again; false if `holder` has the run no more.
    pub async fn begin_trigger_step(
        &self,
        of: &Run,
        holder: &str,
        begun: &RunStep,
    ) -> Result<bool> {
        const BEGIN: &str = "INSERT INTO trigger_steps (tenant_id, run_id, number, name, kind, status, attempts, \
                             input, started_at) VALUES ($1, $2, $3, $4, $5, 'running', 1, $6, $7) \
                             ON CONFLICT (tenant_id, run_id, number) DO UPDATE SET status = 'running', \
                             attempts = trigger_steps.attempts + 1, input = excluded.input, output = NULL, \
                             error = NULL, call_id = NULL, started_at = excluded.started_at, duration_us = NULL";
        let input = serde_json::to_string(&begun.input).map_err(Error::content)?;
        let mut tx = self.db().begin().await?;
        if !holds(&mut tx, of, holder).await? {
            return Ok(false);
        }
        sql(BEGIN)
            .bind(of.tenant_id)
            .bind(of.id)
            .bind(begun.number)
            .bind(&begun.name)
            .bind(&begun.kind)
            .bind(&input)
            .bind(begun.started_at)
            .run(&mut tx)
            .await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Writes how a step ended, with what it leaves behind, all in one commit; false if `holder` has the run no more,
    /// and then nothing is written. One that was never begun is written as it is.
    pub async fn end_trigger_step(
        &self,
        of: &Run,
        holder: &str,
        ended: &RunStep,
        effects: &Effects,
        now: Timestamp,
    ) -> Result<bool> {
        let mut tx = self.db().begin().await?;
        let joined = effects.events.iter().flat_map(lines::joined_by);
        let delivered = effects.deliveries.iter().map(|again| again.destination_id);
        lines::lock(&mut tx, joined.chain(delivered).collect()).await?;
        if !holds(&mut tx, of, holder).await? {
            return Ok(false);
        }
        write_step(&mut tx, of, ended).await?;
        for event in &effects.events {
            spine::write_notice(&mut tx, event).await?;
        }
        let deliveries = &effects.deliveries;
        replay::make(&mut tx, self.db().locked(), "", deliveries, now).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// Takes the content of an event out of the steps that it came to.
pub(crate) async fn erase_steps(tx: &mut Tx, tenant: TenantId, event: &str) -> Result<()> {
    const BLANK: &str = "UPDATE trigger_steps SET input = 'null', output = NULL WHERE tenant_id = $1 AND run_id IN \
                         (SELECT id FROM trigger_runs WHERE event_id = $2 AND tenant_id = $1)";
    sql(BLANK).bind(tenant).bind(event).run(tx).await?;
    Ok(())
}

/// Whether the run is still the holder's; keeps it so until the transaction ends.
async fn holds(tx: &mut Tx, of: &Run, holder: &str) -> Result<bool> {
    const HOLDS: &str = "UPDATE trigger_runs SET holder = holder WHERE tenant_id = $1 AND id = $2 AND holder = $3 \
                         AND status = 'running'";
    let held = sql(HOLDS)
        .bind(of.tenant_id)
        .bind(of.id)
        .bind(holder)
        .run(tx)
        .await?;
    Ok(held > 0)
}

async fn write_step(tx: &mut Tx, of: &Run, ended: &RunStep) -> Result<()> {
    const WRITE: &str = "INSERT INTO trigger_steps (tenant_id, run_id, number, name, kind, status, attempts, input, \
                         output, error, call_id, started_at, duration_us) \
                         VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $8, $9, $10, $11, $12) \
                         ON CONFLICT (tenant_id, run_id, number) DO UPDATE SET status = excluded.status, \
                         input = excluded.input, output = excluded.output, error = excluded.error, \
                         call_id = excluded.call_id, started_at = excluded.started_at, \
                         duration_us = excluded.duration_us";
    let input = serde_json::to_string(&ended.input).map_err(Error::content)?;
    let (output, error) = (text(ended.output.as_ref())?, text(ended.error.as_ref())?);
    sql(WRITE)
        .bind(of.tenant_id)
        .bind(of.id)
        .bind(ended.number)
        .bind(&ended.name)
        .bind(&ended.kind)
        .bind(ended.status)
        .bind(&input)
        .bind(output)
        .bind(error)
        .bind(ended.call_id)
        .bind(ended.started_at)
        .bind(ended.duration)
        .run(tx)
        .await?;
    Ok(())
}
