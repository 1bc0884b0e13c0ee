//! Removing secrets from what is kept of a call.

use std::{borrow::Cow, fmt};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

mod spellings;

/// What stands where a secret was.
pub const REDACTED: &str = "[redacted]";

/// The shortest secret that is looked for inside text, in bytes: shorter ones would tear holes
/// into text that has nothing to do with them.
const MIN_SEARCHED: usize = 6;

/// The shortest beginning of a secret that is removed from the end of text that was cut.
const MIN_PREFIX: usize = 4;

/// Replaces secrets by [`REDACTED`] wherever they appear: plain, in base64 (also inside of a
/// longer base64 text), percent-encoded, JSON-escaped and in hex.
///
/// Building one costs some microseconds for each secret: build it once for a credential and
/// share it. To hide `Basic` credentials whole, give `user:password` as a secret as well.
pub struct Redactor {
    search: Option<AhoCorasick>,
    spellings: Vec<Vec<u8>>,
    short: Vec<Vec<u8>>,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor").finish_non_exhaustive()
    }
}

impl Redactor {
    /// A redactor for `secrets`. Empty ones are ignored; those under 6 bytes are replaced only
    /// by [`header_value`](Self::header_value).
    pub fn new<S: AsRef<[u8]>>(secrets: impl IntoIterator<Item = S>) -> Self {
        let (mut spellings, mut short) = (Vec::new(), Vec::new());
        for secret in secrets {
            let secret = secret.as_ref();
            match secret.len() {
                0 => {}
                1..MIN_SEARCHED => short.push(secret.to_vec()),
                _ => spellings.extend(spellings::all(secret)),
            }
        }
        spellings.sort_unstable();
        spellings.dedup();
        let search = (!spellings.is_empty()).then(|| {
            AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostLongest)
                .kind(Some(AhoCorasickKind::NoncontiguousNFA))
                .build(&spellings)
                .expect("secrets are far below the automaton's 2^31 states")
        });
        Self {
            search,
            spellings,
            short,
        }
    }

    /// `bytes` without the secrets; borrowed when there is none in them.
    pub fn bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        match &self.search {
            Some(search) if search.is_match(bytes) => {
                let mut clean = Vec::with_capacity(bytes.len());
                search.replace_all_with_bytes(bytes, &mut clean, |_, _, out| {
                    out.extend_from_slice(REDACTED.as_bytes());
                    true
                });
                Cow::Owned(clean)
            }
            _ => Cow::Borrowed(bytes),
        }
    }

    /// `text` without the secrets; borrowed when there is none in it.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.bytes(text.as_bytes()) {
            Cow::Borrowed(_) => Cow::Borrowed(text),
            Cow::Owned(clean) => Cow::Owned(match String::from_utf8(clean) {
                Ok(clean) => clean,
                // A secret that is not UTF-8 may end inside of a character.
                Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
            }),
        }
    }

    /// A header's value without the secrets. A short secret is replaced if it is the whole
    /// value, or all of it after an authentication scheme, as in `Bearer abc`.
    pub fn header_value<'a>(&self, value: &'a [u8]) -> Cow<'a, [u8]> {
        let start = value.iter().position(|b| *b == b' ').map_or(0, |at| at + 1);
        let (scheme, credential) = value.split_at(start);
        if self.short.iter().any(|short| short == value) {
            return Cow::Borrowed(REDACTED.as_bytes());
        }
        if self.short.iter().any(|short| short == credential) {
            return Cow::Owned([scheme, REDACTED.as_bytes()].concat());
        }
        self.bytes(value)
    }

    /// As [`bytes`](Self::bytes), for text that was cut at its end: an ending that is the
    /// beginning of a secret is removed too.
    pub fn cut<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let clean = self.bytes(bytes);
        let longest = self
            .spellings
            .iter()
            .filter_map(|spelling| split_secret(&clean, spelling))
            .max();
        match longest {
            Some(cut) => {
                let mut clean = clean.into_owned();
                clean.truncate(clean.len() - cut);
                clean.extend_from_slice(REDACTED.as_bytes());
                Cow::Owned(clean)
            }
            None => clean,
        }
    }
}

/// How many bytes of `spelling`'s beginning stand at the end of `bytes`, if it is enough of
/// them to matter.
fn split_secret(bytes: &[u8], spelling: &[u8]) -> Option<usize> {
    let longest = bytes.len().min(spelling.len().saturating_sub(1));
    (MIN_PREFIX..=longest)
        .rev()
        .find(|length| bytes.ends_with(&spelling[..*length]))
}

#[cfg(test)]
mod tests;
