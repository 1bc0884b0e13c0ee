//! What a signature scheme is made of, as data: the knobs of facts webhooks 3.1.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::asymmetric::PublicKeyScheme;
use super::bespoke::BespokeScheme;
use super::jwt::JwtScheme;

/// How a sender proves who it is.
#[derive(Clone, Debug)]
pub enum Scheme {
    /// A signature over the request's bytes.
    Signed(SignedScheme),
    /// A shared token in a header; proves who knows it, not what was sent.
    Token(TokenScheme),
    /// HTTP Basic authentication (RFC 7617).
    Basic(BasicScheme),
    /// A signature made with a private key.
    PublicKey(PublicKeyScheme),
    /// A JSON Web Token.
    Jwt(JwtScheme),
    /// A scheme of one sender alone.
    Bespoke(BespokeScheme),
    /// Nothing is checked.
    Unsigned,
}

/// A keyed signature: where it stands, how it is written, and over what it goes.
#[derive(Clone, Debug)]
pub struct SignedScheme {
    /// Sets of header names under which the same facts may arrive; the first whose signature is present is read.
    /// Never empty.
    pub headers: Vec<HeaderNames>,
    /// How the signature header's value is laid out.
    pub format: Format,
    /// How the signature's bytes are written.
    pub encoding: Encoding,
    /// The hash under the HMAC.
    pub digest: Digest,
    /// How the secret's text becomes the key.
    pub key: KeyForm,
    /// The signed message, part after part.
    pub content: Vec<Part>,
    /// Which clock reading is signed, and how far from now it may be; `None` where nothing stops a replay.
    pub timestamp: Option<TimestampRule>,
    /// How the URL is written where [`Part::Url`] is signed.
    pub url: UrlRule,
}

/// The header names of one signed request. Names are compared as HTTP does, without regard to case.
#[derive(Clone, Debug)]
pub struct HeaderNames {
    /// Carries the signature.
    pub signature: Cow<'static, str>,
    /// Carries the timestamp, unless it stands inside the signature's value.
    pub timestamp: Option<Cow<'static, str>>,
    /// Carries the message id, where one is signed.
    pub id: Option<Cow<'static, str>>,
}

/// The layout of a signature header's value.
#[derive(Clone, Debug)]
pub enum Format {
    /// One signature, such as `sha256=<hex>`.
    Plain {
        /// What stands before it; may be empty.
        prefix: Cow<'static, str>,
        /// Whether a value without the prefix is accepted too.
        optional: bool,
    },
    /// `name=value` items, such as Stripe's `t=1700000000,v1=<hex>,v1=<hex>`.
    Pairs {
        /// Name of the timestamp's item.
        timestamp: &'static str,
        /// Name of the items that are signatures; others are skipped.
        signature: &'static str,
        /// What stands between items; spaces around it are ignored.
        delimiter: u8,
    },
    /// `tag,value` items with a space between, as in Standard Webhooks: `v1,<base64> v1a,<base64>`.
    Tagged {
        /// Tag of an HMAC.
        hmac: &'static str,
        /// Tag of an Ed25519 signature.
        ed25519: &'static str,
    },
}

/// How bytes are written as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// Hexadecimal digits, in either case.
    Hex,
    /// RFC 4648 section 4; padding may be missing.
    Base64,
    /// RFC 4648 section 5; padding may be missing.
    Base64Url,
}

/// The hash under an HMAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digest {
    /// For senders that never moved on (Twilio); HMAC-SHA1 is not broken by SHA-1's collisions.
    Sha1,
    /// The usual one.
    Sha256,
}

/// How the text of a secret becomes a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyForm {
    /// The whole text as bytes, a `whsec_` included.
    Verbatim,
    /// Standard Webhooks: base64 after `whsec_`, an Ed25519 key after `whpk_` or `whsk_`, any other text as bytes.
    Standard,
}

/// One part of the signed message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Fixed text.
    Literal(Cow<'static, str>),
    /// The timestamp exactly as it was received.
    Timestamp,
    /// The message id exactly as it was received.
    Id,
    /// The raw body.
    Body,
    /// The request's method, in upper case.
    Method,
    /// The public URL of the source with the query of the request.
    Url,
    /// The fields of a form, sorted, name and value run together. A body that is no form is not in the message;
    /// it must be bound by its SHA-256 (hex) in this query parameter, which the signed URL covers.
    Form {
        /// Name of that query parameter.
        body_hash: &'static str,
    },
}

/// A signed timestamp.
#[derive(Clone, Copy, Debug)]
pub struct TimestampRule {
    /// What it counts.
    pub unit: TimestampUnit,
    /// How far before or after now it may be, in seconds.
    pub tolerance_seconds: u32,
}

/// How a timestamp is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampUnit {
    /// Whole seconds since 1970.
    Seconds,
    /// Whole milliseconds since 1970.
    Milliseconds,
    /// A date and time with an offset, as in RFC 3339.
    Iso8601,
}

/// How a signed URL is written.
#[derive(Clone, Copy, Debug)]
pub struct UrlRule {
    /// Percent-escapes (their two hex digits, upper case) that the sender decodes before it signs, and no others.
    pub decoded: &'static [&'static str],
    /// Whether the sender may have added or removed the port.
    pub port_may_differ: bool,
}

impl UrlRule {
    /// The URL as configured.
    pub const VERBATIM: Self = Self {
        decoded: &[],
        port_may_differ: false,
    };
}

/// A static token in a header.
#[derive(Clone, Debug)]
pub struct TokenScheme {
    /// The header's name.
    pub header: Cow<'static, str>,
    /// What stands before the token, such as `Bearer `; may be empty.
    pub prefix: Cow<'static, str>,
}

/// HTTP Basic authentication with the secret as password.
#[derive(Clone, Debug)]
pub struct BasicScheme {
    /// The user name that must be sent; `None` takes any, for the password is what proves.
    pub username: Option<String>,
}
