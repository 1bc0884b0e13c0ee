//! Signatures of webhooks: one engine described by data.

use serde::{Deserialize, Serialize};

/// How a source's requests prove where they come from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verification {
    /// The scheme.
    pub scheme: String,
}
