//! Headers and parameters that a signature covers by their names.

use super::super::{Case, signed_cases};
use super::{ACCEPTED, Row, check, row};

const LIST: &str = "x-contentful-signed-headers";
const TIMESTAMP: &str = "x-contentful-timestamp";

fn is_contentful(case: &Case) -> bool {
    case.name == "contentful"
}

fn is_mercado_pago(case: &Case) -> bool {
    case.name == "mercado-pago"
}

#[test]
fn signed_headers() {
    let rows = [
        (None, ACCEPTED),
        (
            Some("x-contentful-timestamp,x-contentful-signed-headers"),
            "wrong_signature",
        ),
        (Some("x-contentful-signed-headers"), "malformed_timestamp"),
        (Some("x-contentful-timestamp"), "malformed_signature"),
        (Some(""), "malformed_signature"),
        (
            Some("x-contentful-signed-headers,x-contentful-timestamp,content-type"),
            "wrong_signature",
        ),
        (
            Some("x-contentful-signed-headers,x-contentful-timestamp,x-absent"),
            "missing_header",
        ),
    ];
    let cases = signed_cases();
    let contentful = cases.iter().find(|case| is_contentful(case)).unwrap();
    for (list, code) in rows {
        let mut request = contentful.genuine();
        if let Some(list) = list {
            request.set(LIST, list);
        }
        let outcome = contentful.verify(&request);
        let told = outcome.map_or_else(|rejection| rejection.code(), |_| ACCEPTED);
        assert_eq!(told, code, "{list:?}");
    }
    let tampered: [Row; 3] = [
        row(
            "no list",
            is_contentful,
            |_, r| r.remove(LIST),
            "missing_header",
        ),
        row(
            "a hundred names",
            is_contentful,
            |_, r| {
                let many: Vec<String> = (0..100).map(|n| format!("x-{n}")).collect();
                r.set(LIST, format!("{LIST},{TIMESTAMP},{}", many.join(",")));
            },
            "malformed_signature",
        ),
        row(
            "64 KiB of names",
            is_contentful,
            |_, r| r.set(LIST, "x,".repeat(32_768)),
            "malformed_signature",
        ),
    ];
    check(&tampered, &signed_cases());
}

#[test]
fn segments_are_signed_where_they_are_there() {
    check(
        &[
            row(
                "a header added",
                is_mercado_pago,
                |_, r| r.set("x-request-id", "req-2"),
                "wrong_signature",
            ),
            row(
                "a parameter added",
                is_mercado_pago,
                |_, r| r.query = Some("data.id=1".to_owned()),
                "wrong_signature",
            ),
            row(
                "a parameter that is not signed",
                is_mercado_pago,
                |_, r| r.query = Some("topic=payment".to_owned()),
                ACCEPTED,
            ),
        ],
        &signed_cases(),
    );
}
