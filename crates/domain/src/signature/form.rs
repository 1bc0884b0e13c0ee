//! Fields of forms and queries.

use std::borrow::Cow;

use super::content::decode_field;

/// The one field of this name in a form or query, decoded; `None` if there is none, or several, or no UTF-8.
pub(super) fn form_field<'t>(text: &'t [u8], name: &str) -> Option<Cow<'t, str>> {
    let mut found = None;
    for piece in text.split(|b| *b == b'&') {
        let at = piece.iter().position(|b| *b == b'=').unwrap_or(piece.len());
        if *decode_field(&piece[..at]) == *name.as_bytes() {
            let value = decode_field(piece.get(at + 1..).unwrap_or_default());
            if found.replace(value).is_some() {
                return None;
            }
        }
    }
    match found? {
        Cow::Borrowed(bytes) => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
        Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
    }
}
