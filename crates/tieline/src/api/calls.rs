//! The log of calls of tools and actions: `/v1/calls`.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use tieline_domain::{
    CallId, Timestamp,
    access::{Area::Calls, Right},
    operation::{CallDetail, CallRecord, ErrorKind},
};
use tieline_store::calls::CallFilter;
use utoipa::ToSchema;

use super::{
    answer::{ListView, Shown},
    caller::Caller,
    page::{Filters, Id, Page},
    problem::{Code, Problem},
};
use crate::{app::App, operate::Via};

/// Which calls are wanted.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WantedCalls {
    /// Only calls of this tool or action: its name or id.
    operation: Option<String>,
    /// Only calls by this agent.
    agent_id: Option<String>,
    /// Only calls in this conversation.
    conversation_id: Option<String>,
    /// Only calls that came in this way: `api`, `test`, `agent`, `mcp`, `trigger` or `job`.
    via: Option<String>,
    /// Only calls with a failure of this kind, such as `timeout`.
    error_kind: Option<String>,
    /// `true`: only calls that succeeded; `false`: only calls that failed.
    success: Option<bool>,
    /// Only calls made at this instant or later.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// Only calls made before this instant.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
}

/// A call of a tool or an action.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": "call_01kb3f9z5qf8m9w2v7x4t6n0hd", "at": "2026-11-22T10:00:00.000Z", "operation_id": "tool_01kb3f9z5qf8m9w2v7x4t6n0hc", "operation": "lookup_customer", "origin": "tool", "version": 1, "via": "agent", "actor": "agent_sales", "agent_id": "agent_sales", "conversation_id": "conv_01kb3f9z5qf8m9w2v7x4t6n0hb", "user": null, "decision": "allowed", "approved_by": null, "success": true, "error_kind": null, "error": null, "status_code": 200, "response_time_ms": 234, "response_bytes": 39, "input": "{\"identifier\":\"john@acme.com\"}", "input_truncated": false, "input_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"}))]
pub struct LoggedCall {
    /// Its id.
    #[schema(value_type = String)]
    id: CallId,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// The id of the tool or action.
    operation_id: String,
    /// The name that it had.
    operation: String,
    /// `tool` or `action`.
    origin: String,
    /// The version that it had.
    version: i64,
    /// The way in which the call came: `api`, `test`, `agent`, `mcp`, `trigger` or `job`.
    via: String,
    /// Who called.
    actor: String,
    /// The agent that called.
    agent_id: Option<String>,
    /// The conversation in which it was called.
    conversation_id: Option<String>,
    /// The user for whom it was called, as the caller named them.
    user: Option<String>,
    /// `allowed`, or what refused it before anything was sent, such as `refused: rate_limited`.
    decision: String,
    /// Who approved it, where that was asked for.
    approved_by: Option<String>,
    /// Whether it succeeded.
    success: bool,
    /// The kind of the failure.
    error_kind: Option<String>,
    /// What went wrong.
    error: Option<String>,
    /// The status of the service's answer.
    status_code: Option<u16>,
    /// How long it took, in milliseconds.
    response_time_ms: u64,
    /// How many bytes came back.
    response_bytes: u64,
    /// The input as JSON text, without secrets: at most 4 KiB.
    input: String,
    /// Whether there was more.
    input_truncated: bool,
    /// SHA-256 of the whole input as JSON, in hex.
    input_sha256: String,
    /// The trace that it belongs to.
    trace_id: String,
}

impl From<CallRecord> for LoggedCall {
    fn from(record: CallRecord) -> Self {
        let CallRecord {
            tenant_id: _,
            id,
            operation_id,
            operation,
            via,
            agent_id,
            conversation_id,
            error_kind,
            status_code,
            took,
            detail,
        } = record;
        let CallDetail {
            origin,
            version,
            actor,
            user,
            decision,
            approved_by,
            input_sha256,
            input,
            input_truncated,
            error,
            response_bytes,
            trace_id,
        } = detail;
        Self {
            at: id.made_at(),
            id,
            operation_id,
            operation,
            origin,
            version,
            via,
            actor,
            agent_id,
            conversation_id,
            user,
            decision,
            approved_by,
            success: error_kind.is_none(),
            error_kind,
            error,
            status_code,
            response_time_ms: took.as_millis().try_into().unwrap_or(u64::MAX),
            response_bytes,
            input,
            input_truncated,
            input_sha256,
            trace_id,
        }
    }
}

/// List the calls of tools and actions
///
/// Who called what, with what, and what came of it; the newest first. Secrets never stand here.
#[utoipa::path(get, path = "/calls", operation_id = "list_calls", tag = "Tools and actions", params(Page, WantedCalls),
    extensions(("x-required-scope" = json!("calls:read"))))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    page: Page,
    Filters(wanted): Filters<WantedCalls>,
) -> Result<ListView<LoggedCall>, Problem> {
    caller.require(Calls, Right::Read)?;
    let filter = filter(&app, &caller, wanted).await?;
    app.operator.logged().await;
    let found = app
        .store
        .list_calls(caller.tenant_id, &filter, &page.request())
        .await?;
    Ok(found.into())
}

/// Show a call of a tool or an action
#[utoipa::path(get, path = "/calls/{id}", operation_id = "get_call", tag = "Tools and actions",
    params(("id" = String, Path, description = "Id of the call", example = "call_01kb3f9z5qf8m9w2v7x4t6n0hd")),
    extensions(("x-required-scope" = json!("calls:read"))))]
pub async fn get(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<CallId>,
) -> Result<Shown<LoggedCall>, Problem> {
    caller.require(Calls, Right::Read)?;
    app.operator.logged().await;
    let found = app.store.find_call(caller.tenant_id, id).await?;
    let found = found.ok_or_else(|| Problem::not_found("call"))?;
    Ok(Shown::new(found.into()))
}

async fn filter(app: &App, caller: &Caller, wanted: WantedCalls) -> Result<CallFilter, Problem> {
    let WantedCalls {
        operation,
        agent_id,
        conversation_id,
        via,
        error_kind,
        success,
        from,
        to,
    } = wanted;
    known("via", via.as_deref(), Via::ALL.map(Via::as_str))?;
    let kinds = ErrorKind::ALL.iter().map(|kind| kind.as_str());
    known("error_kind", error_kind.as_deref(), kinds)?;
    let operation_id = match operation {
        // A name is that of an operation that is there; of one that was deleted, only the id is known.
        Some(name) => {
            let found = app.operator.find(caller.tenant_id, &name).await?;
            Some(found.map_or(name, |offered| offered.id.clone()))
        }
        None => None,
    };
    Ok(CallFilter {
        operation_id,
        agent_id,
        conversation_id,
        via,
        error_kind,
        failed: success.map(|success| !success),
        from: from.map(|at| CallId::new(at, 0)),
        to: to.map(|at| CallId::new(at, 0)),
    })
}

/// Refuses a word that is none of those there are.
fn known(
    parameter: &str,
    given: Option<&str>,
    words: impl IntoIterator<Item = &'static str>,
) -> Result<(), Problem> {
    let words: Vec<_> = words.into_iter().collect();
    match given {
        Some(given) if !words.contains(&given) => {
            let detail = format!("{parameter}: give one of {}", words.join(", "));
            Err(Problem::new(Code::InvalidParameter, detail))
        }
        _ => Ok(()),
    }
}
