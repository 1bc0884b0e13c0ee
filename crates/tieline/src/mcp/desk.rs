//! What this server answers to MCP clients.

use std::sync::Arc;

use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, Implementation, ListToolsResult,
        PaginatedRequestParams, ProtocolVersion, ServerCapabilities, ServerConfig,
    },
    service::RequestContext,
};
use serde_json::Value;
use tieline_domain::{
    TenantId,
    operation::{CallError, ErrorKind},
    trace::TraceContext,
};

use super::{
    progress,
    running::{Key, Running},
    shape,
};
use crate::{
    operate::{Call, CalledBy, Offered, Operator, Via},
    registry::OpenAgent,
    telemetry::traces,
};

/// How many tools one page of a list has.
const PAGE: usize = 100;
/// The first revision whose structured content may be any JSON.
const ANY_STRUCTURE: ProtocolVersion = ProtocolVersion::V_2026_07_28;

const INSTRUCTIONS: &str = "The tools call services for the user; their credentials stay with this server. A \
    result with isError says in error.kind what went wrong and in error.advice what to do. Do not repeat a call \
    that failed with timeout or unknown_outcome before you have checked whether it was done.";

/// Who asks, and what is offered to it. The HTTP side puts it beside each request.
#[derive(Clone)]
pub struct Asking {
    /// The tenant that the credential opens.
    pub tenant_id: TenantId,
    /// The credential, as the audit log names it.
    pub actor: Arc<str>,
    /// Whether it may list tools.
    pub may_list: bool,
    /// Whether it may call them.
    pub may_call: bool,
    /// The agent on whose behalf is asked, and the names that it may use; everything of the tenant without one.
    pub agent: Option<Agent>,
    /// Where the request stands in its trace.
    pub trace: TraceContext,
    /// The session id that the client sent; empty if it sent none.
    pub session: Arc<str>,
    /// The calls under way on this node.
    pub running: Running,
}

/// An agent, as far as it limits what is offered.
#[derive(Clone)]
pub struct Agent {
    /// Its id.
    pub id: Arc<str>,
    /// What it may do.
    pub agent: Arc<OpenAgent>,
}

impl Asking {
    /// Whether an operation of this name is offered.
    fn is_offered(&self, name: &str) -> bool {
        match &self.agent {
            None => true,
            Some(agent) => agent.agent.agent.tools.iter().any(|known| known == name),
        }
    }
}

impl Agent {
    /// Whether a person has to approve the calls of this operation.
    fn must_wait(&self, offered: &Offered) -> bool {
        self.agent.agent.approval.as_ref().is_some_and(|approval| {
            approval.tools.contains(&offered.name) || approval.classes.contains(&offered.class)
        })
    }

    /// A turn can wait for a person; a request over MCP cannot.
    fn refusal(&self, offered: &Offered) -> CallError {
        let message = format!(
            "calls of `{}` by the agent {} have to be approved by a person, which a call over MCP cannot wait for",
            offered.name, self.id
        );
        CallError::new(ErrorKind::Forbidden, message)
    }
}

/// Answers MCP requests; each brings along who asks.
#[derive(Clone)]
pub struct Desk {
    operator: Operator,
}

impl Desk {
    /// A desk that offers what `operator` has.
    pub(super) fn new(operator: Operator) -> Self {
        Self { operator }
    }

    /// What is offered to whoever asks, sorted by name.
    async fn offered(&self, asking: &Asking) -> Result<Vec<Arc<Offered>>, ErrorData> {
        let all = self
            .operator
            .list(asking.tenant_id)
            .await
            .map_err(internal)?;
        let offered = all.into_iter().filter(|one| asking.is_offered(&one.name));
        Ok(offered.collect())
    }

    async fn find(&self, asking: &Asking, name: &str) -> Result<Arc<Offered>, ErrorData> {
        let found = if asking.is_offered(name) {
            self.operator
                .find(asking.tenant_id, name)
                .await
                .map_err(internal)?
        } else {
            None
        };
        // An id finds an operation too, but a client has been told names.
        let found = found.filter(|one| one.name == name);
        found.ok_or_else(|| {
            let detail = format!("there is no tool `{name}`; tools/list tells what there is");
            ErrorData::invalid_params(detail, None)
        })
    }
}

impl ServerHandler for Desk {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().build();
        let mut own = Implementation::new("tieline", env!("CARGO_PKG_VERSION"));
        own.title = Some("Tieline".to_owned());
        ServerConfig::new(capabilities)
            .with_server_info(own)
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let asking = asking(&context)?;
        allowed(asking.may_list)?;
        let after = match request.and_then(|request| request.cursor) {
            None => None,
            Some(cursor) => Some(name_of(&cursor)?),
        };
        let mut offered = self.offered(asking).await?;
        offered.retain(|one| after.as_ref().is_none_or(|after| one.name > *after));
        let has_more = offered.len() > PAGE;
        offered.truncate(PAGE);
        let tools = offered.iter().filter_map(|one| shape::tool(one)).collect();
        let mut page = ListToolsResult::with_all_items(tools);
        let last = offered.last().filter(|_| has_more);
        page.next_cursor = last.map(|last| hex::encode(&last.name));
        Ok(page)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let asking = asking(&context)?;
        allowed(asking.may_call)?;
        let offered = self.find(asking, &request.name).await?;
        if let Some(agent) = asking
            .agent
            .as_ref()
            .filter(|agent| agent.must_wait(&offered))
        {
            return Ok(CallToolResponse::Complete(shape::failure(
                &agent.refusal(&offered),
            )));
        }
        let cancel = context.ct.clone();
        let key = Key {
            actor: Arc::clone(&asking.actor),
            session: Arc::clone(&asking.session),
            request: serde_json::to_string(&context.id).unwrap_or_default(),
        };
        let _entered = asking.running.enter(key, cancel.clone());
        let origin = offered.origin;
        let call = Call {
            tenant_id: asking.tenant_id,
            operation: offered,
            input: Value::Object(request.arguments.unwrap_or_default()),
            by: CalledBy {
                actor: asking.actor.to_string(),
                agent_id: asking.agent.as_ref().map(|agent| agent.id.to_string()),
                via: Via::Mcp,
                ..CalledBy::default()
            },
            trace: trace(asking, &context),
            idempotency_key: None,
            deadline: None,
            cancel,
        };
        let token = context.meta.get_progress_token();
        let report = progress::told(&context.peer, token, self.operator.call(call)).await;
        let any_structure = context
            .protocol_version()
            .is_some_and(|version| version.as_str() >= ANY_STRUCTURE.as_str());
        let result = match report.result {
            Ok(output) => shape::success(output.value, origin, any_structure),
            Err(error) => shape::failure(&error),
        };
        Ok(CallToolResponse::Complete(result))
    }
}

/// Who asks.
fn asking(context: &RequestContext<RoleServer>) -> Result<&Asking, ErrorData> {
    let parts = context.extensions.get::<http::request::Parts>();
    let asking = parts.and_then(|parts| parts.extensions.get::<Asking>());
    asking.ok_or_else(|| ErrorData::internal_error("the request does not say who asks", None))
}

/// The HTTP side has refused those who may not, by what the message says at first sight; this is the second lock, for
/// a message that can be read in two ways.
fn allowed(may: bool) -> Result<(), ErrorData> {
    if may {
        return Ok(());
    }
    let detail = "the credential does not have the scope that this needs";
    Err(ErrorData::invalid_request(detail, None))
}

/// Where the call stands in its trace: the client's word in the message goes before that of its HTTP side
/// (MCP 2026-07-28, "_meta": traceparent).
fn trace(asking: &Asking, context: &RequestContext<RoleServer>) -> TraceContext {
    let given = context.meta.get("traceparent").and_then(Value::as_str);
    match given.and_then(TraceContext::parse) {
        Some(given) => traces::span_in(given.trace_id),
        None => asking.trace,
    }
}

/// The name behind which a page begins.
fn name_of(cursor: &str) -> Result<String, ErrorData> {
    let bytes = hex::decode(cursor).ok();
    let name = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    name.ok_or_else(|| {
        let detail = "the cursor is none that this server gave; begin again without it";
        ErrorData::invalid_params(detail, None)
    })
}

fn internal(error: crate::registry::Error) -> ErrorData {
    tracing::error!(%error, "the operations of a tenant cannot be read");
    ErrorData::internal_error("the server cannot do this right now; try again", None)
}
