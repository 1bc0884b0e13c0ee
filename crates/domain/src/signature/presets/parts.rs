//! What the rows of the table are made of: a commonest scheme, and the words in which a row differs from it.

use std::borrow::Cow;

use crate::signature::config::{DEFAULT_TOLERANCE_SECONDS, Override};
use crate::signature::handshake::Handshake;
use crate::signature::preset::{Dedupe, EventType, Preset, SecretOwner};
use crate::signature::scheme::{
    BasicScheme, Digest, Encoding, Format, HeaderNames, KeyForm, Mac, MoreSignatures, Part, Scheme,
    SignedScheme, TimestampRule, TimestampUnit, TokenScheme, UrlRule,
};
use crate::signature::verifier::Trust;

pub(super) const SIGNS_BODY: &str =
    "The sender holds the secret and sent exactly these bytes; an old request can be sent again.";
pub(super) const SIGNS_BODY_AND_TIME: &str =
    "The sender holds the secret and sent exactly these bytes within the tolerance of now.";
const SIGNS_FORM: &str = "The sender holds the secret and sent this form or body to this URL; an old request can be sent again.";
const SIGNS_NO_BODY: &str = "The sender holds the secret; the body is not signed, so fetch the object from the sender before you rely on it.";
const HASHES_BODY: &str = "The sender holds the secret and sent bytes that begin with these; it is a plain hash, so who saw one request can append to it or send it again.";
pub(super) const KNOWS_TOKEN: &str = "The sender knows the secret; the bytes are not signed.";
pub(super) const PROVES_NOTHING: &str = "Nothing: anyone who knows the URL can send anything.";

/// A row about a sender that shows a secret for the user to bring. What is not said is told by the scheme, or is
/// the commonest.
pub(super) fn sender(
    name: &'static str,
    title: &'static str,
    scheme: impl Into<Scheme>,
    secret_help: &'static str,
) -> Preset {
    let scheme = scheme.into();
    let (proves, overrides): (_, &[Override]) = match &scheme {
        Scheme::Signed(signed) => (signed.proves(), signed.overrides()),
        Scheme::Token(_) => (KNOWS_TOKEN, &[]),
        Scheme::Basic(_) => (KNOWS_TOKEN, &[Override::Username]),
        Scheme::PublicKey(_) | Scheme::Jwt(_) | Scheme::Bespoke(_) => (SIGNS_BODY, &[]),
        Scheme::Unsigned => (PROVES_NOTHING, &[]),
    };
    Preset {
        name,
        aliases: &[],
        title,
        proves,
        secret_help,
        secret: SecretOwner::Theirs,
        scheme,
        overrides,
        dedupe: Dedupe::BodyHash,
        event_type: None,
        handshakes: &[],
    }
}

impl Preset {
    /// Gives it other names.
    pub(super) fn called(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }

    /// The user may enter a secret of ours at the sender.
    pub(super) fn ours(self) -> Self {
        Self {
            secret: SecretOwner::Ours,
            ..self
        }
    }

    /// The sender brings the secret in its first request.
    pub(super) fn brought(self) -> Self {
        Self {
            secret: SecretOwner::Sender,
            ..self
        }
    }

    /// What tells its repeats.
    pub(super) fn by(self, dedupe: Dedupe) -> Self {
        Self { dedupe, ..self }
    }

    /// The event's type stands in this header.
    pub(super) fn typed_by_header(self, name: &'static str) -> Self {
        Self {
            event_type: Some(EventType::Header(name)),
            ..self
        }
    }

    /// The event's type stands in the body, where this JSONPath points.
    pub(super) fn typed_at(self, path: &'static str) -> Self {
        Self {
            event_type: Some(EventType::Body(path)),
            ..self
        }
    }

    /// What the user may set.
    pub(super) fn takes(self, overrides: &'static [Override]) -> Self {
        Self { overrides, ..self }
    }

    /// What the sender asks before it trusts the URL.
    pub(super) fn asks(self, handshakes: &'static [Handshake]) -> Self {
        Self { handshakes, ..self }
    }
}

/// The hex HMAC-SHA256 of the body in this header, without a timestamp.
pub(super) fn hex(header: &'static str) -> SignedScheme {
    SignedScheme {
        headers: vec![names(header, None, None)],
        format: Format::Plain {
            prefix: Cow::Borrowed(""),
            optional: false,
        },
        encoding: Encoding::Hex,
        digest: Digest::Sha256,
        mac: Mac::Hmac,
        key: KeyForm::Verbatim,
        content: vec![Part::Body],
        timestamp: None,
        url: UrlRule::VERBATIM,
    }
}

/// The same in base64.
pub(super) fn base64(header: &'static str) -> SignedScheme {
    SignedScheme {
        encoding: Encoding::Base64,
        ..hex(header)
    }
}

impl SignedScheme {
    /// This text stands before the signature.
    pub(super) fn prefix(self, prefix: &'static str) -> Self {
        Self {
            format: Format::Plain {
                prefix: Cow::Borrowed(prefix),
                optional: false,
            },
            ..self
        }
    }

    /// The header is a list of `name=value` with commas between.
    pub(super) fn pairs(self, timestamp: Option<&'static str>, signature: &'static str) -> Self {
        Self {
            format: Format::Pairs {
                timestamp,
                signature,
                delimiter: b',',
            },
            ..self
        }
    }

    /// Made with another hash.
    pub(super) fn digest(self, digest: Digest) -> Self {
        Self { digest, ..self }
    }

    /// A plain hash of secret and message.
    pub(super) fn plain_hash(self) -> Self {
        Self {
            mac: Mac::KeyThenMessage,
            ..self
        }
    }

    /// The key is read from the secret in this way.
    pub(super) fn key(self, key: KeyForm) -> Self {
        Self { key, ..self }
    }

    /// This is signed, and not the body alone.
    pub(super) fn over(self, content: impl Into<Vec<Part>>) -> Self {
        Self {
            content: content.into(),
            ..self
        }
    }

    /// The timestamp stands in this header.
    pub(super) fn timestamp_in(mut self, header: &'static str) -> Self {
        for names in &mut self.headers {
            names.timestamp = Some(Cow::Borrowed(header));
        }
        self
    }

    /// The message's id stands in this header.
    pub(super) fn id_in(mut self, header: &'static str) -> Self {
        for names in &mut self.headers {
            names.id = Some(Cow::Borrowed(header));
        }
        self
    }

    /// More headers carry signatures.
    pub(super) fn and_in(mut self, more: MoreSignatures) -> Self {
        for names in &mut self.headers {
            names.more = more;
        }
        self
    }

    /// The timestamp is written like this, and may be 300 s from now.
    pub(super) fn timed(self, unit: TimestampUnit) -> Self {
        self.timed_within(DEFAULT_TOLERANCE_SECONDS, unit)
    }

    /// The timestamp may be so many seconds from now.
    pub(super) fn timed_within(self, tolerance_seconds: u32, unit: TimestampUnit) -> Self {
        Self {
            timestamp: Some(TimestampRule {
                unit,
                tolerance_seconds: Some(tolerance_seconds),
                body_field: None,
            }),
            ..self
        }
    }

    /// The timestamp is signed, but the sender does not promise to be in time.
    pub(super) fn stamped(self, unit: TimestampUnit) -> Self {
        Self {
            timestamp: Some(TimestampRule {
                unit,
                tolerance_seconds: None,
                body_field: None,
            }),
            ..self
        }
    }

    fn proves(&self) -> &'static str {
        let is_timed = |rule: TimestampRule| rule.tolerance_seconds.is_some();
        if self.trust() == Trust::OriginOnly {
            SIGNS_NO_BODY
        } else if self.mac == Mac::KeyThenMessage {
            HASHES_BODY
        } else if self
            .content
            .iter()
            .any(|part| matches!(part, Part::Form { .. }))
        {
            SIGNS_FORM
        } else if self.timestamp.is_some_and(is_timed) {
            SIGNS_BODY_AND_TIME
        } else {
            SIGNS_BODY
        }
    }

    fn overrides(&self) -> &'static [Override] {
        match self.timestamp {
            Some(_) => &[Override::ToleranceSeconds],
            None => &[],
        }
    }
}

impl From<SignedScheme> for Scheme {
    fn from(scheme: SignedScheme) -> Self {
        Self::Signed(scheme)
    }
}

/// The secret stands in this header as it is.
pub(super) fn token(header: &'static str) -> Scheme {
    prefixed_token(header, "")
}

/// The secret stands in this header, behind this text.
pub(super) fn prefixed_token(header: &'static str, prefix: &'static str) -> Scheme {
    Scheme::Token(TokenScheme {
        header: Cow::Borrowed(header),
        prefix: Cow::Borrowed(prefix),
    })
}

/// The secret is the password of HTTP Basic.
pub(super) fn basic() -> Scheme {
    Scheme::Basic(BasicScheme { username: None })
}

/// The headers of one signed request.
pub(super) fn names(
    signature: &'static str,
    timestamp: Option<&'static str>,
    id: Option<&'static str>,
) -> HeaderNames {
    HeaderNames {
        signature: Cow::Borrowed(signature),
        more: MoreSignatures::None,
        timestamp: timestamp.map(Cow::Borrowed),
        id: id.map(Cow::Borrowed),
    }
}

/// Fixed text in the signed message.
pub(super) fn text(literal: &'static str) -> Part {
    Part::Literal(Cow::Borrowed(literal))
}

/// The timestamp, this text, and the body.
pub(super) fn timestamp_then_body(separator: &'static str) -> [Part; 3] {
    [Part::Timestamp, text(separator), Part::Body]
}
