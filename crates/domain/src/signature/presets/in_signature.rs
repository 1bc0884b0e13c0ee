//! Senders that sign the body with a timestamp that stands in the header of the signature.

use super::parts::{hex, sender, timestamp_then_body};
use crate::signature::preset::{Dedupe, Preset};
use crate::signature::scheme::{Digest, Encoding, Format, SignedScheme, TimestampUnit};

pub(super) fn presets() -> Vec<Preset> {
    let pairs = |header, timestamp, signature| {
        hex(header)
            .pairs(Some(timestamp), signature)
            .over(timestamp_then_body("."))
            .timed(TimestampUnit::Seconds)
    };
    let usual = |name, title, header, help| sender(name, title, pairs(header, "t", "v1"), help);
    vec![
        usual("stripe", "Stripe", "Stripe-Signature", "Copy the signing secret (`whsec_…`) of the endpoint under Developers, Webhooks.")
            .by(Dedupe::Body("$.id"))
            .typed_at("$.type"),
        usual("calendly", "Calendly", "Calendly-Webhook-Signature", "Enter the `signing_key` when the webhook subscription is created.")
            .ours()
            .typed_at("$.event"),
        usual("mailchimp", "Mailchimp", "X-Mailchimp-Signature", "Copy the signing secret of the webhook."),
        usual("mux", "Mux", "Mux-Signature", "Copy the Signing Secret of the webhook under Settings, Webhooks.")
            .by(Dedupe::Body("$.id"))
            .typed_at("$.type"),
        usual("persona", "Persona", "Persona-Signature", "Copy the secret (`wbhsec_…`) of the webhook from the dashboard.")
            .by(Dedupe::Body("$.data.id"))
            .typed_at("$.data.attributes.name"),
        usual("shippo", "Shippo", "shippo-auth-signature", "Bring the HMAC secret that Shippo's support enables for the account.")
            .typed_at("$.event"),
        sender("workos", "WorkOS", pairs("WorkOS-Signature", "t", "v1").timed_within(180, TimestampUnit::Milliseconds),
            "Copy the secret of the endpoint under Webhooks in the dashboard.")
            .by(Dedupe::Body("$.id"))
            .typed_at("$.event"),
        sender("elevenlabs", "ElevenLabs", pairs("ElevenLabs-Signature", "t", "v0").timed_within(1800, TimestampUnit::Seconds),
            "Copy the secret shown when the webhook is created.")
            .typed_at("$.type"),
        sender("affirm", "Affirm", pairs("x-affirm-signature", "t", "v0").digest(Digest::Sha512),
            "Bring the private API key of the account."),
        sender("tiktok", "TikTok", pairs("TikTok-Signature", "t", "s"), "Copy the Client secret of the app.")
            .typed_at("$.event"),
        sender("buildkite", "Buildkite", pairs("X-Buildkite-Signature", "timestamp", "signature"),
            "Copy the token of the notification service, with `Send an HMAC signature` chosen.")
            .typed_by_header("X-Buildkite-Event"),
        sender("paddle", "Paddle", paddle(), "Copy the secret key (`pdl_ntfset_…`) of the destination under Developer tools, Notifications.")
            .by(Dedupe::Body("$.event_id"))
            .typed_at("$.event_type"),
        sender("sanity", "Sanity", SignedScheme {
            encoding: Encoding::Base64Url,
            ..pairs("sanity-webhook-signature", "t", "v1").stamped(TimestampUnit::Milliseconds)
        }, "Enter the secret of the webhook under API, Webhooks of the project.")
            .ours(),
        sender("recurly", "Recurly", recurly(), "Copy the secret key of the endpoint under Integrations, Webhooks."),
    ]
}

/// Paddle's own libraries allow 5 s, which a queue on either side outlasts (facts: webhooks 3.3).
fn paddle() -> SignedScheme {
    SignedScheme {
        format: Format::Pairs {
            timestamp: Some("ts"),
            signature: "h1",
            delimiter: b';',
        },
        ..hex("Paddle-Signature")
            .over(timestamp_then_body(":"))
            .timed(TimestampUnit::Seconds)
    }
}

/// Recurly counts milliseconds.
fn recurly() -> SignedScheme {
    SignedScheme {
        format: Format::Positional { delimiter: b',' },
        ..hex("recurly-signature")
            .over(timestamp_then_body("."))
            .timed(TimestampUnit::Milliseconds)
    }
}
