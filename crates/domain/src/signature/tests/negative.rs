//! A genuine request of every scheme, tampered with in every way of facts webhooks 3.6.

use super::{Case, JSON, NOW, Request, SECOND, URL, credential_cases, secret, signed_cases};
use crate::signature::{Signer, Verifier};

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
            let code = outcome
                .as_ref()
                .map_or_else(|rejection| rejection.code(), |_| ACCEPTED);
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

/// The delimiter of a list, and the name of its signatures with the separator.
fn list_syntax(case: &Case) -> (&'static str, &'static str) {
    match case.name {
        "stripe" => (",", "v1="),
        "standard-webhooks v1" => (" ", "v1,"),
        _ => (" ", "v1a,"),
    }
}

fn edit_signature(case: &Case, request: &mut Request, edit: impl Fn(&str) -> String) {
    let value = request.get(case.signature_header);
    request.set(case.signature_header, edit(&value));
}

fn edit_body(request: &mut Request, edit: impl Fn(&str) -> String) {
    request.body = edit(std::str::from_utf8(&request.body).unwrap()).into_bytes();
}

/// Replaces the timestamp, wherever it stands.
fn set_timestamp(case: &Case, request: &mut Request, timestamp: &str) {
    if case.name == "stripe" {
        edit_signature(case, request, |value| {
            value.replacen("t=1700000000", &format!("t={timestamp}"), 1)
        });
    } else {
        request.set(case.timestamp_header.unwrap(), timestamp);
    }
}

#[test]
fn signature_headers() {
    check(
        &[
            row(
                "missing",
                all,
                |c, r| r.remove(c.signature_header),
                "missing_header",
            ),
            row(
                "empty",
                all,
                |c, r| r.set(c.signature_header, ""),
                "malformed_signature",
            ),
            row(
                "twice, different",
                all,
                |c, r| {
                    r.headers
                        .push((c.signature_header.to_owned(), b"x".to_vec()))
                },
                "duplicate_header",
            ),
            row(
                "twice, equal",
                all,
                |c, r| {
                    r.headers.push((
                        c.signature_header.to_lowercase(),
                        r.get(c.signature_header).into_bytes(),
                    ))
                },
                ACCEPTED,
            ),
            row(
                "not UTF-8",
                all,
                |c, r| r.set(c.signature_header, b"\xff\xfe\0".to_vec()),
                "malformed_signature",
            ),
            row(
                "no prefix",
                is_prefixed,
                |c, r| edit_signature(c, r, |v| v.split_once('=').unwrap().1.to_owned()),
                "malformed_signature",
            ),
            row(
                "wrong prefix",
                is_prefixed,
                |c, r| edit_signature(c, r, |v| format!("md5={}", v.split_once('=').unwrap().1)),
                "malformed_signature",
            ),
            row(
                "truncated",
                all,
                |c, r| edit_signature(c, r, |v| v[..v.len() - 8].to_owned()),
                "malformed_signature",
            ),
            row(
                "a digit too long",
                is_hex,
                |c, r| edit_signature(c, r, |v| format!("{v}0")),
                "malformed_signature",
            ),
            row(
                "a byte too long",
                is_hex,
                |c, r| edit_signature(c, r, |v| format!("{v}00")),
                "malformed_signature",
            ),
            row(
                "64 KiB long",
                is_one_signature,
                |c, r| edit_signature(c, r, |v| v.repeat(1000)),
                "malformed_signature",
            ),
            row(
                "not hex",
                is_hex,
                |c, r| edit_signature(c, r, |v| format!("{}zz", &v[..v.len() - 2])),
                "malformed_signature",
            ),
            row(
                "not base64",
                is_bare_base64,
                |c, r| edit_signature(c, r, |v| format!("!{}", &v[1..])),
                "malformed_signature",
            ),
            row(
                "right MAC as hex",
                is_bare_base64,
                |c, r| edit_signature(c, r, to_hex),
                "malformed_signature",
            ),
            row(
                "right MAC as base64",
                is_hex,
                |c, r| edit_signature(c, r, to_base64),
                "malformed_signature",
            ),
            row(
                "upper-case hex",
                |c| is_hex(c) && is_one_signature(c),
                |c, r| edit_signature(c, r, upper_digits),
                ACCEPTED,
            ),
            row(
                "another signature",
                is_bare_base64,
                |c, r| edit_signature(c, r, other_base64),
                "wrong_signature",
            ),
        ],
        &signed_cases(),
    );
}

fn to_hex(value: &str) -> String {
    use base64::Engine;
    hex::encode(
        base64::engine::general_purpose::STANDARD
            .decode(value)
            .unwrap(),
    )
}

fn to_base64(value: &str) -> String {
    use base64::Engine;
    let (before, digits) = value.rsplit_once('=').unwrap();
    let bytes = hex::decode(digits).unwrap();
    format!(
        "{before}={}",
        base64::engine::general_purpose::STANDARD.encode(bytes)
    )
}

fn upper_digits(value: &str) -> String {
    let (prefix, digits) = value.split_once('=').unwrap();
    format!("{prefix}={}", digits.to_uppercase())
}

fn other_base64(value: &str) -> String {
    let other = if value.starts_with('A') { 'B' } else { 'A' };
    format!("{other}{}", &value[1..])
}

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
                |_, r| drop(r.body.pop()),
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
                |_, r| r.set("content-type", super::FORM),
                ACCEPTED,
            ),
        ],
        &signed_cases(),
    );
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

#[test]
fn timestamps() {
    check(
        &[
            row(
                "missing",
                |c| c.is_timed() && c.name != "stripe",
                |c, r| r.remove(c.timestamp_header.unwrap()),
                "missing_header",
            ),
            row(
                "not in the list",
                |c| c.name == "stripe",
                |c, r| edit_signature(c, r, |v| v.replace("t=", "x=")),
                "malformed_timestamp",
            ),
            row(
                "two in the list",
                |c| c.name == "stripe",
                |c, r| edit_signature(c, r, |v| format!("{v},t=1")),
                "duplicate_header",
            ),
            row(
                "empty",
                is_timed,
                |c, r| set_timestamp(c, r, ""),
                "malformed_timestamp",
            ),
            row(
                "words",
                is_timed,
                |c, r| set_timestamp(c, r, "yesterday"),
                "malformed_timestamp",
            ),
            row(
                "float",
                is_timed,
                |c, r| set_timestamp(c, r, "1700000000.0"),
                "malformed_timestamp",
            ),
            row(
                "negative",
                is_timed,
                |c, r| set_timestamp(c, r, "-1700000000"),
                "malformed_timestamp",
            ),
            row(
                "signed",
                is_timed,
                |c, r| set_timestamp(c, r, "+1700000000"),
                "malformed_timestamp",
            ),
            row(
                "20 digits",
                is_timed,
                |c, r| set_timestamp(c, r, "17000000000000000000"),
                "malformed_timestamp",
            ),
            row(
                "overflowing",
                is_timed,
                |c, r| set_timestamp(c, r, "9223372036854775807"),
                "malformed_timestamp",
            ),
            row(
                "not UTF-8",
                |c| c.is_timed() && c.name != "stripe",
                |c, r| r.set(c.timestamp_header.unwrap(), [0xff]),
                "malformed_timestamp",
            ),
            row(
                "milliseconds for seconds",
                counts_seconds,
                |c, r| set_timestamp(c, r, "1700000000000"),
                "future_timestamp",
            ),
            row(
                "seconds for milliseconds",
                |c| c.name == "hubspot-v3",
                |c, r| set_timestamp(c, r, "1700000000"),
                "stale_timestamp",
            ),
            row(
                "a second later, not signed anew",
                counts_seconds,
                |c, r| set_timestamp(c, r, "1700000001"),
                "wrong_signature",
            ),
            row(
                "same time, other text",
                counts_seconds,
                |c, r| set_timestamp(c, r, "01700000000"),
                "wrong_signature",
            ),
        ],
        &signed_cases(),
    );
}

fn counts_seconds(case: &Case) -> bool {
    case.is_timed() && !["hubspot-v3", "zendesk"].contains(&case.name)
}

#[test]
fn tolerance_holds_both_ways() {
    let windows = [
        (-301, "future_timestamp"),
        (-299, ACCEPTED),
        (299, ACCEPTED),
        (301, "stale_timestamp"),
    ];
    for case in signed_cases() {
        for (offset, expected) in windows {
            let outcome = case
                .verifier()
                .verify(&case.genuine().parts(), NOW + offset * SECOND);
            let code = outcome.map_or_else(|rejection| rejection.code(), |_| ACCEPTED);
            let expected = if case.is_timed() { expected } else { ACCEPTED };
            assert_eq!(code, expected, "{} at {offset} s", case.name);
        }
    }
}

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

#[test]
fn urls_and_forms() {
    let spoof = |_: &Case, r: &mut Request| {
        r.set("Host", "evil.test");
        r.set("X-Forwarded-Host", "evil.test");
        r.set("X-Forwarded-Proto", "http");
    };
    let signs_url = |c: &Case| c.name == "hubspot-v3" || is_twilio(c);
    check(
        &[
            row("Host spoofed", all, spoof, ACCEPTED),
            row(
                "query added",
                |c| c.name == "hubspot-v3",
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
                |c| c.name == "hubspot-v3",
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

#[test]
fn credentials() {
    let is_basic = |c: &Case| c.name.starts_with("basic");
    let is_token = |c: &Case| c.name.starts_with("header-value");
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
                |c, r| {
                    r.headers
                        .push((c.signature_header.to_owned(), b"x".to_vec()))
                },
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
                |c| c.name == "header-value bearer",
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
                |c| c.name == "basic",
                |c, r| r.set(c.signature_header, "Basic b3RoZXI6c2hoLWN1cnJlbnQ="),
                ACCEPTED,
            ),
        ],
        &credential_cases(),
    );
}

#[test]
fn nothing_is_asked_of_an_unsigned_source() {
    let none = crate::signature::Verification::of("none");
    let verifier = Verifier::new(&none, &[], URL).unwrap();
    let verified = verifier
        .verify(&Request::post(JSON, "x").parts(), NOW)
        .unwrap();
    assert_eq!(
        (verified.trust, verified.key_id),
        (crate::signature::Trust::Unsigned, None)
    );
    let signature = Signer::new(&none, None, URL)
        .unwrap()
        .sign(&Request::post(JSON, "x").parts(), NOW, "m")
        .unwrap();
    assert_eq!(signature.headers, []);
}
