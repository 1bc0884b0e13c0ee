//! Deliveries to triggers: the steps that are not done are taken.

use std::time::Instant;

use tieline_domain::{attempt::Seen, trace::TraceContext, trigger::Failure};
use tieline_store::spine::Claimed;

use super::{attempt::Tried, verdict::Showed};
use crate::{
    registry::OpenTrigger,
    triggers::{Ran, Runner},
};

/// The kind of failure that attempts record; the run says more.
const FAILED: &str = "step";

/// Runs the trigger, or goes on with its run.
pub(super) async fn run(
    runner: &Runner,
    trigger: &OpenTrigger,
    claimed: &Claimed,
    trace: TraceContext,
) -> Tried {
    let begun = Instant::now();
    let (showed, failure) = match runner.run(trigger, claimed, trace).await {
        Ran::Done => (Showed::Done, None),
        Ran::NotYet(failure, wait) => (Showed::NotYet(wait), Some(failure)),
        Ran::Failed(failure) => (Showed::Hopeless, Some(failure)),
    };
    Tried {
        showed,
        status_code: None,
        error_kind: failure.is_some().then_some(FAILED),
        took: begun.elapsed(),
        seen: Seen {
            url: format!("/v1/triggers/{}", trigger.id),
            error: failure.map(|Failure { kind, message }| format!("{kind}: {message}")),
            ..Seen::default()
        },
    }
}
