//! The URL and the form, where they are signed.

use super::super::{Case, JSON, Request, secret, signed_cases};
use super::{ACCEPTED, all, check, is_twilio, row};
use crate::signature::Signer;

#[test]
fn urls_and_forms() {
    let spoof = |_: &Case, r: &mut Request| {
        r.set("Host", "evil.test");
        r.set("X-Forwarded-Host", "evil.test");
        r.set("X-Forwarded-Proto", "http");
    };
    let signs_url = |c: &Case| signs_method(c) || is_twilio(c);
    check(
        &[
            row("Host spoofed", all, spoof, ACCEPTED),
            row(
                "query added",
                signs_method,
                |_, r| r.query = Some("a=1".to_owned()),
                "wrong_signature",
            ),
            row(
                "query extended",
                is_twilio,
                |_, r| r.query = Some(format!("{}&a=1", r.query.clone().unwrap_or_default())),
                "wrong_signature",
            ),
            row(
                "method changed",
                signs_method,
                |_, r| r.method = "PUT",
                "wrong_signature",
            ),
            row(
                "form said to be JSON",
                |c| c.name == "twilio form",
                |_, r| r.set("content-type", JSON),
                "unsigned_body",
            ),
            row(
                "form of no type",
                |c| c.name == "twilio form",
                |_, r| r.remove("content-type"),
                "unsigned_body",
            ),
            row(
                "hash of the body removed",
                |c| c.name == "twilio json",
                |_, r| r.query = None,
                "unsigned_body",
            ),
            row(
                "form field added",
                |c| c.name == "twilio form",
                |_, r| r.body.extend(b"&a=b"),
                "wrong_signature",
            ),
            row(
                "form reordered",
                |c| c.name == "twilio form",
                |_, r| r.body = b"Empty=&From=%2B14158675309&Body=hi%20there".to_vec(),
                ACCEPTED,
            ),
        ],
        &signed_cases(),
    );
    for case in signed_cases() {
        let elsewhere = Signer::new(
            &case.verification,
            Some(&secret(case.sender_secret)),
            "https://evil.test/in/wh_in_1",
        );
        let request = Request::post(case.content_type, case.body).signed(&elsewhere.unwrap());
        assert_eq!(
            case.verify(&request).is_err(),
            signs_url(&case),
            "{}: signed for another URL",
            case.name
        );
    }
}

fn signs_method(case: &Case) -> bool {
    ["hubspot-v3", "hmac-sha256 templated"].contains(&case.name)
}
