//! Jobs, long work with progress: `/v1/jobs`.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use tieline_domain::{
    JobId, Timestamp,
    access::{Area, Right},
    job::{Fault, Job, Kind, Progress, Status},
};
use tieline_store::jobs::JobFilter;
use utoipa::ToSchema;

use super::{
    answer::{ListView, Shown},
    caller::Caller,
    page::{Filters, Id, Page},
    problem::{Code, Problem},
};
use crate::app::App;

/// Which jobs are wanted; each narrows the list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Of this status: `waiting`, `running`, `completed`, `failed` or `cancelled`.
    #[param(value_type = Option<String>, example = "running")]
    status: Option<Status>,
    /// Of this kind: `events.replay` or `action.run`.
    #[param(value_type = Option<String>, example = "events.replay")]
    kind: Option<Kind>,
}

/// A job.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": "job_01kb3f9z5qf8m9w2v7x4t6n0hj", "kind": "events.replay", "status": "running", "asked": {"types": ["order.*"], "after": "evt_01kb000000f8m9w2v7x4t6n0hf", "before": "evt_01kb3f9z5qf8m9w2v7x4t6n0hf", "rate_per_second": 500}, "total": 100_000, "done": 42_000, "failed": 0, "per_second": 499.2, "result": {"events": 42_000, "made": 0, "again": 42_000, "waiting": 0}, "errors": [], "created_by": "key_01kb3f9z5qf8m9w2v7x4t6n0ha", "created_at": "2026-11-22T10:00:00.000Z", "started_at": "2026-11-22T10:00:00.100Z", "ended_at": null, "delivery_id": null}))]
pub struct JobView {
    /// Its id.
    id: String,
    /// What kind of work it is: `events.replay` or `action.run`.
    #[schema(value_type = String)]
    kind: Kind,
    /// `waiting`, `running`, `completed`, `failed` or `cancelled`.
    #[schema(value_type = String)]
    status: Status,
    /// What is to be done.
    #[schema(value_type = Object)]
    asked: Box<RawValue>,
    /// How many items there are; null until that is known.
    total: Option<u64>,
    /// How many are done, those that failed included.
    done: u64,
    /// How many failed.
    failed: u64,
    /// How many are done per second, since it began.
    per_second: f64,
    /// What it came to so far, in the terms of its kind.
    #[schema(value_type = Option<Object>)]
    result: Option<Value>,
    /// What went wrong, item by item: the first 100.
    errors: Vec<FaultView>,
    /// Who asked for it.
    created_by: String,
    /// When it was asked for.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When a node first took it.
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<Timestamp>,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
    /// The delivery that is its work, with its attempts: of an `action.run`.
    delivery_id: Option<String>,
}

/// One thing that went wrong.
#[derive(Debug, Serialize, ToSchema)]
pub struct FaultView {
    /// What it was about; null where it was the whole job.
    item: Option<String>,
    /// What went wrong, and what to do.
    detail: String,
}

impl From<Fault> for FaultView {
    fn from(fault: Fault) -> Self {
        let Fault { item, detail } = fault;
        Self { item, detail }
    }
}

impl JobView {
    /// A job as it is at `now`.
    pub(super) fn new(job: Job, now: Timestamp) -> Result<Self, Problem> {
        let Job {
            id,
            tenant_id: _,
            kind,
            status,
            asked,
            place,
            progress,
            created_by,
            created_at,
            started_at,
            ended_at,
            delivery_id,
        } = job;
        let Progress {
            total,
            done,
            failed,
            errors,
        } = progress;
        let worked = started_at.map(|began| ended_at.unwrap_or(now).since(began).as_secs_f64());
        let place: Option<Value> = place.and_then(|place| serde_json::from_str(&place).ok());
        Ok(Self {
            id: id.to_string(),
            kind,
            status,
            asked: RawValue::from_string(asked).map_err(|_| Problem::internal())?,
            total,
            done,
            failed,
            per_second: worked
                .filter(|seconds| *seconds > 0.0)
                .map_or(0.0, |seconds| (done as f64 / seconds * 10.0).round() / 10.0),
            result: place.map(|mut place| place["result"].take()),
            errors: errors.into_iter().map(Into::into).collect(),
            created_by,
            created_at,
            started_at,
            ended_at,
            delivery_id: delivery_id.map(|id| id.to_string()),
        })
    }
}

async fn find(app: &App, caller: &Caller, id: JobId) -> Result<Job, Problem> {
    let found = app.store.find_job(caller.tenant_id, id).await?;
    found.ok_or_else(|| Problem::not_found("job"))
}

/// List the jobs
#[utoipa::path(get, path = "/jobs", operation_id = "list_jobs", tag = "Jobs", params(Page, Wanted),
    extensions(("x-required-scope" = json!("jobs:read"))))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    page: Page,
    Filters(Wanted { status, kind }): Filters<Wanted>,
) -> Result<ListView<JobView>, Problem> {
    caller.require(Area::Jobs, Right::Read)?;
    let filter = JobFilter { status, kind };
    let (tenant, page) = (caller.tenant_id, page.request());
    let jobs = app.store.list_jobs(tenant, &filter, &page).await?;
    let now = app.clock.now();
    let views = jobs.items.into_iter().map(|job| JobView::new(job, now));
    Ok(ListView {
        data: views.collect::<Result<_, _>>()?,
        next_cursor: jobs.next,
    })
}

/// Show a job
///
/// Its progress, what it came to so far, and what went wrong.
#[utoipa::path(get, path = "/jobs/{id}", operation_id = "get_job", tag = "Jobs",
    params(("id" = String, Path, description = "Id of the job", example = "job_01kb3f9z5qf8m9w2v7x4t6n0hj")),
    extensions(("x-required-scope" = json!("jobs:read"))))]
pub async fn get(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<JobId>,
) -> Result<Shown<JobView>, Problem> {
    caller.require(Area::Jobs, Right::Read)?;
    let found = find(&app, &caller, id).await?;
    Ok(Shown::new(JobView::new(found, app.clock.now())?))
}

/// Cancel a job
///
/// It stops within a second. What it has done stays. A run of an action can be cancelled while it waits, not while the
/// action is being called.
#[utoipa::path(post, path = "/jobs/{id}/cancel", operation_id = "cancel_job", tag = "Jobs",
    params(("id" = String, Path, description = "Id of the job", example = "job_01kb3f9z5qf8m9w2v7x4t6n0hj")),
    extensions(("x-required-scope" = json!("jobs:write"))))]
pub async fn cancel(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<JobId>,
) -> Result<Shown<JobView>, Problem> {
    caller.require(Area::Jobs, Right::Write)?;
    let by = caller.change(&app);
    let tenant = caller.tenant_id;
    let cancelled = app.store.cancel_job(tenant, id, &by).await?;
    let job = find(&app, &caller, id).await?;
    if !cancelled {
        let detail = match job.status {
            Status::Running => "the action is being called at this moment; look at the outcome",
            _ => "this job has ended; only one that waits or runs can be cancelled",
        };
        return Err(Problem::new(Code::Conflict, detail));
    }
    if let Some(delivery) = job.delivery_id {
        app.store.cancel_delivery(tenant, delivery, by.at).await?;
    }
    Ok(Shown::new(JobView::new(job, app.clock.now())?))
}
