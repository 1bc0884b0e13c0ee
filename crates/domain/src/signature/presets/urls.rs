//! Senders that sign the URL that they call.

use super::parts::{SIGNS_BODY_AND_TIME, body_hmac, names, within_tolerance};
use crate::signature::config::Override;
use crate::signature::preset::{Dedupe, EventType, Preset, SecretOwner};
use crate::signature::scheme::{
    Digest, Encoding, Part, Scheme, SignedScheme, TimestampUnit, UrlRule,
};

pub(super) fn presets() -> Vec<Preset> {
    vec![
        Preset {
            name: "hubspot-v3",
            aliases: &["hubspot"],
            title: "HubSpot",
            proves: SIGNS_BODY_AND_TIME,
            secret_help: "Copy the client secret under Auth of the app.",
            secret: SecretOwner::Theirs,
            scheme: Scheme::Signed(SignedScheme {
                headers: vec![names(
                    "X-HubSpot-Signature-v3",
                    Some("X-HubSpot-Request-Timestamp"),
                    None,
                )],
                encoding: Encoding::Base64,
                content: vec![Part::Method, Part::Url, Part::Body, Part::Timestamp],
                timestamp: Some(within_tolerance(TimestampUnit::Milliseconds)),
                url: UrlRule {
                    decoded: &[
                        "3A", "2F", "3F", "40", "21", "24", "27", "28", "29", "2A", "2C", "3B",
                    ],
                    port_may_differ: false,
                },
                ..body_hmac()
            }),
            overrides: &[Override::ToleranceSeconds],
            // One request carries up to 100 events, and their `eventId` is not unique.
            dedupe: Dedupe::BodyHash,
            event_type: Some(EventType::Body("$[0].subscriptionType")),
            handshakes: &[],
        },
        Preset {
            name: "twilio",
            aliases: &[],
            title: "Twilio",
            proves: "The sender holds the auth token and sent this form or body to this URL; an old request can be sent again.",
            secret_help: "Copy the Auth Token from the account's dashboard.",
            secret: SecretOwner::Theirs,
            scheme: Scheme::Signed(SignedScheme {
                headers: vec![names("X-Twilio-Signature", None, None)],
                encoding: Encoding::Base64,
                digest: Digest::Sha1,
                content: vec![
                    Part::Url,
                    Part::Form {
                        body_hash: Some("bodySHA256"),
                    },
                ],
                url: UrlRule {
                    decoded: &[],
                    port_may_differ: true,
                },
                ..body_hmac()
            }),
            overrides: &[],
            dedupe: Dedupe::Header("I-Twilio-Idempotency-Token"),
            event_type: None,
            handshakes: &[],
        },
    ]
}
