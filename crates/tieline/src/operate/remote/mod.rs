//! Tools of remote MCP servers: listed, pinned, and called through the engine like every other.
//!
//! ```text
//! register ─► list its tools ─► pins (accepted as they were seen) ─► Offered ─► call ─► tools/call over there
//!                                  ▲ looked at again before use; what has changed is not offered
//! ```

mod link;
mod servers;
mod wire;

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use serde_json::{Value, json};
use tieline_domain::{
    Bounds, TenantId, Timestamp, Violation,
    mcp_server::{McpServer, Pin, RemoteTool},
    operation::{CallError, ErrorKind, Recipe},
};
use tieline_mapping::Schema;
use tieline_store::documents::Document;

use super::{Call, Executor, Offered, Origin, Outcome, Parts, RequestView};
use crate::{registry::Error, telemetry::traces};
use link::{Failure, Link};
use wire::Session;

pub use servers::{Accepted, Registered, RemoteError};

/// How long what a server offers is not looked at again before one of its tools is called.
const LOOK_AGAIN_AFTER: Duration = Duration::from_mins(10);

/// A remote server, ready to be asked. All its tools share it.
pub(crate) struct Server {
    id: String,
    tenant_id: TenantId,
    name: String,
    /// How it is reached, or why it cannot be under today's rules.
    recipe: Result<Recipe, String>,
    timeout: Duration,
    /// What was agreed with it; nothing yet at first.
    session: Mutex<Option<Session>>,
    /// When its tools were last looked at.
    looked_at: Mutex<Timestamp>,
}

/// What calls a tool of a remote server.
pub struct McpExecutor {
    server: Arc<Server>,
    /// The tool's name over there.
    tool: String,
    /// What was accepted.
    hash: String,
    schema: Option<Schema>,
}

impl Server {
    pub(super) fn open(document: &Document, bounds: &Bounds) -> Result<(Self, McpServer), Error> {
        let server: McpServer =
            serde_json::from_str(&document.body).map_err(|error| Error::Unusable {
                kind: "MCP server",
                id: document.id.clone(),
                detail: error.to_string(),
            })?;
        let recipe = server.compile(bounds).map_err(|faults| {
            let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
            faults.join("; ")
        });
        let opened = Self {
            id: document.id.clone(),
            tenant_id: document.tenant_id,
            name: server.name.clone(),
            recipe,
            timeout: Duration::from_secs(server.timeout_seconds().into()),
            session: Mutex::new(None),
            looked_at: Mutex::new(document.updated_at),
        };
        Ok((opened, server))
    }

    /// A way to it, for as long as its time-out.
    async fn link<'a>(&self, parts: &'a Parts) -> Result<Link<'a>, CallError> {
        let recipe = self.recipe.as_ref().map_err(|reason| {
            let message = format!(
                "the MCP server `{}` cannot be used as it is: {reason}",
                self.name
            );
            CallError::new(ErrorKind::Misconfigured, message)
        })?;
        Link::open(parts, self.tenant_id, recipe, self.timeout).await
    }

    /// Asks for something; agrees on a session first, and once more if the server has forgotten it.
    async fn ask(
        &self,
        link: &Link<'_>,
        method: &str,
        params: Value,
        trace: Option<http::HeaderValue>,
    ) -> Result<Value, CallError> {
        let session = self.session(link).await?;
        match link
            .ask(&session, method, params.clone(), trace.clone())
            .await
        {
            Err(Failure::NoSession) => {
                *self.session.lock() = None;
                let session = self.session(link).await?;
                let again = link.ask(&session, method, params, trace).await;
                again.map_err(Failure::into_call_error)
            }
            answered => answered.map_err(Failure::into_call_error),
        }
    }

    async fn session(&self, link: &Link<'_>) -> Result<Session, CallError> {
        let known = self.session.lock().clone();
        if let Some(known) = known {
            return Ok(known);
        }
        let agreed = link.agree().await.map_err(Failure::into_call_error)?;
        *self.session.lock() = Some(agreed.clone());
        Ok(agreed)
    }

    /// Everything that it offers now.
    async fn list(&self, link: &Link<'_>) -> Result<link::Listing, CallError> {
        let session = self.session(link).await?;
        match link.list(&session).await {
            Err(Failure::NoSession) => {
                *self.session.lock() = None;
                let session = self.session(link).await?;
                link.list(&session).await.map_err(Failure::into_call_error)
            }
            listed => listed.map_err(Failure::into_call_error),
        }
    }
}

/// The tools of a server that may be offered. One whose name is too long with the prefix is left out.
pub(crate) fn offered(
    document: &Document,
    pins: &[Pin],
    bounds: &Bounds,
) -> Result<Vec<Offered>, Error> {
    let (server, described) = Server::open(document, bounds)?;
    let (server, prefix) = (Arc::new(server), described.prefix());
    let accepted = pins.iter().filter_map(Pin::offered);
    Ok(accepted
        .filter_map(|tool| one(&server, document, tool, &prefix))
        .collect())
}

fn one(
    server: &Arc<Server>,
    document: &Document,
    tool: &RemoteTool,
    prefix: &str,
) -> Option<Offered> {
    let name = tool.offered_name(prefix)?;
    Some(Offered {
        id: format!("{}.{}", document.id, tool.name),
        tenant_id: document.tenant_id,
        origin: Origin::McpServer,
        version: document.version,
        name,
        title: tool.title.clone(),
        description: tool.description.clone(),
        input_schema: tool.input_schema.clone(),
        output_schema: tool.output_schema.clone(),
        class: tool.class,
        idempotent: tool.idempotent,
        tags: Vec::new(),
        timeout: server.timeout,
        rate_limit: None,
        max_in_flight: None,
        executor: Executor::Mcp(McpExecutor {
            server: Arc::clone(server),
            tool: tool.name.clone(),
            hash: tool.hash(),
            schema: Schema::compile(&tool.input_schema).ok(),
        }),
    })
}

impl McpExecutor {
    /// What is wrong with an input, with pointers into it.
    pub(super) fn faults(&self, input: &Value) -> Vec<Violation> {
        let faults = self.schema.as_ref().map(|schema| {
            let bytes = input.to_string().len();
            schema.faults(input, bytes)
        });
        let faults = faults.unwrap_or_default().into_iter();
        faults
            .map(|fault| Violation::new(fault.pointer, fault.detail))
            .collect()
    }

    /// Makes the call.
    pub(super) async fn run(&self, parts: &Parts, call: &Call) -> Outcome {
        let faults = self.faults(&call.input);
        if !faults.is_empty() {
            return Outcome::refused(CallError::bad_input(faults));
        }
        let link = match self.server.link(parts).await {
            Ok(link) => link,
            Err(error) => return Outcome::refused(error),
        };
        let params = json!({"name": self.tool, "arguments": call.input});
        let view = RequestView {
            method: "POST",
            url: format!("mcp:{}/{}", self.server.name, self.tool),
            headers: Vec::new(),
            body: Some(link.redaction.text(&params.to_string())),
        };
        let timeout = call.deadline.unwrap_or(self.server.timeout);
        let result = tokio::select! {
            result = self.ask(parts, &link, params, call) => result,
            () = call.cancel.cancelled() => Err(CallError::new(
                ErrorKind::Cancelled,
                "the call was called off; the service may or may not have acted",
            )),
            () = tokio::time::sleep(timeout) => Err(CallError::new(
                ErrorKind::Timeout,
                "the MCP server did not answer in time",
            )),
        };
        let bytes = result.as_ref().map_or(0, |value| value.to_string().len());
        Outcome {
            response: result.as_ref().ok().cloned(),
            result: result.and_then(|value| wire::output(&value)),
            request: Some(view),
            bytes,
            ..Outcome::refused(CallError::new(ErrorKind::Cancelled, ""))
        }
    }

    async fn ask(
        &self,
        parts: &Parts,
        link: &Link<'_>,
        params: Value,
        call: &Call,
    ) -> Result<Value, CallError> {
        self.look_again(parts, link).await?;
        let trace = traces::header(&call.trace);
        self.server
            .ask(link, "tools/call", params, Some(trace))
            .await
    }

    /// Looks at what the server offers if that was not done lately, and refuses the call if this tool is not what
    /// was accepted any more.
    async fn look_again(&self, parts: &Parts, link: &Link<'_>) -> Result<(), CallError> {
        let now = parts.clock.now();
        let is_due = *self.server.looked_at.lock() <= now.minus(LOOK_AGAIN_AFTER);
        if !is_due {
            return Ok(());
        }
        let listing = self.server.list(link).await?;
        let same = listing.tools.iter().find(|tool| tool.name == self.tool);
        let is_same = same.is_some_and(|tool| tool.hash() == self.hash);
        servers::note_seen(parts, &self.server, listing.tools).await?;
        *self.server.looked_at.lock() = now;
        if is_same {
            return Ok(());
        }
        let message = format!(
            "the MCP server `{}` does not offer the tool `{}` as it was accepted any more; somebody has to look at it \
             and accept it (POST /v1/mcp-servers/{}/accept)",
            self.server.name, self.tool, self.server.name
        );
        Err(CallError::new(ErrorKind::Misconfigured, message))
    }
}
