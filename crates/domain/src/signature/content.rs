//! The signed message: gathered as pieces of the request and fed into the hash one after another.

use std::borrow::Cow;

use aws_lc_rs::digest;
use percent_encoding::percent_decode;

use super::public_url;
use super::scheme::{HeaderNames, Part, SignedScheme, Value};
use super::{Rejection, SignedRequest};

/// The most headers that a request may say are signed, and the longest list of them in bytes.
const MAX_SIGNED_HEADERS: usize = 64;
const MAX_SIGNED_HEADERS_LENGTH: usize = 4096;

/// A form field, decoded.
type Field<'m> = (Cow<'m, [u8]>, Cow<'m, [u8]>);

/// The signed message of one request.
pub(super) struct Message<'m> {
    pieces: Vec<Piece<'m>>,
}

/// What stands at one place of the message.
enum Piece<'m> {
    Bytes(Cow<'m, [u8]>),
    /// The public URL, of which there may be several forms.
    Url,
    /// Its path.
    Path,
}

impl<'m> Message<'m> {
    /// Gathers what `scheme` signs of `request`, whose headers go by `names`.
    ///
    /// # Errors
    /// A [`Rejection`] if the body would not be covered.
    pub(super) fn new(
        scheme: &'m SignedScheme,
        names: &HeaderNames,
        request: &SignedRequest<'m>,
        timestamp: &'m [u8],
        id: &'m [u8],
    ) -> Result<Self, Rejection> {
        let mut message = Self {
            pieces: Vec::with_capacity(scheme.content.len() + 2),
        };
        for part in &scheme.content {
            match part {
                Part::Literal(text) => message.push(text.as_bytes()),
                Part::Timestamp => message.push(timestamp),
                Part::Id => message.push(id),
                Part::Body => message.push(request.body),
                Part::Method => message.push(request.method.as_bytes()),
                Part::Url => message.push_url(Piece::Url, scheme, request),
                Part::Path => message.push_url(Piece::Path, scheme, request),
                Part::SignedHeaders { list } => message.push_headers(list, names, request)?,
                Part::Segment {
                    before,
                    value,
                    after,
                } => {
                    if let Some(value) = value.of(request)? {
                        message.push(before.as_bytes());
                        message.pieces.push(Piece::Bytes(value));
                        message.push(after.as_bytes());
                    }
                }
                Part::Form { body_hash } => {
                    for (name, value) in form_fields(request, *body_hash)? {
                        message.pieces.push(Piece::Bytes(name));
                        message.pieces.push(Piece::Bytes(value));
                    }
                }
            }
        }
        Ok(message)
    }

    fn push(&mut self, bytes: &'m [u8]) {
        self.pieces.push(Piece::Bytes(Cow::Borrowed(bytes)));
    }

    fn push_url(&mut self, base: Piece<'m>, scheme: &SignedScheme, request: &SignedRequest<'m>) {
        self.pieces.push(base);
        if let Some(query) = request.url_query {
            self.push(b"?");
            let query = match public_url::decode(query, scheme.url.decoded) {
                Cow::Borrowed(query) => Cow::Borrowed(query.as_bytes()),
                Cow::Owned(query) => Cow::Owned(query.into_bytes()),
            };
            self.pieces.push(Piece::Bytes(query));
        }
    }

    /// The headers that the request says are signed (node-apps-toolkit of Contentful, `signRequest`).
    fn push_headers(
        &mut self,
        list: &str,
        names: &HeaderNames,
        request: &SignedRequest<'m>,
    ) -> Result<(), Rejection> {
        let malformed = || Rejection::MalformedSignature {
            header: list.to_owned(),
            expected: format!("at most {MAX_SIGNED_HEADERS} names of headers with commas between"),
        };
        let listed = std::str::from_utf8(request.required_header(list)?)
            .ok()
            .filter(|listed| listed.len() <= MAX_SIGNED_HEADERS_LENGTH)
            .ok_or_else(malformed)?;
        let mut signed: Vec<String> = listed
            .split(',')
            .map(|name| name.trim().to_ascii_lowercase())
            .collect();
        signed.sort_unstable();
        signed.dedup();
        let holds = |name: &str| signed.iter().any(|known| name.eq_ignore_ascii_case(known));
        if signed.len() > MAX_SIGNED_HEADERS || !holds(list) {
            return Err(malformed());
        }
        if names.timestamp.as_deref().is_some_and(|name| !holds(name)) {
            return Err(Rejection::MalformedTimestamp {
                expected: "the timestamp among the signed headers",
            });
        }
        for (place, name) in signed.into_iter().enumerate() {
            if place > 0 {
                self.push(b";");
            }
            let value = request.required_header(&name)?;
            self.pieces
                .push(Piece::Bytes(Cow::Owned(name.into_bytes())));
            self.push(b":");
            self.push(value.trim_ascii());
        }
        Ok(())
    }

    /// Hands the message over piece by piece, with `url` as the form of the public URL.
    pub(super) fn feed(&self, url: &str, sink: &mut dyn FnMut(&[u8])) {
        for piece in &self.pieces {
            match piece {
                Piece::Bytes(bytes) => sink(bytes),
                Piece::Url => sink(url.as_bytes()),
                Piece::Path => sink(public_url::path(url).as_bytes()),
            }
        }
    }

    /// The message in one piece, for keys that read it twice.
    pub(super) fn bytes(&self, url: &str) -> Vec<u8> {
        let mut message = Vec::new();
        self.feed(url, &mut |bytes| message.extend_from_slice(bytes));
        message
    }
}

impl Value {
    fn of<'m>(self, request: &SignedRequest<'m>) -> Result<Option<Cow<'m, [u8]>>, Rejection> {
        Ok(match self {
            Self::Header(name) => request.header(name)?.map(Cow::Borrowed),
            Self::LowerCaseQuery(name) => {
                query_parameter(request.url_query.unwrap_or_default(), name)
                    .map(|value| Cow::Owned(value.to_ascii_lowercase().into_bytes()))
            }
        })
    }
}

impl Part {
    /// The header that this part reads.
    pub(super) fn header(&self) -> Option<&'static str> {
        match self {
            Self::SignedHeaders { list } => Some(list),
            Self::Segment {
                value: Value::Header(name),
                ..
            } => Some(name),
            _ => None,
        }
    }

    /// The query parameter that binds a body which is no form.
    pub(super) fn body_hash(&self) -> Option<&'static str> {
        match self {
            Self::Form { body_hash } => *body_hash,
            _ => None,
        }
    }
}

/// The fields to be signed; none if the body is bound by its hash in the query instead.
fn form_fields<'m>(
    request: &SignedRequest<'m>,
    body_hash: Option<&'static str>,
) -> Result<Vec<Field<'m>>, Rejection> {
    let claimed =
        body_hash.and_then(|name| query_parameter(request.url_query.unwrap_or_default(), name));
    if let Some(claimed) = claimed {
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
