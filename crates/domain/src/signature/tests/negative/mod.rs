//! A genuine request of every scheme, tampered with in every way of facts webhooks 3.6.

mod bodies;
mod credentials;
mod lists;
mod named_parts;
mod signatures;
mod timestamps;
mod urls;

use super::{Case, JSON, Request, Stamp};
use crate::signature::{Encoding, Format, KeyForm, Part, Rejection};

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

fn is_json_body(case: &Case) -> bool {
    case.content_type == JSON
}

fn covers_body(case: &Case) -> bool {
    case.covers_body()
}

fn covers_json(case: &Case) -> bool {
    is_json_body(case) && covers_body(case)
}

fn is_hex(case: &Case) -> bool {
    case.signed().encoding == Encoding::Hex
}

fn is_bare_base64(case: &Case) -> bool {
    let scheme = case.signed();
    let is_bare = matches!(&scheme.format, Format::Plain { prefix, .. } if prefix.is_empty());
    scheme.encoding == Encoding::Base64 && is_bare
}

fn is_prefixed(case: &Case) -> bool {
    !case.prefix().is_empty()
}

fn is_list(case: &Case) -> bool {
    !matches!(case.signed().format, Format::Plain { .. })
}

/// A list whose items have names.
fn is_versioned(case: &Case) -> bool {
    is_list(case) && !matches!(case.signed().format, Format::Positional { .. })
}

/// Signed with either kind of key.
fn is_standard(case: &Case) -> bool {
    case.signed().key == KeyForm::Standard
}

fn signs_id(case: &Case) -> bool {
    case.holds(&Part::Id)
}

fn stands_in_header(case: &Case) -> bool {
    matches!(case.stamp, Stamp::Header(_))
}

fn stands_in_list(case: &Case) -> bool {
    matches!(case.stamp, Stamp::Listed(_))
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
