//! Deliveries to actions: the action is run for the job that the delivery is.

use std::time::Duration;

use tieline_domain::{attempt::Seen, operation::CallError, trace::TraceContext};
use tieline_store::spine::Claimed;

use super::{attempt::Tried, verdict::Showed};
use crate::{
    jobs::action_run::{ActionRuns, Worked},
    operate::Report,
};

/// Runs the action once, unless the job has ended.
pub(super) async fn run(
    runs: &ActionRuns,
    claimed: &Claimed,
    keep: usize,
    trace: TraceContext,
) -> Tried {
    let started = std::time::Instant::now();
    let (showed, error, report) = match runs.work(claimed, trace).await {
        Worked::Done(report) => (Showed::Done, None, report),
        Worked::NotYet(error, report) => {
            let wait = error.retry_after_ms.map(Duration::from_millis);
            (Showed::NotYet(wait), Some(error), report)
        }
        Worked::Failed(error, report) => (Showed::Hopeless, Some(error), report),
        Worked::CalledOff => (Showed::CalledOff, None, None),
    };
    tried(showed, error, report.as_ref(), keep, started.elapsed())
}

fn tried(
    showed: Showed,
    error: Option<CallError>,
    report: Option<&Report>,
    keep: usize,
    took: Duration,
) -> Tried {
    let mut seen = Seen::default();
    if let Some(report) = report {
        if let Some(request) = &report.request {
            seen.url = format!("{} {}", request.method, request.url);
            seen.request_headers.clone_from(&request.headers);
        }
        if let Some(response) = &report.response {
            let text = response.to_string();
            let cut = text.floor_char_boundary(keep);
            seen.response_truncated = cut < text.len();
            text[..cut].clone_into(&mut seen.response_excerpt);
        }
    }
    let error_kind = error.as_ref().map(|error| error.kind.as_str());
    seen.error = error.map(|error| error.message);
    Tried {
        showed,
        status_code: report.and_then(|report| report.status_code),
        error_kind,
        took,
        seen,
    }
}
