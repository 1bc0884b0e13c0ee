//! Checking a signature in a header that was made with a private key.

use std::sync::Arc;

use base64::Engine;

use super::documents::{Client, KeyRequest};
use super::ebay::{self, Envelope};
use super::key::{BASE64, BASE64_URL, KeyedSecret};
use super::public_key::{Algorithm, PublicKey, is_pem};
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
    /// Where the header is eBay's envelope, base64 of `{"kid", "signature"}`: the host that tells its keys.
    pub ebay: Option<&'static str>,
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
    keys: Vec<(Arc<str>, Key)>,
}

/// A key, or who may ask for it.
enum Key {
    Given(PublicKey),
    Told(Client),
}

impl Key {
    fn new(scheme: &PublicKeyScheme, secret: &KeyedSecret) -> Result<Self, ConfigError> {
        let value = secret.value()?;
        if scheme.ebay.is_some()
            && !is_pem(value)
            && let Some(client) = Client::of_text(value)
        {
            return Ok(Self::Told(client));
        }
        let key = PublicKey::of_text(value, scheme.algorithm);
        key.map(Self::Given).map_err(|why| secret.fault(why))
    }
}

impl PublicKeyCheck {
    pub(super) fn new(
        scheme: PublicKeyScheme,
        secrets: &[KeyedSecret],
    ) -> Result<Self, ConfigError> {
        let key = |secret: &KeyedSecret| Ok((Arc::from(secret.id()), Key::new(&scheme, secret)?));
        let keys = secrets
            .iter()
            .map(key)
            .collect::<Result<_, ConfigError>>()?;
        Ok(Self { scheme, keys })
    }

    /// The document that holds the key of this request; `None` where the source has the keys.
    pub(super) fn key_request(
        &self,
        request: &SignedRequest<'_>,
    ) -> Result<Option<KeyRequest>, Rejection> {
        let (Some(host), Some((_, Key::Told(client)))) = (self.scheme.ebay, self.keys.first())
        else {
            return Ok(None);
        };
        let sent = request.required_header(self.scheme.header)?;
        let envelope = (sent.len() <= MAX_TEXT).then(|| Envelope::read(sent));
        let asked = envelope
            .flatten()
            .and_then(|envelope| envelope.key_request(host, client));
        asked.map(Some).ok_or_else(|| self.malformed())
    }

    pub(super) fn verify(
        &self,
        request: &SignedRequest<'_>,
        now_us: i64,
        document: Option<&[u8]>,
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
        let key_id = self.matching(&message, &signature, document)?;
        Ok(Verified {
            trust: Trust::Verified,
            key_id: Some(key_id),
            message_id: None,
        })
    }

    /// The id of the secret under which the signature is right.
    fn matching(
        &self,
        message: &[u8],
        signature: &[u8],
        document: Option<&[u8]>,
    ) -> Result<Arc<str>, Rejection> {
        for (id, key) in &self.keys {
            let right = match key {
                Key::Given(key) => key.fits(message, signature),
                Key::Told(_) => {
                    let document = document.ok_or(Rejection::KeyUnavailable)?;
                    let key = ebay::key_of(document, self.scheme.algorithm);
                    key.ok_or(Rejection::UnknownKey)?.fits(message, signature)
                }
            };
            if right {
                return Ok(Arc::clone(id));
            }
        }
        Err(Rejection::WrongSignature)
    }

    fn decode(&self, sent: &[u8]) -> Option<Vec<u8>> {
        if sent.len() > MAX_TEXT {
            return None;
        }
        if self.scheme.ebay.is_none() {
            return self.scheme.encoding.read(sent);
        }
        let envelope = Envelope::read(sent)?;
        self.scheme.encoding.read(envelope.signature.as_bytes())
    }

    fn malformed(&self) -> Rejection {
        let expected = match self.scheme.encoding {
            Encoding::Hex => "a signature in hex digits",
            _ if self.scheme.ebay.is_some() => "base64 of `{\"kid\", \"signature\"}`",
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
