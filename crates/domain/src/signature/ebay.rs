//! eBay: its signature stands in an envelope that names the key, and the keys are told to who has an application
//! there (`getPublicKey` of its Notification API). Facts: webhooks 3.3.

use base64::Engine;
use serde_json::{Value, json};

use super::documents::{Access, AccessSecret, Client, KeyRequest, SenderRequest};
use super::key::BASE64;
use super::public_key::{Algorithm, PublicKey};
use crate::auth::{Auth, AuthKind};

/// Where keys are told, before the id of the key.
const KEYS: &str = "/commerce/notification/v1/public_key/";
/// Where tokens are fetched.
const TOKENS: &str = "/identity/v1/oauth2/token";
/// What a token must be good for.
const SCOPE: &str = "https://api.ebay.com/oauth/api_scope";
/// The longest id of a key, in bytes: eBay's are UUIDs.
const MAX_KEY_ID: usize = 128;

/// What stands in the header: base64 of `{"alg", "kid", "signature", "digest"}`. The algorithm is the scheme's,
/// whatever the envelope says.
pub(super) struct Envelope {
    key_id: Option<String>,
    /// The signature as it is written.
    pub(super) signature: String,
}

impl Envelope {
    /// Reads the value of the header.
    pub(super) fn read(header: &[u8]) -> Option<Self> {
        let envelope: Value = serde_json::from_slice(&BASE64.decode(header).ok()?).ok()?;
        let text = |name: &str| envelope.get(name)?.as_str().map(str::to_owned);
        Some(Self {
            key_id: text("kid"),
            signature: text("signature")?,
        })
    }

    /// The value of the header for a signature under this key.
    pub(super) fn write(key_id: &str, signature: &str) -> String {
        let envelope =
            json!({"alg": "ECDSA", "kid": key_id, "signature": signature, "digest": "SHA1"});
        BASE64.encode(envelope.to_string())
    }

    /// How the key that it names is asked for at `host`, by an application of the user; `None` if it names none
    /// that could be one.
    pub(super) fn key_request(&self, host: &str, client: &Client) -> Option<KeyRequest> {
        let is_id = |id: &&str| {
            let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
            (1..=MAX_KEY_ID).contains(&id.len()) && id.bytes().all(plain)
        };
        let id = self.key_id.as_deref().filter(is_id)?;
        let auth = Auth {
            token_url: Some(format!("https://{host}{TOKENS}")),
            client_id: Some(client.id.clone()),
            scope: Some(SCOPE.to_owned()),
            ..Auth::of(AuthKind::OauthClientCredentials)
        };
        let secret = AccessSecret::Known(client.secret.clone());
        Some(KeyRequest {
            request: SenderRequest {
                access: Some(Access { auth, secret }),
                ..SenderRequest::get(format!("https://{host}{KEYS}{id}"))
            },
            changes: false,
        })
    }
}

/// The key in what eBay answers: `{"key": <PEM>, "algorithm": "ECDSA", "digest": "SHA1"}`.
pub(super) fn key_of(document: &[u8], algorithm: Algorithm) -> Option<PublicKey> {
    let document: Value = serde_json::from_slice(document).ok()?;
    let pem = document.get("key")?.as_str()?;
    PublicKey::of_text(pem.as_bytes(), algorithm).ok()
}
