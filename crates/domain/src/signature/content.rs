//! The signed message: fed part after part into the hash, never built up as a string of its own.

use std::borrow::Cow;

use aws_lc_rs::{digest, hmac};
use percent_encoding::percent_decode;

use super::public_url;
use super::scheme::{Part, SignedScheme};
use super::{Rejection, SignedRequest};

/// A form field, decoded.
type Field<'m> = (Cow<'m, [u8]>, Cow<'m, [u8]>);

/// Everything that the parts of a message refer to.
pub(super) struct Message<'m> {
    parts: &'m [Part],
    request: &'m SignedRequest<'m>,
    timestamp: &'m [u8],
    id: &'m [u8],
    query: Option<Cow<'m, str>>,
    form: Vec<Field<'m>>,
}

impl<'m> Message<'m> {
    /// Gathers what `scheme` signs of `request`.
    ///
    /// # Errors
    /// A [`Rejection`] if the body would not be covered.
    pub(super) fn new(
        scheme: &'m SignedScheme,
        request: &'m SignedRequest<'m>,
        timestamp: &'m [u8],
        id: &'m [u8],
    ) -> Result<Self, Rejection> {
        let parts = scheme.content.as_slice();
        let form = match parts.iter().find_map(Part::body_hash) {
            Some(body_hash) => form_fields(request, body_hash)?,
            None => Vec::new(),
        };
        let query = if parts.contains(&Part::Url) {
            request.url_query
        } else {
            None
        };
        let query = query.map(|query| public_url::decode(query, scheme.url.decoded));
        Ok(Self {
            parts,
            request,
            timestamp,
            id,
            query,
            form,
        })
    }

    /// The HMAC of the message, with `url` as the form of the public URL.
    pub(super) fn hmac(&self, key: &hmac::Key, url: &str) -> hmac::Tag {
        let mut context = hmac::Context::with_key(key);
        self.feed(url, &mut |bytes| context.update(bytes));
        context.sign()
    }

    /// The message in one piece, for Ed25519, which reads it twice.
    pub(super) fn bytes(&self, url: &str) -> Vec<u8> {
        let mut message = Vec::with_capacity(self.request.body.len() + 128);
        self.feed(url, &mut |bytes| message.extend_from_slice(bytes));
        message
    }

    fn feed(&self, url: &str, sink: &mut dyn FnMut(&[u8])) {
        for part in self.parts {
            match part {
                Part::Literal(text) => sink(text.as_bytes()),
                Part::Timestamp => sink(self.timestamp),
                Part::Id => sink(self.id),
                Part::Body => sink(self.request.body),
                Part::Method => sink(self.request.method.as_bytes()),
                Part::Url => {
                    sink(url.as_bytes());
                    if let Some(query) = &self.query {
                        sink(b"?");
                        sink(query.as_bytes());
                    }
                }
                Part::Form { .. } => {
                    for (name, value) in &self.form {
                        sink(name);
                        sink(value);
                    }
                }
            }
        }
    }
}

impl Part {
    /// The query parameter that binds a body which is no form.
    pub(super) fn body_hash(&self) -> Option<&'static str> {
        match self {
            Self::Form { body_hash } => Some(body_hash),
            _ => None,
        }
    }
}

/// The fields to be signed; none if the body is bound by its hash in the query instead.
fn form_fields<'m>(
    request: &SignedRequest<'m>,
    body_hash: &'static str,
) -> Result<Vec<Field<'m>>, Rejection> {
    if let Some(claimed) = query_parameter(request.url_query.unwrap_or_default(), body_hash) {
        let bound = claimed.eq_ignore_ascii_case(&sha256_hex(request.body));
        return if bound {
            Ok(Vec::new())
        } else {
            Err(Rejection::WrongSignature)
        };
    }
    if !request.body.is_empty() && !request.is_form()? {
        return Err(Rejection::UnsignedBody {
            parameter: body_hash,
        });
    }
    let pieces = request
        .body
        .split(|b| *b == b'&')
        .filter(|piece| !piece.is_empty());
    let mut fields: Vec<Field<'m>> = pieces.map(field).collect();
    // A name with several values is signed with each value once (twilio-python, `compute_signature`).
    fields.sort_unstable();
    fields.dedup();
    Ok(fields)
}

fn field(piece: &[u8]) -> Field<'_> {
    let at = piece.iter().position(|b| *b == b'=').unwrap_or(piece.len());
    (
        decode_field(&piece[..at]),
        decode_field(piece.get(at + 1..).unwrap_or_default()),
    )
}

/// Decodes `+` and percent-escapes into bytes. Replacing invalid UTF-8, as form parsers do, would let different
/// bodies pass under one signature.
pub(super) fn decode_field(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.contains(&b'+') {
        return percent_decode(text).into();
    }
    let spaced: Vec<u8> = text
        .iter()
        .map(|b| if *b == b'+' { b' ' } else { *b })
        .collect();
    Cow::Owned(percent_decode(&spaced).collect())
}

/// The value of a query parameter, not decoded.
pub(super) fn query_parameter<'q>(query: &'q str, name: &str) -> Option<&'q str> {
    query
        .split('&')
        .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

/// The SHA-256 of `bytes` in hex.
pub(super) fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(digest::digest(&digest::SHA256, bytes))
}
