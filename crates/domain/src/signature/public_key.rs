//! Public keys: read as their owners publish them, and what they check.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA1_ASN1, ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED, ED25519,
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256,
    VerificationAlgorithm,
};
use base64::Engine;
use zeroize::Zeroizing;

use super::key::{BASE64, has_small_order};

/// What stands before the 32 bytes of an Ed25519 key in a SubjectPublicKeyInfo (RFC 8410).
const ED25519_SPKI: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];
/// The longest text of a key, in bytes: RSA with 8192 bits has 1.5 KiB in base64.
const MAX_TEXT: usize = 8192;

/// A signature algorithm, fixed by the scheme and never by the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// Ed25519 (RFC 8032).
    Ed25519,
    /// ECDSA on P-256 over SHA-256, the signature in DER.
    EcdsaSha256,
    /// ECDSA on P-256 over SHA-1, the signature in DER: for eBay alone.
    EcdsaSha1,
    /// ECDSA on P-256 over SHA-256, the signature as two numbers of 32 bytes (JWS ES256).
    EcdsaSha256Fixed,
    /// RSA PKCS #1 v1.5 over SHA-256, with 2048 bits or more.
    RsaSha256,
    /// RSA PKCS #1 v1.5 over SHA-1: for version 1 of Amazon SNS alone.
    RsaSha1,
}

impl Algorithm {
    fn checks(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::Ed25519 => &ED25519,
            Self::EcdsaSha256 => &ECDSA_P256_SHA256_ASN1,
            Self::EcdsaSha1 => &ECDSA_P256_SHA1_ASN1,
            Self::EcdsaSha256Fixed => &ECDSA_P256_SHA256_FIXED,
            Self::RsaSha256 => &RSA_PKCS1_2048_8192_SHA256,
            Self::RsaSha1 => &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
        }
    }

    /// The kind of key that it takes, for people.
    pub fn key_kind(self) -> &'static str {
        match self {
            Self::Ed25519 => "Ed25519",
            Self::EcdsaSha256 | Self::EcdsaSha1 | Self::EcdsaSha256Fixed => "ECDSA P-256",
            Self::RsaSha256 | Self::RsaSha1 => "RSA",
        }
    }
}

/// A public key that checks signatures of one algorithm.
pub(super) struct PublicKey(ParsedPublicKey);

impl PublicKey {
    /// Reads a key as its owner publishes it: PEM, base64 of a SubjectPublicKeyInfo, and for Ed25519 the 32 bytes
    /// in hex or base64. The error says what is wrong with it.
    pub(super) fn of_text(text: &[u8], algorithm: Algorithm) -> Result<Self, &'static str> {
        let text = std::str::from_utf8(text)
            .ok()
            .filter(|text| text.len() <= MAX_TEXT)
            .ok_or("a public key is text of at most 8 KiB")?
            .trim();
        let bytes = if text.starts_with("-----BEGIN") {
            of_pem(text)?
        } else if text.len() == 64 && algorithm == Algorithm::Ed25519 {
            hex::decode(text).map_err(|_| "64 characters are expected to be hex digits")?
        } else {
            BASE64
                .decode(text)
                .map_err(|_| "this is neither PEM nor base64 of a public key")?
        };
        Self::of_bytes(&bytes, algorithm)
    }

    /// Reads a SubjectPublicKeyInfo, or the bytes of the key alone.
    pub(super) fn of_bytes(bytes: &[u8], algorithm: Algorithm) -> Result<Self, &'static str> {
        let bytes = match algorithm {
            Algorithm::Ed25519 => {
                let raw = bytes.strip_prefix(&ED25519_SPKI).unwrap_or(bytes);
                let key: &[u8; 32] = raw.try_into().map_err(|_| "an Ed25519 key has 32 bytes")?;
                if has_small_order(key) {
                    return Err("this Ed25519 key is weak: signatures under it can be forged");
                }
                raw
            }
            _ => bytes,
        };
        ParsedPublicKey::new(algorithm.checks(), bytes)
            .map(Self)
            .map_err(|_| "this is no public key of the kind that the scheme uses")
    }

    pub(super) fn fits(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.verify_sig(message, signature).is_ok()
    }
}

/// Whether a secret is a public key in PEM: as an HMAC key it would let anyone sign.
pub(super) fn is_pem(text: &[u8]) -> bool {
    text.trim_ascii().starts_with(b"-----BEGIN")
}

/// The bytes inside a PEM block (RFC 7468) of something public.
pub(super) fn of_pem(text: &str) -> Result<Vec<u8>, &'static str> {
    match pem_block(text)? {
        (label, _) if label.contains("PRIVATE") => {
            Err("this is the sender's private key: give the public key that belongs to it")
        }
        (_, bytes) => Ok(bytes),
    }
}

/// The label of the first PEM block (RFC 7468) of a text, and the bytes inside.
pub(super) fn pem_block(text: &str) -> Result<(&str, Vec<u8>), &'static str> {
    const UNREADABLE: &str = "this PEM block cannot be read: copy it with its first and last line";
    let inside = text.trim().strip_prefix("-----BEGIN ").ok_or(UNREADABLE)?;
    let (label, rest) = inside.split_once("-----").ok_or(UNREADABLE)?;
    let (base64, _) = rest.split_once("-----END ").ok_or(UNREADABLE)?;
    let base64: Zeroizing<String> = base64
        .chars()
        .filter(|c| !c.is_whitespace())
        .collect::<String>()
        .into();
    let bytes = BASE64.decode(base64.as_bytes()).map_err(|_| UNREADABLE)?;
    Ok((label, bytes))
}
