//! Signing as a genuine sender does, for `tieline send` and for tests.

use base64::Engine;
use zeroize::Zeroizing;

use super::config::Verification;
use super::content::{Message, query_parameter, sha256_hex};
use super::credentials::{AUTHORIZATION, sendable};
use super::format::Kind;
use super::key::{BASE64, KeyedSecret, SigningKey};
use super::scheme::{Part, Scheme, SignedScheme};
use super::{ConfigError, Rejection, SignedRequest};

/// The user name sent where the source takes any.
const ANY_USERNAME: &str = "webhook";

/// What a sender adds to a request.
#[derive(Clone, PartialEq, Eq)]
pub struct Signature {
    /// The headers to send beside those of the request.
    pub headers: Vec<(String, String)>,
    /// The query to send the request with: that of the request, with the hash of the body added where the scheme
    /// binds a body by it.
    pub query: Option<String>,
}

/// Signs requests as the sender of a preset does.
pub struct Signer {
    proof: Proof,
}

enum Proof {
    Signed(Box<SigningScheme>),
    Token {
        header: String,
        value: Zeroizing<String>,
    },
    Unsigned,
}

impl Signer {
    /// Prepares to sign for a source that is verified by `verification` and known to the sender as `public_url`.
    ///
    /// # Errors
    /// [`ConfigError`] if the verification, the secret or the URL cannot be used.
    pub fn new(
        verification: &Verification,
        secret: Option<&KeyedSecret>,
        public_url: &str,
    ) -> Result<Self, ConfigError> {
        let needed = || {
            secret.ok_or_else(|| ConfigError::NoSecret {
                scheme: verification.scheme.clone(),
            })
        };
        let proof = match verification.resolve()? {
            Scheme::Signed(scheme) => {
                Proof::Signed(Box::new(SigningScheme::new(scheme, needed()?, public_url)?))
            }
            Scheme::Token(scheme) => {
                let value = Zeroizing::new(format!("{}{}", scheme.prefix, text(needed()?)?));
                Proof::Token {
                    header: scheme.header.into_owned(),
                    value,
                }
            }
            Scheme::Basic(scheme) => {
                let username = scheme.username.as_deref().unwrap_or(ANY_USERNAME);
                let credentials = Zeroizing::new(format!("{username}:{}", text(needed()?)?));
                let value =
                    Zeroizing::new(format!("Basic {}", BASE64.encode(credentials.as_bytes())));
                Proof::Token {
                    header: AUTHORIZATION.to_owned(),
                    value,
                }
            }
            Scheme::PublicKey(_) | Scheme::Jwt(_) | Scheme::Bespoke(_) => {
                return Err(ConfigError::NotSignable {
                    scheme: verification.scheme.clone(),
                    why: "it signs with a key that nobody else has",
                });
            }
            Scheme::Unsigned => Proof::Unsigned,
        };
        Ok(Self { proof })
    }

    /// Signs a request that is sent at `now_us` (Unix microseconds) as message `message_id`.
    ///
    /// # Errors
    /// [`Rejection`] if no sender could sign it, such as a query with a wrong hash of the body.
    pub fn sign(
        &self,
        request: &SignedRequest<'_>,
        now_us: i64,
        message_id: &str,
    ) -> Result<Signature, Rejection> {
        let headers = match &self.proof {
            Proof::Signed(signing) => return signing.sign(request, now_us, message_id),
            Proof::Token { header, value } => vec![(header.clone(), value.to_string())],
            Proof::Unsigned => Vec::new(),
        };
        Ok(Signature {
            headers,
            query: request.url_query.map(str::to_owned),
        })
    }
}

/// A signature scheme with the key of the sender.
struct SigningScheme {
    scheme: SignedScheme,
    url: String,
    key: SigningKey,
}

impl SigningScheme {
    fn new(
        scheme: SignedScheme,
        secret: &KeyedSecret,
        public_url: &str,
    ) -> Result<Self, ConfigError> {
        let key = SigningKey::new(secret, scheme.key, scheme.digest)?;
        let url = scheme.signed_urls(public_url)?.swap_remove(0);
        Ok(Self { scheme, url, key })
    }

    fn sign(
        &self,
        request: &SignedRequest<'_>,
        now_us: i64,
        message_id: &str,
    ) -> Result<Signature, Rejection> {
        let query = query_to_send(&self.scheme, request)?;
        let request = SignedRequest {
            url_query: query.as_deref(),
            ..*request
        };
        let timestamp = self.scheme.timestamp.map(|rule| rule.unit.format(now_us));
        let raw_timestamp = timestamp.as_deref().unwrap_or_default().as_bytes();
        let message = Message::new(&self.scheme, &request, raw_timestamp, message_id.as_bytes())?;
        let (kind, bytes) = match &self.key {
            SigningKey::Hmac(key) => (Kind::Hmac, message.hmac(key, &self.url).as_ref().to_vec()),
            SigningKey::Ed25519(pair) => (
                Kind::Ed25519,
                pair.sign(&message.bytes(&self.url)).as_ref().to_vec(),
            ),
        };
        let signature = self.scheme.encoding.write(&bytes);
        let value = self
            .scheme
            .format
            .write(timestamp.as_deref(), kind, &signature);
        Ok(Signature {
            headers: self.headers(value, timestamp, message_id),
            query,
        })
    }

    /// The headers under the first set of names, the signature last.
    fn headers(
        &self,
        signature: String,
        timestamp: Option<String>,
        message_id: &str,
    ) -> Vec<(String, String)> {
        let Some(names) = self.scheme.headers.first() else {
            return Vec::new();
        };
        let id = names
            .id
            .as_ref()
            .filter(|_| self.scheme.content.contains(&Part::Id));
        let id = id.map(|name| (name.to_string(), message_id.to_owned()));
        let timestamp = names
            .timestamp
            .as_ref()
            .zip(timestamp)
            .map(|(name, value)| (name.to_string(), value));
        [
            id,
            timestamp,
            Some((names.signature.to_string(), signature)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// The request's query, with the hash of the body added if that is the only way to cover it.
fn query_to_send(
    scheme: &SignedScheme,
    request: &SignedRequest<'_>,
) -> Result<Option<String>, Rejection> {
    let given = request.url_query;
    let kept = given.map(str::to_owned);
    let Some(name) = scheme.content.iter().find_map(Part::body_hash) else {
        return Ok(kept);
    };
    let is_covered = request.body.is_empty() || request.is_form()?;
    if is_covered || query_parameter(given.unwrap_or_default(), name).is_some() {
        return Ok(kept);
    }
    let before = given.map(|query| format!("{query}&")).unwrap_or_default();
    Ok(Some(format!("{before}{name}={}", sha256_hex(request.body))))
}

/// The secret as text that a header can carry.
fn text(secret: &KeyedSecret) -> Result<&str, ConfigError> {
    std::str::from_utf8(sendable(secret)?).map_err(|_| secret.fault("it is not UTF-8 text"))
}
