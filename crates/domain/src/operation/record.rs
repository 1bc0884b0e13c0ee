//! What is kept of a call.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{CallId, TenantId};

/// The most of an input that is kept, in bytes.
pub const MAX_KEPT_INPUT: usize = 4 * 1024;

/// What is kept of a call: one row, without secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallRecord {
    /// The tenant on whose behalf it was made.
    pub tenant_id: TenantId,
    /// Its id; tells when it was made.
    pub id: CallId,
    /// The id of the operation.
    pub operation_id: String,
    /// The name that the operation had.
    pub operation: String,
    /// The way in which the call came: `api`, `test`, `agent`, `mcp`, `trigger`, `job`.
    pub via: String,
    /// The agent that called.
    pub agent_id: Option<String>,
    /// The conversation in which it was called.
    pub conversation_id: Option<String>,
    /// The kind of the failure; `None` if it succeeded.
    pub error_kind: Option<String>,
    /// The status of the answer.
    pub status_code: Option<u16>,
    /// How long it took.
    pub took: Duration,
    /// What nobody searches by.
    pub detail: CallDetail,
}

/// What is kept of a call and nobody searches by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallDetail {
    /// What the operation came from: `tool`, `action`.
    pub origin: String,
    /// The version of the operation.
    pub version: i64,
    /// Who called, as the audit log names it.
    pub actor: String,
    /// The user for whom it was called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// `allowed`, or what refused the call before anything was sent: `refused: rate_limited`.
    pub decision: String,
    /// Who approved the call, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
    /// SHA-256 of the input as JSON, in hex: equal inputs can be told, also where the input is not kept whole.
    pub input_sha256: String,
    /// The input as JSON text, at most [`MAX_KEPT_INPUT`] of it.
    pub input: String,
    /// Whether there was more.
    #[serde(default)]
    pub input_truncated: bool,
    /// What went wrong, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How many bytes came back.
    pub response_bytes: u64,
    /// The trace, as 32 hex digits.
    pub trace_id: String,
}
