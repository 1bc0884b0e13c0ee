//! The body.

use super::super::{Case, FORM, NOW, Request, Stamp, signed_cases};
use super::{ACCEPTED, check, covers_body, covers_json, is_json_body, row};

#[test]
fn bodies() {
    check(
        &[
            row(
                "one byte changed",
                covers_body,
                |_, r| r.body[0] ^= 1,
                "wrong_signature",
            ),
            row(
                "trailing newline",
                covers_body,
                |_, r| r.body.push(b'\n'),
                "wrong_signature",
            ),
            row(
                "a byte removed",
                covers_json,
                |_, r| r.body.truncate(r.body.len() - 1),
                "wrong_signature",
            ),
            row(
                "emptied",
                covers_body,
                |_, r| r.body.clear(),
                "wrong_signature",
            ),
            row(
                "byte order mark",
                covers_body,
                |_, r| drop(r.body.splice(0..0, *b"\xef\xbb\xbf")),
                "wrong_signature",
            ),
            row("NUL", covers_body, |_, r| r.body.push(0), "wrong_signature"),
            row(
                "invalid UTF-8",
                covers_body,
                |_, r| r.body.push(0xff),
                "wrong_signature",
            ),
            row(
                "JSON with spaces",
                covers_json,
                |_, r| edit_body(r, |b| b.replace(':', ": ")),
                "wrong_signature",
            ),
            row(
                "JSON keys reordered",
                covers_json,
                |_, r| {
                    edit_body(r, |_| {
                        r#"{"data":{"amount":10},"id":"evt_1","webhookTimestamp":1700000000000}"#
                            .to_owned()
                    });
                },
                "wrong_signature",
            ),
            row(
                "JSON escaped",
                covers_json,
                |_, r| edit_body(r, |b| b.replace("evt", "\\u0065vt")),
                "wrong_signature",
            ),
            row(
                "content type of a form",
                is_json_body,
                |_, r| r.set("content-type", FORM),
                ACCEPTED,
            ),
            row(
                "changed where it is not signed",
                |c| !c.covers_body(),
                |_, r| r.body[0] ^= 1,
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
    let any_body = |case: &Case| !matches!(case.stamp, Stamp::Body(_));
    for case in signed_cases().into_iter().filter(any_body) {
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

/// Every single bit, where the body is signed as it stands and not what a form in it says.
#[test]
fn a_flipped_bit_is_noticed() {
    for case in signed_cases().iter().filter(|case| covers_json(case)) {
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
