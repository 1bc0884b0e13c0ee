//! The texts that open a tenant: API keys, client secrets, access tokens. They are shown once; only
//! their hash is kept ([`crate::vault::hash_token`]).

use std::{fmt, ops::Deref};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::vault::new_token;

/// What access tokens begin with; whatever does not is looked up as an API key.
pub const ACCESS_TOKEN: &str = "tlat_";
/// What generated API keys begin with; an operator's own key may look otherwise.
pub const API_KEY: &str = "tl_";
/// What client secrets begin with.
pub const CLIENT_SECRET: &str = "tlcs_";

const HINT_CHARACTERS: usize = 4;

/// A secret that comes in, or is shown once: wiped from memory afterwards, and never in a log.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// A new credential: `prefix` and 256 random bits.
    pub fn generate(prefix: &str) -> Self {
        Self(new_token(prefix))
    }

    /// The last characters, by which people tell keys apart.
    pub fn hint(&self) -> String {
        let all = self.chars().count();
        self.chars()
            .skip(all.saturating_sub(HINT_CHARACTERS))
            .collect()
    }
}

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
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_shows_its_end_and_nothing_in_a_log() {
        let key = SecretText::from("tl_äbcdefg".to_owned());
        assert_eq!(key.hint(), "defg");
        assert_eq!(SecretText::from("ab".to_owned()).hint(), "ab");
        assert_eq!(format!("{key:?}"), "[redacted]");
        assert_eq!(serde_json::to_string(&key).unwrap(), "\"tl_äbcdefg\"");
    }
}
