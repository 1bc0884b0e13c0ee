//! Runs of triggers and their steps: each step is written as it begins and as it ends, with the events that it
//! publishes, so that a run that is taken up again repeats none that is done.
//!
//! A run belongs to one attempt of its delivery at a time, its holder: what another one writes does not count.

mod steps;

use sqlx::AssertSqlSafe;
use tieline_domain::{
    DeliveryId, EventId, TenantId, Timestamp, TriggerId, TriggerRunId,
    trigger::{Failure, Run, RunStatus},
};

use crate::{
    Error, Page, PageRequest, Result, Store,
    db::{in_tx, on_db},
    store::parsed,
};

pub use steps::Effects;
pub(crate) use steps::erase_steps;

const RUN: &str = "tenant_id, id, trigger_id, delivery_id, event_id, trace_id, depth, plan, status, error, schedule, \
                   created_at, ended_at";

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
}
