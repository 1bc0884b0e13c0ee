//! What is kept of a call.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use tieline_domain::{
    CallId,
    operation::{CallDetail, CallRecord, MAX_KEPT_INPUT},
};

use super::{Call, CalledBy, Outcome};

/// The most of an error's message that is kept, in bytes.
const MAX_KEPT_ERROR: usize = 2 * 1024;

/// The row of a call that has ended.
pub(super) fn of(id: CallId, call: &Call, outcome: &Outcome, took: Duration) -> CallRecord {
    let Call {
        tenant_id,
        operation,
        input,
        by,
        trace,
        idempotency_key: _,
        deadline: _,
        cancel: _,
    } = call;
    let CalledBy {
        actor,
        agent_id,
        conversation_id,
        user,
        via,
        approved_by,
    } = by;
    let error = outcome.result.as_ref().err();
    let decision = match error {
        Some(error) if outcome.request.is_none() => format!("refused: {}", error.kind.as_str()),
        _ => "allowed".to_owned(),
    };
    let whole = input.to_string();
    let input_sha256 = hex::encode(digest(&SHA256, whole.as_bytes()));
    let clean = outcome.redaction.text(&whole);
    let kept = cut(&clean, MAX_KEPT_INPUT);
    CallRecord {
        tenant_id: *tenant_id,
        id,
        operation_id: operation.id.clone(),
        operation: operation.name.clone(),
        via: via.as_str().to_owned(),
        agent_id: agent_id.clone(),
        conversation_id: conversation_id.clone(),
        error_kind: error.map(|error| error.kind.as_str().to_owned()),
        status_code: outcome.status_code,
        took,
        detail: CallDetail {
            origin: operation.origin.as_str().to_owned(),
            version: operation.version,
            actor: actor.clone(),
            user: user.clone(),
            decision,
            approved_by: approved_by.clone(),
            input_sha256,
            input_truncated: kept.len() < clean.len(),
            input: kept.to_owned(),
            error: error.map(|error| cut(&error.message, MAX_KEPT_ERROR).to_owned()),
            response_bytes: outcome.bytes as u64,
            trace_id: trace.trace_text(),
        },
    }
}

fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}
