//! Signing as a genuine sender does, for `tieline send` and for tests.

mod embedded;
mod hashed;
mod private;
mod published;
mod token;

use base64::Engine;
use zeroize::Zeroizing;

use super::config::Verification;
use super::credentials::{AUTHORIZATION, sendable};
use super::key::{BASE64, KeyedSecret};
use super::private_key::PrivateKey;
use super::public_key::Algorithm;
use super::scheme::Scheme;
use super::signed_with::SignedWith;
use super::{ConfigError, Rejection, SignedRequest};
use embedded::Embedding;
use hashed::HashSigner;
use private::PrivateSigner;
use published::CertificateSigner;
use token::TokenSigner;

/// The user name sent where the source takes any.
const ANY_USERNAME: &str = "webhook";
/// The name of the key where none is given.
const ANY_KEY_ID: &str = "tieline";

/// What a sender adds to a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signature {
    /// The headers to send beside those of the request.
    pub headers: Vec<(String, String)>,
    /// The query to send the request with: that of the request, with the hash of the body added where the scheme
    /// binds a body by it.
    pub query: Option<String>,
    /// The body to send instead, where the sender signs inside of it; `None` where the body stays as it is.
    pub body: Option<Vec<u8>>,
}

/// Why a request cannot be signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SigningError {
    /// No receiver could believe the request, such as a query with a wrong hash of the body.
    #[error(transparent)]
    Request(#[from] Rejection),
    /// The signature stands inside the body, and the body has no place for it.
    #[error("the body is not what this sender signs: it must be {expected}")]
    Body {
        /// What the sender signs.
        expected: &'static str,
    },
}

/// What a sender signs with. Which of these a scheme takes is told by [`Preset::signed_with`](super::Preset::signed_with).
#[derive(Clone, Copy, Debug, Default)]
pub struct SenderKeys<'k> {
    /// The secret, as the source holds it.
    pub secret: Option<&'k KeyedSecret>,
    /// The private key: PKCS #8 in PEM, or `whsk_` for Ed25519.
    pub private_key: Option<&'k KeyedSecret>,
    /// The name of the key: `kid` of a token and of eBay, the public key of Braintree, the last part of a certificate's URL.
    pub key_id: Option<&'k str>,
}

/// Signs requests as the sender of a preset does.
pub struct Signer {
    proof: Proof,
}

enum Proof {
    Hash(Box<HashSigner>),
    Header {
        name: String,
        value: Zeroizing<String>,
    },
    Private(Box<PrivateSigner>),
    Token(Box<TokenSigner>),
    Embedded(Box<Embedding>),
    Certificate(Box<CertificateSigner>),
    Unsigned,
}

impl Signer {
    /// Prepares to sign for a source that is verified by `verification` and known to the sender as `public_url`,
    /// with a secret alone.
    ///
    /// # Errors
    /// [`ConfigError`] if the verification, the secret or the URL cannot be used.
    pub fn new(
        verification: &Verification,
        secret: Option<&KeyedSecret>,
        public_url: &str,
    ) -> Result<Self, ConfigError> {
        let keys = SenderKeys {
            secret,
            ..SenderKeys::default()
        };
        Self::with(verification, &keys, public_url)
    }

    /// The same with all that a sender may hold.
    ///
    /// # Errors
    /// [`ConfigError`] if the verification, a key or the URL cannot be used.
    pub fn with(
        verification: &Verification,
        keys: &SenderKeys<'_>,
        public_url: &str,
    ) -> Result<Self, ConfigError> {
        let scheme = verification.resolve()?;
        let ring = KeyRing::new(&verification.scheme, scheme.signed_with(), keys)?;
        let proof = match scheme {
            Scheme::Signed(scheme) => {
                let key = ring.either()?;
                Proof::Hash(Box::new(HashSigner::new(scheme, key, public_url)?))
            }
            Scheme::Token(scheme) => Proof::Header {
                name: scheme.header.into_owned(),
                value: Zeroizing::new(format!("{}{}", scheme.prefix, text(ring.secret()?)?)),
            },
            Scheme::Basic(scheme) => {
                let username = scheme.username.as_deref().unwrap_or(ANY_USERNAME);
                let secret = text(ring.secret()?)?;
                let credentials = Zeroizing::new(format!("{username}:{secret}"));
                Proof::Header {
                    name: AUTHORIZATION.to_owned(),
                    value: format!("Basic {}", BASE64.encode(credentials.as_bytes())).into(),
                }
            }
            Scheme::PublicKey(scheme) => {
                let key = ring.private_key(scheme.algorithm)?;
                let key_id = ring.key_id().to_owned();
                Proof::Private(Box::new(PrivateSigner {
                    scheme,
                    key,
                    key_id,
                }))
            }
            Scheme::Jwt(scheme) => {
                Proof::Token(Box::new(TokenSigner::new(scheme, &ring, public_url)?))
            }
            Scheme::Bespoke(scheme) if ring.with.takes_private_key() => {
                Proof::Certificate(Box::new(CertificateSigner::new(scheme, &ring)?))
            }
            Scheme::Bespoke(scheme) => Proof::Embedded(Box::new(Embedding::new(scheme, &ring)?)),
            Scheme::Unsigned => Proof::Unsigned,
        };
        Ok(Self { proof })
    }

    /// Signs a request that is sent at `now_us` (Unix microseconds) as message `message_id`.
    ///
    /// # Errors
    /// [`SigningError`] if no sender could sign it.
    pub fn sign(
        &self,
        request: &SignedRequest<'_>,
        now_us: i64,
        message_id: &str,
    ) -> Result<Signature, SigningError> {
        let unchanged = Signature {
            query: request.url_query.map(str::to_owned),
            ..Signature::default()
        };
        Ok(match &self.proof {
            Proof::Hash(signer) => signer.sign(request, now_us, message_id)?,
            Proof::Header { name, value } => Signature {
                headers: vec![(name.clone(), value.to_string())],
                ..unchanged
            },
            Proof::Private(signer) => Signature {
                headers: signer.headers(request.body, now_us),
                ..unchanged
            },
            Proof::Token(signer) => signer.sign(request, now_us, unchanged)?,
            Proof::Embedded(embedding) => Signature {
                body: Some(embedding.body(request.body, now_us, message_id)?),
                ..unchanged
            },
            Proof::Certificate(signer) => signer.sign(request, now_us, message_id, unchanged)?,
            Proof::Unsigned => unchanged,
        })
    }
}

/// The keys of a sender, known to be of the kind that its scheme takes.
struct KeyRing<'k> {
    scheme: &'k str,
    with: SignedWith,
    keys: &'k SenderKeys<'k>,
}

impl<'k> KeyRing<'k> {
    fn new(
        scheme: &'k str,
        with: SignedWith,
        keys: &'k SenderKeys<'k>,
    ) -> Result<Self, ConfigError> {
        if keys.private_key.is_some() && !with.takes_private_key() {
            return Err(ConfigError::PrivateKeyNotTaken {
                scheme: scheme.to_owned(),
            });
        }
        Ok(Self { scheme, with, keys })
    }

    fn secret(&self) -> Result<&'k KeyedSecret, ConfigError> {
        self.keys.secret.ok_or_else(|| ConfigError::NoSecret {
            scheme: self.scheme.to_owned(),
        })
    }

    fn private_key(&self, algorithm: Algorithm) -> Result<PrivateKey, ConfigError> {
        let text = self
            .keys
            .private_key
            .ok_or_else(|| ConfigError::NoPrivateKey {
                scheme: self.scheme.to_owned(),
                kind: algorithm.key_kind(),
            })?;
        PrivateKey::of(text, algorithm)
    }

    /// The private key if there is one, the secret if not.
    fn either(&self) -> Result<&'k KeyedSecret, ConfigError> {
        self.keys.private_key.map_or_else(|| self.secret(), Ok)
    }

    fn key_id(&self) -> &'k str {
        self.keys.key_id.unwrap_or(ANY_KEY_ID)
    }
}

/// The secret as text that a header can carry.
fn text(secret: &KeyedSecret) -> Result<&str, ConfigError> {
    std::str::from_utf8(sendable(secret)?).map_err(|_| secret.fault("it is not UTF-8 text"))
}
