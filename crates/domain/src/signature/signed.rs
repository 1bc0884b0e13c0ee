//! Checking a signature over the request's bytes.

use std::borrow::Cow;
use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;

use super::content::Message;
use super::format::{Candidate, Claim, Kind, Reader};
use super::key::{KeyedSecret, VerifyingKey};
use super::public_url;
use super::scheme::{HeaderNames, MoreSignatures, Part, SignedScheme, TimestampRule};
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
            let key = VerifyingKey::new(secret, scheme.key, scheme.digest, scheme.mac)?;
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
        let (names, claim) = self.claim(request)?;
        let timestamp = self.timestamp(request, names, &claim, now_us)?;
        let message_id = self.message_id(request, names)?;
        let message = Message::new(
            &self.scheme,
            names,
            request,
            timestamp,
            message_id.unwrap_or_default().as_bytes(),
        )?;
        for (key_id, key) in &self.keys {
            if self.matches(key, &message, &claim.candidates) {
                self.check_body_timestamp(request.body, now_us)?;
                return Ok(Verified {
                    trust: self.scheme.trust(),
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
            Err(self.reader(&names.signature).unknown_version())
        }
    }

    fn reader<'s>(&'s self, header: &'s str) -> Reader<'s> {
        Reader {
            header,
            format: &self.scheme.format,
            encoding: self.scheme.encoding,
            hmac_length: self.scheme.digest.length(),
        }
    }

    /// What the signature headers say under the first set of names that is present: any of a set may hold the
    /// right signature, so that one which cannot be read stands in nobody's way.
    fn claim<'r>(
        &self,
        request: &SignedRequest<'r>,
    ) -> Result<(&HeaderNames, Claim<'r>), Rejection> {
        for names in &self.scheme.headers {
            let mut found: Option<Result<Claim<'r>, Rejection>> = None;
            for header in names.signatures() {
                let Some(value) = request.header(&header)? else {
                    continue;
                };
                let claim = self.reader(&header).read(value);
                found = Some(match (found, claim) {
                    (Some(Ok(first)), Ok(further)) => Ok(first.with(further)),
                    (Some(Ok(first)), Err(_)) => Ok(first),
                    (Some(Err(first)), Err(_)) => Err(first),
                    (None | Some(Err(_)), claim) => claim,
                });
            }
            if let Some(claim) = found {
                return Ok((names, claim?));
            }
        }
        let expected = self.scheme.headers.first();
        Err(Rejection::MissingHeader {
            header: expected.map_or_else(String::new, |names| names.signature.to_string()),
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
        let Some(rule) = self
            .scheme
            .timestamp
            .filter(|rule| rule.body_field.is_none())
        else {
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

    /// Holds the timestamp in the body against the clock, once the body is known to be signed.
    fn check_body_timestamp(&self, body: &[u8], now_us: i64) -> Result<(), Rejection> {
        let Some((rule, field)) = self.scheme.timestamp.and_then(TimestampRule::in_body) else {
            return Ok(());
        };
        let body: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
        let raw = match body.get(field) {
            Some(serde_json::Value::String(text)) => text.clone(),
            Some(serde_json::Value::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        rule.check(raw.as_bytes(), now_us)
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
            VerifyingKey::Shared(key) => {
                let right = key.tag(|sink| message.feed(url, sink));
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
        if self.signs_url() {
            public_url::forms(public_url, self.url)
        } else {
            Ok(vec![String::new()])
        }
    }

    /// Whether the message holds the URL or its path.
    pub(super) fn signs_url(&self) -> bool {
        let is_url = |part: &Part| matches!(part, Part::Url | Part::Path);
        self.content.iter().any(is_url)
    }

    /// What a request proves whose signature is right: that the sender sent it, if the body is signed.
    pub(super) fn trust(&self) -> Trust {
        let covers_body = |part: &Part| matches!(part, Part::Body | Part::Form { .. });
        if self.content.iter().any(covers_body) {
            Trust::Verified
        } else {
            Trust::OriginOnly
        }
    }
}

impl HeaderNames {
    /// The headers that may carry a signature.
    fn signatures(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let (named, prefix, last) = match self.more {
            MoreSignatures::None => (None, "", 0),
            MoreSignatures::Named(name) => (Some(name), "", 0),
            MoreSignatures::Numbered { prefix, last } => (None, prefix, last),
        };
        let numbered = (2..=last).map(move |n| Cow::Owned(format!("{prefix}{n}")));
        [Cow::Borrowed(&*self.signature)]
            .into_iter()
            .chain(named.map(Cow::Borrowed))
            .chain(numbered)
    }
}

impl TimestampRule {
    /// The rule with the field of the body that it looks at, if it does.
    fn in_body(self) -> Option<(Self, &'static str)> {
        self.body_field.map(|field| (self, field))
    }
}

impl VerifyingKey {
    fn kind(&self) -> Kind {
        match self {
            Self::Shared(_) => Kind::Hmac,
            Self::Ed25519(_) => Kind::Ed25519,
        }
    }
}
