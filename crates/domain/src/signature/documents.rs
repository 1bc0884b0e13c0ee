//! What a sender is asked for: a document of keys with which a request must be checked, or a call that a question
//! wants. Asking is not done here.

use std::fmt;

use serde_json::Value;
use zeroize::Zeroizing;

use crate::auth::Auth;
use crate::secret_text::SecretText;

/// A request to a sender.
#[derive(Clone, Debug, PartialEq)]
pub struct SenderRequest {
    /// Where it goes: https, on a host that the scheme fixes.
    pub url: String,
    /// What is posted, as JSON; `None` to get it.
    pub body: Option<Zeroizing<String>>,
    /// Who asks, where the sender wants to know; `None` where it tells everyone.
    pub access: Option<Access>,
}

/// The access of a user of the sender.
#[derive(Clone, Debug, PartialEq)]
pub struct Access {
    /// How the user proves who it is.
    pub auth: Auth,
    /// The secret that belongs to it.
    pub secret: AccessSecret,
}

/// The secret of an access.
#[derive(Clone, PartialEq)]
pub enum AccessSecret {
    /// It is this.
    Known(Zeroizing<String>),
    /// It is kept as a secret of the tenant.
    Named(SecretText),
}

impl fmt::Debug for AccessSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(_) => f.write_str("Known(…)"),
            Self::Named(text) => f.debug_tuple("Named").field(text).finish(),
        }
    }
}

/// A document with keys that must be fetched before a request can be checked.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyRequest {
    /// How it is asked for.
    pub request: SenderRequest,
    /// Whether the document holds several keys and gets new ones, so that a key that it lacks is a reason to
    /// fetch it again.
    pub changes: bool,
}

impl KeyRequest {
    /// A document that never changes.
    pub(super) fn get(url: String) -> Self {
        Self {
            request: SenderRequest::get(url),
            changes: false,
        }
    }
}

impl SenderRequest {
    /// What everyone may get.
    pub(super) fn get(url: String) -> Self {
        Self {
            url,
            body: None,
            access: None,
        }
    }
}

/// An account of the user at a sender, written as `client_id:client_secret`.
pub(super) struct Client {
    pub(super) id: String,
    pub(super) secret: Zeroizing<String>,
}

impl Client {
    /// Reads the text; `None` if it is not of this form.
    pub(super) fn of_text(text: &[u8]) -> Option<Self> {
        let (id, secret) = std::str::from_utf8(text).ok()?.split_once(':')?;
        let is_plain = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
        (is_plain(id) && is_plain(secret)).then(|| Self {
            id: id.to_owned(),
            secret: Zeroizing::new(secret.to_owned()),
        })
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
