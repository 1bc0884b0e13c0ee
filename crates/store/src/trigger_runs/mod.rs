//! Runs of triggers and their steps: each step is written as it begins and as it ends, with the events that it
//! publishes, so that a run that is taken up again repeats none that is done.
//!
//! A run belongs to one attempt of its delivery at a time, its holder: what another one writes does not count.

mod steps;

use tieline_domain::{
    DeliveryId, EventId, TenantId, Timestamp, TriggerId, TriggerRunId,
    trigger::{Failure, Run, RunStatus},
};

use crate::{
    Error, Page, PageRequest, Result, Store,
    sql::{Noun, Read, Row, select, sql},
};

pub use steps::Effects;
pub(crate) use steps::erase_steps;

/// How many causes are followed to find the run that an event comes from.
const MAX_CAUSES: usize = 32;

impl Noun for Run {
    const TABLE: &str = "trigger_runs";
    const COLUMNS: &str = "tenant_id, id, trigger_id, delivery_id, event_id, trace_id, depth, plan, status, error, \
                           schedule, created_at, ended_at";
}

impl Read for Run {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            tenant_id: row.get("tenant_id")?,
            trigger_id: row.get("trigger_id")?,
            delivery_id: row.get("delivery_id")?,
            event_id: row.get("event_id")?,
            trace_id: row.get("trace_id")?,
            depth: row.get("depth")?,
            plan: row.get("plan")?,
            status: row.get("status")?,
            error: row.json_if_any("error")?,
            schedule: row.get("schedule")?,
            created_at: row.get("created_at")?,
            ended_at: row.get("ended_at")?,
        })
    }
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
        let runs = select(tenant).with("delivery_id = ?", delivery);
        let newest: Vec<Run> = runs.first(1, "id DESC", self.db()).await?;
        Ok(newest.into_iter().next())
    }

    /// One run.
    pub async fn find_trigger_run(
        &self,
        tenant: TenantId,
        id: TriggerRunId,
    ) -> Result<Option<Run>> {
        let run = select(tenant).with("id = ?", id);
        run.find(self.db()).await
    }

    /// A page of the runs of a trigger, the newest first.
    pub async fn list_trigger_runs(
        &self,
        tenant: TenantId,
        trigger: TriggerId,
        filter: RunFilter,
        page: &PageRequest,
    ) -> Result<Page<Run>> {
        let runs = select(tenant)
            .with("trigger_id = ?", trigger)
            .with_any("status = ?", filter.status)
            .with_any("event_id = ?", filter.event_id);
        runs.page(page, |run: &Run| run.id, self.db()).await
    }

    /// How many runs led to an event that has this cause: 0 if none of the events before it started one.
    pub async fn chain_of_runs(&self, tenant: TenantId, cause: Option<EventId>) -> Result<u32> {
        const DEPTH: &str =
            "SELECT MAX(depth) FROM trigger_runs WHERE event_id = $1 AND tenant_id = $2";
        let mut cause = cause;
        for _ in 0..MAX_CAUSES {
            let Some(event) = cause else { return Ok(0) };
            let depth = sql(DEPTH).bind(event).bind(tenant);
            if let Some(Some(depth)) = depth.find(self.db()).await? {
                return Ok(depth);
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
        sql(BEGIN)
            .bind(new.tenant_id)
            .bind(new.id)
            .bind(new.trigger_id)
            .bind(new.delivery_id)
            .bind(new.event_id)
            .bind(&new.trace_id)
            .bind(new.depth)
            .bind(&new.plan)
            .bind(new.status)
            .bind(error)
            .bind(new.schedule)
            .bind(new.created_at)
            .bind(new.ended_at)
            .bind(holder)
            .commit(self.db())
            .await?;
        Ok(())
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
        let resumed = sql(RESUME)
            .bind(holder)
            .bind(schedule)
            .bind(seen.tenant_id)
            .bind(seen.id)
            .bind(seen.status)
            .bind(seen.schedule)
            .commit(self.db())
            .await?;
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
        let passed = sql(PASS)
            .bind(to)
            .bind(error)
            .bind(ended_at)
            .bind(of.tenant_id)
            .bind(of.id)
            .bind(holder)
            .commit(self.db())
            .await?;
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
        sql(FAIL)
            .bind(why)
            .bind(now)
            .bind(event)
            .bind(tenant)
            .bind(trigger)
            .commit(self.db())
            .await?;
        Ok(())
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
        let found: Vec<(TenantId, TriggerRunId)> = sql(FIND).bind(limit).list(self.db()).await?;
        let mut ended = 0;
        for (tenant, id) in found {
            let mut tx = self.db().begin().await?;
            ended += sql(END)
                .bind(now)
                .bind(tenant)
                .bind(id)
                .run(&mut tx)
                .await?;
            tx.commit().await?;
        }
        Ok(ended)
    }
}
