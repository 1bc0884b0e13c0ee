//! Secrets as they are configured, and the keys made of them.

use std::fmt;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, ParsedPublicKey};
use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::GeneralPurpose;
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};
use zeroize::Zeroizing;

use super::ConfigError;
use super::scheme::{Digest, KeyForm, Mac};

/// Prefix of a symmetric Standard Webhooks secret.
pub(super) const SECRET_PREFIX: &str = "whsec_";
/// Prefix of a public Ed25519 key.
pub(super) const PUBLIC_PREFIX: &str = "whpk_";
/// Prefix of a private Ed25519 key.
pub(super) const PRIVATE_PREFIX: &str = "whsk_";

/// Vendors print keys and signatures with and without padding; both mean the same bytes.
const PADDING_OPTIONAL: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
/// RFC 4648 section 4.
pub(super) const BASE64: GeneralPurpose =
    GeneralPurpose::new(&base64::alphabet::STANDARD, PADDING_OPTIONAL);
/// RFC 4648 section 5.
pub(super) const BASE64_URL: GeneralPurpose =
    GeneralPurpose::new(&base64::alphabet::URL_SAFE, PADDING_OPTIONAL);

/// A secret with the id under which it is spoken of. Its value is wiped from memory when dropped.
#[derive(Clone)]
pub struct KeyedSecret {
    id: String,
    value: Zeroizing<Vec<u8>>,
}

impl KeyedSecret {
    /// A secret `value`, as the user gave it or we generated it, known as `id`.
    pub fn new(id: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        Self {
            id: id.into(),
            value: Zeroizing::new(value.into()),
        }
    }

    /// The id: no secret.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The value: for whoever redacts it.
    pub fn expose(&self) -> &[u8] {
        &self.value
    }

    /// The value, unless there is nothing in it.
    pub(super) fn value(&self) -> Result<&[u8], ConfigError> {
        if self.value.trim_ascii().is_empty() {
            Err(self.fault("it is empty"))
        } else {
            Ok(&self.value)
        }
    }

    /// An error that says what is wrong with this secret.
    pub(super) fn fault(&self, why: &'static str) -> ConfigError {
        ConfigError::Secret {
            id: self.id.clone(),
            why,
        }
    }

    /// The value read in the way of a scheme.
    fn material(&self, form: KeyForm) -> Result<Material, ConfigError> {
        let value = self.value()?;
        let read = match form {
            KeyForm::Verbatim => Ok(Material::Symmetric(Zeroizing::new(value.to_vec()))),
            KeyForm::Standard => read_standard(value),
            KeyForm::Base64 => decoded(
                BASE64.decode(value.trim_ascii()).ok(),
                "it is not base64: give the secret as the sender shows it",
            ),
            KeyForm::Hex => decoded(
                hex::decode(value.trim_ascii()).ok(),
                "it is not hexadecimal: give the secret as the sender shows it",
            ),
            KeyForm::Hashed(digest) => {
                let hash = digest::digest(digest.algorithm(), value);
                Ok(Material::Symmetric(Zeroizing::new(hash.as_ref().to_vec())))
            }
        };
        read.map_err(|why| self.fault(why))
    }
}

impl fmt::Debug for KeyedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedSecret")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// What a secret's text stands for.
enum Material {
    Symmetric(Zeroizing<Vec<u8>>),
    Public([u8; 32]),
    Private(Zeroizing<Vec<u8>>),
}

/// The key that a text was decoded to.
fn decoded(key: Option<Vec<u8>>, why_not: &'static str) -> Result<Material, &'static str> {
    key.map(|key| Material::Symmetric(Zeroizing::new(key)))
        .ok_or(why_not)
}

/// Reads a Standard Webhooks secret: `whsec_`, `whpk_` and `whsk_` are followed by base64, all else is bytes.
fn read_standard(value: &[u8]) -> Result<Material, &'static str> {
    // Supabase shows its secrets with the version of the signature before them.
    let value = value
        .strip_prefix(b"v1,")
        .filter(|rest| rest.starts_with(SECRET_PREFIX.as_bytes()))
        .unwrap_or(value);
    let after = |prefix: &str| {
        value
            .strip_prefix(prefix.as_bytes())
            .map(|text| BASE64.decode(text).map(Zeroizing::new))
    };
    if let Some(decoded) = after(SECRET_PREFIX) {
        let key = decoded.map_err(|_| "what follows `whsec_` is not base64")?;
        return if key.is_empty() {
            Err("nothing follows `whsec_`")
        } else {
            Ok(Material::Symmetric(key))
        };
    }
    if let Some(decoded) = after(PUBLIC_PREFIX) {
        let key = decoded.ok().and_then(|key| key.as_slice().try_into().ok());
        return key
            .map(Material::Public)
            .ok_or("what follows `whpk_` is not the base64 of 32 bytes");
    }
    if let Some(decoded) = after(PRIVATE_PREFIX) {
        return decoded
            .map(Material::Private)
            .map_err(|_| "what follows `whsk_` is not base64");
    }
    Ok(Material::Symmetric(Zeroizing::new(value.to_vec())))
}

/// A key that both sides hold.
pub(super) enum SharedKey {
    Hmac(Box<hmac::Key>),
    KeyThenMessage(&'static digest::Algorithm, Zeroizing<Vec<u8>>),
}

/// What a shared key makes of a message.
pub(super) enum Tag {
    Hmac(hmac::Tag),
    Hash(digest::Digest),
}

impl SharedKey {
    fn new(mac: Mac, digest: Digest, bytes: Zeroizing<Vec<u8>>) -> Self {
        match mac {
            Mac::Hmac => Self::Hmac(Box::new(hmac_key(digest, &bytes))),
            Mac::KeyThenMessage => Self::KeyThenMessage(digest.algorithm(), bytes),
        }
    }

    /// The tag of the message that `feed` hands over piece by piece.
    pub(super) fn tag(&self, feed: impl FnOnce(&mut dyn FnMut(&[u8]))) -> Tag {
        match self {
            Self::Hmac(key) => {
                let mut context = hmac::Context::with_key(key);
                feed(&mut |bytes| context.update(bytes));
                Tag::Hmac(context.sign())
            }
            Self::KeyThenMessage(algorithm, key) => {
                let mut context = digest::Context::new(algorithm);
                context.update(key);
                feed(&mut |bytes| context.update(bytes));
                Tag::Hash(context.finish())
            }
        }
    }
}

impl AsRef<[u8]> for Tag {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Hmac(tag) => tag.as_ref(),
            Self::Hash(hash) => hash.as_ref(),
        }
    }
}

/// A key that checks signatures.
pub(super) enum VerifyingKey {
    Shared(SharedKey),
    Ed25519(ParsedPublicKey),
}

impl VerifyingKey {
    pub(super) fn new(
        secret: &KeyedSecret,
        form: KeyForm,
        digest: Digest,
        mac: Mac,
    ) -> Result<Self, ConfigError> {
        match secret.material(form)? {
            Material::Symmetric(bytes) => Ok(Self::Shared(SharedKey::new(mac, digest, bytes))),
            Material::Public(bytes) if has_small_order(&bytes) => {
                Err(secret.fault("this Ed25519 key is weak: signatures under it can be forged"))
            }
            Material::Public(bytes) => ParsedPublicKey::new(&ED25519, bytes)
                .map(Self::Ed25519)
                .map_err(|_| secret.fault("what follows `whpk_` is no Ed25519 key")),
            Material::Private(_) => {
                Err(secret.fault("`whsk_` is the sender's private key: verify with the `whpk_` key that belongs to it"))
            }
        }
    }
}

/// A key that makes signatures.
pub(super) enum SigningKey {
    Shared(SharedKey),
    Ed25519(Box<Ed25519KeyPair>),
}

impl SigningKey {
    pub(super) fn new(
        secret: &KeyedSecret,
        form: KeyForm,
        digest: Digest,
        mac: Mac,
    ) -> Result<Self, ConfigError> {
        match secret.material(form)? {
            Material::Symmetric(bytes) => Ok(Self::Shared(SharedKey::new(mac, digest, bytes))),
            Material::Public(_) => {
                Err(secret.fault("`whpk_` is a public key and cannot sign: use the `whsk_` key that belongs to it"))
            }
            Material::Private(bytes) => bytes
                .split_at_checked(32)
                .and_then(|(seed, public)| Ed25519KeyPair::from_seed_and_public_key(seed, public).ok())
                .map(|pair| Self::Ed25519(Box::new(pair)))
                .ok_or_else(|| secret.fault("what follows `whsk_` is not the base64 of a seed and its public key, 32 bytes each")),
        }
    }
}

/// An HMAC key over the given hash.
pub(super) fn hmac_key(digest: Digest, bytes: &[u8]) -> hmac::Key {
    let algorithm = match digest {
        Digest::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        Digest::Sha256 => hmac::HMAC_SHA256,
        Digest::Sha512 => hmac::HMAC_SHA512,
    };
    hmac::Key::new(algorithm, bytes)
}

impl Digest {
    fn algorithm(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &digest::SHA256,
            Self::Sha512 => &digest::SHA512,
        }
    }

    /// Length of the hash in bytes.
    pub(super) fn length(self) -> usize {
        self.algorithm().output_len()
    }
}

/// Whether an Ed25519 public key is one of the points whose order divides 8, in any encoding. Under such a key
/// one signature fits many messages. The list is the y coordinates, little-endian, with the sign bit cleared.
pub(super) fn has_small_order(key: &[u8; 32]) -> bool {
    const fn with_ends(first: u8, fill: u8, last: u8) -> [u8; 32] {
        let mut bytes = [fill; 32];
        bytes[0] = first;
        bytes[31] = last;
        bytes
    }
    const SMALL: [[u8; 32]; 7] = [
        with_ends(0x00, 0x00, 0x00), // 0: order 4
        with_ends(0x01, 0x00, 0x00), // 1: the identity
        with_ends(0xec, 0xff, 0x7f), // p-1: order 2
        with_ends(0xed, 0xff, 0x7f), // p, another writing of 0
        with_ends(0xee, 0xff, 0x7f), // p+1, another writing of 1
        [
            0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef,
            0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88,
            0x6d, 0x53, 0xfc, 0x05,
        ], // order 8
        [
            0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10,
            0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77,
            0x92, 0xac, 0x03, 0x7a,
        ], // order 8
    ];
    let mut unsigned = *key;
    unsigned[31] &= 0x7f;
    SMALL.contains(&unsigned)
}
