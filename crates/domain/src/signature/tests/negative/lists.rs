//! Several signatures in one header, and the message ids beside them.

use super::super::{Case, NOW, Request, URL, WHSEC, secret, signed_cases};
use super::{ACCEPTED, check, edit_signature, is_list, is_standard, is_versioned, row, signs_id};
use crate::signature::{Format, MoreSignatures, Verification, Verifier};

#[test]
fn several_signatures() {
    check(
        &[
            row(
                "wrong, then right",
                is_list,
                |c, r| edit_signature(c, r, |v| with_wrong_first(c, v)),
                ACCEPTED,
            ),
            row(
                "unreadable, then right",
                is_list,
                |c, r| edit_signature(c, r, |v| with_unreadable_first(c, v)),
                ACCEPTED,
            ),
            row(
                "1000",
                is_list,
                |c, r| edit_signature(c, r, |v| vec![v; 1000].join(&list_syntax(c).0)),
                "too_many_signatures",
            ),
            row(
                "unknown version only",
                is_versioned,
                |c, r| edit_signature(c, r, |v| in_version(c, v, "v9")),
                "unknown_version",
            ),
            row(
                "of another kind of key",
                is_standard,
                |c, r| r.set(c.signature_header, of_other_kind(c)),
                "unknown_version",
            ),
        ],
        &signed_cases(),
    );
}

/// The delimiter of a list, and the name of its signatures with the separator.
fn list_syntax(case: &Case) -> (String, String) {
    match case.signed().format {
        Format::Plain { .. } => panic!("{} is no list", case.name),
        Format::Pairs {
            signature,
            delimiter,
            ..
        } => (char::from(delimiter).to_string(), format!("{signature}=")),
        Format::Tagged { .. } if case.name.ends_with("v1a") => (" ".to_owned(), "v1a,".to_owned()),
        Format::Tagged { .. } => (" ".to_owned(), "v1,".to_owned()),
        Format::Positional { delimiter } => {
            let delimiter = char::from(delimiter).to_string();
            (delimiter.clone(), delimiter)
        }
    }
}

/// Puts a wrong copy of the first signature before it.
fn with_wrong_first(case: &Case, value: &str) -> String {
    let (delimiter, tag) = list_syntax(case);
    let (before, signature) = value.split_once(&tag).unwrap();
    let other = if signature.starts_with('0') { '1' } else { '0' };
    let wrong = format!("{other}{}", &signature[1..]);
    format!("{before}{tag}{wrong}{delimiter}{tag}{signature}")
}

fn with_unreadable_first(case: &Case, value: &str) -> String {
    let (delimiter, tag) = list_syntax(case);
    let (before, signature) = value.split_once(&tag).unwrap();
    format!("{before}{tag}?{delimiter} junk {delimiter}{tag}{signature}")
}

fn in_version(case: &Case, value: &str, version: &str) -> String {
    let (_, tag) = list_syntax(case);
    value.replace(&tag, &format!("{version}{}", &tag[tag.len() - 1..]))
}

fn of_other_kind(case: &Case) -> String {
    let (tag, length) = if case.name.ends_with("v1a") {
        ("v1", 43)
    } else {
        ("v1a", 86)
    };
    format!("{tag},{}", "A".repeat(length))
}

/// Where a sender signs under each of its secrets in a header of its own, any of them will do.
#[test]
fn several_headers() {
    let further = |case: &Case| match case.signed().headers[0].more {
        MoreSignatures::None => None,
        MoreSignatures::Named(name) => Some(name.to_owned()),
        MoreSignatures::Numbered { prefix, last } => Some(format!("{prefix}{last}")),
    };
    let cases = signed_cases();
    let several: Vec<_> = cases
        .iter()
        .filter(|case| further(case).is_some())
        .collect();
    assert_eq!(several.len(), 3);
    for case in several {
        let genuine = case.genuine();
        let (first, further) = (case.signature_header, further(case).unwrap());
        let right = genuine.get(first);
        for beside in [None, Some("?"), Some(""), Some(&*"A".repeat(43))] {
            let mut request = genuine.clone();
            request.remove(first);
            request.set(&further, right.clone());
            if let Some(beside) = beside {
                request.set(first, beside);
            }
            let outcome = case.verify(&request);
            let told = outcome.map_or_else(|rejection| rejection.code(), |_| ACCEPTED);
            assert_eq!(told, ACCEPTED, "{}: {beside:?}", case.name);
        }
        let mut wrong = genuine.clone();
        wrong.set(first, "A".repeat(43));
        wrong.set(&further, "?");
        assert_eq!(case.verify(&wrong).unwrap_err().code(), "wrong_signature");
        let mut twice = genuine.with(&further, right.clone());
        twice.headers.push((further, b"?".to_vec()));
        assert_eq!(case.verify(&twice).unwrap_err().code(), "duplicate_header");
    }
}

#[test]
fn message_ids() {
    check(
        &[
            row(
                "missing",
                signs_id,
                |c, r| r.remove(&id_header(c)),
                "missing_header",
            ),
            row(
                "empty",
                signs_id,
                |c, r| r.set(&id_header(c), ""),
                "malformed_id",
            ),
            row(
                "with a dot",
                signs_id,
                |c, r| r.set(&id_header(c), "msg_1.1700000000"),
                "malformed_id",
            ),
            row(
                "257 long",
                signs_id,
                |c, r| r.set(&id_header(c), "m".repeat(257)),
                "malformed_id",
            ),
            row(
                "changed",
                signs_id,
                |c, r| r.set(&id_header(c), "msg_2"),
                "wrong_signature",
            ),
        ],
        &signed_cases(),
    );
}

fn id_header(case: &Case) -> String {
    case.signed().headers[0].id.clone().unwrap().into_owned()
}

/// The id that counts is the signed one: an unsigned one of the other family would let a replay pass as new.
#[test]
fn the_id_of_another_family_is_not_taken() {
    let of_webhook = signed_cases()
        .into_iter()
        .find(is_standard)
        .unwrap()
        .genuine();
    let rename =
        |(name, value): &(String, Vec<u8>)| (name.replace("webhook-", "svix-"), value.clone());
    let of_svix = Request {
        headers: of_webhook.headers.iter().map(rename).collect(),
        ..of_webhook
    };
    let replayed = of_svix.with("webhook-id", "msg_fresh");
    let verifier = Verifier::new(
        &Verification::of("standard-webhooks"),
        &[secret(WHSEC)],
        URL,
    )
    .unwrap();
    let verified = verifier.verify(&replayed.parts(), NOW).unwrap();
    assert_eq!(verified.message_id, Some("msg_1"));
}
