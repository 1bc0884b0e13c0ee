//! Runs of triggers, as the API shows them.

use serde::Serialize;
use serde_json::Value;
use tieline_domain::{
    EventId, Timestamp, TriggerId, Violation,
    trigger::{Failure, Run, RunStatus, RunStep, StepStatus},
};
use utoipa::ToSchema;

use crate::triggers::{Preview, PreviewedStep};

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

impl RunRequested {
    /// What is said of a request to run `trigger`, which `event` holds.
    pub(super) fn new(trigger: TriggerId, event: EventId) -> Self {
        Self {
            event_id: event.to_string(),
            status: "accepted",
            runs: format!("/v1/triggers/{trigger}/runs?event_id={event}"),
        }
    }
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

impl TriggerRunDetailView {
    /// A run and its steps.
    pub(super) fn new(run: Run, steps: Vec<RunStep>) -> Self {
        Self {
            view: run.into(),
            steps: steps.into_iter().map(Into::into).collect(),
        }
    }
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
