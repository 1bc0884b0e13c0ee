//! The URL and the form, where they are signed.

use super::super::{Case, FORM, JSON, Request, secret, signed_cases};
use super::{ACCEPTED, all, check, row};
use crate::signature::{Part, Signer};

#[test]
fn urls_and_forms() {
    let spoof = |_: &Case, r: &mut Request| {
        r.set("Host", "evil.test");
        r.set("X-Forwarded-Host", "evil.test");
        r.set("X-Forwarded-Proto", "http");
    };
    let signs_url = |c: &Case| c.signs_url();
    check(
        &[
            row("Host spoofed", all, spoof, ACCEPTED),
            row(
                "query extended",
                signs_url,
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
                is_form,
                |_, r| r.set("content-type", JSON),
                "unsigned_body",
            ),
            row(
                "form of no type",
                is_form,
                |_, r| r.remove("content-type"),
                "unsigned_body",
            ),
            row(
                "hash of the body removed",
                |c| c.name == "twilio",
                |_, r| r.query = None,
                "unsigned_body",
            ),
            row(
                "form field added",
                is_form,
                |_, r| r.body.extend(b"&a=b"),
                "wrong_signature",
            ),
            row(
                "form reordered",
                is_form,
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
            "https://evil.test/in/wh_in_2",
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
    case.holds(&Part::Method)
}

fn is_form(case: &Case) -> bool {
    case.signs_form() && case.content_type == FORM
}
