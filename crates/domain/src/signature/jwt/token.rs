//! A token taken apart.

use base64::Engine;
use serde_json::{Map, Value};

use crate::signature::key::BASE64_URL;

/// A token taken apart; nothing in it is believed yet.
pub(super) struct Token<'t> {
    pub(super) signed: &'t str,
    pub(super) header: Map<String, Value>,
    pub(super) claims: Map<String, Value>,
    pub(super) signature: Vec<u8>,
}

impl<'t> Token<'t> {
    /// Takes a token apart; `None` unless it is three parts of base64url with JSON objects in the first two.
    pub(super) fn read(token: &'t str) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let object = |part: &str| serde_json::from_slice(&BASE64_URL.decode(part).ok()?).ok();
        Some(Self {
            signed,
            header: object(header)?,
            claims: object(claims)?,
            signature: BASE64_URL.decode(signature).ok()?,
        })
    }

    /// The id of the key that it names; a short one, for it becomes part of a request.
    pub(super) fn key_id(&self) -> Option<&str> {
        let id = self.header.get("kid")?.as_str()?;
        let is_plain = (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic());
        is_plain.then_some(id)
    }
}

/// The claims of a token, as the JSON text that they were signed as.
pub(super) fn claims(token: &str) -> Option<Vec<u8>> {
    BASE64_URL.decode(token.split('.').nth(1)?).ok()
}
