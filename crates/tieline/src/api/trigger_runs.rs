//! Runs of triggers: `/v1/triggers/{id}/run`, `/v1/triggers/{id}/runs`, `/v1/trigger-runs`.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use tieline_domain::{
    EventId, TriggerId, TriggerRunId, Violation,
    access::{Area::Triggers, Right},
    event::{Event, types},
    pattern::EventType,
    trigger::{RunStatus, Trigger},
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
    trigger_run_view::{DryRunView, RunRequested, TriggerRunDetailView, TriggerRunView},
    triggers::TRIGGERS,
};
use crate::{
    app::App,
    publish::{NewEvent, mint, own_type},
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
    let document = TRIGGERS.find(&app, &caller, &id).await?;
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
    Ok(Ran::Requested(Accepted(RunRequested::new(id, asked))))
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
    let document = TRIGGERS.find(&app, &caller, &id).await?;
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
    Ok(Shown::new(TriggerRunDetailView::new(run, steps)))
}
