//! Secrets of the configuration: hidden when printed, wiped when dropped.

use std::fmt;

use base64::Engine;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

/// What is printed instead of a secret.
pub(super) const HIDDEN: &str = "[hidden]";

/// A secret text.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    pub(super) fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }

    /// The text itself, for the one place that uses it; never for a log or an error.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Headers whose values are secret: `name=value`, several separated by commas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretHeaders(Vec<(String, Secret)>);

impl SecretHeaders {
    /// Reads the list; `None` if a name or a value cannot stand in a header.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=')?;
            let (name, value) = (name.trim(), value.trim());
            http::HeaderName::try_from(name).ok()?;
            http::HeaderValue::try_from(value).ok()?;
            Some((name.to_owned(), Secret::new(value)))
        };
        text.split(',').map(pair).collect::<Option<_>>().map(Self)
    }

    /// The names and the values themselves, for the one place that sends them.
    pub fn expose(&self) -> impl Iterator<Item = (String, String)> {
        let pairs = self.0.iter();
        pairs.map(|(name, value)| (name.clone(), value.expose().to_owned()))
    }
}

/// One key of 256 bits.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl MasterKey {
    /// The bytes themselves, for the vault.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads 32 bytes of base64, padded or not.
    pub fn parse(text: &str) -> Option<Self> {
        let padding =
            GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let engine = GeneralPurpose::new(&base64::alphabet::STANDARD, padding);
        let bytes = Zeroizing::new(engine.decode(text).ok()?);
        let key: [u8; 32] = bytes.as_slice().try_into().ok()?;
        Some(Self(Zeroizing::new(key)))
    }
}

/// The keys that seal what is secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MasterKeys {
    /// Seals and opens.
    pub current: MasterKey,
    /// Only open what they sealed, until it is sealed again.
    pub old: Vec<MasterKey>,
}

impl MasterKeys {
    /// Reads a comma list, the current key first.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut keys = text.split(',').map(|key| MasterKey::parse(key.trim()));
        let current = keys.next()??;
        Some(Self {
            current,
            old: keys.collect::<Option<_>>()?,
        })
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}
