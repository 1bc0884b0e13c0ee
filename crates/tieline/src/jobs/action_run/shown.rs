//! What a job shows of its calls.

use serde_json::{Map, Value, json};
use tieline_domain::{
    job::{Fault, Job, Progress},
    operation::{CallError, ErrorKind},
};

use crate::operate::Report;

/// The progress of a run that has ended.
pub(super) fn one(failed: bool) -> Progress {
    Progress {
        total: Some(1),
        done: 1,
        failed: failed.into(),
        errors: Vec::new(),
    }
}

pub(super) fn fault(detail: &str) -> Fault {
    Fault {
        item: None,
        detail: detail.to_owned(),
    }
}

/// The failure of a call, for the list of a job's errors: its kind is the item.
pub(super) fn fault_of(error: &CallError) -> Fault {
    let mut detail = error.message.clone();
    for field in &error.fields {
        detail.extend(["; ", &field.to_string()]);
    }
    Fault {
        item: Some(error.kind.as_str().to_owned()),
        detail: error.in_full(),
    }
}

pub(super) fn last_error(job: &Job) -> CallError {
    let last = job.progress.errors.last();
    let message = last.map_or("the job failed", |fault| &fault.detail);
    let kind = last
        .and_then(|fault| fault.item.as_deref())
        .and_then(|word| {
            let mut kinds = ErrorKind::ALL.iter();
            kinds.find(|kind| kind.as_str() == word)
        });
    CallError::new(
        kind.copied().unwrap_or(ErrorKind::UpstreamError),
        message.to_owned(),
    )
}

/// The result of a job, as it is shown.
pub(super) fn result(report: &Report) -> Value {
    let mut shown = Map::new();
    shown.insert("call_id".to_owned(), json!(report.call_id));
    shown.insert("success".to_owned(), json!(report.result.is_ok()));
    shown.insert("status_code".to_owned(), json!(report.status_code));
    shown.insert(
        "response_time_ms".to_owned(),
        json!(report.response_time_ms),
    );
    match &report.result {
        Ok(output) => {
            shown.insert("output".to_owned(), output.value.clone());
            shown.insert("truncated".to_owned(), json!(output.truncated));
        }
        Err(error) => {
            let error = json!({
                "kind": error.kind.as_str(),
                "message": error.message,
                "advice": error.kind.advice(),
                "upstream": error.upstream,
            });
            shown.insert("error".to_owned(), error);
        }
    }
    Value::Object(shown)
}
