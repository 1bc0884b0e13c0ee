//! What the rows of several senders are made of.

use std::borrow::Cow;

use crate::signature::config::DEFAULT_TOLERANCE_SECONDS;
use crate::signature::scheme::{
    Digest, Encoding, Format, HeaderNames, KeyForm, Mac, MoreSignatures, Part, SignedScheme,
    TimestampRule, TimestampUnit, UrlRule,
};

pub(super) const SIGNS_BODY: &str =
    "The sender holds the secret and sent exactly these bytes; an old request can be sent again.";
pub(super) const SIGNS_BODY_AND_TIME: &str =
    "The sender holds the secret and sent exactly these bytes within the tolerance of now.";
pub(super) const KNOWS_TOKEN: &str = "The sender knows the secret; the bytes are not signed.";

/// The commonest scheme, for rows to differ from: hex HMAC-SHA256 over the body, without a timestamp.
pub(super) fn body_hmac() -> SignedScheme {
    SignedScheme {
        headers: Vec::new(),
        format: plain(""),
        encoding: Encoding::Hex,
        digest: Digest::Sha256,
        mac: Mac::Hmac,
        key: KeyForm::Verbatim,
        content: vec![Part::Body],
        timestamp: None,
        url: UrlRule::VERBATIM,
    }
}

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

pub(super) fn plain(prefix: &'static str) -> Format {
    Format::Plain {
        prefix: Cow::Borrowed(prefix),
        optional: false,
    }
}

pub(super) fn text(literal: &'static str) -> Part {
    Part::Literal(Cow::Borrowed(literal))
}

pub(super) fn within_tolerance(unit: TimestampUnit) -> TimestampRule {
    TimestampRule {
        unit,
        tolerance_seconds: Some(DEFAULT_TOLERANCE_SECONDS),
        body_field: None,
    }
}
