//! Signing our own deliveries by Standard Webhooks, on the hot path.

use aws_lc_rs::hmac;
use base64::Engine;

use super::ConfigError;
use super::key::{BASE64, KeyedSecret, SECRET_PREFIX, SigningKey, hmac_key};
use super::scheme::{Digest, KeyForm, Mac};

/// Signs the deliveries of one subscription, its keys prepared.
///
/// A `whsec_` secret is base64-decoded, a `whsk_` one signs with Ed25519 (`v1a`), any other is used as its bytes
/// (API 6).
pub struct StandardSigner {
    keys: Vec<SigningKey>,
    body_key: Option<hmac::Key>,
}

impl StandardSigner {
    /// Prepares to sign with `secrets`, the newest first; several while one is being rotated out.
    ///
    /// # Errors
    /// [`ConfigError`] if there is no secret or one cannot be used.
    pub fn new(secrets: &[KeyedSecret]) -> Result<Self, ConfigError> {
        if secrets.is_empty() {
            return Err(ConfigError::NoSecret {
                scheme: "standard-webhooks".to_owned(),
            });
        }
        let key = |secret: &KeyedSecret| {
            SigningKey::new(secret, KeyForm::Standard, Digest::Sha256, Mac::Hmac)
        };
        let keys: Vec<SigningKey> = secrets.iter().map(key).collect::<Result<_, _>>()?;
        let newest_shared = secrets
            .iter()
            .zip(&keys)
            .find(|(_, key)| matches!(key, SigningKey::Shared(_)));
        let body_key = match newest_shared {
            Some((secret, _)) => Some(hmac_key(Digest::Sha256, secret.value()?)),
            None => None,
        };
        Ok(Self { keys, body_key })
    }

    /// The value of `webhook-signature` for an attempt at `timestamp_s` (Unix seconds): one signature per secret.
    pub fn sign(&self, id: &str, timestamp_s: i64, body: &[u8]) -> String {
        let timestamp = timestamp_s.to_string();
        let parts = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body];
        let mut list = String::with_capacity(self.keys.len() * 92);
        for key in &self.keys {
            if !list.is_empty() {
                list.push(' ');
            }
            match key {
                SigningKey::Shared(key) => {
                    list.push_str("v1,");
                    let tag = key.tag(|sink| parts.iter().for_each(|part| sink(part)));
                    BASE64.encode_string(tag, &mut list);
                }
                SigningKey::Ed25519(pair) => {
                    list.push_str("v1a,");
                    BASE64.encode_string(pair.sign(&parts.concat()), &mut list);
                }
            }
        }
        list
    }

    /// The value of `X-Webhook-Signature`: `sha256=` and the hex HMAC over the raw body under the newest shared
    /// secret, its whole text taken as bytes. `None` if every secret is an Ed25519 key.
    pub fn body_hex(&self, body: &[u8]) -> Option<String> {
        let tag = hmac::sign(self.body_key.as_ref()?, body);
        let mut value = String::with_capacity(7 + 64);
        value.push_str("sha256=");
        value.push_str(&hex::encode(tag));
        Some(value)
    }
}

/// A new shared secret from random bytes: `whsec_` and their base64.
pub fn generate_secret(random: [u8; 32]) -> String {
    format!("{SECRET_PREFIX}{}", BASE64.encode(random))
}
