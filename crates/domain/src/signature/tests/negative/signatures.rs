//! The signature header.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::super::{Case, signed_cases};
use super::{
    ACCEPTED, add, all, check, edit_signature, is_bare_base64, is_hex, is_one_signature,
    is_prefixed, row,
};

#[test]
fn signature_headers() {
    check(
        &[
            row(
                "missing",
                all,
                |c, r| r.remove(c.signature_header),
                "missing_header",
            ),
            row(
                "empty",
                all,
                |c, r| r.set(c.signature_header, ""),
                "malformed_signature",
            ),
            row(
                "twice, different",
                all,
                |c, r| add(r, c.signature_header, "x"),
                "duplicate_header",
            ),
            row(
                "twice, equal",
                all,
                |c, r| {
                    add(
                        r,
                        &c.signature_header.to_lowercase(),
                        &r.get(c.signature_header),
                    );
                },
                ACCEPTED,
            ),
            row(
                "not UTF-8",
                all,
                |c, r| r.set(c.signature_header, b"\xff\xfe\0".to_vec()),
                "malformed_signature",
            ),
            row(
                "no prefix",
                is_prefixed,
                |c, r| edit_signature(c, r, |v| v[c.prefix().len()..].to_owned()),
                "malformed_signature",
            ),
            row(
                "wrong prefix",
                is_prefixed,
                |c, r| edit_signature(c, r, |v| format!("md5={}", &v[c.prefix().len()..])),
                "malformed_signature",
            ),
            row(
                "truncated",
                all,
                |c, r| edit_signature(c, r, |v| v[..v.len() - 8].to_owned()),
                "malformed_signature",
            ),
            row(
                "a digit too long",
                is_hex,
                |c, r| edit_signature(c, r, |v| format!("{v}0")),
                "malformed_signature",
            ),
            row(
                "a byte too long",
                is_hex,
                |c, r| edit_signature(c, r, |v| format!("{v}00")),
                "malformed_signature",
            ),
            row(
                "64 KiB long",
                is_one_signature,
                |c, r| edit_signature(c, r, |v| v.repeat(1000)),
                "malformed_signature",
            ),
            row(
                "not hex",
                is_hex,
                |c, r| edit_signature(c, r, |v| format!("{}zz", &v[..v.len() - 2])),
                "malformed_signature",
            ),
            row(
                "not base64",
                is_bare_base64,
                |c, r| edit_signature(c, r, |v| format!("!{}", &v[1..])),
                "malformed_signature",
            ),
            row(
                "right MAC as hex",
                is_bare_base64,
                |c, r| edit_signature(c, r, to_hex),
                "malformed_signature",
            ),
            row(
                "right MAC as base64",
                is_hex,
                |c, r| edit_signature(c, r, |v| to_base64(c, v)),
                "malformed_signature",
            ),
            row(
                "upper-case hex",
                is_hex,
                |c, r| edit_signature(c, r, |v| upper_digits(c, v)),
                ACCEPTED,
            ),
            row(
                "another digit",
                is_hex,
                |c, r| edit_signature(c, r, other_digit),
                "wrong_signature",
            ),
            row(
                "another signature",
                is_bare_base64,
                |c, r| edit_signature(c, r, other_base64),
                "wrong_signature",
            ),
        ],
        &signed_cases(),
    );
}

fn to_hex(value: &str) -> String {
    hex::encode(STANDARD.decode(value).unwrap())
}

/// What stands before the digits, and the digits.
fn split_digits<'v>(case: &Case, value: &'v str) -> (&'v str, &'v str) {
    value.split_at(value.len() - 2 * case.signed().digest.length())
}

fn to_base64(case: &Case, value: &str) -> String {
    let (before, digits) = split_digits(case, value);
    format!("{before}{}", STANDARD.encode(hex::decode(digits).unwrap()))
}

fn upper_digits(case: &Case, value: &str) -> String {
    let (before, digits) = split_digits(case, value);
    format!("{before}{}", digits.to_uppercase())
}

fn other_digit(value: &str) -> String {
    let other = if value.ends_with('0') { '1' } else { '0' };
    format!("{}{other}", &value[..value.len() - 1])
}

fn other_base64(value: &str) -> String {
    let other = if value.starts_with('A') { 'B' } else { 'A' };
    format!("{other}{}", &value[1..])
}
