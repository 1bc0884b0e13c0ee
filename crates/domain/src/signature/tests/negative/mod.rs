//! A genuine request of every scheme, tampered with in every way of facts webhooks 3.6.

mod bodies;
mod credentials;
mod lists;
mod signatures;
mod timestamps;
mod urls;

use super::{Case, JSON, Rejection, Request};

/// One way to tamper, and the code of the rejection; `accepted` where it does no harm.
struct Row {
    name: &'static str,
    applies: fn(&Case) -> bool,
    tamper: fn(&Case, &mut Request),
    code: &'static str,
}

const ACCEPTED: &str = "accepted";

fn row(
    name: &'static str,
    applies: fn(&Case) -> bool,
    tamper: fn(&Case, &mut Request),
    code: &'static str,
) -> Row {
    Row {
        name,
        applies,
        tamper,
        code,
    }
}

fn check(rows: &[Row], cases: &[Case]) {
    for case in cases {
        assert!(
            case.verify(&case.genuine()).is_ok(),
            "{}: the genuine request",
            case.name
        );
    }
    for row in rows {
        let applicable: Vec<&Case> = cases.iter().filter(|case| (row.applies)(case)).collect();
        assert!(!applicable.is_empty(), "{} applies to nothing", row.name);
        for case in applicable {
            let mut request = case.genuine();
            (row.tamper)(case, &mut request);
            let outcome = case.verify(&request);
            let code = outcome.as_ref().map_or_else(Rejection::code, |_| ACCEPTED);
            assert_eq!(code, row.code, "{}: {}", case.name, row.name);
        }
    }
}

fn all(_: &Case) -> bool {
    true
}

fn is_timed(case: &Case) -> bool {
    case.is_timed()
}

fn is_json_body(case: &Case) -> bool {
    case.content_type == JSON
}

fn is_hex(case: &Case) -> bool {
    ["hmac-sha256", "github", "stripe", "slack"].contains(&case.name)
}

fn is_bare_base64(case: &Case) -> bool {
    [
        "shopify",
        "hubspot-v3",
        "zendesk",
        "twilio form",
        "twilio json",
    ]
    .contains(&case.name)
}

fn is_prefixed(case: &Case) -> bool {
    ["github", "slack", "hmac-sha256 templated"].contains(&case.name)
}

fn is_list(case: &Case) -> bool {
    ["stripe", "standard-webhooks v1", "standard-webhooks v1a"].contains(&case.name)
}

fn is_standard(case: &Case) -> bool {
    case.name.starts_with("standard-webhooks")
}

fn is_twilio(case: &Case) -> bool {
    case.name.starts_with("twilio")
}

fn is_one_signature(case: &Case) -> bool {
    !is_list(case)
}

fn edit_signature(case: &Case, request: &mut Request, edit: impl Fn(&str) -> String) {
    let value = request.get(case.signature_header);
    request.set(case.signature_header, edit(&value));
}

/// Adds a header beside one that may be there.
fn add(request: &mut Request, name: &str, value: &str) {
    request
        .headers
        .push((name.to_owned(), value.as_bytes().to_vec()));
}
