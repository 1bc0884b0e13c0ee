//! JSON Web Tokens (RFC 7515, 7519), with the algorithm fixed by the scheme: what the token says of it can only
//! agree. `none`, and an HMAC under a public key, cannot be asked for by a request.

mod key;
mod qsh;
mod token;

use std::borrow::Cow;
use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::{digest, hmac};
use base64::Engine;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::documents::{KeyRequest, SenderRequest};
use super::key::{BASE64, KeyedSecret};
use super::verifier::{Trust, Verified};
use super::{ConfigError, Rejection, SignedRequest};
use key::Key;
use token::Token;

/// The longest token in a header, in bytes; a token that is the body may be as long as a body.
const MAX_TOKEN: usize = 8192;
/// How far the clocks of sender and receiver may be apart where a token says when it ends, in seconds.
const LEEWAY_SECONDS: i64 = 60;
const MICROS_PER_SECOND: i64 = 1_000_000;
/// Where Plaid tells its keys, after the host of the environment.
const PLAID_KEYS: &str = "/webhook_verification_key/get";

/// A token that the sender signed.
#[derive(Clone, Debug)]
pub struct JwtScheme {
    /// Where the token stands.
    pub place: JwtPlace,
    /// How it must be signed.
    pub algorithm: JwtAlgorithm,
    /// Where the keys come from.
    pub keys: JwtKeys,
    /// What its claims must say.
    pub claims: &'static [Claim],
    /// For how long it holds.
    pub life: JwtLife,
}

/// For how long a token holds. A time that stands in it is held to in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwtLife {
    /// For ever, if it does not say otherwise.
    Unbounded,
    /// Until `exp`, which must be there.
    Expires,
    /// This many seconds from `iat`, which must be there.
    Seconds(u32),
}

/// Where a token stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwtPlace {
    /// In this header, after this text if it is there.
    Header(&'static str, &'static str),
    /// It is the body.
    Body,
}

/// How a token must be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwtAlgorithm {
    /// HMAC-SHA256 under a shared secret.
    Hs256,
    /// RSA.
    Rs256,
    /// ECDSA on P-256.
    Es256,
    /// RSA if the source holds a public key in PEM, HMAC if it holds any other secret.
    ByKey,
}

/// Where the keys come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwtKeys {
    /// The secrets of the source.
    Given,
    /// Plaid's endpoint on this host, asked for the key's id with the secret `client_id:secret`.
    Plaid(&'static str),
    /// The key set at this path of the host that the secret names, which must end as given.
    KeySet {
        /// The end of the host.
        host_ends: &'static str,
        /// The path.
        path: &'static str,
    },
    /// The key set at this URL, with which the sender signs for all its users; the secret is what a claim must say.
    SharedKeySet {
        /// The URL.
        url: &'static str,
        /// The claim that names the user.
        claim: &'static str,
    },
}

/// What a claim must say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// This text.
    Is(&'static str, &'static str),
    /// `true`.
    True(&'static str),
    /// The SHA-256 of the body in hex.
    BodyHex(&'static str),
    /// The SHA-256 of the body in base64.
    BodyBase64(&'static str),
    /// The SHA-256 of the URL with its query, in hex.
    UrlHex(&'static str),
    /// The URL of the source.
    Url(&'static str),
    /// The query string hash of Atlassian Connect: the method, the path and the query.
    Qsh(&'static str),
}

/// A token scheme with the keys of one source.
pub(super) struct JwtCheck {
    scheme: JwtScheme,
    keys: Vec<(Arc<str>, Key)>,
    public_url: String,
}

/// The key of a token under a shared secret, to sign with.
pub(super) fn shared_key(secret: &KeyedSecret) -> Result<hmac::Key, ConfigError> {
    key::shared(secret.value()?).map_err(|why| secret.fault(why))
}

impl JwtScheme {
    /// What a token that passes proves.
    pub(super) fn trust(&self) -> Trust {
        let binds = |claim: &Claim| matches!(claim, Claim::BodyHex(_) | Claim::BodyBase64(_));
        if self.place == JwtPlace::Body || self.claims.iter().any(binds) {
            Trust::Verified
        } else {
            Trust::OriginOnly
        }
    }

    pub(super) fn header_names(&self) -> Vec<String> {
        match self.place {
            JwtPlace::Header(header, _) => vec![header.to_owned()],
            JwtPlace::Body => Vec::new(),
        }
    }

    pub(super) fn tolerance_seconds(&self) -> Option<u32> {
        match self.life {
            JwtLife::Seconds(seconds) => Some(seconds),
            JwtLife::Unbounded | JwtLife::Expires => None,
        }
    }

    pub(super) fn signs_url(&self) -> bool {
        let names_url =
            |claim: &Claim| matches!(claim, Claim::UrlHex(_) | Claim::Url(_) | Claim::Qsh(_));
        self.claims.iter().any(names_url)
    }
}

impl JwtCheck {
    pub(super) fn new(
        scheme: JwtScheme,
        secrets: &[KeyedSecret],
        public_url: &str,
    ) -> Result<Self, ConfigError> {
        let key = |secret: &KeyedSecret| Ok((Arc::from(secret.id()), Key::new(&scheme, secret)?));
        let keys = secrets
            .iter()
            .map(key)
            .collect::<Result<_, ConfigError>>()?;
        Ok(Self {
            scheme,
            keys,
            public_url: public_url.to_owned(),
        })
    }

    /// The document that holds the key of this request; `None` where the source has the keys.
    pub(super) fn key_request(
        &self,
        request: &SignedRequest<'_>,
    ) -> Result<Option<KeyRequest>, Rejection> {
        let asked = match (self.scheme.keys, self.keys.first()) {
            (JwtKeys::Plaid(host), Some((_, Key::Plaid(client)))) => {
                let token = self.token(request)?;
                let kid = token.key_id().ok_or_else(|| self.malformed())?;
                let body = json!({"client_id": client.id, "secret": *client.secret, "key_id": kid});
                let url = format!("https://{host}{PLAID_KEYS}");
                KeyRequest {
                    request: SenderRequest {
                        body: Some(Zeroizing::new(body.to_string())),
                        ..SenderRequest::get(url)
                    },
                    changes: false,
                }
            }
            (_, Some((_, Key::Published { url, .. }))) => {
                let token = self.token(request)?;
                token.key_id().ok_or_else(|| self.malformed())?;
                KeyRequest {
                    request: SenderRequest::get(url.clone()),
                    changes: true,
                }
            }
            _ => return Ok(None),
        };
        Ok(Some(asked))
    }

    /// The claims of a token that is the body, as JSON text.
    pub(super) fn content(&self, body: &[u8]) -> Option<Vec<u8>> {
        let token = std::str::from_utf8(body.trim_ascii()).ok()?;
        let is_body = self.scheme.place == JwtPlace::Body;
        is_body.then(|| token::claims(token)).flatten()
    }

    pub(super) fn verify(
        &self,
        request: &SignedRequest<'_>,
        now_us: i64,
        document: Option<&[u8]>,
    ) -> Result<Verified<'static>, Rejection> {
        let token = self.token(request)?;
        let key_id = self.matching(&token, document)?;
        self.check_times(&token.claims, now_us)?;
        for claim in self.scheme.claims {
            if !self.holds(*claim, &token.claims, request) {
                return Err(Rejection::WrongClaim {
                    claim: claim.name(),
                });
            }
        }
        Ok(Verified {
            trust: self.scheme.trust(),
            key_id: Some(key_id),
            message_id: None,
        })
    }

    fn token<'r>(&self, request: &SignedRequest<'r>) -> Result<Token<'r>, Rejection> {
        let raw = match self.scheme.place {
            JwtPlace::Body => request.body,
            JwtPlace::Header(header, prefix) => {
                let value = request.required_header(header)?;
                let value = value.strip_prefix(prefix.as_bytes()).unwrap_or(value);
                if value.len() > MAX_TOKEN {
                    return Err(self.malformed());
                }
                value
            }
        };
        let token = std::str::from_utf8(raw.trim_ascii()).ok();
        token.and_then(Token::read).ok_or_else(|| self.malformed())
    }

    /// The id of the secret under which the signature is right.
    fn matching(&self, token: &Token<'_>, document: Option<&[u8]>) -> Result<Arc<str>, Rejection> {
        let said = token.header.get("alg").and_then(Value::as_str);
        // A token with conditions that we do not know must be refused (RFC 7515, 4.1.11).
        if token.header.contains_key("crit") {
            return Err(self.malformed());
        }
        let (mut agrees, mut foreign) = (false, None);
        for (key_id, key) in &self.keys {
            let expected = key.algorithm(self.scheme.algorithm);
            if said != Some(expected) {
                continue;
            }
            agrees = true;
            if !key.made(token, self.scheme.algorithm, document)? {
                continue;
            }
            match key.foreign_claim(&token.claims) {
                None => return Ok(Arc::clone(key_id)),
                Some(claim) => foreign = Some(Rejection::WrongClaim { claim }),
            }
        }
        Err(foreign.unwrap_or(if agrees {
            Rejection::WrongSignature
        } else {
            Rejection::WrongAlgorithm
        }))
    }

    fn check_times(&self, claims: &Map<String, Value>, now_us: i64) -> Result<(), Rejection> {
        let now = now_us.div_euclid(MICROS_PER_SECOND);
        let time = |name: &str| {
            claims
                .get(name)
                .map(|value| value.as_f64().map(|t| t as i64))
        };
        let malformed = Rejection::MalformedTimestamp {
            expected: "`iat`, `nbf` and `exp` in seconds since 1970",
        };
        let stale = |since: i64, tolerance: u32| Rejection::StaleTimestamp {
            seconds: now.saturating_sub(since).unsigned_abs(),
            tolerance_seconds: tolerance,
        };
        match (time("exp"), time("iat"), self.scheme.life) {
            (Some(None), ..)
            | (_, Some(None), _)
            | (None, _, JwtLife::Expires)
            | (_, None, JwtLife::Seconds(_)) => return Err(malformed),
            (Some(Some(ends)), ..) if now.saturating_sub(LEEWAY_SECONDS) > ends => {
                return Err(stale(ends, LEEWAY_SECONDS as u32));
            }
            (_, Some(Some(made)), JwtLife::Seconds(holds))
                if now.saturating_sub(made) > i64::from(holds) =>
            {
                return Err(stale(made, holds));
            }
            _ => {}
        }
        for begins in [time("nbf"), time("iat")].into_iter().flatten() {
            let begins = begins.ok_or_else(|| malformed.clone())?;
            if begins > now.saturating_add(LEEWAY_SECONDS) {
                return Err(Rejection::FutureTimestamp {
                    seconds: begins.saturating_sub(now).unsigned_abs(),
                    tolerance_seconds: LEEWAY_SECONDS as u32,
                });
            }
        }
        Ok(())
    }

    fn holds(
        &self,
        claim: Claim,
        claims: &Map<String, Value>,
        request: &SignedRequest<'_>,
    ) -> bool {
        let said = claims.get(claim.name());
        if let Claim::True(_) = claim {
            return said == Some(&Value::Bool(true));
        }
        let Some(said) = said.and_then(Value::as_str) else {
            return false;
        };
        let said = match claim {
            Claim::BodyHex(_) => Cow::Owned(said.to_ascii_lowercase()),
            _ => Cow::Borrowed(said),
        };
        let right = claim.right(request, &self.public_url);
        right
            .iter()
            .any(|right| verify_slices_are_equal(said.as_bytes(), right.as_bytes()).is_ok())
    }

    fn malformed(&self) -> Rejection {
        let header = match self.scheme.place {
            JwtPlace::Header(header, _) => header,
            JwtPlace::Body => "(body)",
        };
        Rejection::MalformedSignature {
            header: header.to_owned(),
            expected: "a JSON Web Token of three parts".to_owned(),
        }
    }
}

impl Claim {
    /// What it may say in a genuine token for `request` to the source at `public_url`, the likeliest first.
    pub(super) fn right(self, request: &SignedRequest<'_>, public_url: &str) -> Vec<String> {
        let hash = |bytes: &[u8]| digest::digest(&digest::SHA256, bytes);
        let one = match self {
            Self::Qsh(_) => return qsh::hashes(request, public_url),
            Self::True(_) => return Vec::new(),
            Self::Is(_, text) => text.to_owned(),
            Self::Url(_) => public_url.to_owned(),
            Self::BodyHex(_) => hex::encode(hash(request.body)),
            Self::BodyBase64(_) => BASE64.encode(hash(request.body)),
            Self::UrlHex(_) => {
                let query = request.url_query.map(|query| format!("?{query}"));
                let url = [public_url, query.as_deref().unwrap_or_default()].concat();
                hex::encode(hash(url.as_bytes()))
            }
        };
        vec![one]
    }

    /// What a genuine token says in it.
    pub(super) fn said(self, request: &SignedRequest<'_>, public_url: &str) -> Value {
        let likeliest = self.right(request, public_url).into_iter().next();
        likeliest.map_or(Value::Bool(true), Value::String)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Is(name, _)
            | Self::True(name)
            | Self::BodyHex(name)
            | Self::BodyBase64(name)
            | Self::UrlHex(name)
            | Self::Url(name)
            | Self::Qsh(name) => name,
        }
    }
}
