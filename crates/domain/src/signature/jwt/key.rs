//! The keys that tokens are signed with.

use aws_lc_rs::hmac;
use base64::Engine;
use serde_json::{Map, Value};

use super::token::Token;
use super::{JwtAlgorithm, JwtKeys, JwtScheme};
use crate::signature::documents::{Client, find_jwk};
use crate::signature::key::{BASE64_URL, KeyedSecret};
use crate::signature::public_key::{Algorithm, PublicKey, is_pem};
use crate::signature::{ConfigError, Rejection};

/// A key, or where it is to be had.
pub(super) enum Key {
    Hmac(Box<hmac::Key>),
    Rsa(PublicKey),
    Ecdsa(PublicKey),
    /// The host and what is posted to ask for a key, or the URL of the key set.
    Plaid(Client),
    Published {
        url: String,
        /// What a claim must say, where the sender signs for all its users with the same key.
        claim: Option<(&'static str, String)>,
    },
}

impl Key {
    pub(super) fn new(scheme: &JwtScheme, secret: &KeyedSecret) -> Result<Self, ConfigError> {
        let value = secret.value()?;
        let fault = |why| secret.fault(why);
        match scheme.keys {
            JwtKeys::Given => Self::given(scheme.algorithm, value).map_err(fault),
            JwtKeys::Plaid(_) => {
                let client = Client::of_text(value);
                let client =
                    client.ok_or_else(|| fault("give `client_id:secret`, as Plaid shows them"))?;
                Ok(Self::Plaid(client))
            }
            JwtKeys::KeySet { host_ends, path } => {
                let host = std::str::from_utf8(value).unwrap_or_default();
                let label = host.strip_suffix(host_ends).unwrap_or_default();
                let is_label = !label.is_empty()
                    && label
                        .bytes()
                        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
                let published = is_label.then(|| Self::Published {
                    url: format!("https://{host}{path}"),
                    claim: None,
                });
                published
                    .ok_or_else(|| fault("give the host of the account, such as `acme.kinde.com`"))
            }
            JwtKeys::SharedKeySet { url, claim } => {
                let text = std::str::from_utf8(value).map_err(|_| fault("it is not UTF-8 text"))?;
                Ok(Self::Published {
                    url: url.to_owned(),
                    claim: Some((claim, text.to_owned())),
                })
            }
        }
    }

    fn given(algorithm: JwtAlgorithm, value: &[u8]) -> Result<Self, &'static str> {
        match algorithm {
            JwtAlgorithm::Rs256 => PublicKey::of_text(value, Algorithm::RsaSha256).map(Self::Rsa),
            JwtAlgorithm::Es256 => {
                PublicKey::of_text(value, Algorithm::EcdsaSha256Fixed).map(Self::Ecdsa)
            }
            JwtAlgorithm::ByKey if is_pem(value) => {
                PublicKey::of_text(value, Algorithm::RsaSha256).map(Self::Rsa)
            }
            JwtAlgorithm::Hs256 | JwtAlgorithm::ByKey => {
                shared(value).map(|key| Self::Hmac(Box::new(key)))
            }
        }
    }

    /// Whether the token was signed with this key, or with the one that it names in `document`.
    pub(super) fn made(
        &self,
        token: &Token<'_>,
        algorithm: JwtAlgorithm,
        document: Option<&[u8]>,
    ) -> Result<bool, Rejection> {
        let message = token.signed.as_bytes();
        Ok(match self {
            Self::Hmac(key) => hmac::verify(key, message, &token.signature).is_ok(),
            Self::Rsa(key) | Self::Ecdsa(key) => key.fits(message, &token.signature),
            Self::Plaid(_) | Self::Published { .. } => {
                let document = document.ok_or(Rejection::KeyUnavailable)?;
                let jwk = token.key_id().and_then(|id| find_jwk(document, id));
                let key = jwk.and_then(|jwk| of_jwk(&jwk, algorithm));
                key.ok_or(Rejection::UnknownKey)?
                    .fits(message, &token.signature)
            }
        })
    }

    /// The claim that names another user than the one whose key this is, if it does.
    pub(super) fn foreign_claim(&self, claims: &Map<String, Value>) -> Option<&'static str> {
        let Self::Published {
            claim: Some((name, expected)),
            ..
        } = self
        else {
            return None;
        };
        let said = claims.get(*name).and_then(Value::as_str);
        (said != Some(expected)).then_some(*name)
    }

    /// The one value of `alg` that goes with this key.
    pub(super) fn algorithm(&self, of_scheme: JwtAlgorithm) -> &'static str {
        match (self, of_scheme) {
            (Self::Hmac(_), _) => "HS256",
            (Self::Ecdsa(_), _)
            | (Self::Plaid(_) | Self::Published { .. }, JwtAlgorithm::Es256) => "ES256",
            _ => "RS256",
        }
    }
}

/// The HMAC key that both sides hold.
pub(super) fn shared(value: &[u8]) -> Result<hmac::Key, &'static str> {
    if is_pem(value) {
        return Err("this is a public key, with which anyone could sign: give the shared secret");
    }
    Ok(hmac::Key::new(hmac::HMAC_SHA256, value))
}

/// The key of a JWK (RFC 7518, 6), if it is of the algorithm's kind and meant for signatures.
fn of_jwk(jwk: &Value, algorithm: JwtAlgorithm) -> Option<PublicKey> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    let number = |name: &str| BASE64_URL.decode(text(name)?).ok();
    if text("use").is_some_and(|purpose| purpose != "sig") {
        return None;
    }
    match (algorithm, text("kty")?) {
        (JwtAlgorithm::Es256, "EC") if text("crv") == Some("P-256") => {
            let (x, y) = (number("x")?, number("y")?);
            let point = [&[4], x.as_slice(), y.as_slice()].concat();
            PublicKey::of_bytes(&point, Algorithm::EcdsaSha256Fixed).ok()
        }
        (JwtAlgorithm::Rs256, "RSA") => {
            let key = rsa_der(&number("n")?, &number("e")?);
            PublicKey::of_bytes(&key, Algorithm::RsaSha256).ok()
        }
        _ => None,
    }
}

/// The DER of an RSAPublicKey (RFC 8017, A.1.1): a sequence of two positive integers.
fn rsa_der(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let integer = |bytes: &[u8]| {
        let bytes = &bytes[bytes.iter().take_while(|b| **b == 0).count()..];
        let sign = bytes.first().is_some_and(|b| b & 0x80 != 0);
        let positive = [if sign { &[0][..] } else { &[] }, bytes].concat();
        der(0x02, &positive)
    };
    der(0x30, &[integer(modulus), integer(exponent)].concat())
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut out = vec![tag];
    match length {
        0..=0x7f => out.push(length as u8),
        0x80..=0xff => out.extend([0x81, length as u8]),
        _ => out.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    out.extend_from_slice(content);
    out
}
