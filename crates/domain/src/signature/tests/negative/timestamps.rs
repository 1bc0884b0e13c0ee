//! The timestamp.

use super::super::{Case, NOW, Request, SECOND, signed_cases};
use super::{ACCEPTED, check, edit_signature, is_timed, row};

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
                "malformed_timestamp",
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
            let request = case.genuine();
            let outcome = case
                .verifier()
                .verify(&request.parts(), NOW + offset * SECOND);
            let code = outcome.map_or_else(|rejection| rejection.code(), |_| ACCEPTED);
            let expected = if case.is_timed() { expected } else { ACCEPTED };
            assert_eq!(code, expected, "{} at {offset} s", case.name);
        }
    }
}
