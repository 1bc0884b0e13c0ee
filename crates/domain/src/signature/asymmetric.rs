//! Checking a signature in a header that was made with a private key.

use std::sync::Arc;

use base64::Engine;

use super::key::{BASE64, BASE64_URL, KeyedSecret};
use super::public_key::{Algorithm, PublicKey};
use super::scheme::{Encoding, Part, TimestampRule};
use super::verifier::{Trust, Verified};
use super::{ConfigError, Rejection, SignedRequest};

/// The longest signature that is decoded, in bytes of its text: RSA with 8192 bits has 1366.
const MAX_TEXT: usize = 2048;

/// A signature in a header that anyone can check, but only the holder of a private key can make.
#[derive(Clone, Debug)]
pub struct PublicKeyScheme {
    /// The algorithm.
    pub algorithm: Algorithm,
    /// The header that carries the signature.
    pub header: &'static str,
    /// How its bytes are written.
    pub encoding: Encoding,
    /// The header that carries the timestamp, and how far it may be from now where a window is known.
    pub timestamp: Option<(&'static str, Option<TimestampRule>)>,
    /// The signed message: literals, the timestamp and the body.
    pub content: &'static [Part],
    /// Whether the header is eBay's: base64 of `{"kid", "signature"}`.
    pub wrapped: bool,
}

impl PublicKeyScheme {
    pub(super) fn header_names(&self) -> Vec<String> {
        let timestamp = self.timestamp.as_ref().map(|(header, _)| *header);
        let names = [Some(self.header), timestamp];
        names.into_iter().flatten().map(str::to_owned).collect()
    }

    pub(super) fn tolerance_seconds(&self) -> Option<u32> {
        self.timestamp?.1?.tolerance_seconds
    }

    /// The signed message.
    pub(super) fn message(&self, timestamp: &[u8], body: &[u8]) -> Vec<u8> {
        let mut message = Vec::with_capacity(timestamp.len() + body.len() + 8);
        for part in self.content {
            match part {
                Part::Literal(text) => message.extend_from_slice(text.as_bytes()),
                Part::Timestamp => message.extend_from_slice(timestamp),
                _ => message.extend_from_slice(body),
            }
        }
        message
    }
}

/// A scheme with the public keys of one source.
pub(super) struct PublicKeyCheck {
    scheme: PublicKeyScheme,
    keys: Vec<(Arc<str>, PublicKey)>,
}

impl PublicKeyCheck {
    pub(super) fn new(
        scheme: PublicKeyScheme,
        secrets: &[KeyedSecret],
    ) -> Result<Self, ConfigError> {
        let key = |secret: &KeyedSecret| {
            let key = PublicKey::of_text(secret.value()?, scheme.algorithm);
            let key = key.map_err(|why| secret.fault(why))?;
            Ok((Arc::from(secret.id()), key))
        };
        let keys = secrets
            .iter()
            .map(key)
            .collect::<Result<_, ConfigError>>()?;
        Ok(Self { scheme, keys })
    }

    pub(super) fn verify(
        &self,
        request: &SignedRequest<'_>,
        now_us: i64,
    ) -> Result<Verified<'static>, Rejection> {
        let sent = request.required_header(self.scheme.header)?;
        let signature = self.decode(sent).ok_or_else(|| self.malformed())?;
        let timestamp = match &self.scheme.timestamp {
            None => &[][..],
            Some((header, rule)) => {
                let raw = request.required_header(header)?;
                if let Some(rule) = rule {
                    rule.check(raw, now_us)?;
                }
                raw
            }
        };
        let message = self.scheme.message(timestamp, request.body);
        let matching = self
            .keys
            .iter()
            .find(|(_, key)| key.fits(&message, &signature));
        let (key_id, _) = matching.ok_or(Rejection::WrongSignature)?;
        Ok(Verified {
            trust: Trust::Verified,
            key_id: Some(Arc::clone(key_id)),
            message_id: None,
        })
    }

    fn decode(&self, sent: &[u8]) -> Option<Vec<u8>> {
        if sent.len() > MAX_TEXT {
            return None;
        }
        if !self.scheme.wrapped {
            return self.scheme.encoding.read(sent);
        }
        let envelope: serde_json::Value =
            serde_json::from_slice(&BASE64.decode(sent).ok()?).ok()?;
        self.scheme
            .encoding
            .read(envelope.get("signature")?.as_str()?.as_bytes())
    }

    fn malformed(&self) -> Rejection {
        let expected = match self.scheme.encoding {
            Encoding::Hex => "a signature in hex digits",
            _ if self.scheme.wrapped => "base64 of `{\"kid\", \"signature\"}`",
            _ => "a signature in base64",
        };
        Rejection::MalformedSignature {
            header: self.scheme.header.to_owned(),
            expected: expected.to_owned(),
        }
    }
}

impl Encoding {
    /// Reads bytes that are written this way, however many they are.
    pub(super) fn read(self, text: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Hex => hex::decode(text).ok(),
            Self::Base64 => BASE64.decode(text).ok(),
            Self::Base64Url => BASE64_URL.decode(text).ok(),
        }
    }
}
