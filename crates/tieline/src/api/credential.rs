//! The texts that open a tenant: API keys, client secrets, access tokens. Each is a prefix and 256
//! random bits; only their SHA-256 is kept, which for so many random bits is as good as a slow hash.

use std::{fmt, ops::Deref};

use aws_lc_rs::{constant_time, digest, rand};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize, Serializer};
use zeroize::Zeroizing;

/// What access tokens begin with; whatever does not is looked up as an API key.
pub const ACCESS_TOKEN: &str = "tlat_";
/// What generated API keys begin with; an operator's own key may look otherwise.
pub const API_KEY: &str = "tl_";
/// What client secrets begin with.
pub const CLIENT_SECRET: &str = "tlcs_";

const RANDOM_BYTES: usize = 32;
const HINT_CHARACTERS: usize = 4;

/// A text that comes in, or is shown once: it is wiped from memory and never shows in a log.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(Zeroizing<String>);

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl Deref for SecretText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl Serialize for SecretText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

/// A new credential that begins with `prefix`. It is shown once and not kept.
pub fn generate(prefix: &str) -> SecretText {
    let mut random = Zeroizing::new([0; RANDOM_BYTES]);
    rand::fill(&mut *random).expect("the operating system has random numbers");
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(*random)).into()
}

/// What is kept of a credential.
pub fn hash(credential: &str) -> [u8; 32] {
    hash_bytes(&[credential.as_bytes()])
}

/// The SHA-256 of `parts`, one after the other.
pub fn hash_bytes(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    parts.iter().for_each(|part| context.update(part));
    context.finish().as_ref().try_into().expect("a SHA-256 has 32 bytes")
}

/// The last characters of a credential, by which people tell keys apart.
pub fn hint(credential: &str) -> String {
    let all = credential.chars().count();
    credential.chars().skip(all.saturating_sub(HINT_CHARACTERS)).collect()
}

/// Whether `credential` is the one whose hash was kept; takes equally long either way.
pub fn matches(credential: &str, kept: &[u8; 32]) -> bool {
    constant_time::verify_slices_are_equal(&hash(credential), kept).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_differ_and_match_only_themselves() {
        let (one, other) = (generate(API_KEY), generate(API_KEY));
        assert_eq!(one.len(), API_KEY.len() + 43);
        assert_ne!(one, other);
        assert!(matches(&one, &hash(&one)));
        assert!(!matches(&other, &hash(&one)));
        assert_eq!(hint(&one), one[one.len() - 4..]);
        assert_eq!(format!("{one:?}"), "[redacted]");
    }
}
