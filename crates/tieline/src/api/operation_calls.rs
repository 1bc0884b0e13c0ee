//! Calling tools and actions over HTTP.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    extract::{FromRequestParts, State},
    http::{HeaderValue, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Map, Value};
use tieline_domain::{
    Violation,
    access::{Area::Calls, Right},
    operation::{ErrorKind, Face},
};
use tokio_util::sync::CancellationToken;
use utoipa::{IntoResponses, ToSchema, openapi::RefOr};

use super::{
    answer::{Accepted, Shown},
    caller::Caller,
    jobs::JobView,
    json::Json,
    operation_call_view::{CallView, OperationTestView, shown, tested},
    page::Id,
    prefer::{PreferHeader, RespondAsync},
    problem::{Code, Problem},
};
use crate::{
    app::App,
    jobs::action_run,
    operate::{Call, CalledBy, Offered, Report, Via},
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
        let fault = Violation::new("/user", "at most 200 characters");
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
        cancel: CancellationToken::new(),
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
            let mut faults: Vec<_> = faults.map(|fault| fault.under(word)).collect();
            if faults.is_empty() {
                faults.push(Violation::new(word, error.message.clone()));
            }
            Err(faults.into())
        }
        ErrorKind::RateLimited => {
            let seconds = error.retry_after_ms.unwrap_or_default().div_ceil(1_000);
            Err(Problem::new(Code::RateLimited, error.message.clone()).retry_after(seconds.max(1)))
        }
        _ => Ok(report),
    }
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
    Now(Box<Shown<CallView>>),
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
        .map(|report| Ran::Now(Box::new(shown(report))))
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
