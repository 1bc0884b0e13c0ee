//! The value of a signature header: taken apart, decoded, and written.

use base64::Engine;

use super::Rejection;
use super::key::{BASE64, BASE64_URL};
use super::scheme::{Encoding, Format};

/// The most items read from one header: far more secrets than any sender holds at once, and few enough that
/// checking all of them costs a forger's request next to nothing.
pub(super) const MAX_SIGNATURES: usize = 16;
/// The longest signature in bytes (Ed25519), and longer than any HMAC in use.
const MAX_SIGNATURE_BYTES: usize = 64;
/// Base64 is decoded in groups: room for the longest text that is looked at.
const DECODE_BUFFER: usize = 96;
/// Hex digits of the longest signature.
const MAX_SIGNATURE_TEXT: usize = 2 * MAX_SIGNATURE_BYTES;

/// The kind of key that a signature belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Hmac,
    Ed25519,
}

/// One signature that was sent, decoded.
pub(super) struct Candidate {
    pub(super) kind: Kind,
    bytes: [u8; MAX_SIGNATURE_BYTES],
    length: usize,
}

impl Candidate {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// What a signature header says.
pub(super) struct Claim<'r> {
    /// The timestamp, where it stands in this header.
    pub(super) timestamp: Option<&'r [u8]>,
    /// The signatures that can be read; at least one. Any of them may be the right one.
    pub(super) candidates: Vec<Candidate>,
}

impl Claim<'_> {
    /// This claim with what another header of the same request says.
    pub(super) fn with(mut self, further: Self) -> Self {
        self.timestamp = self.timestamp.or(further.timestamp);
        self.candidates.extend(further.candidates);
        self
    }
}

/// How to read one scheme's header.
#[derive(Clone, Copy)]
pub(super) struct Reader<'s> {
    pub(super) header: &'s str,
    pub(super) format: &'s Format,
    pub(super) encoding: Encoding,
    /// Length of the HMAC in bytes.
    pub(super) hmac_length: usize,
}

/// The layout shared by both list formats.
struct ListLayout<'s> {
    delimiter: u8,
    separator: u8,
    timestamp: Option<&'static str>,
    kinds: &'s [(&'static str, Kind)],
}

/// What an item of a list is.
enum Item<'r> {
    Timestamp(&'r [u8]),
    Signature(Kind, &'r [u8]),
    OtherVersion,
    Junk,
}

impl Reader<'_> {
    /// Takes a header's value apart.
    pub(super) fn read<'r>(&self, value: &'r [u8]) -> Result<Claim<'r>, Rejection> {
        match self.format {
            Format::Plain { prefix, optional } => {
                let text = match value.strip_prefix(prefix.as_bytes()) {
                    Some(text) => text,
                    None if *optional => value,
                    None => return Err(self.malformed()),
                };
                let candidate = self
                    .decode(Kind::Hmac, text)
                    .ok_or_else(|| self.malformed())?;
                Ok(Claim {
                    timestamp: None,
                    candidates: vec![candidate],
                })
            }
            Format::Pairs {
                timestamp,
                signature,
                delimiter,
            } => {
                let kinds = [(*signature, Kind::Hmac)];
                let layout = ListLayout {
                    delimiter: *delimiter,
                    separator: b'=',
                    timestamp: *timestamp,
                    kinds: &kinds,
                };
                self.read_list(value, &layout)
            }
            Format::Tagged { hmac, ed25519 } => {
                let kinds = [(*hmac, Kind::Hmac), (*ed25519, Kind::Ed25519)];
                let layout = ListLayout {
                    delimiter: b' ',
                    separator: b',',
                    timestamp: None,
                    kinds: &kinds,
                };
                self.read_list(value, &layout)
            }
            Format::Positional { delimiter } => {
                self.read_items(value, *delimiter, &|place, text| match place {
                    0 => Item::Timestamp(text),
                    _ => Item::Signature(Kind::Hmac, text),
                })
            }
        }
    }

    fn read_list<'r>(
        &self,
        value: &'r [u8],
        layout: &ListLayout<'_>,
    ) -> Result<Claim<'r>, Rejection> {
        self.read_items(value, layout.delimiter, &|_, item| {
            let Some((name, text)) = split_once(item, layout.separator) else {
                return Item::Junk;
            };
            let is = |known: &str| known.as_bytes() == name;
            if layout.timestamp.is_some_and(is) {
                return Item::Timestamp(text);
            }
            let kind = layout.kinds.iter().find(|(known, _)| is(known));
            kind.map_or(Item::OtherVersion, |(_, kind)| Item::Signature(*kind, text))
        })
    }

    fn read_items<'r>(
        &self,
        value: &'r [u8],
        delimiter: u8,
        classify: &dyn Fn(usize, &'r [u8]) -> Item<'r>,
    ) -> Result<Claim<'r>, Rejection> {
        let mut claim = Claim {
            timestamp: None,
            candidates: Vec::new(),
        };
        let mut other_version = false;
        let mut unreadable = false;
        let items = value
            .split(|b| *b == delimiter)
            .map(<[u8]>::trim_ascii)
            .filter(|item| !item.is_empty());
        for (place, item) in items.enumerate() {
            if place == MAX_SIGNATURES {
                return Err(Rejection::TooManySignatures {
                    limit: MAX_SIGNATURES,
                });
            }
            match classify(place, item) {
                Item::Timestamp(text) => {
                    if claim.timestamp.is_some_and(|first| first != text) {
                        return Err(Rejection::MalformedTimestamp {
                            expected: "one timestamp in the signature header",
                        });
                    }
                    claim.timestamp = Some(text);
                }
                Item::Signature(kind, text) => match self.decode(kind, text) {
                    Some(candidate) => claim.candidates.push(candidate),
                    None => unreadable = true,
                },
                Item::OtherVersion => other_version = true,
                Item::Junk => {}
            }
        }
        if !claim.candidates.is_empty() {
            Ok(claim)
        } else if other_version && !unreadable {
            Err(self.unknown_version())
        } else {
            Err(self.malformed())
        }
    }

    /// Decodes one signature; `None` unless it is written as it should be and exactly as long as its kind.
    fn decode(&self, kind: Kind, text: &[u8]) -> Option<Candidate> {
        if text.len() > MAX_SIGNATURE_TEXT {
            return None;
        }
        let length = match kind {
            Kind::Hmac => self.hmac_length,
            Kind::Ed25519 => MAX_SIGNATURE_BYTES,
        };
        let mut bytes = [0; MAX_SIGNATURE_BYTES];
        match self.encoding {
            Encoding::Hex => hex::decode_to_slice(text, &mut bytes[..length]).ok()?,
            Encoding::Base64 | Encoding::Base64Url => {
                let engine = if self.encoding == Encoding::Base64 {
                    &BASE64
                } else {
                    &BASE64_URL
                };
                let mut buffer = [0; DECODE_BUFFER];
                let written = engine
                    .decode_slice(text, &mut buffer)
                    .ok()
                    .filter(|written| *written == length)?;
                bytes[..written].copy_from_slice(&buffer[..written]);
            }
        }
        Some(Candidate {
            kind,
            bytes,
            length,
        })
    }

    pub(super) fn unknown_version(&self) -> Rejection {
        let expected = match self.format {
            Format::Plain { prefix, .. } => prefix.to_string(),
            Format::Pairs { signature, .. } => (*signature).to_owned(),
            Format::Tagged { hmac, ed25519 } => format!("{hmac}` or `{ed25519}"),
            Format::Positional { .. } => String::new(),
        };
        Rejection::UnknownVersion {
            header: self.header.to_owned(),
            expected,
        }
    }

    fn malformed(&self) -> Rejection {
        let written = match self.encoding {
            Encoding::Hex => format!("{} hex digits", 2 * self.hmac_length),
            Encoding::Base64 => format!("base64 of {} bytes", self.hmac_length),
            Encoding::Base64Url => format!("base64url of {} bytes", self.hmac_length),
        };
        let expected = match self.format {
            Format::Plain { prefix, .. } if prefix.is_empty() => written,
            Format::Plain { prefix, .. } => format!("`{prefix}` and {written}"),
            Format::Pairs {
                timestamp: Some(timestamp),
                signature,
                ..
            } => format!("`{timestamp}=` and `{signature}=` with {written}"),
            Format::Pairs {
                timestamp: None,
                signature,
                ..
            } => format!("`{signature}=` with {written}"),
            Format::Tagged { hmac, ed25519 } => {
                format!("`{hmac},` with {written} or `{ed25519},` with base64 of 64 bytes")
            }
            Format::Positional { delimiter } => {
                format!("a timestamp, `{}` and {written}", char::from(*delimiter))
            }
        };
        Rejection::MalformedSignature {
            header: self.header.to_owned(),
            expected,
        }
    }
}

impl Format {
    /// Writes the value of a signature header with one signature in it.
    pub(super) fn write(&self, timestamp: Option<&str>, kind: Kind, signature: &str) -> String {
        match self {
            Self::Plain { prefix, .. } => format!("{prefix}{signature}"),
            Self::Pairs {
                timestamp: name,
                signature: version,
                delimiter,
            } => {
                let before = name.zip(timestamp).map(|(name, timestamp)| {
                    format!("{name}={timestamp}{}", char::from(*delimiter))
                });
                format!("{}{version}={signature}", before.unwrap_or_default())
            }
            Self::Tagged { hmac, ed25519 } => {
                let tag = if kind == Kind::Hmac { hmac } else { ed25519 };
                format!("{tag},{signature}")
            }
            Self::Positional { delimiter } => {
                let timestamp = timestamp.unwrap_or_default();
                format!("{timestamp}{}{signature}", char::from(*delimiter))
            }
        }
    }

    /// Whether the timestamp stands in the signature header.
    pub(super) fn holds_timestamp(&self) -> bool {
        match self {
            Self::Pairs { timestamp, .. } => timestamp.is_some(),
            Self::Positional { .. } => true,
            Self::Plain { .. } | Self::Tagged { .. } => false,
        }
    }
}

impl Encoding {
    /// Writes bytes as a sender does: hex in lower case, base64 with padding.
    pub(super) fn write(self, bytes: &[u8]) -> String {
        match self {
            Self::Hex => hex::encode(bytes),
            Self::Base64 => BASE64.encode(bytes),
            Self::Base64Url => BASE64_URL.encode(bytes),
        }
    }
}

fn split_once(item: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = item.iter().position(|b| *b == separator)?;
    Some((&item[..at], &item[at + 1..]))
}
