//! Signing as a genuine sender does, for `tieline send` and for tests.

use base64::Engine;
use zeroize::Zeroizing;

use super::config::Verification;
use super::content::{Message, query_parameter, sha256_hex};
use super::credentials::{AUTHORIZATION, sendable};
use super::format::Kind;
use super::key::{BASE64, KeyedSecret, SigningKey};
use super::scheme::{HeaderNames, Part, Scheme, SignedScheme};
use super::{ConfigError, Headers, Rejection, SignedRequest};

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
        let key = SigningKey::new(secret, scheme.key, scheme.digest, scheme.mac)?;
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
        let names = self.names();
        let timestamp = self.scheme.timestamp.map(|rule| rule.unit.format(now_us));
        let mut headers = self.facts(names, timestamp.as_deref(), message_id);
        let with_facts = With {
            sent: request.headers,
            added: &headers,
        };
        let request = SignedRequest {
            url_query: query.as_deref(),
            headers: &with_facts,
            ..*request
        };
        let raw_timestamp = timestamp.as_deref().unwrap_or_default().as_bytes();
        let id = message_id.as_bytes();
        let message = Message::new(&self.scheme, names, &request, raw_timestamp, id)?;
        let (kind, bytes) = match &self.key {
            SigningKey::Shared(key) => {
                let tag = key.tag(|sink| message.feed(&self.url, sink));
                (Kind::Hmac, tag.as_ref().to_vec())
            }
            SigningKey::Ed25519(pair) => (
                Kind::Ed25519,
                pair.sign(&message.bytes(&self.url)).as_ref().to_vec(),
            ),
        };
        let signature = self.scheme.encoding.write(&bytes);
        let format = &self.scheme.format;
        let value = format.write(timestamp.as_deref(), kind, &signature);
        headers.push((names.signature.to_string(), value));
        Ok(Signature { headers, query })
    }

    /// The names that a sender uses: the first ones.
    fn names(&self) -> &HeaderNames {
        let names = self.scheme.headers.first();
        names.expect("a scheme has a set of names")
    }

    /// The headers beside the signature: id, timestamp, and the list of those that are signed.
    fn facts(
        &self,
        names: &HeaderNames,
        timestamp: Option<&str>,
        message_id: &str,
    ) -> Vec<(String, String)> {
        let content = &self.scheme.content;
        let id = names.id.as_ref().filter(|_| content.contains(&Part::Id));
        let id = id.map(|name| (name.to_string(), message_id.to_owned()));
        let timestamp = names.timestamp.as_ref().zip(timestamp);
        let timestamp = timestamp.map(|(name, value)| (name.to_string(), value.to_owned()));
        let list = content.iter().find_map(|part| match part {
            Part::SignedHeaders { list } => Some(*list),
            _ => None,
        });
        let list = list.map(|list| {
            let signed = [Some(list), names.timestamp.as_deref()];
            let signed: Vec<&str> = signed.into_iter().flatten().collect();
            (list.to_owned(), signed.join(","))
        });
        [id, timestamp, list].into_iter().flatten().collect()
    }
}

/// The headers of a request with those that the sender adds.
struct With<'h> {
    sent: &'h dyn Headers,
    added: &'h [(String, String)],
}

impl Headers for With<'_> {
    fn each_value<'h>(&'h self, name: &str, each: &mut dyn FnMut(&'h [u8])) {
        let added = self.added.iter();
        let mut added = added.filter(|(known, _)| known.eq_ignore_ascii_case(name));
        match added.next() {
            Some((_, value)) => each(value.as_bytes()),
            None => self.sent.each_value(name, each),
        }
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
