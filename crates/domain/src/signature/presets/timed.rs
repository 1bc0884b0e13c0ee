//! Senders that sign a timestamp with the body.

use super::parts::{SIGNS_BODY_AND_TIME, body_hmac, names, plain, text, within_tolerance};
use crate::signature::config::Override;
use crate::signature::handshake::SLACK;
use crate::signature::preset::{Dedupe, EventType, Preset, SecretOwner};
use crate::signature::scheme::{Encoding, Format, Part, Scheme, SignedScheme, TimestampUnit};

pub(super) fn presets() -> Vec<Preset> {
    vec![
        Preset {
            name: "stripe",
            aliases: &[],
            title: "Stripe",
            proves: SIGNS_BODY_AND_TIME,
            secret_help: "Copy the signing secret (`whsec_…`) of the endpoint under Developers, Webhooks.",
            secret: SecretOwner::Theirs,
            scheme: Scheme::Signed(SignedScheme {
                headers: vec![names("Stripe-Signature", None, None)],
                format: Format::Pairs {
                    timestamp: Some("t"),
                    signature: "v1",
                    delimiter: b',',
                },
                content: vec![Part::Timestamp, text("."), Part::Body],
                timestamp: Some(within_tolerance(TimestampUnit::Seconds)),
                ..body_hmac()
            }),
            overrides: &[Override::ToleranceSeconds],
            dedupe: Dedupe::Body("$.id"),
            event_type: Some(EventType::Body("$.type")),
            handshakes: &[],
        },
        Preset {
            name: "slack",
            aliases: &[],
            title: "Slack",
            proves: SIGNS_BODY_AND_TIME,
            secret_help: "Copy the Signing Secret under Basic Information of the app.",
            secret: SecretOwner::Theirs,
            scheme: Scheme::Signed(SignedScheme {
                headers: vec![names(
                    "X-Slack-Signature",
                    Some("X-Slack-Request-Timestamp"),
                    None,
                )],
                format: plain("v0="),
                content: vec![text("v0:"), Part::Timestamp, text(":"), Part::Body],
                timestamp: Some(within_tolerance(TimestampUnit::Seconds)),
                ..body_hmac()
            }),
            overrides: &[Override::ToleranceSeconds],
            dedupe: Dedupe::Body("$.event_id"),
            event_type: Some(EventType::Body("$.event.type")),
            handshakes: SLACK,
        },
        Preset {
            name: "zendesk",
            aliases: &[],
            title: "Zendesk",
            proves: SIGNS_BODY_AND_TIME,
            secret_help: "Copy the signing secret shown on the webhook's page in the Admin Center.",
            secret: SecretOwner::Theirs,
            scheme: Scheme::Signed(SignedScheme {
                headers: vec![names(
                    "X-Zendesk-Webhook-Signature",
                    Some("X-Zendesk-Webhook-Signature-Timestamp"),
                    None,
                )],
                encoding: Encoding::Base64,
                content: vec![Part::Timestamp, Part::Body],
                timestamp: Some(within_tolerance(TimestampUnit::Iso8601)),
                ..body_hmac()
            }),
            overrides: &[Override::ToleranceSeconds],
            // The invocation id in the headers is not signed.
            dedupe: Dedupe::Body("$.id"),
            event_type: Some(EventType::Body("$.type")),
            handshakes: &[],
        },
    ]
}
