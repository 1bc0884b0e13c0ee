//! The verifier of one source.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::asymmetric::PublicKeyCheck;
use super::bespoke::BespokeCheck;
use super::config::Verification;
use super::credentials::{BasicCheck, TokenCheck};
use super::documents::KeyRequest;
use super::jwt::JwtCheck;
use super::key::KeyedSecret;
use super::preset::SecretOwner;
use super::scheme::Scheme;
use super::signed::SignedCheck;
use super::{ConfigError, Rejection, SignedRequest};

/// How much a request that was let in proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// Its bytes are signed.
    Verified,
    /// The sender knows a shared token or password; the bytes are not bound to it.
    Authenticated,
    /// The sender is proved, but not that it sent these bytes (a JWT without a hash of the body).
    OriginOnly,
    /// Nothing was checked.
    Unsigned,
}

/// Every level with the word that is stored and shown for it.
const WORDS: [(Trust, &str); 4] = [
    (Trust::Verified, "verified"),
    (Trust::Authenticated, "authenticated"),
    (Trust::OriginOnly, "origin_only"),
    (Trust::Unsigned, "unsigned"),
];

impl Trust {
    /// The word that is stored and shown for it.
    pub fn as_str(self) -> &'static str {
        WORDS
            .iter()
            .find(|(trust, _)| *trust == self)
            .map_or("unsigned", |(_, word)| word)
    }

    /// The level with this word.
    pub fn of_word(word: &str) -> Option<Self> {
        WORDS
            .iter()
            .find(|(_, known)| *known == word)
            .map(|(trust, _)| *trust)
    }
}

/// A request that was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified<'r> {
    /// What it proves.
    pub trust: Trust,
    /// The id of the secret that matched; `None` where no secret is used.
    pub key_id: Option<Arc<str>>,
    /// The message id, if the signature covers one.
    pub message_id: Option<&'r str>,
}

/// Verifies the requests of one source, its keys prepared.
pub struct Verifier {
    check: Check,
}

enum Check {
    Signed(Box<SignedCheck>),
    Token(TokenCheck),
    Basic(BasicCheck),
    PublicKey(PublicKeyCheck),
    Jwt(Box<JwtCheck>),
    Bespoke(BespokeCheck),
    Unsigned,
    /// The sender has not brought the secret yet.
    Pending,
}

impl Verifier {
    /// Prepares the verification of one source.
    ///
    /// Any of `secrets` may match, so a rotated one stays valid for as long as it is listed. `public_url` is the
    /// URL that the sender was given; it matters only to schemes that sign it. Scheme `none` ignores both.
    ///
    /// # Errors
    /// [`ConfigError`] if the verification, a secret or the URL cannot be used.
    pub fn new(
        verification: &Verification,
        secrets: &[KeyedSecret],
        public_url: &str,
    ) -> Result<Self, ConfigError> {
        let scheme = verification.resolve()?;
        if secrets.is_empty() && verification.preset()?.secret == SecretOwner::Sender {
            return Ok(Self {
                check: Check::Pending,
            });
        }
        if secrets.is_empty() && !matches!(scheme, Scheme::Unsigned) {
            return Err(ConfigError::NoSecret {
                scheme: verification.scheme.clone(),
            });
        }
        let check = match scheme {
            Scheme::Signed(scheme) => {
                Check::Signed(Box::new(SignedCheck::new(scheme, secrets, public_url)?))
            }
            Scheme::Token(scheme) => Check::Token(TokenCheck::new(scheme, secrets)?),
            Scheme::Basic(scheme) => Check::Basic(BasicCheck::new(&scheme, secrets)?),
            Scheme::PublicKey(scheme) => Check::PublicKey(PublicKeyCheck::new(scheme, secrets)?),
            Scheme::Jwt(scheme) => {
                Check::Jwt(Box::new(JwtCheck::new(scheme, secrets, public_url)?))
            }
            Scheme::Bespoke(scheme) => Check::Bespoke(BespokeCheck::new(scheme, secrets)?),
            Scheme::Unsigned => Check::Unsigned,
        };
        Ok(Self { check })
    }

    /// The document of keys that [`verify_with`](Self::verify_with) needs for this request; `None` for all but the
    /// few senders that publish their keys.
    ///
    /// # Errors
    /// [`Rejection`] if no document could make the request believed.
    pub fn key_request(
        &self,
        request: &SignedRequest<'_>,
    ) -> Result<Option<KeyRequest>, Rejection> {
        match &self.check {
            Check::PublicKey(check) => check.key_request(request),
            Check::Jwt(check) => check.key_request(request),
            Check::Bespoke(check) => check.key_request(request),
            _ => Ok(None),
        }
    }

    /// What the sender says, where the body of a request that was let in is only its envelope: the claims of a token
    /// that is the body. `None` where the body says it itself.
    pub fn content(&self, body: &[u8]) -> Option<Vec<u8>> {
        match &self.check {
            Check::Jwt(check) => check.content(body),
            _ => None,
        }
    }

    /// Decides whether to believe a request that arrived at `now_us` (Unix microseconds).
    ///
    /// # Errors
    /// [`Rejection`] with the reason; answer it with 401.
    pub fn verify<'r>(
        &self,
        request: &SignedRequest<'r>,
        now_us: i64,
    ) -> Result<Verified<'r>, Rejection> {
        self.verify_with(request, now_us, None)
    }

    /// The same with the document that [`key_request`](Self::key_request) asked for.
    ///
    /// # Errors
    /// [`Rejection`] with the reason; answer it with 401.
    pub fn verify_with<'r>(
        &self,
        request: &SignedRequest<'r>,
        now_us: i64,
        document: Option<&[u8]>,
    ) -> Result<Verified<'r>, Rejection> {
        match &self.check {
            Check::Signed(check) => check.verify(request, now_us),
            Check::Token(check) => check.verify(request),
            Check::Basic(check) => check.verify(request),
            Check::PublicKey(check) => check.verify(request, now_us, document),
            Check::Jwt(check) => check.verify(request, now_us, document),
            Check::Bespoke(check) => check.verify(request, now_us, document),
            Check::Pending => Err(Rejection::Pending),
            Check::Unsigned => Ok(Verified {
                trust: Trust::Unsigned,
                key_id: None,
                message_id: None,
            }),
        }
    }
}
