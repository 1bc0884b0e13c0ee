//! Runs of triggers: `/v1/triggers/{id}/run`, `/v1/triggers/{id}/runs`, `/v1/trigger-runs`.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use tieline_domain::{
    EventId, Timestamp, TriggerId, TriggerRunId, Violation,
    access::{Area::Triggers, Right},
    event::{Event, types},
    pattern::EventType,
    trigger::{Failure, Run, RunStatus, RunStep, StepStatus, Trigger},
};
use tieline_store::trigger_runs::RunFilter;
use utoipa::{IntoResponses, ToSchema, openapi::RefOr};

use super::{
    answer::{Accepted, ListView, Shown},
    caller::Caller,
    document::content,
    frame::RequestTrace,
    json::Json,
    page::{Filters, Id, Page},
    problem::Problem,
    triggers::find,
};
use crate::{
    app::App,
    publish::{NewEvent, mint, own_type},
    triggers::{Preview, PreviewedStep},
};

/// What a trigger is run about.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"event": {"type": "order.paid", "data": {"id": 1042, "total": 1500, "email": "john@acme.com"}}, "dry_run": true}))]
pub struct RunRequest {
    /// The id of an event of the log, or an event that is made up: `{"type"?, "source"?, "subject"?, "data"?}`.
    #[serde(default)]
    #[schema(value_type = Option<Value>)]
    event: Option<Value>,
    /// Shows what would be done, and does nothing.
    #[serde(default)]
    dry_run: bool,
}

/// An event that is made up for a run.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SampleEvent {
    r#type: Option<EventType>,
    source: Option<String>,
    subject: Option<String>,
    data: Option<Box<RawValue>>,
}

/// A run that was asked for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"event_id": "evt_01kb3f9z5qf8m9w2v7x4t6n0hf", "status": "accepted", "runs": "/v1/triggers/trg_01kb3f9z5qf8m9w2v7x4t6n0hm/runs?event_id=evt_01kb3f9z5qf8m9w2v7x4t6n0hf"}))]
pub struct RunRequested {
    /// The event that asks for the run.
    event_id: String,
    /// `accepted`: it is on disk.
    status: &'static str,
    /// Where the run will be.
    runs: String,
}

/// What a run would do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"dry_run": true, "condition": {"holds": true, "detail": null}, "steps": [{"number": 0, "name": "ticket", "kind": "action", "input": {"subject": "Large order 1042"}, "errors": []}]}))]
pub struct DryRunView {
    /// That nothing was done.
    dry_run: bool,
    /// Whether the condition holds for the event; null without a condition. A run by hand does not ask it.
    condition: Option<TriggerConditionView>,
    /// The steps.
    steps: Vec<DryStepView>,
}

/// What a condition says about an event.
#[derive(Debug, Serialize, ToSchema)]
pub struct TriggerConditionView {
    /// Whether it holds; null if that cannot be told.
    holds: Option<bool>,
    /// Why it cannot be told.
    detail: Option<String>,
}

/// What a step would do.
#[derive(Debug, Serialize, ToSchema)]
pub struct DryStepView {
    /// Its place, from 0.
    number: usize,
    /// Its name.
    name: String,
    /// `action`, `agent`, `event` or `webhook`.
    kind: &'static str,
    /// What it would be done with; outputs of earlier steps stand there as placeholders.
    #[schema(value_type = Value)]
    input: Value,
    /// What is wrong with that.
    errors: Vec<DryFaultView>,
}

/// What is wrong with the input of a step.
#[derive(Debug, Serialize, ToSchema)]
pub struct DryFaultView {
    /// JSON Pointer (RFC 6901) into the input.
    pointer: String,
    /// What is wrong there.
    detail: String,
}

/// What became of a request to run a trigger.
pub enum Ran {
    /// It was asked for.
    Requested(Accepted<RunRequested>),
    /// It was only shown.
    Dry(Shown<DryRunView>),
}

impl IntoResponse for Ran {
    fn into_response(self) -> Response {
        match self {
            Self::Requested(accepted) => accepted.into_response(),
            Self::Dry(shown) => shown.into_response(),
        }
    }
}

impl IntoResponses for Ran {
    fn responses() -> std::collections::BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        let mut all = Accepted::<RunRequested>::responses();
        all.extend(Shown::<DryRunView>::responses());
        all
    }
}

/// Which runs are wanted; each narrows the list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WantedRuns {
    /// Of this status: `running`, `waiting`, `completed`, `failed` or `cancelled`.
    #[param(value_type = Option<String>, example = "failed")]
    status: Option<RunStatus>,
    /// About this event.
    #[param(value_type = Option<String>, example = "evt_01kb3f9z5qf8m9w2v7x4t6n0hf")]
    event_id: Option<EventId>,
}

/// Why a run or a step failed, or is tried again.
#[derive(Debug, Serialize, ToSchema)]
pub struct FailureView {
    /// What kind of failure it is: one of a call's (`bad_input`, `unknown_outcome`, …), `condition`, `template`, `chain`,
    /// `missing`, `misconfigured`, `too_large`, `storage` or `delivery`.
    kind: String,
    /// What happened and what to do.
    message: String,
}

impl From<Failure> for FailureView {
    fn from(Failure { kind, message }: Failure) -> Self {
        Self { kind, message }
    }
}

/// A run of a trigger.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": "run_01kb3f9z5qf8m9w2v7x4t6n0hn", "trigger_id": "trg_01kb3f9z5qf8m9w2v7x4t6n0hm", "event_id": "evt_01kb3f9z5qf8m9w2v7x4t6n0hf", "delivery_id": "dlv_01kb3f9z5qf8m9w2v7x4t6n0he", "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "status": "completed", "error": null, "chain": 1, "created_at": "2026-11-22T10:00:00.010Z", "ended_at": "2026-11-22T10:00:00.120Z"}))]
pub struct TriggerRunView {
    /// Its id.
    id: String,
    /// The trigger.
    trigger_id: String,
    /// The event that it is about.
    event_id: String,
    /// The delivery that it is the work of: its attempts, and the way to retry it.
    delivery_id: String,
    /// The trace of the event and of all that the steps did.
    trace_id: String,
    /// `running`, `waiting` (a step is tried again), `completed`, `failed` or `cancelled`.
    #[schema(value_type = String)]
    status: RunStatus,
    /// Why it failed, or waits.
    error: Option<FailureView>,
    /// How many runs led to it, itself included; at most 8.
    chain: u32,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
}

impl From<Run> for TriggerRunView {
    fn from(run: Run) -> Self {
        let Run {
            id,
            tenant_id: _,
            trigger_id,
            delivery_id,
            event_id,
            trace_id,
            depth,
            plan: _,
            status,
            error,
            schedule: _,
            created_at,
            ended_at,
        } = run;
        Self {
            id: id.to_string(),
            trigger_id: trigger_id.to_string(),
            event_id: event_id.to_string(),
            delivery_id: delivery_id.to_string(),
            trace_id,
            status,
            error: error.map(Into::into),
            chain: depth,
            created_at,
            ended_at,
        }
    }
}

/// A run with its steps.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": "run_01kb3f9z5qf8m9w2v7x4t6n0hn", "trigger_id": "trg_01kb3f9z5qf8m9w2v7x4t6n0hm", "event_id": "evt_01kb3f9z5qf8m9w2v7x4t6n0hf", "delivery_id": "dlv_01kb3f9z5qf8m9w2v7x4t6n0he", "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "status": "completed", "error": null, "chain": 1, "created_at": "2026-11-22T10:00:00.010Z", "ended_at": "2026-11-22T10:00:00.120Z", "steps": [{"number": 0, "name": "ticket", "kind": "action", "status": "completed", "attempts": 1, "input": {"subject": "Large order 1042"}, "output": {"ticket_id": "TKT-1"}, "error": null, "call_id": "call_01kb3f9z5qf8m9w2v7x4t6n0hp", "started_at": "2026-11-22T10:00:00.012Z", "duration_ms": 96}]}))]
pub struct TriggerRunDetailView {
    #[serde(flatten)]
    view: TriggerRunView,
    /// The steps that were begun, the first one first.
    steps: Vec<RunStepView>,
}

/// A step of a run.
#[derive(Debug, Serialize, ToSchema)]
pub struct RunStepView {
    /// Its place, from 0.
    number: u32,
    /// Its name.
    name: String,
    /// `action`, `agent`, `event` or `webhook`.
    kind: String,
    /// `running`, `waiting` (it is tried again), `completed` or `failed`.
    #[schema(value_type = String)]
    status: StepStatus,
    /// How many times it was begun.
    attempts: u32,
    /// What it was done with. Templates of triggers hold no secrets.
    #[schema(value_type = Value)]
    input: Value,
    /// What came out.
    #[schema(value_type = Option<Value>)]
    output: Option<Value>,
    /// Why it failed.
    error: Option<FailureView>,
    /// The call in the log of calls, of an action.
    call_id: Option<String>,
    /// When it was last begun.
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    /// How long it took, in milliseconds.
    duration_ms: Option<u64>,
}

impl From<RunStep> for RunStepView {
    fn from(step: RunStep) -> Self {
        let RunStep {
            number,
            name,
            kind,
            status,
            attempts,
            input,
            output,
            error,
            call_id,
            started_at,
            duration,
        } = step;
        let millis = |took: std::time::Duration| u64::try_from(took.as_millis());
        Self {
            number,
            name,
            kind,
            status,
            attempts,
            input,
            output,
            error: error.map(Into::into),
            call_id: call_id.map(|id| id.to_string()),
            started_at,
            duration_ms: duration.map(|took| millis(took).unwrap_or(u64::MAX)),
        }
    }
}

/// Run a trigger
///
/// About an event of the log, or one that is made up; its condition is not asked. The answer means that the run is on
/// disk: it is a delivery like those that events cause. With `dry_run` nothing is done, and the answer shows what would
/// be.
#[utoipa::path(post, path = "/triggers/{id}/run", operation_id = "run_trigger", tag = "Triggers",
    params(("id" = String, Path, description = "Id or name of the trigger", example = "trg_01kb3f9z5qf8m9w2v7x4t6n0hm")),
    extensions(("x-required-scope" = json!("triggers:write"))))]
pub async fn run(
    State(app): State<App>,
    caller: Caller,
    trace: RequestTrace,
    Id(id): Id<String>,
    body: Option<Json<RunRequest>>,
) -> Result<Ran, Problem> {
    caller.require(Triggers, Right::Write)?;
    let document = find(&app, &caller, &id).await?;
    let trigger: Trigger = content(&document)?;
    let id: TriggerId = document.id.parse().map_err(|_| Problem::internal())?;
    let RunRequest { event, dry_run } = body.map(|Json(body)| body).unwrap_or_default();
    let (event, is_on_log) = about(&app, &caller, &trigger, event, &trace).await?;
    if dry_run {
        let plan = trigger.compile(app.registry.bounds())?;
        let preview = app
            .triggers
            .preview(caller.tenant_id, &plan, &event)
            .await?;
        return Ok(Ran::Dry(Shown::new(preview.into())));
    }
    let by = caller.change(&app);
    let (tenant, triggers) = (caller.tenant_id, &app.triggers);
    let asked = triggers.ask(tenant, id, &event, is_on_log, &by).await?;
    Ok(Ran::Requested(Accepted(RunRequested {
        event_id: asked.to_string(),
        status: "accepted",
        runs: format!("/v1/triggers/{id}/runs?event_id={asked}"),
    })))
}

/// The event that a run is about, and whether it is one of the log.
async fn about(
    app: &App,
    caller: &Caller,
    trigger: &Trigger,
    given: Option<Value>,
    trace: &RequestTrace,
) -> Result<(Event, bool), Problem> {
    let refuse = |detail: String| Problem::from(vec![Violation::new("/event", detail)]);
    let sample = match given {
        Some(Value::String(id)) => {
            let unknown = || refuse(format!("there is no event `{id}`"));
            let id: EventId = id.parse().map_err(|_| unknown())?;
            let event = app.store.find_event(caller.tenant_id, id).await?;
            return Ok((event.ok_or_else(unknown)?, true));
        }
        None => SampleEvent::default(),
        Some(made_up) => {
            serde_json::from_value(made_up).map_err(|error| refuse(error.to_string()))?
        }
    };
    let SampleEvent {
        r#type,
        source,
        subject,
        data,
    } = sample;
    let first = trigger
        .event
        .iter()
        .find_map(|pattern| pattern.to_string().parse().ok());
    let event_type = r#type.or(first);
    let new = NewEvent {
        event_type: event_type.unwrap_or_else(|| own_type(types::TRIGGER_REQUESTED)),
        source: source.map_or_else(|| "/v1/triggers".into(), Into::into),
        subject: subject.map(Into::into),
        data: data.map_or_else(|| "{}".into(), |data| data.get().into()),
        trace_id: trace.context.trace_text().into(),
        trust: None,
        owed: None,
    };
    Ok((mint(&app.clock, caller.tenant_id, new, None), false))
}

impl From<Preview> for DryRunView {
    fn from(Preview { condition, steps }: Preview) -> Self {
        let steps = steps.into_iter().enumerate();
        Self {
            dry_run: true,
            condition: condition.map(|holds| TriggerConditionView {
                holds: holds.as_ref().ok().copied(),
                detail: holds.err(),
            }),
            steps: steps
                .map(|(number, step)| DryStepView::new(number, step))
                .collect(),
        }
    }
}

impl DryStepView {
    fn new(number: usize, step: PreviewedStep) -> Self {
        let PreviewedStep {
            name,
            kind,
            input,
            faults,
        } = step;
        let fault = |Violation { pointer, detail }: Violation| DryFaultView { pointer, detail };
        Self {
            number,
            name,
            kind,
            input,
            errors: faults.into_iter().map(fault).collect(),
        }
    }
}

/// List the runs of a trigger
#[utoipa::path(get, path = "/triggers/{id}/runs", operation_id = "list_trigger_runs", tag = "Triggers",
    params(Page, WantedRuns, ("id" = String, Path, description = "Id or name of the trigger", example = "trg_01kb3f9z5qf8m9w2v7x4t6n0hm")),
    extensions(("x-required-scope" = json!("triggers:read"))))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    page: Page,
    Id(id): Id<String>,
    Filters(WantedRuns { status, event_id }): Filters<WantedRuns>,
) -> Result<ListView<TriggerRunView>, Problem> {
    caller.require(Triggers, Right::Read)?;
    let document = find(&app, &caller, &id).await?;
    let id: TriggerId = document.id.parse().map_err(|_| Problem::internal())?;
    let filter = RunFilter { status, event_id };
    let (tenant, page) = (caller.tenant_id, page.request());
    let runs = app.store.list_trigger_runs(tenant, id, filter, &page);
    Ok(runs.await?.into())
}

/// Show a run of a trigger
///
/// With its steps: what each was done with, what came out, how long it took, and why it failed.
#[utoipa::path(get, path = "/trigger-runs/{id}", operation_id = "get_trigger_run", tag = "Triggers",
    params(("id" = String, Path, description = "Id of the run", example = "run_01kb3f9z5qf8m9w2v7x4t6n0hn")),
    extensions(("x-required-scope" = json!("triggers:read"))))]
pub async fn get(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<TriggerRunId>,
) -> Result<Shown<TriggerRunDetailView>, Problem> {
    caller.require(Triggers, Right::Read)?;
    let run = app.store.find_trigger_run(caller.tenant_id, id).await?;
    let run = run.ok_or_else(|| Problem::not_found("run"))?;
    let steps = app.store.trigger_steps(caller.tenant_id, id).await?;
    Ok(Shown::new(TriggerRunDetailView {
        view: run.into(),
        steps: steps.into_iter().map(Into::into).collect(),
    }))
}
