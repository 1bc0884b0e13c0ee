//! Attempts: one try of a delivery, with all that was seen.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{AttemptId, DeliveryId, TenantId, Timestamp};

/// One try of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Its id.
    pub id: AttemptId,
    /// The delivery it tried.
    pub delivery_id: DeliveryId,
    /// The tenant it belongs to.
    pub tenant_id: TenantId,
    /// Its place among the attempts of the delivery, from 1.
    pub number: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took, from the look-up of the name to the end of the answer.
    pub duration: Duration,
    /// The status of the answer; `None` if there was none.
    pub status_code: Option<u16>,
    /// What went wrong: `status`, `dns`, `connect`, `tls`, `timeout`, `refused_address`,
    /// `too_large`, `protocol`, `unknown_outcome`, or `auth` when it could not be authorised; `None`
    /// for a success.
    pub error_kind: Option<String>,
    /// The rest of what was seen.
    pub seen: Seen,
}

/// What was sent and what came back; secrets are replaced by `[redacted]` before it is made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Where the request went.
    pub url: String,
    /// A sentence on what went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The headers that were sent.
    pub request_headers: Vec<(String, String)>,
    /// The headers that came back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub response_headers: Vec<(String, String)>,
    /// The beginning of the body that came back (16 KiB by default).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub response_excerpt: String,
    /// Whether more came than the excerpt holds.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub response_truncated: bool,
}
