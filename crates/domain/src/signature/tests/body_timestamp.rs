//! A timestamp in the body: held against the clock once the body is known to be signed.

use super::{JSON, NOW, Request, SECOND, URL, secret};
use crate::signature::{Signer, Verification, Verifier};

/// The code of the rejection of a genuinely signed body, or `accepted`.
fn outcome(body: &str, now: i64) -> &'static str {
    let linear = Verification::of("linear");
    let signer = Signer::new(&linear, Some(&secret("shh")), URL).unwrap();
    let verifier = Verifier::new(&linear, &[secret("shh")], URL).unwrap();
    let request = Request::post(JSON, body).signed(&signer);
    let verified = verifier.verify(&request.parts(), now);
    verified.map_or_else(|rejection| rejection.code(), |_| "accepted")
}

#[test]
fn a_timestamp_in_the_body_must_be_one_and_near() {
    let rows = [
        (r#"{"webhookTimestamp":1700000000000}"#, "accepted"),
        (r#"{"webhookTimestamp":"1700000000000"}"#, "accepted"),
        (r#"{"webhookTimestamp":1699999939000}"#, "stale_timestamp"),
        (r#"{"webhookTimestamp":1699999941000}"#, "accepted"),
        (r#"{"webhookTimestamp":1700000059000}"#, "accepted"),
        (r#"{"webhookTimestamp":1700000061000}"#, "future_timestamp"),
        (r#"{"webhookTimestamp":1700000000}"#, "stale_timestamp"),
        (
            r#"{"webhookTimestamp":1700000000000.0}"#,
            "malformed_timestamp",
        ),
        (
            r#"{"webhookTimestamp":-1700000000000}"#,
            "malformed_timestamp",
        ),
        (
            r#"{"webhookTimestamp":17000000000000000000}"#,
            "malformed_timestamp",
        ),
        (r#"{"webhookTimestamp":null}"#, "malformed_timestamp"),
        (r#"{"webhookTimestamp":{}}"#, "malformed_timestamp"),
        (
            r#"{"data":{"webhookTimestamp":1700000000000}}"#,
            "malformed_timestamp",
        ),
        ("[1700000000000]", "malformed_timestamp"),
        ("no json", "malformed_timestamp"),
        ("", "malformed_timestamp"),
    ];
    for (body, expected) in rows {
        assert_eq!(outcome(body, NOW), expected, "{body}");
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(outcome(&deep, NOW), "malformed_timestamp");
    assert_eq!(
        outcome(r#"{"webhookTimestamp":1700000000000}"#, NOW + 61 * SECOND),
        "stale_timestamp"
    );
}
