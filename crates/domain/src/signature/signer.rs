//! Signing as a genuine sender does, for `tieline send` and for tests.

use base64::Engine;
use zeroize::Zeroizing;

use super::config::Verification;
use super::content::{Message, query_parameter, sha256_hex};
use super::credentials::{AUTHORIZATION, sendable};
use super::format::Kind;
use super::key::{BASE64, KeyedSecret, SigningKey};
use super::scheme::{Part, Scheme, SignedScheme, TokenScheme};
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
    method: Method,
}

enum Method {
    Signed {
        scheme: Box<SignedScheme>,
        url: String,
        key: SigningKey,
    },
    Token {
        scheme: TokenScheme,
        token: Zeroizing<String>,
    },
    Basic {
        authorization: Zeroizing<String>,
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
        let method = match verification.resolve()? {
            Scheme::Signed(scheme) => {
                let key = SigningKey::new(needed()?, scheme.key, scheme.digest)?;
                let url = scheme.signed_urls(public_url)?.swap_remove(0);
                Method::Signed {
                    scheme: Box::new(scheme),
                    url,
                    key,
                }
            }
            Scheme::Token(scheme) => Method::Token {
                scheme,
                token: text(needed()?)?,
            },
            Scheme::Basic(scheme) => {
                let password = text(needed()?)?;
                let username = scheme.username.as_deref().unwrap_or(ANY_USERNAME);
                let credentials = Zeroizing::new(format!("{username}:{}", *password));
                let authorization =
                    Zeroizing::new(format!("Basic {}", BASE64.encode(credentials.as_bytes())));
                Method::Basic { authorization }
            }
            Scheme::Unsigned => Method::Unsigned,
        };
        Ok(Self { method })
    }

    /// Signs a request that is sent at `now_us` (Unix microseconds) as message `message_id`.
    ///
    /// # Errors
    /// [`Rejection`] if no sender could sign it, as a query with a wrong hash of the body.
    pub fn sign(
        &self,
        request: &SignedRequest<'_>,
        now_us: i64,
        message_id: &str,
    ) -> Result<Signature, Rejection> {
        let query = request.url_query.map(str::to_owned);
        let headers = match &self.method {
            Method::Signed { scheme, url, key } => {
                return sign(scheme, url, key, request, now_us, message_id);
            }
            Method::Token { scheme, token } => vec![(
                scheme.header.to_string(),
                format!("{}{}", scheme.prefix, **token),
            )],
            Method::Basic { authorization } => {
                vec![(AUTHORIZATION.to_owned(), authorization.to_string())]
            }
            Method::Unsigned => Vec::new(),
        };
        Ok(Signature { headers, query })
    }
}

fn sign(
    scheme: &SignedScheme,
    url: &str,
    key: &SigningKey,
    request: &SignedRequest<'_>,
    now_us: i64,
    message_id: &str,
) -> Result<Signature, Rejection> {
    let query = query_to_send(scheme, request)?;
    let request = SignedRequest {
        url_query: query.as_deref(),
        ..*request
    };
    let timestamp = scheme.timestamp.map(|rule| rule.unit.format(now_us));
    let message = Message::new(
        scheme,
        &request,
        timestamp.as_deref().unwrap_or_default().as_bytes(),
        message_id.as_bytes(),
    )?;
    let (kind, bytes) = match key {
        SigningKey::Hmac(key) => (Kind::Hmac, message.hmac(key, url).as_ref().to_vec()),
        SigningKey::Ed25519(pair) => (
            Kind::Ed25519,
            pair.sign(&message.bytes(url)).as_ref().to_vec(),
        ),
    };
    let value = scheme
        .format
        .write(timestamp.as_deref(), kind, &scheme.encoding.write(&bytes));
    let mut headers = Vec::new();
    if let Some(names) = scheme.headers.first() {
        if let Some(name) = names
            .id
            .as_ref()
            .filter(|_| scheme.content.contains(&Part::Id))
        {
            headers.push((name.to_string(), message_id.to_owned()));
        }
        if let Some((name, timestamp)) = names.timestamp.as_ref().zip(timestamp) {
            headers.push((name.to_string(), timestamp));
        }
        headers.push((names.signature.to_string(), value));
    }
    Ok(Signature { headers, query })
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

fn text(secret: &KeyedSecret) -> Result<Zeroizing<String>, ConfigError> {
    let text =
        std::str::from_utf8(sendable(secret)?).map_err(|_| secret.fault("it is not UTF-8 text"))?;
    Ok(Zeroizing::new(text.to_owned()))
}
