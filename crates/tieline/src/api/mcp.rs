//! `/mcp` and `/mcp/{agent_id}`: who asks over the Model Context Protocol, and what the answer carries.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{Path, Request, State},
    middleware,
    response::{IntoResponse as _, Response},
    routing::any,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts};
use http_body_util::Full;
use serde::Deserialize;
use serde_json::Value;
use tieline_domain::access::{Area, Right};
use tieline_mapping::check_depth;

use super::{
    caller::{Caller, Found},
    frame::RequestTrace,
    gate::gate,
    json,
    problem::{Code, Problem},
    protected_resource,
};
use crate::{
    app::App,
    mcp::{Agent, Asking, running::Key},
};

const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
/// The longest session id that is looked at, in bytes; ours have 32.
const MAX_SESSION: usize = 128;
/// What a client needs to list tools, and for everything but a call.
pub(super) const TO_LIST: (Area, Right) = (Area::Tools, Right::Read);
/// What a client needs to call them.
pub(super) const TO_CALL: (Area, Right) = (Area::Calls, Right::Write);

/// The endpoints, inside the gate that asks who it is.
pub(super) fn router(app: &App) -> Router<App> {
    Router::new()
        .route("/mcp", any(whole))
        .route("/mcp/{agent_id}", any(of_agent))
        .layer(middleware::from_fn_with_state(app.clone(), gate))
}

/// Everything that the tenant has.
async fn whole(State(app): State<App>, request: Request) -> Response {
    answer(&app, None, request).await
}

/// What one agent may use.
async fn of_agent(State(app): State<App>, Path(agent): Path<String>, request: Request) -> Response {
    answer(&app, Some(&agent), request).await
}

async fn answer(app: &App, agent: Option<&str>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    match passed(app, agent, parts, body).await {
        Ok(response) => response,
        Err(problem) => challenged(app, agent, problem).into_response(),
    }
}

/// Refusals for want of a credential or a scope say where to read how to get one (RFC 9728, 5.1; RFC 6750, 3).
fn challenged(app: &App, agent: Option<&str>, problem: Problem) -> Problem {
    let error = match problem.code() {
        Code::Unauthenticated => "",
        Code::InsufficientScope => "error=\"insufficient_scope\", ",
        _ => return problem,
    };
    let metadata = protected_resource::url(&app.public_url, agent);
    let scope = protected_resource::scopes().join(" ");
    let challenge = format!(
        "Bearer realm=\"tieline\", {error}scope=\"{scope}\", resource_metadata=\"{metadata}\""
    );
    match HeaderValue::try_from(challenge) {
        Ok(challenge) => problem.header(header::WWW_AUTHENTICATE, challenge),
        Err(_) => problem,
    }
}

async fn passed(
    app: &App,
    agent: Option<&str>,
    parts: Parts,
    body: Body,
) -> Result<Response, Problem> {
    let caller = caller(&parts)?;
    let agent = match agent {
        None => None,
        Some(id) => Some(agent_of(app, &caller, id).await?),
    };
    let limits = &app.config.limits;
    let body = json::read_body(body, limits.api_body_max_bytes, limits.body_timeout).await?;
    check_depth(&body, limits.json_depth_max)
        .map_err(|error| Problem::new(Code::JsonTooDeep, error.to_string()))?;
    let session = session(&parts.headers);
    let message = Message::read(&body);
    let (area, right) = message.needs();
    caller.require(area, right)?;
    if let Some(request) = message.cancels() {
        app.mcp_running.cancel(&Key {
            actor: Arc::clone(&caller.actor),
            session: session.into(),
            request,
        });
    }
    if parts.method == Method::DELETE {
        // Nothing is kept for a session, so there is nothing to end.
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let asking = Asking {
        tenant_id: caller.tenant_id,
        actor: Arc::clone(&caller.actor),
        may_list: caller.scopes.allow(TO_LIST.0, TO_LIST.1),
        may_call: caller.scopes.allow(TO_CALL.0, TO_CALL.1),
        agent,
        trace: RequestTrace::noted(&parts).context,
        session: session.into(),
        running: app.mcp_running.clone(),
    };
    let request = http::Request::from_parts(parts, Full::new(body));
    let answer = app.mcp.answer(request, asking).await;
    let mut response = answer.map(Body::new);
    if message.is_initialize() && response.status().is_success() {
        let id = format!("{:032x}", rand::random::<u128>());
        let id = HeaderValue::try_from(id).expect("hex digits are visible ASCII");
        response.headers_mut().insert(SESSION, id);
    }
    Ok(response)
}

fn caller(parts: &Parts) -> Result<Caller, Problem> {
    match parts.extensions.get::<Found>() {
        Some(Found(found)) => found.clone(),
        None => Err(Problem::internal()),
    }
}

fn session(headers: &HeaderMap) -> &str {
    let given = headers.get(SESSION).and_then(|value| value.to_str().ok());
    given
        .filter(|id| id.len() <= MAX_SESSION)
        .unwrap_or_default()
}

/// An agent of the tenant and what it may use; 404 if there is none.
async fn agent_of(app: &App, caller: &Caller, id: &str) -> Result<Agent, Problem> {
    let found = app.conversations.agent(caller.tenant_id, id).await?;
    let agent = found.ok_or_else(|| Problem::not_found("agent"))?;
    Ok(Agent {
        id: agent.handle.as_str().into(),
        agent,
    })
}

/// What of a message matters before the protocol looks at it.
#[derive(Default, Deserialize)]
struct Message {
    #[serde(default)]
    method: String,
    #[serde(default)]
    params: Option<Cancelled>,
}

#[derive(Deserialize)]
struct Cancelled {
    #[serde(default, rename = "requestId")]
    request_id: Option<Value>,
}

impl Message {
    /// Reads what is there; what is malformed is for the protocol to refuse.
    fn read(body: &Bytes) -> Self {
        serde_json::from_slice(body).unwrap_or_default()
    }

    /// What the caller must be allowed for this message.
    fn needs(&self) -> (Area, Right) {
        match &*self.method {
            "tools/call" => TO_CALL,
            _ => TO_LIST,
        }
    }

    fn is_initialize(&self) -> bool {
        self.method == "initialize"
    }

    /// The id of the request that this notification cancels, as JSON.
    fn cancels(&self) -> Option<String> {
        let params = self
            .params
            .as_ref()
            .filter(|_| self.method == "notifications/cancelled");
        params?.request_id.as_ref().map(Value::to_string)
    }
}
