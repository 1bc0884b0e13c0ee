//! A call and what came of it.

use std::{sync::Arc, time::Duration};

use serde::Serialize;
use serde_json::Value;
use tieline_domain::{CallId, TenantId, operation::CallError, trace::TraceContext};
use tokio_util::sync::CancellationToken;

use super::Offered;

/// What is to be called, with what, and for whom.
pub struct Call {
    /// The tenant on whose behalf it is made.
    pub tenant_id: TenantId,
    /// What is called.
    pub operation: Arc<Offered>,
    /// What it is called with: an object.
    pub input: Value,
    /// Who calls.
    pub by: CalledBy,
    /// The trace that it belongs to.
    pub trace: TraceContext,
    /// By what the service may tell a repeat; the id of the call if absent. Sent only where the operation says how.
    pub idempotency_key: Option<String>,
    /// How long it may take at most, where that is less than the operation's own time-out.
    pub deadline: Option<Duration>,
    /// Calls it off.
    pub cancel: CancellationToken,
}

/// Who calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CalledBy {
    /// Who acts, as the audit log names it: `key_…`, `cl_…`, `agent_…`.
    pub actor: String,
    /// The agent that called, if one did.
    pub agent_id: Option<String>,
    /// The conversation in which it was called.
    pub conversation_id: Option<String>,
    /// The user for whom it was called, as the caller names them.
    pub user: Option<String>,
    /// The way in which the call came.
    pub via: Via,
    /// Who approved the call, where that was asked for.
    pub approved_by: Option<String>,
}

/// The way in which a call came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Via {
    /// The HTTP API.
    #[default]
    Api,
    /// The test of an operation over the HTTP API.
    Test,
    /// A turn of an agent.
    Agent,
    /// A client over MCP.
    Mcp,
    /// A step of a trigger.
    Trigger,
    /// A delivery or a job in the background.
    Job,
}

impl Via {
    /// Every way.
    pub const ALL: [Self; 6] = [
        Self::Api,
        Self::Test,
        Self::Agent,
        Self::Mcp,
        Self::Trigger,
        Self::Job,
    ];

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Test => "test",
            Self::Agent => "agent",
            Self::Mcp => "mcp",
            Self::Trigger => "trigger",
            Self::Job => "job",
        }
    }
}

/// What came of a call.
#[derive(Debug)]
pub struct Report {
    /// The id of the call, in the log of calls, too.
    pub call_id: CallId,
    /// What came out, or why nothing did.
    pub result: Result<Output, CallError>,
    /// The status of the answer, if there was one over HTTP.
    pub status_code: Option<u16>,
    /// How long it took, in milliseconds.
    pub response_time_ms: u64,
    /// What was sent, without secrets; `None` if nothing was.
    pub request: Option<RequestView>,
    /// What came back, without secrets, before it was mapped; `None` if nothing did.
    pub response: Option<Value>,
}

/// What came out of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// The mapped answer; where it was too large, the marker that says so and where the whole is.
    pub value: Value,
    /// How many bytes of JSON the whole output has.
    pub bytes: usize,
    /// Whether it was too large.
    pub truncated: bool,
}

/// A request as it may be shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RequestView {
    /// The method.
    pub method: &'static str,
    /// The URL.
    pub url: String,
    /// The headers that the operation gives.
    pub headers: Vec<(String, String)>,
    /// The body, at most its first 16 KiB; `None` if there is none.
    pub body: Option<String>,
}
