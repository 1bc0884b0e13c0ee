//! Tokens and passwords, and sources without either.

use super::super::{Case, JSON, NOW, Request, URL, credential_cases};
use super::{ACCEPTED, add, all, check, edit_signature, row};
use crate::signature::{Scheme, Signer, Trust, Verification, Verifier};

#[test]
fn credentials() {
    let is_basic = |c: &Case| matches!(c.scheme(), Scheme::Basic(_));
    let is_token = |c: &Case| matches!(c.scheme(), Scheme::Token(_));
    let is_prefixed = |c: &Case| matches!(c.scheme(), Scheme::Token(t) if !t.prefix.is_empty());
    let takes_any_user = |c: &Case| matches!(c.scheme(), Scheme::Basic(b) if b.username.is_none());
    check(
        &[
            row(
                "missing",
                all,
                |c, r| r.remove(c.signature_header),
                "missing_header",
            ),
            row(
                "twice, different",
                all,
                |c, r| add(r, c.signature_header, "x"),
                "duplicate_header",
            ),
            row(
                "empty",
                is_token,
                |c, r| r.set(c.signature_header, ""),
                "wrong_credentials",
            ),
            row(
                "one byte more",
                is_token,
                |c, r| edit_signature(c, r, |v| format!("{v}x")),
                "wrong_credentials",
            ),
            row(
                "one byte less",
                is_token,
                |c, r| edit_signature(c, r, |v| v[..v.len() - 1].to_owned()),
                "wrong_credentials",
            ),
            row(
                "no prefix",
                is_prefixed,
                |c, r| r.set(c.signature_header, "shh-current"),
                "wrong_credentials",
            ),
            row(
                "another scheme",
                is_basic,
                |c, r| edit_signature(c, r, |v| v.replace("Basic", "Bearer")),
                "malformed_credentials",
            ),
            row(
                "scheme in lower case",
                is_basic,
                |c, r| edit_signature(c, r, |v| v.replace("Basic", "basic")),
                ACCEPTED,
            ),
            row(
                "not base64",
                is_basic,
                |c, r| r.set(c.signature_header, "Basic !!"),
                "malformed_credentials",
            ),
            row(
                "no colon",
                is_basic,
                |c, r| r.set(c.signature_header, "Basic Y3Jt"),
                "malformed_credentials",
            ),
            row(
                "64 KiB",
                is_basic,
                |c, r| r.set(c.signature_header, format!("Basic {}", "A".repeat(65_536))),
                "malformed_credentials",
            ),
            // `crm:` and `other:shh-current`
            row(
                "no password",
                is_basic,
                |c, r| r.set(c.signature_header, "Basic Y3JtOg=="),
                "wrong_credentials",
            ),
            row(
                "another user",
                |c| c.name == "basic named",
                |c, r| r.set(c.signature_header, "Basic b3RoZXI6c2hoLWN1cnJlbnQ="),
                "wrong_credentials",
            ),
            row(
                "any user",
                takes_any_user,
                |c, r| r.set(c.signature_header, "Basic b3RoZXI6c2hoLWN1cnJlbnQ="),
                ACCEPTED,
            ),
        ],
        &credential_cases(),
    );
}

#[test]
fn nothing_is_asked_of_an_unsigned_source() {
    let none = Verification::of("none");
    let verifier = Verifier::new(&none, &[], URL).unwrap();
    let request = Request::post(JSON, "x");
    let verified = verifier.verify(&request.parts(), NOW).unwrap();
    assert_eq!((verified.trust, verified.key_id), (Trust::Unsigned, None));
    let signature = Signer::new(&none, None, URL)
        .unwrap()
        .sign(&request.parts(), NOW, "m")
        .unwrap();
    assert_eq!(signature.headers, []);
}
