//! Signing a JSON Web Token.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::{KeyRing, Signature, SigningError, text};
use crate::signature::jwt::{JwtKeys, JwtLife, JwtPlace, JwtScheme, shared_key};
use crate::signature::private_key::PrivateKey;
use crate::signature::{ConfigError, SignedRequest};

/// For how long a token holds that says when it ends, in seconds.
const HOLDS_SECONDS: i64 = 300;
const MICROS_PER_SECOND: i64 = 1_000_000;

/// A token scheme with the key of the sender.
pub(super) struct TokenSigner {
    scheme: JwtScheme,
    key: Key,
    /// The `kid`, where the key is looked up by it.
    key_id: Option<String>,
    /// The claim that names the user, where the sender signs for all of them with the same key, and what it says.
    user: Option<(&'static str, String)>,
    public_url: String,
}

enum Key {
    Shared(Box<hmac::Key>),
    Private(PrivateKey),
}

impl TokenSigner {
    pub(super) fn new(
        scheme: JwtScheme,
        ring: &KeyRing<'_>,
        public_url: &str,
    ) -> Result<Self, ConfigError> {
        let private = ring
            .with
            .algorithm()
            .filter(|_| ring.keys.private_key.is_some() || scheme.keys != JwtKeys::Given);
        let key = match private {
            Some(algorithm) => Key::Private(ring.private_key(algorithm)?),
            None => Key::Shared(Box::new(shared_key(ring.secret()?)?)),
        };
        let is_looked_up = scheme.keys != JwtKeys::Given || ring.keys.key_id.is_some();
        let user = match scheme.keys {
            JwtKeys::SharedKeySet { claim, .. } => Some((claim, text(ring.secret()?)?.to_owned())),
            _ => None,
        };
        Ok(Self {
            scheme,
            key,
            user,
            key_id: is_looked_up.then(|| ring.key_id().to_owned()),
            public_url: public_url.to_owned(),
        })
    }

    /// Adds the token to what is sent beside the request, or in its place.
    pub(super) fn sign(
        &self,
        request: &SignedRequest<'_>,
        now_us: i64,
        unsigned: Signature,
    ) -> Result<Signature, SigningError> {
        Ok(match self.scheme.place {
            JwtPlace::Header(header, prefix) => {
                let token = self.token(&self.claims(request, now_us));
                Signature {
                    headers: vec![(header.to_owned(), format!("{prefix}{token}"))],
                    ..unsigned
                }
            }
            JwtPlace::Body => {
                let claims = serde_json::from_slice(request.body);
                let claims = claims.map_err(|_| SigningError::Body {
                    expected: "a JSON object: the claims of the token that is sent as the body",
                })?;
                Signature {
                    body: Some(self.token(&claims).into_bytes()),
                    ..unsigned
                }
            }
        })
    }

    fn claims(&self, request: &SignedRequest<'_>, now_us: i64) -> Map<String, Value> {
        let now = now_us.div_euclid(MICROS_PER_SECOND);
        let mut claims = Map::new();
        claims.insert("iat".to_owned(), now.into());
        if self.scheme.life == JwtLife::Expires {
            claims.insert("exp".to_owned(), (now + HOLDS_SECONDS).into());
        }
        for claim in self.scheme.claims {
            let said = claim.said(request, &self.public_url);
            claims.insert(claim.name().to_owned(), said);
        }
        if let Some((claim, user)) = &self.user {
            claims.insert((*claim).to_owned(), user.as_str().into());
        }
        claims
    }

    /// The token in its compact form (RFC 7515, 7.1).
    fn token(&self, claims: &Map<String, Value>) -> String {
        let mut header = json!({"alg": self.algorithm(), "typ": "JWT"});
        if let Some(key_id) = &self.key_id {
            header["kid"] = key_id.as_str().into();
        }
        let claims = serde_json::to_string(claims).expect("an object of JSON is written");
        let signed = [header.to_string(), claims].map(|part| URL_SAFE_NO_PAD.encode(part));
        let signed = signed.join(".");
        let signature = match &self.key {
            Key::Shared(key) => hmac::sign(key, signed.as_bytes()).as_ref().to_vec(),
            Key::Private(key) => key.sign(signed.as_bytes()),
        };
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn algorithm(&self) -> &'static str {
        match &self.key {
            Key::Shared(_) => "HS256",
            Key::Private(PrivateKey::Rsa(_)) => "RS256",
            Key::Private(PrivateKey::Ecdsa(..)) => "ES256",
            Key::Private(PrivateKey::Ed25519(_)) => "EdDSA",
        }
    }
}
