//! Calling tools and actions over HTTP.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    extract::{FromRequestParts, State},
    http::{HeaderValue, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tieline_domain::{
    CallId,
    access::{Area::Calls, Right},
    operation::{CallError, ErrorKind, Face},
};
use tokio_util::sync::CancellationToken;
use utoipa::{IntoResponses, ToSchema, openapi::RefOr};

use super::{
    answer::{Accepted, Shown},
    caller::Caller,
    jobs::JobView,
    json::Json,
    page::Id,
    prefer::{PreferHeader, RespondAsync},
    problem::{Code, Problem},
};
use crate::{
    app::App,
    jobs::action_run,
    operate::{Call, CalledBy, Offered, Report, RequestView, Via},
    telemetry::traces,
};

/// What a tool is called with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"parameters": {"identifier": "john@acme.com", "fields": ["name", "status"]}}))]
pub struct ToolInput {
    /// The parameters; they fit the tool's `parameters`.
    #[serde(default, alias = "input")]
    #[schema(value_type = Object)]
    parameters: Map<String, Value>,
    /// The user for whom it is called, for the log of calls: at most 200 characters.
    #[serde(default)]
    user: Option<String>,
}

/// What an action is run with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"input": {"subject": "Printer on fire", "description": "Second floor", "customer_email": "john@acme.com"}}))]
pub struct ActionInput {
    /// The input; it fits the action's `input_schema`.
    #[serde(default, alias = "parameters")]
    #[schema(value_type = Object)]
    input: Map<String, Value>,
    /// The user for whom it is run, for the log of calls: at most 200 characters.
    #[serde(default)]
    user: Option<String>,
}

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
        let fault = |fault: tieline_domain::Violation| CallFault {
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

/// The `Idempotency-Key` of a request, which goes on to services that take one.
pub struct OwnKey(Option<String>);

impl FromRequestParts<App> for OwnKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        let key = parts.headers.get("idempotency-key");
        let key = key.and_then(|key| key.to_str().ok());
        Ok(Self(key.map(str::to_owned)))
    }
}

/// Cancels a call when the request that asked for it is given up.
struct GivenUp(CancellationToken);

impl Drop for GivenUp {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// A call that a client asks for.
struct Asked {
    input: Map<String, Value>,
    user: Option<String>,
    via: Via,
    key: Option<String>,
}

/// The tool or action of this name, if the caller may call it for `user`.
async fn callable(
    app: &App,
    caller: &Caller,
    face: Face,
    name: &str,
    user: Option<&str>,
) -> Result<Arc<Offered>, Problem> {
    caller.require(Calls, Right::Write)?;
    if user.is_some_and(|user| user.chars().count() > 200) {
        let fault = tieline_domain::Violation::new("/user", "at most 200 characters");
        return Err(vec![fault].into());
    }
    let found = app.operator.find(caller.tenant_id, name).await?;
    found
        .filter(|offered| offered.origin.as_str() == face.as_str())
        .ok_or_else(|| Problem::not_found(face.as_str()))
}

async fn call(
    app: &App,
    caller: &Caller,
    face: Face,
    name: &str,
    asked: Asked,
) -> Result<Report, Problem> {
    let operation = callable(app, caller, face, name, asked.user.as_deref()).await?;
    let user = asked.user;
    let cancel = CancellationToken::new();
    let _given_up = GivenUp(cancel.clone());
    let call = Call {
        tenant_id: caller.tenant_id,
        operation,
        input: Value::Object(asked.input),
        by: CalledBy {
            actor: caller.actor.to_string(),
            user,
            via: asked.via,
            ..CalledBy::default()
        },
        trace: traces::current().unwrap_or_else(|| traces::span_in(rand::random())),
        idempotency_key: asked.key,
        deadline: None,
        cancel,
    };
    refused(app.operator.call(call).await, face)
}

/// The problem that a call is which was refused before anything was sent: the input does not fit, or it came too fast.
fn refused(report: Report, face: Face) -> Result<Report, Problem> {
    let error = match &report.result {
        Err(error) if report.request.is_none() => error,
        _ => return Ok(report),
    };
    match error.kind {
        ErrorKind::BadInput => {
            let word = match face {
                Face::Tool => "/parameters",
                Face::Action => "/input",
            };
            let faults = error.fields.iter().cloned();
            Err(faults
                .map(|fault| fault.under(word))
                .collect::<Vec<_>>()
                .into())
        }
        ErrorKind::RateLimited => {
            let seconds = error.retry_after_ms.unwrap_or_default().div_ceil(1_000);
            Err(Problem::new(Code::RateLimited, error.message.clone()).retry_after(seconds.max(1)))
        }
        _ => Ok(report),
    }
}

fn shown(report: Report) -> Shown<CallView> {
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

fn tested(report: Report) -> Shown<OperationTestView> {
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

/// Test a tool
///
/// Calls it for real, and shows what was sent and what came back, without secrets. 200 also where the service failed:
/// `success` tells. Parameters that do not fit the schema: 422.
#[utoipa::path(post, path = "/tools/{name}/test", operation_id = "test_tool", tag = "Tools and actions",
    params(("name" = String, Path, description = "Name or id", example = "lookup_customer")),
    extensions(("x-required-scope" = json!("calls:write"))))]
pub async fn test_tool(
    State(app): State<App>,
    caller: Caller,
    Id(name): Id<String>,
    OwnKey(key): OwnKey,
    Json(ToolInput { parameters, user }): Json<ToolInput>,
) -> Result<Shown<OperationTestView>, Problem> {
    let asked = Asked {
        input: parameters,
        user,
        via: Via::Test,
        key,
    };
    call(&app, &caller, Face::Tool, &name, asked)
        .await
        .map(tested)
}

/// Test an action
///
/// Runs it for real, and shows what was sent and what came back, without secrets. 200 also where the service failed:
/// `success` tells. Input that does not fit the schema: 422.
#[utoipa::path(post, path = "/integrations/actions/{name}/test", operation_id = "test_action", tag = "Tools and actions",
    params(("name" = String, Path, description = "Name or id", example = "create_support_ticket")),
    extensions(("x-required-scope" = json!("calls:write"))))]
pub async fn test_action(
    State(app): State<App>,
    caller: Caller,
    Id(name): Id<String>,
    OwnKey(key): OwnKey,
    Json(ActionInput { input, user }): Json<ActionInput>,
) -> Result<Shown<OperationTestView>, Problem> {
    let asked = Asked {
        input,
        user,
        via: Via::Test,
        key,
    };
    call(&app, &caller, Face::Action, &name, asked)
        .await
        .map(tested)
}

/// Call a tool
///
/// Answers when the service has. 200 also where the service failed: `success` tells, and `error` says what to do.
/// Parameters that do not fit the schema: 422; calls that come too fast: 429.
#[utoipa::path(post, path = "/tools/{name}/call", operation_id = "call_tool", tag = "Tools and actions",
    params(("name" = String, Path, description = "Name or id", example = "lookup_customer")),
    extensions(("x-required-scope" = json!("calls:write"))))]
pub async fn call_tool(
    State(app): State<App>,
    caller: Caller,
    Id(name): Id<String>,
    OwnKey(key): OwnKey,
    Json(ToolInput { parameters, user }): Json<ToolInput>,
) -> Result<Shown<CallView>, Problem> {
    let asked = Asked {
        input: parameters,
        user,
        via: Via::Api,
        key,
    };
    call(&app, &caller, Face::Tool, &name, asked)
        .await
        .map(shown)
}

/// What became of a run.
pub enum Ran {
    /// It is done.
    Now(Shown<CallView>),
    /// It is done in the background.
    Later(Box<JobView>, String),
}

impl IntoResponse for Ran {
    fn into_response(self) -> Response {
        match self {
            Self::Now(shown) => shown.into_response(),
            Self::Later(job, location) => {
                let mut response = Accepted(*job).into_response();
                let location = HeaderValue::try_from(location);
                let location = location.expect("the id of a job is visible ASCII");
                response.headers_mut().insert(header::LOCATION, location);
                response
            }
        }
    }
}

impl IntoResponses for Ran {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        let mut all = Shown::<CallView>::responses();
        all.extend(Accepted::<JobView>::responses());
        all
    }
}

impl From<action_run::Error> for Problem {
    fn from(error: action_run::Error) -> Self {
        match error {
            action_run::Error::Store(error) => error.into(),
            action_run::Error::Registry(error) => error.into(),
            action_run::Error::NoAction => Self::not_found(Face::Action.as_str()),
        }
    }
}

/// Run an action
///
/// Answers when the service has. 200 also where the service failed: `success` tells, and `error` says what to do.
/// Input that does not fit the schema: 422; calls that come too fast: 429. With `Prefer: respond-async` the answer is
/// 202 with a job as soon as the run is on disk: it is tried again where that is safe, and `Location` tells where the
/// result will be.
#[utoipa::path(post, path = "/integrations/actions/{name}/run", operation_id = "run_action", tag = "Tools and actions",
    params(PreferHeader, ("name" = String, Path, description = "Name or id", example = "create_support_ticket")),
    extensions(("x-required-scope" = json!("calls:write"))))]
pub async fn run_action(
    State(app): State<App>,
    caller: Caller,
    Id(name): Id<String>,
    OwnKey(key): OwnKey,
    RespondAsync(later): RespondAsync,
    Json(ActionInput { input, user }): Json<ActionInput>,
) -> Result<Ran, Problem> {
    let asked = Asked {
        input,
        user,
        via: Via::Api,
        key,
    };
    if later {
        return run_later(&app, &caller, &name, asked).await;
    }
    call(&app, &caller, Face::Action, &name, asked)
        .await
        .map(|report| Ran::Now(shown(report)))
}

/// Asks for a run in the background, once the input is found to fit.
async fn run_later(app: &App, caller: &Caller, name: &str, asked: Asked) -> Result<Ran, Problem> {
    let operation = callable(app, caller, Face::Action, name, asked.user.as_deref()).await?;
    let input = Value::Object(asked.input);
    let faults = operation.executor.faults(&input).into_iter();
    Problem::check(faults.map(|fault| fault.under("/input")).collect())?;
    let trace = traces::current().unwrap_or_else(|| traces::span_in(rand::random()));
    let asked = action_run::Asked {
        action_id: operation.id.clone(),
        action: operation.name.clone(),
        input,
        user: asked.user,
        idempotency_key: asked.key,
    };
    let (tenant, by) = (caller.tenant_id, caller.change(app));
    let job = app
        .action_runs
        .ask(tenant, asked, trace.trace_text().into(), &by)
        .await?;
    app.dispatcher.wake();
    let location = format!("/v1/jobs/{}", job.id);
    Ok(Ran::Later(
        Box::new(JobView::new(job, app.clock.now())?),
        location,
    ))
}
