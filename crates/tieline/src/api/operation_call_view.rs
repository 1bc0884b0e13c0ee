//! What came of a call, as clients see it.

use serde::Serialize;
use serde_json::Value;
use tieline_domain::{CallId, Violation, operation::CallError};
use utoipa::ToSchema;

use super::answer::Shown;
use crate::operate::{Report, RequestView};

/// A header of a request that was sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct SentHeader {
    /// Its name.
    name: String,
    /// Its value, without secrets.
    value: String,
}

/// The request that was sent, without secrets.
#[derive(Debug, Serialize, ToSchema)]
pub struct SentRequest {
    /// The method.
    method: &'static str,
    /// The URL.
    url: String,
    /// The headers that the tool gives.
    headers: Vec<SentHeader>,
    /// The body, at most its first 16 KiB.
    body: Option<String>,
}

impl From<RequestView> for SentRequest {
    fn from(view: RequestView) -> Self {
        let RequestView {
            method,
            url,
            headers,
            body,
        } = view;
        let header = |(name, value)| SentHeader { name, value };
        Self {
            method,
            url,
            headers: headers.into_iter().map(header).collect(),
            body,
        }
    }
}

/// A fault of the input.
#[derive(Debug, Serialize, ToSchema)]
pub struct CallFault {
    /// JSON Pointer (RFC 6901) into the input.
    pointer: String,
    /// What is wrong there and what to do.
    detail: String,
}

/// Why a call failed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"kind": "not_found", "message": "the service answered 404 Not Found", "advice": "Check the ids in the input; look the thing up by another field.", "upstream": "{\"error\":\"no such customer\"}"}))]
pub struct CallErrorView {
    /// What kind of failure it is: `bad_input`, `retry`, `auth_required`, `forbidden`, `not_found`, `conflict`,
    /// `rate_limited`, `upstream_error`, `bad_answer`, `timeout`, `unknown_outcome`, `refused_address`, `misconfigured`
    /// or `cancelled`.
    kind: &'static str,
    /// What happened.
    message: String,
    /// What to do about it, in words for a model.
    advice: &'static str,
    /// When to call again at the earliest, in milliseconds from now.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
    /// Where the user grants the access that is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    connect_url: Option<String>,
    /// The beginning of what the service said, without secrets: at most 2 KiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream: Option<String>,
    /// What is wrong with the input.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<CallFault>,
}

impl From<CallError> for CallErrorView {
    fn from(error: CallError) -> Self {
        let CallError {
            kind,
            message,
            fields,
            retry_after_ms,
            connect_url,
            upstream,
        } = error;
        let fault = |fault: Violation| CallFault {
            pointer: fault.pointer,
            detail: fault.detail,
        };
        Self {
            kind: kind.as_str(),
            message,
            advice: kind.advice(),
            retry_after_ms,
            connect_url,
            upstream,
            fields: fields.into_iter().map(fault).collect(),
        }
    }
}

/// What came of a call.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"call_id": "call_01kb3f9z5qf8m9w2v7x4t6n0hd", "success": true, "response_time_ms": 234, "status_code": 200, "output": {"name": "John Smith", "status": "active"}, "output_bytes": 39, "truncated": false}))]
pub struct CallView {
    /// Its id, in the log of calls.
    #[schema(value_type = String)]
    call_id: CallId,
    /// Whether it succeeded.
    success: bool,
    /// How long it took, in milliseconds.
    response_time_ms: u64,
    /// The status of the service's answer; null if there was none.
    status_code: Option<u16>,
    /// What came out; where it was too large, `{"truncated": true, "total_bytes", "artifact_url", "content"}`.
    #[schema(value_type = Option<Value>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<Value>,
    /// How many bytes the whole output has.
    #[serde(skip_serializing_if = "Option::is_none")]
    output_bytes: Option<usize>,
    /// Whether the output was too large to be handed over whole.
    truncated: bool,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<CallErrorView>,
}

/// What came of a test.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"call_id": "call_01kb3f9z5qf8m9w2v7x4t6n0hd", "success": true, "response_time_ms": 234, "response": {"name": "Test User", "status": "active"}, "status_code": 200, "request": {"method": "POST", "url": "https://your-api.com/customers/lookup", "headers": [{"name": "Authorization", "value": "Bearer [redacted]"}], "body": "{\"query\":\"test@example.com\"}"}}))]
pub struct OperationTestView {
    /// Its id, in the log of calls.
    #[schema(value_type = String)]
    call_id: CallId,
    /// Whether it succeeded.
    success: bool,
    /// How long it took, in milliseconds.
    response_time_ms: u64,
    /// What came out; on a failure, what the service answered.
    #[schema(value_type = Option<Value>)]
    response: Option<Value>,
    /// The status of the service's answer; null if there was none.
    status_code: Option<u16>,
    /// What was sent, without secrets; null if nothing was.
    request: Option<SentRequest>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<CallErrorView>,
}

/// A call, as it is shown.
pub(super) fn shown(report: Report) -> Shown<CallView> {
    let Report {
        call_id,
        result,
        status_code,
        response_time_ms,
        request: _,
        response: _,
    } = report;
    let success = result.is_ok();
    let (output, error) = match result {
        Ok(output) => (Some(output), None),
        Err(error) => (None, Some(error.into())),
    };
    Shown::new(CallView {
        call_id,
        success,
        response_time_ms,
        status_code,
        output_bytes: output.as_ref().map(|output| output.bytes),
        truncated: output.as_ref().is_some_and(|output| output.truncated),
        output: output.map(|output| output.value),
        error,
    })
}

/// A test, as it is shown.
pub(super) fn tested(report: Report) -> Shown<OperationTestView> {
    let Report {
        call_id,
        result,
        status_code,
        response_time_ms,
        request,
        response,
    } = report;
    let success = result.is_ok();
    let (response, error) = match result {
        Ok(output) => (Some(output.value), None),
        Err(error) => (response, Some(error.into())),
    };
    Shown::new(OperationTestView {
        call_id,
        success,
        response_time_ms,
        response,
        status_code,
        request: request.map(Into::into),
        error,
    })
}
