//! What a trigger did about an event.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    CallId, DeliveryId, EventId, TenantId, Timestamp, TriggerId, TriggerRunId, words::words,
};

words! {
    /// How far a run has come.
    RunStatus, "status of a run" {
        /// Its steps are being taken.
        Running = "running",
        /// A step failed for now; it is tried again.
        Waiting = "waiting",
        /// Every step is done. Final.
        Completed = "completed",
        /// A step failed for good. Final, unless its delivery is retried: then it goes on at that step.
        Failed = "failed",
        /// Its delivery was called off. Final, unless its delivery is retried.
        Cancelled = "cancelled",
    }
}

words! {
    /// How far a step of a run has come.
    StepStatus, "status of a step" {
        /// It is under way.
        Running = "running",
        /// It failed for now; it is tried again.
        Waiting = "waiting",
        /// It is done. Final.
        Completed = "completed",
        /// It failed for good.
        Failed = "failed",
    }
}

/// Why a run or a step failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What kind of failure it is: one of a call's (`bad_input`, `unknown_outcome`, …), `condition`, `template`,
    /// `chain`, `missing` or `delivery`.
    pub kind: String,
    /// What happened and what to do, in a sentence.
    pub message: String,
}

impl Failure {
    /// A failure of this kind.
    pub fn new(kind: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            message: message.into(),
        }
    }
}

/// A run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its id.
    pub id: TriggerRunId,
    /// The tenant it belongs to.
    pub tenant_id: TenantId,
    /// The trigger.
    pub trigger_id: TriggerId,
    /// The delivery that it is the work of.
    pub delivery_id: DeliveryId,
    /// The event that it is about.
    pub event_id: EventId,
    /// The trace to which the event and all of its steps belong.
    pub trace_id: String,
    /// How many runs led to it, itself included: 1 if its event came from elsewhere.
    pub depth: u32,
    /// Its steps as they were when it began: JSON text.
    pub plan: String,
    /// How far it has come.
    pub status: RunStatus,
    /// Why it failed, or is tried again.
    pub error: Option<Failure>,
    /// How many attempts of its delivery lay before the schedule in which it was last worked on.
    pub schedule: u32,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// A step of a run that was begun.
#[derive(Clone, Debug, PartialEq)]
pub struct RunStep {
    /// Its place, from 0.
    pub number: u32,
    /// Its name.
    pub name: String,
    /// What it does: `action`, `agent`, `event` or `webhook`.
    pub kind: String,
    /// How far it has come.
    pub status: StepStatus,
    /// How many times it was begun.
    pub attempts: u32,
    /// What it does, rendered.
    pub input: Value,
    /// What came out.
    pub output: Option<Value>,
    /// Why it failed.
    pub error: Option<Failure>,
    /// The call in the log of calls, of an action.
    pub call_id: Option<CallId>,
    /// When it was last begun.
    pub started_at: Timestamp,
    /// How long it took.
    pub duration: Option<Duration>,
}
