//! Several signatures in one header, and the message ids beside them.

use super::super::{Case, NOW, Request, URL, WHSEC, secret, signed_cases};
use super::{ACCEPTED, check, edit_signature, is_list, is_standard, row};
use crate::signature::{Verification, Verifier};

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
                |c, r| edit_signature(c, r, |v| vec![v; 1000].join(list_syntax(c).0)),
                "too_many_signatures",
            ),
            row(
                "unknown version only",
                is_list,
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
fn list_syntax(case: &Case) -> (&'static str, &'static str) {
    match case.name {
        "stripe" => (",", "v1="),
        "standard-webhooks v1" => (" ", "v1,"),
        _ => (" ", "v1a,"),
    }
}

/// Puts a wrong copy of the first signature before it.
fn with_wrong_first(case: &Case, value: &str) -> String {
    let (delimiter, tag) = list_syntax(case);
    let (before, signature) = value.split_once(tag).unwrap();
    let wrong: String = signature
        .chars()
        .map(|c| {
            if c == 'b' {
                'c'
            } else if c == '1' {
                '2'
            } else {
                c
            }
        })
        .collect();
    assert_ne!(wrong, signature);
    format!("{before}{tag}{wrong}{delimiter}{tag}{signature}")
}

fn with_unreadable_first(case: &Case, value: &str) -> String {
    let (delimiter, tag) = list_syntax(case);
    let (before, signature) = value.split_once(tag).unwrap();
    format!("{before}{tag}?{delimiter} junk {delimiter}{tag}{signature}")
}

fn in_version(case: &Case, value: &str, version: &str) -> String {
    let (_, tag) = list_syntax(case);
    value.replace(tag, &format!("{version}{}", &tag[tag.len() - 1..]))
}

fn of_other_kind(case: &Case) -> String {
    let (tag, length) = if case.name == "standard-webhooks v1" {
        ("v1a", 86)
    } else {
        ("v1", 43)
    };
    format!("{tag},{}", "A".repeat(length))
}

#[test]
fn message_ids() {
    check(
        &[
            row(
                "missing",
                is_standard,
                |_, r| r.remove("webhook-id"),
                "missing_header",
            ),
            row(
                "empty",
                is_standard,
                |_, r| r.set("webhook-id", ""),
                "malformed_id",
            ),
            row(
                "with a dot",
                is_standard,
                |_, r| r.set("webhook-id", "msg_1.1700000000"),
                "malformed_id",
            ),
            row(
                "257 long",
                is_standard,
                |_, r| r.set("webhook-id", "m".repeat(257)),
                "malformed_id",
            ),
            row(
                "changed",
                is_standard,
                |_, r| r.set("webhook-id", "msg_2"),
                "wrong_signature",
            ),
        ],
        &signed_cases(),
    );
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
