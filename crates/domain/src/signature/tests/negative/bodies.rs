//! The body.

use super::super::{FORM, NOW, Request, signed_cases};
use super::{ACCEPTED, all, check, is_json_body, row};

#[test]
fn bodies() {
    check(
        &[
            row(
                "one byte changed",
                all,
                |_, r| r.body[0] ^= 1,
                "wrong_signature",
            ),
            row(
                "trailing newline",
                all,
                |_, r| r.body.push(b'\n'),
                "wrong_signature",
            ),
            row(
                "a byte removed",
                is_json_body,
                |_, r| r.body.truncate(r.body.len() - 1),
                "wrong_signature",
            ),
            row("emptied", all, |_, r| r.body.clear(), "wrong_signature"),
            row(
                "byte order mark",
                all,
                |_, r| drop(r.body.splice(0..0, *b"\xef\xbb\xbf")),
                "wrong_signature",
            ),
            row("NUL", all, |_, r| r.body.push(0), "wrong_signature"),
            row(
                "invalid UTF-8",
                all,
                |_, r| r.body.push(0xff),
                "wrong_signature",
            ),
            row(
                "JSON with spaces",
                is_json_body,
                |_, r| edit_body(r, |b| b.replace(':', ": ")),
                "wrong_signature",
            ),
            row(
                "JSON keys reordered",
                is_json_body,
                |_, r| edit_body(r, |_| r#"{"data":{"amount":10},"id":"evt_1"}"#.to_owned()),
                "wrong_signature",
            ),
            row(
                "JSON escaped",
                is_json_body,
                |_, r| edit_body(r, |b| b.replace("evt", "\\u0065vt")),
                "wrong_signature",
            ),
            row(
                "content type of a form",
                is_json_body,
                |_, r| r.set("content-type", FORM),
                ACCEPTED,
            ),
        ],
        &signed_cases(),
    );
}

fn edit_body(request: &mut Request, edit: impl Fn(&str) -> String) {
    request.body = edit(std::str::from_utf8(&request.body).unwrap()).into_bytes();
}

/// Bodies that a JSON or UTF-8 reader would stumble over are signed and verified like any other.
#[test]
fn odd_bodies_are_bytes_like_any_other() {
    for case in signed_cases() {
        for body in [
            &b""[..],
            b"\xef\xbb\xbf{}",
            b"\0",
            b"\xff\xfe",
            b"not json",
            b"a=b&a=c&&=&%zz=+",
        ] {
            let request = Request::post(case.content_type, body).signed(&case.signer());
            assert!(case.verify(&request).is_ok(), "{}: {body:?}", case.name);
        }
    }
}

/// Every single bit, where the body is signed as it stands (Twilio signs what a form says, not how it is written).
#[test]
fn a_flipped_bit_is_noticed() {
    for case in signed_cases()
        .iter()
        .filter(|case| case.name != "twilio form")
    {
        let verifier = case.verifier();
        let mut request = case.genuine();
        for bit in 0..request.body.len() * 8 {
            request.body[bit / 8] ^= 1 << (bit % 8);
            let rejection = verifier.verify(&request.parts(), NOW).unwrap_err();
            assert_eq!(
                rejection.code(),
                "wrong_signature",
                "{} bit {bit}",
                case.name
            );
            request.body[bit / 8] ^= 1 << (bit % 8);
        }
    }
}
