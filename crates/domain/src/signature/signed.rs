//! Checking a signature over the request's bytes.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;

use super::content::Message;
use super::format::{Candidate, Claim, Kind, Reader};
use super::key::{KeyedSecret, VerifyingKey};
use super::public_url;
use super::scheme::{Digest, HeaderNames, Part, SignedScheme};
use super::verifier::{Trust, Verified};
use super::{ConfigError, Rejection, SignedRequest};

/// The longest message id that is taken.
const MAX_ID_LENGTH: usize = 256;

/// A signature scheme with the keys of one source.
pub(super) struct SignedCheck {
    scheme: SignedScheme,
    urls: Vec<String>,
    keys: Vec<(Arc<str>, VerifyingKey)>,
}

impl SignedCheck {
    pub(super) fn new(
        scheme: SignedScheme,
        secrets: &[KeyedSecret],
        public_url: &str,
    ) -> Result<Self, ConfigError> {
        let key = |secret: &KeyedSecret| {
            let key = VerifyingKey::new(secret, scheme.key, scheme.digest)?;
            Ok((Arc::from(secret.id()), key))
        };
        let keys = secrets
            .iter()
            .map(key)
            .collect::<Result<_, ConfigError>>()?;
        let urls = scheme.signed_urls(public_url)?;
        Ok(Self { scheme, urls, keys })
    }

    pub(super) fn verify<'r>(
        &self,
        request: &SignedRequest<'r>,
        now_us: i64,
    ) -> Result<Verified<'r>, Rejection> {
        let (names, value) = self.signature_header(request)?;
        let reader = Reader {
            header: &names.signature,
            format: &self.scheme.format,
            encoding: self.scheme.encoding,
            hmac_length: self.scheme.digest.length(),
        };
        let claim = reader.read(value)?;
        let timestamp = self.timestamp(request, names, &claim, now_us)?;
        let message_id = self.message_id(request, names)?;
        let message = Message::new(
            &self.scheme,
            request,
            timestamp,
            message_id.unwrap_or_default().as_bytes(),
        )?;
        for (key_id, key) in &self.keys {
            if self.matches(key, &message, &claim.candidates) {
                return Ok(Verified {
                    trust: Trust::Verified,
                    key_id: Some(Arc::clone(key_id)),
                    message_id,
                });
            }
        }
        let checkable = |candidate: &Candidate| {
            self.keys
                .iter()
                .any(|(_, key)| key.kind() == candidate.kind)
        };
        if claim.candidates.iter().any(checkable) {
            Err(Rejection::WrongSignature)
        } else {
            Err(reader.unknown_version())
        }
    }

    /// The first signature header that is present, with the names that belong to it.
    fn signature_header<'r>(
        &self,
        request: &SignedRequest<'r>,
    ) -> Result<(&HeaderNames, &'r [u8]), Rejection> {
        for names in &self.scheme.headers {
            if let Some(value) = request.header(&names.signature)? {
                return Ok((names, value));
            }
        }
        let expected = self
            .scheme
            .headers
            .first()
            .map(|names| names.signature.to_string());
        Err(Rejection::MissingHeader {
            header: expected.unwrap_or_default(),
        })
    }

    /// The raw timestamp, near enough to now; empty where none is signed.
    fn timestamp<'r>(
        &self,
        request: &SignedRequest<'r>,
        names: &HeaderNames,
        claim: &Claim<'r>,
        now_us: i64,
    ) -> Result<&'r [u8], Rejection> {
        let Some(rule) = self.scheme.timestamp else {
            return Ok(&[]);
        };
        let raw = match &names.timestamp {
            Some(header) if !self.scheme.format.holds_timestamp() => {
                request.required_header(header)?
            }
            _ => claim.timestamp.unwrap_or_default(),
        };
        rule.check(raw, now_us)?;
        Ok(raw)
    }

    /// The message id, where one is signed.
    fn message_id<'r>(
        &self,
        request: &SignedRequest<'r>,
        names: &HeaderNames,
    ) -> Result<Option<&'r str>, Rejection> {
        let Some(header) = names
            .id
            .as_deref()
            .filter(|_| self.scheme.content.contains(&Part::Id))
        else {
            return Ok(None);
        };
        let id = std::str::from_utf8(request.required_header(header)?).ok();
        // A dot would let an id swallow the timestamp that follows it in `{id}.{timestamp}.{body}`.
        let is_plain = |id: &&str| {
            (1..=MAX_ID_LENGTH).contains(&id.len())
                && id.bytes().all(|b| b.is_ascii_graphic() && b != b'.')
        };
        let malformed = || Rejection::MalformedId {
            header: header.to_owned(),
        };
        id.filter(is_plain).map(Some).ok_or_else(malformed)
    }

    /// Whether any of the signatures is this key's over the message, in any form of the URL.
    fn matches(&self, key: &VerifyingKey, message: &Message<'_>, candidates: &[Candidate]) -> bool {
        let mut of_kind = candidates
            .iter()
            .filter(|candidate| candidate.kind == key.kind())
            .peekable();
        if of_kind.peek().is_none() {
            return false;
        }
        self.urls.iter().any(|url| match key {
            VerifyingKey::Hmac(key) => {
                let right = message.hmac(key, url);
                of_kind
                    .clone()
                    .any(|sent| verify_slices_are_equal(sent.bytes(), right.as_ref()).is_ok())
            }
            VerifyingKey::Ed25519(key) => {
                let message = message.bytes(url);
                of_kind
                    .clone()
                    .any(|sent| key.verify_sig(&message, sent.bytes()).is_ok())
            }
        })
    }
}

impl SignedScheme {
    /// The forms of the public URL that may have been signed; one empty text where the URL is not signed.
    pub(super) fn signed_urls(&self, public_url: &str) -> Result<Vec<String>, ConfigError> {
        if self.content.contains(&Part::Url) {
            public_url::forms(public_url, self.url)
        } else {
            Ok(vec![String::new()])
        }
    }
}

impl VerifyingKey {
    fn kind(&self) -> Kind {
        match self {
            Self::Hmac(_) => Kind::Hmac,
            Self::Ed25519(_) => Kind::Ed25519,
        }
    }
}

impl Digest {
    /// Length of the hash in bytes.
    pub(super) fn length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }
}
