//! Runs of triggers and their steps: each step is written as it begins and as it ends, with the events that it
//! publishes, so that a run that is taken up again repeats none that is done.
//!
//! A run belongs to one attempt of its delivery at a time, its holder: what another one writes does not count.

use std::time::Duration;

use sqlx::AssertSqlSafe;
use tieline_domain::{
    DeliveryId, EventId, TenantId, Timestamp, TriggerId, TriggerRunId,
    trigger::{Failure, Run, RunStatus, RunStep},
};

use crate::{
    Error, Page, PageRequest, Result, Store,
    db::{Tx, in_tx, on_db},
    spine::{
        self, Entry, lines,
        replay::{self, Again},
    },
    store::parsed,
};

const RUN: &str = "tenant_id, id, trigger_id, delivery_id, event_id, trace_id, depth, plan, status, error, schedule, \
                   created_at, ended_at";

const STEP: &str =
    "number, name, kind, status, attempts, input, output, error, call_id, started_at, duration_us";

/// How many causes are followed to find the run that an event comes from.
const MAX_CAUSES: usize = 32;

type RunRow = (
    String,
    String,
    String,
    String,
    String,
    String,
    i64,
    String,
    String,
    Option<String>,
    i64,
    i64,
    Option<i64>,
);

type StepRow = (
    i64,
    String,
    String,
    String,
    i64,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
    i64,
    Option<i64>,
);

fn run(row: RunRow) -> Result<Run> {
    let (
        tenant,
        id,
        trigger,
        delivery,
        event,
        trace_id,
        depth,
        plan,
        status,
        error,
        schedule,
        created_at,
        ended_at,
    ) = row;
    Ok(Run {
        id: parsed(&id)?,
        tenant_id: parsed(&tenant)?,
        trigger_id: parsed(&trigger)?,
        delivery_id: parsed(&delivery)?,
        event_id: parsed(&event)?,
        trace_id,
        depth: number(depth),
        plan,
        status: parsed(&status)?,
        error: json(error.as_deref())?,
        schedule: number(schedule),
        created_at: Timestamp::from_micros(created_at),
        ended_at: ended_at.map(Timestamp::from_micros),
    })
}

fn step(row: StepRow) -> Result<RunStep> {
    let (place, name, kind, status, attempts, input, output, error, call_id, started_at, duration) =
        row;
    Ok(RunStep {
        number: number(place),
        name,
        kind,
        status: parsed(&status)?,
        attempts: number(attempts),
        input: serde_json::from_str(&input).map_err(Error::content)?,
        output: json(output.as_deref())?,
        error: json(error.as_deref())?,
        call_id: call_id.as_deref().map(parsed).transpose()?,
        started_at: Timestamp::from_micros(started_at),
        duration: duration.map(|micros| Duration::from_micros(micros.unsigned_abs())),
    })
}

fn number(value: i64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

fn json<T: serde::de::DeserializeOwned>(text: Option<&str>) -> Result<Option<T>> {
    text.map(serde_json::from_str)
        .transpose()
        .map_err(Error::content)
}

fn text(value: Option<&impl serde::Serialize>) -> Result<Option<String>> {
    value
        .map(serde_json::to_string)
        .transpose()
        .map_err(Error::content)
}

/// Which runs a list shows; every field narrows it.
#[derive(Clone, Copy, Debug, Default)]
pub struct RunFilter {
    /// Of this status.
    pub status: Option<RunStatus>,
    /// About this event.
    pub event_id: Option<EventId>,
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
    /// The newest run that is the work of a delivery.
    pub async fn run_of_delivery(
        &self,
        tenant: TenantId,
        delivery: DeliveryId,
    ) -> Result<Option<Run>> {
        let text = format!(
            "SELECT {RUN} FROM trigger_runs WHERE delivery_id = $1 AND tenant_id = $2 ORDER BY id DESC LIMIT 1"
        );
        let row: Option<RunRow> = on_db!(self.db(), |c| sqlx::query_as(AssertSqlSafe(text))
            .bind(delivery.to_string())
            .bind(tenant.to_string())
            .fetch_optional(c)
            .await?);
        row.map(run).transpose()
    }

    /// One run.
    pub async fn find_trigger_run(
        &self,
        tenant: TenantId,
        id: TriggerRunId,
    ) -> Result<Option<Run>> {
        let text = format!("SELECT {RUN} FROM trigger_runs WHERE tenant_id = $1 AND id = $2");
        let row: Option<RunRow> = on_db!(self.db(), |c| sqlx::query_as(AssertSqlSafe(text))
            .bind(tenant.to_string())
            .bind(id.to_string())
            .fetch_optional(c)
            .await?);
        row.map(run).transpose()
    }

    /// A page of the runs of a trigger, the newest first.
    pub async fn list_trigger_runs(
        &self,
        tenant: TenantId,
        trigger: TriggerId,
        filter: RunFilter,
        page: &PageRequest,
    ) -> Result<Page<Run>> {
        let text = format!(
            "SELECT {RUN} FROM trigger_runs WHERE trigger_id = $1 AND tenant_id = $2 AND id < $3 \
             AND ($4 = '' OR status = $4) AND ($5 = '' OR event_id = $5) ORDER BY id DESC LIMIT $6"
        );
        let rows: Vec<RunRow> = on_db!(self.db(), |c| sqlx::query_as(AssertSqlSafe(text))
            .bind(trigger.to_string())
            .bind(tenant.to_string())
            .bind(page.below())
            .bind(filter.status.map(RunStatus::as_str).unwrap_or_default())
            .bind(filter.event_id.map(|id| id.to_string()).unwrap_or_default())
            .bind(page.rows())
            .fetch_all(c)
            .await?);
        let runs = rows.into_iter().map(run).collect::<Result<Vec<_>>>()?;
        Ok(Page::cut(runs, page, |run| run.id))
    }

    /// The steps of a run that were begun, the first one first.
    pub async fn trigger_steps(&self, tenant: TenantId, run: TriggerRunId) -> Result<Vec<RunStep>> {
        let text = format!(
            "SELECT {STEP} FROM trigger_steps WHERE tenant_id = $1 AND run_id = $2 ORDER BY number"
        );
        let rows: Vec<StepRow> = on_db!(self.db(), |c| sqlx::query_as(AssertSqlSafe(text))
            .bind(tenant.to_string())
            .bind(run.to_string())
            .fetch_all(c)
            .await?);
        rows.into_iter().map(step).collect()
    }

    /// How many runs led to an event that has this cause: 0 if none of the events before it started one.
    pub async fn chain_of_runs(&self, tenant: TenantId, cause: Option<EventId>) -> Result<u32> {
        const DEPTH: &str =
            "SELECT MAX(depth) FROM trigger_runs WHERE event_id = $1 AND tenant_id = $2";
        let mut cause = cause;
        for _ in 0..MAX_CAUSES {
            let Some(event) = cause else { return Ok(0) };
            let (depth,): (Option<i64>,) = on_db!(self.db(), |c| sqlx::query_as(DEPTH)
                .bind(event.to_string())
                .bind(tenant.to_string())
                .fetch_one(c)
                .await?);
            if let Some(depth) = depth {
                return Ok(number(depth));
            }
            let event = self.find_event(tenant, event).await?;
            cause = event.and_then(|event| event.cause_id);
        }
        Ok(0)
    }

    /// Begins a run for `holder`.
    pub async fn begin_trigger_run(&self, new: &Run, holder: &str) -> Result<()> {
        const BEGIN: &str = "INSERT INTO trigger_runs (tenant_id, id, trigger_id, delivery_id, event_id, trace_id, \
                             depth, plan, status, error, schedule, created_at, ended_at, holder) \
                             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
        let error = text(new.error.as_ref())?;
        let mut tx = self.db().begin().await?;
        in_tx!(tx, |c| sqlx::query(BEGIN)
            .bind(new.tenant_id.to_string())
            .bind(new.id.to_string())
            .bind(new.trigger_id.to_string())
            .bind(new.delivery_id.to_string())
            .bind(new.event_id.to_string())
            .bind(&new.trace_id)
            .bind(i64::from(new.depth))
            .bind(&new.plan)
            .bind(new.status.as_str())
            .bind(error)
            .bind(i64::from(new.schedule))
            .bind(new.created_at.as_micros())
            .bind(new.ended_at.map(Timestamp::as_micros))
            .bind(holder)
            .execute(c)
            .await
            .map(drop))?;
        tx.commit().await
    }

    /// Takes up a run that was begun, for `holder`; false if it is no longer as it was `seen`.
    pub async fn resume_trigger_run(
        &self,
        seen: &Run,
        holder: &str,
        schedule: u32,
    ) -> Result<bool> {
        const RESUME: &str = "UPDATE trigger_runs SET status = 'running', error = NULL, ended_at = NULL, holder = $1, \
                              schedule = $2 WHERE tenant_id = $3 AND id = $4 AND status = $5 AND schedule = $6";
        let mut tx = self.db().begin().await?;
        let resumed = in_tx!(tx, |c| sqlx::query(RESUME)
            .bind(holder)
            .bind(i64::from(schedule))
            .bind(seen.tenant_id.to_string())
            .bind(seen.id.to_string())
            .bind(seen.status.as_str())
            .bind(i64::from(seen.schedule))
            .execute(c)
            .await?
            .rows_affected());
        tx.commit().await?;
        Ok(resumed > 0)
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
        in_tx!(tx, |c| sqlx::query(BEGIN)
            .bind(of.tenant_id.to_string())
            .bind(of.id.to_string())
            .bind(i64::from(begun.number))
            .bind(&begun.name)
            .bind(&begun.kind)
            .bind(&input)
            .bind(begun.started_at.as_micros())
            .execute(c)
            .await
            .map(drop))?;
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
        replay::make(&mut tx, self.db(), of.tenant_id, deliveries, now).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Ends a run, or lets it wait for another try; false if `holder` has it no more.
    pub async fn pass_trigger_run(
        &self,
        of: &Run,
        holder: &str,
        to: RunStatus,
        error: Option<&Failure>,
        now: Timestamp,
    ) -> Result<bool> {
        const PASS: &str = "UPDATE trigger_runs SET status = $1, error = $2, ended_at = $3, holder = NULL \
                            WHERE tenant_id = $4 AND id = $5 AND holder = $6 AND status = 'running'";
        let error = text(error)?;
        let ended_at = (to != RunStatus::Waiting).then_some(now.as_micros());
        let mut tx = self.db().begin().await?;
        let passed = in_tx!(tx, |c| sqlx::query(PASS)
            .bind(to.as_str())
            .bind(error)
            .bind(ended_at)
            .bind(of.tenant_id.to_string())
            .bind(of.id.to_string())
            .bind(holder)
            .execute(c)
            .await?
            .rows_affected());
        tx.commit().await?;
        Ok(passed > 0)
    }

    /// Ends the open runs of a trigger about an event as failed, whoever has them: their delivery is tried no more.
    /// Why a run was last put off stays.
    pub async fn give_up_trigger_runs(
        &self,
        tenant: TenantId,
        trigger: TriggerId,
        event: EventId,
        why: &Failure,
        now: Timestamp,
    ) -> Result<()> {
        const FAIL: &str = "UPDATE trigger_runs SET status = 'failed', error = COALESCE(error, $1), ended_at = $2, \
                            holder = NULL WHERE event_id = $3 AND tenant_id = $4 AND trigger_id = $5 \
                            AND ended_at IS NULL";
        let why = text(Some(why))?;
        let mut tx = self.db().begin().await?;
        in_tx!(tx, |c| sqlx::query(FAIL)
            .bind(why)
            .bind(now.as_micros())
            .bind(event.to_string())
            .bind(tenant.to_string())
            .bind(trigger.to_string())
            .execute(c)
            .await
            .map(drop))?;
        tx.commit().await
    }

    /// Ends up to `limit` open runs whose delivery goes out no more; says how many.
    pub async fn end_orphaned_runs(&self, now: Timestamp, limit: usize) -> Result<u64> {
        const FIND: &str = "SELECT tenant_id, id FROM trigger_runs WHERE ended_at IS NULL AND NOT EXISTS \
                            (SELECT 1 FROM deliveries d WHERE d.tenant_id = trigger_runs.tenant_id \
                            AND d.id = trigger_runs.delivery_id AND d.status IN ('pending', 'held', 'queued')) \
                            ORDER BY id LIMIT $1";
        const END: &str = "UPDATE trigger_runs SET ended_at = $1, holder = NULL, status = \
                           CASE WHEN EXISTS (SELECT 1 FROM deliveries d WHERE d.tenant_id = trigger_runs.tenant_id \
                           AND d.id = trigger_runs.delivery_id AND d.status = 'dead') THEN 'failed' \
                           ELSE 'cancelled' END WHERE tenant_id = $2 AND id = $3 AND ended_at IS NULL";
        let found: Vec<(String, String)> = on_db!(self.db(), |c| sqlx::query_as(FIND)
            .bind(limit as i64)
            .fetch_all(c)
            .await?);
        let mut ended = 0;
        for (tenant, id) in found {
            let mut tx = self.db().begin().await?;
            ended += in_tx!(tx, |c| sqlx::query(END)
                .bind(now.as_micros())
                .bind(tenant)
                .bind(id)
                .execute(c)
                .await?
                .rows_affected());
            tx.commit().await?;
        }
        Ok(ended)
    }

    /// Removes up to `limit` runs of a tenant, with their steps, that have ended and are older than `before`.
    pub async fn remove_trigger_runs(
        &self,
        tenant: TenantId,
        before: TriggerRunId,
        limit: usize,
    ) -> Result<u64> {
        const OLD: &str = "SELECT id FROM trigger_runs WHERE tenant_id = $1 AND id < $2 AND ended_at IS NOT NULL \
                           ORDER BY id LIMIT $3";
        let old: Vec<(String,)> = on_db!(self.db(), |c| sqlx::query_as(OLD)
            .bind(tenant.to_string())
            .bind(before.to_string())
            .bind(limit as i64)
            .fetch_all(c)
            .await?);
        if old.is_empty() {
            return Ok(0);
        }
        let list = replay::places(2, old.len());
        let mut tx = self.db().begin().await?;
        for statement in [
            format!("DELETE FROM trigger_steps WHERE tenant_id = $1 AND run_id IN ({list})"),
            format!("DELETE FROM trigger_runs WHERE tenant_id = $1 AND id IN ({list})"),
        ] {
            in_tx!(tx, |c| {
                let query = sqlx::query(AssertSqlSafe(statement)).persistent(false);
                let query = query.bind(tenant.to_string());
                let query = old.iter().fold(query, |query, (id,)| query.bind(id));
                query.execute(c).await?.rows_affected()
            });
        }
        tx.commit().await?;
        Ok(old.len() as u64)
    }
}

/// Takes the content of an event out of the steps that it came to.
pub(crate) async fn erase_steps(tx: &mut Tx, tenant: TenantId, event: &str) -> Result<()> {
    const BLANK: &str = "UPDATE trigger_steps SET input = 'null', output = NULL WHERE tenant_id = $1 AND run_id IN \
                         (SELECT id FROM trigger_runs WHERE event_id = $2 AND tenant_id = $1)";
    in_tx!(tx, |c| sqlx::query(BLANK)
        .bind(tenant.to_string())
        .bind(event)
        .execute(c)
        .await
        .map(drop))?;
    Ok(())
}

/// Whether the run is still the holder's; keeps it so until the transaction ends.
async fn holds(tx: &mut Tx, of: &Run, holder: &str) -> Result<bool> {
    const HOLDS: &str = "UPDATE trigger_runs SET holder = holder WHERE tenant_id = $1 AND id = $2 AND holder = $3 \
                         AND status = 'running'";
    let held = in_tx!(tx, |c| sqlx::query(HOLDS)
        .bind(of.tenant_id.to_string())
        .bind(of.id.to_string())
        .bind(holder)
        .execute(c)
        .await?
        .rows_affected());
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
    let duration = ended.duration.map(|took| took.as_micros());
    in_tx!(tx, |c| sqlx::query(WRITE)
        .bind(of.tenant_id.to_string())
        .bind(of.id.to_string())
        .bind(i64::from(ended.number))
        .bind(&ended.name)
        .bind(&ended.kind)
        .bind(ended.status.as_str())
        .bind(&input)
        .bind(output)
        .bind(error)
        .bind(ended.call_id.map(|id| id.to_string()))
        .bind(ended.started_at.as_micros())
        .bind(duration.map(|micros| i64::try_from(micros).unwrap_or(i64::MAX)))
        .execute(c)
        .await
        .map(drop))?;
    Ok(())
}
