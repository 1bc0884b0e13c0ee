//! Keys that a sender publishes: which document a request must be checked with. Fetching it is not done here.

use serde_json::Value;
use zeroize::Zeroizing;

/// A document with keys that must be fetched before a request can be checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRequest {
    /// Where it is: https, on a host that the scheme fixes.
    pub url: String,
    /// What is posted, as JSON; `None` to get it.
    pub body: Option<Zeroizing<String>>,
    /// Whether the document holds several keys and gets new ones, so that a key that it lacks is a reason to
    /// fetch it again.
    pub changes: bool,
}

impl KeyRequest {
    /// A document that never changes.
    pub(super) fn get(url: String) -> Self {
        Self {
            url,
            body: None,
            changes: false,
        }
    }
}

/// The key with this id in a JSON Web Key Set (RFC 7517), or in a document `{"key": <JWK>}`.
pub(super) fn find_jwk(document: &[u8], kid: &str) -> Option<Value> {
    let document: Value = serde_json::from_slice(document).ok()?;
    let keys = match document.get("keys") {
        Some(keys) => keys.as_array()?.clone(),
        None => vec![document.get("key")?.clone()],
    };
    let is_meant = |key: &Value| key.get("kid").and_then(Value::as_str) == Some(kid);
    // Plaid says when a key was retired: what is signed with it since is forged.
    let is_live = |key: &Value| key.get("expired_at").is_none_or(Value::is_null);
    keys.into_iter().find(|key| is_meant(key) && is_live(key))
}
