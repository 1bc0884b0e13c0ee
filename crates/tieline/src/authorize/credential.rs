//! A credential as the vault keeps it: the whole of it, so that its parts always belong together.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::HeaderValue;
use serde::{Deserialize, Serialize};
use tieline_domain::auth::{Auth, AuthKind};
use zeroize::Zeroizing;

/// How a subscription authenticates, with its secret.
pub struct Credential {
    /// What is public of it.
    pub auth: Auth,
    /// What is not.
    pub secret: Zeroizing<String>,
}

#[derive(Serialize)]
struct Writing<'a> {
    auth: &'a Auth,
    secret: &'a str,
}

#[derive(Deserialize)]
struct Reading {
    auth: Auth,
    secret: String,
}

impl Credential {
    /// The bytes to seal.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let Self { auth, secret } = self;
        let writing = Writing { auth, secret };
        let bytes = serde_json::to_vec(&writing);
        Zeroizing::new(bytes.expect("a credential holds only what JSON can express"))
    }

    /// Reads what [`Credential::to_bytes`] has written; `None` if it was not.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let Reading { auth, secret } = serde_json::from_slice(bytes).ok()?;
        Some(Self {
            auth,
            secret: Zeroizing::new(secret),
        })
    }

    /// What must not be seen in what is recorded.
    pub fn secrets(&self) -> Vec<Zeroizing<String>> {
        let user = match self.auth.kind {
            AuthKind::Basic => self.auth.username.as_deref(),
            AuthKind::OauthClientCredentials => self.auth.client_id.as_deref(),
            // It never leaves: what is sent is a signature by it.
            AuthKind::Mtls => return Vec::new(),
            AuthKind::Bearer | AuthKind::Header => None,
        };
        let pair = user.map(|user| Zeroizing::new(format!("{user}:{}", *self.secret)));
        pair.into_iter().chain([self.secret.clone()]).collect()
    }
}

/// The value of `Authorization` for a user name and a password (RFC 7617 2); `None` if no header
/// can carry it.
pub(super) fn basic(user: &str, password: &str) -> Option<HeaderValue> {
    let pair = Zeroizing::new(format!("{user}:{password}"));
    let encoded = Zeroizing::new(STANDARD.encode(pair.as_bytes()));
    sensitive(&Zeroizing::new(format!("Basic {}", *encoded)))
}

/// A header's value that is not to be shown, nor remembered by header compression.
pub(super) fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}
