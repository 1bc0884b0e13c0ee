//! A preset in the words of its facts, for those who list presets.

use super::preset::Preset;
use super::scheme::{MoreSignatures, Part, Scheme, SignedScheme};
use super::verifier::Trust;

impl Preset {
    /// What a request that passes is worth.
    pub fn trust(&self) -> Trust {
        match &self.scheme {
            Scheme::Signed(scheme) => scheme.trust(),
            Scheme::Token(_) | Scheme::Basic(_) => Trust::Authenticated,
            Scheme::PublicKey(_) => Trust::Verified,
            Scheme::Jwt(scheme) => scheme.trust(),
            Scheme::Bespoke(scheme) => scheme.trust(),
            Scheme::Unsigned => Trust::Unsigned,
        }
    }

    /// The headers that are read, of the first set of names; of numbered ones the first and the last.
    pub fn headers(&self) -> Vec<String> {
        match &self.scheme {
            Scheme::Signed(scheme) => scheme.header_names(),
            Scheme::Token(scheme) => vec![scheme.header.to_string()],
            Scheme::Basic(_) => vec!["Authorization".to_owned()],
            Scheme::PublicKey(scheme) => scheme.header_names(),
            Scheme::Jwt(scheme) => scheme.header_names(),
            Scheme::Bespoke(scheme) => scheme.header_names(),
            Scheme::Unsigned => Vec::new(),
        }
    }

    /// How far the signed timestamp may be from now, in seconds, unless the user says otherwise; `None` where none
    /// is held against the clock.
    pub fn tolerance_seconds(&self) -> Option<u32> {
        match &self.scheme {
            Scheme::Signed(scheme) => scheme.timestamp?.tolerance_seconds,
            Scheme::PublicKey(scheme) => scheme.tolerance_seconds(),
            Scheme::Jwt(scheme) => scheme.tolerance_seconds(),
            Scheme::Token(_) | Scheme::Basic(_) | Scheme::Bespoke(_) | Scheme::Unsigned => None,
        }
    }

    /// Whether the sender signs the URL that it calls, so that the source must know it as the sender does.
    pub fn signs_url(&self) -> bool {
        match &self.scheme {
            Scheme::Signed(scheme) => scheme.signs_url(),
            Scheme::Jwt(scheme) => scheme.signs_url(),
            _ => false,
        }
    }
}

impl SignedScheme {
    fn header_names(&self) -> Vec<String> {
        let Some(names) = self.headers.first() else {
            return Vec::new();
        };
        let more = match names.more {
            MoreSignatures::None => None,
            MoreSignatures::Named(name) => Some(name.to_owned()),
            MoreSignatures::Numbered { prefix, last } => Some(format!("{prefix}{last}")),
        };
        let id = names
            .id
            .as_ref()
            .filter(|_| self.content.contains(&Part::Id));
        let timestamp = names
            .timestamp
            .as_ref()
            .filter(|_| self.timestamp.is_some());
        let listed = self.content.iter().find_map(Part::header);
        [
            Some(names.signature.to_string()),
            more,
            timestamp.map(ToString::to_string),
            id.map(ToString::to_string),
            listed.map(str::to_owned),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}
