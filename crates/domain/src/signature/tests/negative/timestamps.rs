//! The timestamp.

use super::super::{Case, NOW, Request, SECOND, Stamp, signed_cases};
use super::{ACCEPTED, check, edit_signature, row, stands_in_header, stands_in_list};
use crate::signature::{Part, TimestampUnit};

#[test]
fn timestamps() {
    check(
        &[
            row(
                "missing",
                stands_in_header,
                |c, r| r.remove(header(c)),
                "missing_header",
            ),
            row(
                "not in the list",
                stands_in_list,
                |c, r| edit_signature(c, r, |v| format!("x{v}")),
                "malformed_timestamp",
            ),
            row(
                "two in the list",
                stands_in_list,
                |c, r| edit_signature(c, r, |v| twice(c, v)),
                "malformed_timestamp",
            ),
            row(
                "empty",
                |c| stands_in_header(c) || stands_in_list(c),
                |c, r| set_timestamp(c, r, ""),
                "malformed_timestamp",
            ),
            row(
                "words",
                is_outside,
                |c, r| set_timestamp(c, r, "yesterday"),
                "malformed_timestamp",
            ),
            row(
                "float",
                is_outside,
                |c, r| set_timestamp(c, r, "1700000000.0"),
                "malformed_timestamp",
            ),
            row(
                "negative",
                is_outside,
                |c, r| set_timestamp(c, r, "-1700000000"),
                "malformed_timestamp",
            ),
            row(
                "signed",
                is_outside,
                |c, r| set_timestamp(c, r, "+1700000000"),
                "malformed_timestamp",
            ),
            row(
                "20 digits",
                is_outside,
                |c, r| set_timestamp(c, r, "17000000000000000000"),
                "malformed_timestamp",
            ),
            row(
                "overflowing",
                is_outside,
                |c, r| set_timestamp(c, r, "9223372036854775807"),
                "malformed_timestamp",
            ),
            row(
                "not UTF-8",
                stands_in_header,
                |c, r| r.set(header(c), [0xff]),
                "malformed_timestamp",
            ),
            row(
                "milliseconds for seconds",
                |c| counts_seconds(c) && c.tolerance().is_some(),
                |c, r| set_timestamp(c, r, "1700000000000"),
                "future_timestamp",
            ),
            row(
                "seconds for milliseconds",
                |c| counts(c, TimestampUnit::Milliseconds) && c.tolerance().is_some(),
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

/// Replaces the timestamp, wherever it stands.
fn set_timestamp(case: &Case, request: &mut Request, timestamp: &str) {
    let genuine = case.timestamp().unwrap().unit.format(NOW);
    match case.stamp {
        Stamp::Header(name) => request.set(name, timestamp),
        Stamp::Listed(_) | Stamp::First => {
            edit_signature(case, request, |value| {
                value.replacen(&genuine, timestamp, 1)
            });
        }
        Stamp::Absent | Stamp::Body(_) => panic!("{} has no timestamp to set", case.name),
    }
}

fn header(case: &Case) -> &'static str {
    match case.stamp {
        Stamp::Header(name) => name,
        _ => panic!("{} has its timestamp in no header", case.name),
    }
}

/// The list with a second, different timestamp.
fn twice(case: &Case, value: &str) -> String {
    let Stamp::Listed(name) = case.stamp else {
        panic!("{} has its timestamp in no list", case.name)
    };
    let delimiter = if value.contains(';') { ';' } else { ',' };
    format!("{value}{delimiter}{name}=1")
}

/// Whether the timestamp can be changed without signing anew.
fn is_outside(case: &Case) -> bool {
    !matches!(case.stamp, Stamp::Absent | Stamp::Body(_))
}

fn counts(case: &Case, unit: TimestampUnit) -> bool {
    is_outside(case) && case.timestamp().is_some_and(|rule| rule.unit == unit)
}

fn counts_seconds(case: &Case) -> bool {
    counts(case, TimestampUnit::Seconds)
}

#[test]
fn tolerance_holds_both_ways() {
    for case in signed_cases() {
        let tolerance = i64::from(case.tolerance().unwrap_or(300));
        let windows = [
            (-tolerance - 1, "future_timestamp"),
            (1 - tolerance, ACCEPTED),
            (tolerance - 1, ACCEPTED),
            (tolerance + 1, "stale_timestamp"),
        ];
        for (offset, expected) in windows {
            let request = case.genuine();
            let outcome = case
                .verifier()
                .verify(&request.parts(), NOW + offset * SECOND);
            let code = outcome.map_or_else(|rejection| rejection.code(), |_| ACCEPTED);
            let is_held = case.tolerance().is_some();
            let expected = if is_held { expected } else { ACCEPTED };
            assert_eq!(code, expected, "{} at {offset} s", case.name);
        }
    }
}

/// Where timestamp and body stand side by side without a separator, no letter of one may pass as one of the other.
#[test]
fn no_letter_moves_between_timestamp_and_body() {
    let cases = signed_cases();
    let joined: Vec<&Case> = cases.iter().filter(|case| is_joined(case)).collect();
    let names: Vec<&str> = joined.iter().map(|case| case.name).collect();
    assert_eq!(
        names,
        [
            "zendesk",
            "box",
            "twitch",
            "airwallex",
            "klaviyo",
            "hubspot-v3"
        ]
    );
    for case in joined {
        let genuine = case.genuine();
        let timestamp = genuine.get(header(case)).into_bytes();
        let body = genuine.body.clone();
        let content = case.signed().content;
        let at = |wanted: &Part| content.iter().position(|part| part == wanted);
        let body_is_first = at(&Part::Body) < at(&Part::Timestamp);
        let whole = if body_is_first {
            [&body[..], &timestamp].concat()
        } else {
            [&timestamp[..], &body].concat()
        };
        let genuine_cut = if body_is_first {
            body.len()
        } else {
            timestamp.len()
        };
        for cut in (1..whole.len()).filter(|cut| *cut != genuine_cut) {
            let (before, after) = whole.split_at(cut);
            let (body, timestamp) = if body_is_first {
                (before, after)
            } else {
                (after, before)
            };
            let mut request = genuine.clone();
            request.body = body.to_vec();
            request.set(header(case), timestamp);
            assert!(
                case.verify(&request).is_err(),
                "{}: cut at {cut}",
                case.name
            );
        }
    }
}

fn is_joined(case: &Case) -> bool {
    let pair = [Part::Body, Part::Timestamp];
    let content = case.signed().content;
    content
        .windows(2)
        .any(|parts| parts.iter().all(|part| pair.contains(part)))
}
