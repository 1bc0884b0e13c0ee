//! Private keys, for signing as senders do that have one.

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    RSA_PKCS1_SHA256, RsaKeyPair,
};
use zeroize::Zeroizing;

use super::ConfigError;
use super::key::{KeyedSecret, PRIVATE_PREFIX, SigningKey};
use super::public_key::{Algorithm, pem_block};
use super::scheme::{Digest, KeyForm, Mac};

/// The longest text of a key, in bytes: RSA with 8192 bits has 6.3 KiB in PEM.
const MAX_TEXT: usize = 16 * 1024;
const NO_PEM: &str = "a private key is PEM that begins with `-----BEGIN PRIVATE KEY-----` (PKCS #8), or `whsk_` for Ed25519: \
     `openssl pkcs8 -topk8 -nocrypt` writes other forms so";

/// A private key that makes signatures of one algorithm.
pub(super) enum PrivateKey {
    Ed25519(Box<Ed25519KeyPair>),
    Ecdsa(Box<EcdsaKeyPair>, Algorithm),
    Rsa(Box<RsaKeyPair>),
}

impl PrivateKey {
    /// Reads the key for `algorithm`: PKCS #8 (RFC 5958) in PEM, and `whsk_` for Ed25519.
    ///
    /// # Errors
    /// [`ConfigError::Secret`] if it is no such key.
    pub(super) fn of(text: &KeyedSecret, algorithm: Algorithm) -> Result<Self, ConfigError> {
        if text.value()?.starts_with(PRIVATE_PREFIX.as_bytes()) {
            return match SigningKey::new(text, KeyForm::Standard, Digest::Sha256, Mac::Hmac)? {
                SigningKey::Ed25519(pair) if algorithm == Algorithm::Ed25519 => {
                    Ok(Self::Ed25519(pair))
                }
                _ => Err(text.fault("`whsk_` is an Ed25519 key, and the scheme uses another kind")),
            };
        }
        let der = pkcs8(text.value()?).map_err(|why| text.fault(why))?;
        let key = match algorithm {
            Algorithm::Ed25519 => Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der)
                .map(|pair| Self::Ed25519(Box::new(pair))),
            Algorithm::EcdsaSha256 | Algorithm::EcdsaSha1 => {
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &der)
                    .map(|pair| Self::Ecdsa(Box::new(pair), algorithm))
            }
            Algorithm::EcdsaSha256Fixed => {
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der)
                    .map(|pair| Self::Ecdsa(Box::new(pair), algorithm))
            }
            Algorithm::RsaSha256 => {
                RsaKeyPair::from_pkcs8(&der).map(|pair| Self::Rsa(Box::new(pair)))
            }
            Algorithm::RsaSha1 => {
                return Err(text.fault("RSA over SHA-1 is checked, and not made any more"));
            }
        };
        key.map_err(|_| text.fault("this is no private key of the kind that the scheme uses"))
    }

    /// The signature of `message`, as bytes.
    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        const MADE: &str = "a key that was read makes signatures";
        match self {
            Self::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Self::Ecdsa(pair, algorithm) => {
                let signature = match algorithm {
                    Algorithm::EcdsaSha1 => pair.sign_digest(&sha1_as_sha256(message)),
                    _ => pair.sign(&SystemRandom::new(), message),
                };
                signature.expect(MADE).as_ref().to_vec()
            }
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(
                    &RSA_PKCS1_SHA256,
                    &SystemRandom::new(),
                    message,
                    &mut signature,
                )
                .expect(MADE);
                signature
            }
        }
    }
}

/// The SHA-1 of `message`, with zeros before it up to the length of a SHA-256. ECDSA signs a hash as a number
/// (FIPS 186-5, 6.4.1), and that number is the same; a key of the library takes a hash of this length alone.
fn sha1_as_sha256(message: &[u8]) -> digest::Digest {
    let hash = digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, message);
    let mut padded = [0; digest::SHA256_OUTPUT_LEN];
    padded[digest::SHA256_OUTPUT_LEN - hash.as_ref().len()..].copy_from_slice(hash.as_ref());
    digest::Digest::import_less_safe(&padded, &SHA256).expect("it has the length of a SHA-256")
}

/// The bytes of a key in PEM (RFC 7468, 10).
fn pkcs8(text: &[u8]) -> Result<Zeroizing<Vec<u8>>, &'static str> {
    let text = std::str::from_utf8(text)
        .ok()
        .filter(|text| text.len() <= MAX_TEXT)
        .ok_or("a private key is text of at most 16 KiB")?
        .trim();
    if !text.starts_with("-----BEGIN") {
        return Err(NO_PEM);
    }
    match pem_block(text)? {
        ("PRIVATE KEY", der) => Ok(Zeroizing::new(der)),
        (label, _) if label.contains("PUBLIC") || label.contains("CERTIFICATE") => {
            Err("this is the public key: sign with the private key that belongs to it")
        }
        _ => Err(NO_PEM),
    }
}
