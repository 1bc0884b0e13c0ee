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
    /// The hash that the signature is made with.
    pub digest: Digest,
    /// How the key enters the hash.
    pub mac: Mac,
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
    /// Further headers that may carry one; the right one may stand in any of them.
    pub more: MoreSignatures,
    /// Carries the timestamp, unless it stands inside the signature's value.
    pub timestamp: Option<Cow<'static, str>>,
    /// Carries the message id, where one is signed.
    pub id: Option<Cow<'static, str>>,
}

/// Headers beside the first that carry signatures, one for each secret that the sender holds.
#[derive(Clone, Copy, Debug)]
pub enum MoreSignatures {
    /// There are none.
    None,
    /// One, of this name (Box).
    Named(&'static str),
    /// Numbered from 2 to `last` after this prefix (DocuSign).
    Numbered {
        /// What stands before the number.
        prefix: &'static str,
        /// The highest number.
        last: u8,
    },
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
        /// Name of the timestamp's item, where it stands there.
        timestamp: Option<&'static str>,
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
    /// The timestamp, then signatures, such as Recurly's `1700000000000,<hex>,<hex>`.
    Positional {
        /// What stands between items; spaces around it are ignored.
        delimiter: u8,
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

/// A hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digest {
    /// For senders that never moved on (Twilio); HMAC-SHA1 is not broken by SHA-1's collisions.
    Sha1,
    /// The usual one.
    Sha256,
    /// The long one (Paystack).
    Sha512,
}

/// How a key enters a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mac {
    /// HMAC (RFC 2104).
    Hmac,
    /// The plain hash of the key and the message behind it (HubSpot v1). Who saw one such hash can append to the
    /// message without the key; senders that do so know no better.
    KeyThenMessage,
}

/// How the text of a secret becomes a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyForm {
    /// The whole text as bytes, a `whsec_` included.
    Verbatim,
    /// Standard Webhooks: base64 after `whsec_`, an Ed25519 key after `whpk_` or `whsk_`, any other text as bytes.
    Standard,
    /// The text is base64 of the key.
    Base64,
    /// The text is the key in hex.
    Hex,
    /// The hash of the text is the key.
    Hashed(Digest),
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
    /// The path of the public URL with the query of the request.
    Path,
    /// The headers that the header `list` names, sorted, as `name:value` with `;` between (Contentful). The
    /// timestamp and the list itself must be among them.
    SignedHeaders {
        /// Header with the names, separated by commas.
        list: &'static str,
    },
    /// A value with text around it; none of the three where the value is absent (Mercado Pago).
    Segment {
        /// What stands before the value.
        before: &'static str,
        /// The value.
        value: Value,
        /// What stands behind it.
        after: &'static str,
    },
    /// The fields of a form, sorted, name and value run together. A body that is no form is not in the message;
    /// it must be bound by its SHA-256 (hex) in this query parameter, which the signed URL covers.
    Form {
        /// Name of that query parameter; a body must be a form where there is none.
        body_hash: Option<&'static str>,
    },
}

/// A part of the request that may be absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// A header.
    Header(&'static str),
    /// A query parameter, its letters in lower case.
    LowerCaseQuery(&'static str),
}

/// A signed timestamp.
#[derive(Clone, Copy, Debug)]
pub struct TimestampRule {
    /// How it is written.
    pub unit: TimestampUnit,
    /// How far before or after now it may be, in seconds; `None` where the sender promises nothing: it must then
    /// be a timestamp, but may be of any age.
    pub tolerance_seconds: Option<u32>,
    /// Field of the JSON body that holds it, where it stands neither in a header nor in the signature (Linear).
    pub body_field: Option<&'static str>,
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
    /// A date and time as in the headers of HTTP (RFC 9110 section 5.6.7), such as `Tue, 14 Nov 2023 22:13:20 GMT`.
    HttpDate,
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
