//! The ways in which a secret is written.

use base64::{
    Engine,
    engine::{
        GeneralPurpose,
        general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD},
    },
};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_encode};

/// The shortest piece of base64 that is looked for inside of a longer one, in characters.
const MIN_PIECE: usize = 8;

/// RFC 3986 2.3: all but the unreserved characters.
const UNRESERVED: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// JavaScript's `encodeURIComponent`.
const COMPONENT: AsciiSet = UNRESERVED
    .remove(b'!')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// The URL standard's form encoding, where a space becomes `+`.
const FORM: AsciiSet = UNRESERVED.remove(b'*').add(b'~').remove(b' ');

/// The URL standard's query: nearly everything stays as it is.
const QUERY: AsciiSet = CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>');

/// The URL standard's path.
const PATH: AsciiSet = QUERY.add(b'?').add(b'^').add(b'`').add(b'{').add(b'}');

/// Every spelling of `secret` that is looked for, itself included; some more than once.
pub(super) fn all(secret: &[u8]) -> Vec<Vec<u8>> {
    let mut spellings = vec![
        secret.to_vec(),
        hex::encode(secret).into_bytes(),
        hex::encode_upper(secret).into_bytes(),
    ];
    spellings.extend(base64(secret));
    spellings.extend(percent(secret));
    if let Ok(text) = std::str::from_utf8(secret) {
        spellings.extend(json(text));
    }
    spellings
}

fn base64(secret: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let whole = [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD]
        .map(|engine| engine.encode(secret).into_bytes());
    let pieces = [STANDARD_NO_PAD, URL_SAFE_NO_PAD]
        .into_iter()
        .flat_map(|engine| (0..3).map(move |offset| base64_piece(secret, &engine, offset)))
        .filter(|piece| piece.len() >= MIN_PIECE);
    whole.into_iter().chain(pieces.collect::<Vec<_>>())
}

/// The characters of base64 that only `secret` decides when it starts `offset` bytes after a
/// multiple of three inside of a longer text: the first and the last may mix with others.
fn base64_piece(secret: &[u8], engine: &GeneralPurpose, offset: usize) -> Vec<u8> {
    let mut padded = vec![0; offset];
    padded.extend_from_slice(secret);
    let first = (offset * 8).div_ceil(6);
    let end = padded.len() * 8 / 6;
    let encoded = engine.encode(&padded).into_bytes();
    encoded[first..end].to_vec()
}

fn percent(secret: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    const SETS: [&AsciiSet; 5] = [NON_ALPHANUMERIC, &UNRESERVED, &COMPONENT, &QUERY, &PATH];
    let encoded = SETS.map(|set| percent_encode(secret, set).to_string());
    let form = percent_encode(secret, &FORM).to_string().replace(' ', "+");
    encoded.into_iter().chain([form]).flat_map(|upper| {
        let upper = upper.into_bytes();
        [recase(&upper, b"%", 2, u8::to_ascii_lowercase), upper]
    })
}

fn json(secret: &str) -> impl Iterator<Item = Vec<u8>> {
    let quoted = serde_json::Value::from(secret).to_string();
    let plain = quoted[1..quoted.len() - 1].to_owned();
    let slashes = plain.replace('/', "\\/");
    let ascii = escape_non_ascii(&plain, "");
    let html = escape_non_ascii(&plain, "<>&'");
    let ascii_slashes = ascii.replace('/', "\\/");
    [plain, slashes, ascii, ascii_slashes, html]
        .into_iter()
        .flat_map(|text| {
            let lower = text.into_bytes();
            [recase(&lower, b"\\u", 4, u8::to_ascii_uppercase), lower]
        })
}

/// `text` with `\u` escapes, in lower case, for what is not ASCII and for `also`.
fn escape_non_ascii(text: &str, also: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        if c.is_ascii() && !also.contains(c) {
            escaped.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                escaped.push_str("\\u");
                escaped.push_str(&hex::encode(unit.to_be_bytes()));
            }
        }
    }
    escaped
}

/// `text` with the `digits` after each `introducer` in the other case.
fn recase(text: &[u8], introducer: &[u8], digits: usize, case: fn(&u8) -> u8) -> Vec<u8> {
    let mut text = text.to_vec();
    let mut at = 0;
    while at < text.len() {
        if !text[at..].starts_with(introducer) {
            at += 1;
            continue;
        }
        let start = (at + introducer.len()).min(text.len());
        at = (start + digits).min(text.len());
        for digit in &mut text[start..at] {
            *digit = case(digit);
        }
    }
    text
}
