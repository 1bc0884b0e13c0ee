//! Triggers: what is done, step by step, when an event happens.
//!
//! ```text
//! event ─► a trigger wants it ─► delivery to the trigger ─► run ─┬─► begin step ─► do it ─► end step ─┐
//!          (pattern, condition)   (one commit with the event)    │   (a commit)      (a commit with   │
//!                                                                └───────────◄──── what it publishes)◄┘
//! ```
//!
//! A run is the work of a delivery: retries, leases, dead letters and replay are those of the spine. A run that is
//! taken up again goes on at the step that is not done.

mod keep;
mod preview;
mod runner;
mod steps;

use tieline_domain::{TriggerId, event::Event};

pub use keep::{Error, Triggers};
pub use preview::{Preview, PreviewedStep};
pub(crate) use runner::plan_text;
pub use runner::{Parts, Ran, Runner};

/// Where events come from that triggers publish, and requests to run them.
fn source(trigger: TriggerId) -> String {
    format!("/v1/triggers/{trigger}")
}

/// What a run by hand is about: the content of the event that asks for it.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
struct Requested {
    trigger_id: TriggerId,
    #[serde(rename = "requested_by")]
    by: String,
    /// The event of the log that the run is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event_id: Option<tieline_domain::EventId>,
    /// Or one that is made up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event: Option<serde_json::Value>,
}

/// What an event asks of a trigger by hand; `None` for any other event.
fn requested(event: &Event, of: TriggerId) -> Option<Requested> {
    if event.event_type.as_str() != tieline_domain::event::types::TRIGGER_REQUESTED {
        return None;
    }
    let requested: Requested = serde_json::from_str(&event.data).ok()?;
    (requested.trigger_id == of).then_some(requested)
}
