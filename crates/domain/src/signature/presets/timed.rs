//! Senders that sign the body with a timestamp that stands in a header of its own.

use super::parts::{base64, hex, sender, text, timestamp_then_body};
use crate::signature::handshake::{SLACK, TWITCH, ZOOM};
use crate::signature::preset::{Dedupe, Preset};
use crate::signature::scheme::{MoreSignatures, Part, TimestampUnit};

pub(super) fn presets() -> Vec<Preset> {
    [chat_and_support(), others()]
        .into_iter()
        .flatten()
        .collect()
}

fn chat_and_support() -> Vec<Preset> {
    let v0 = |signature, timestamp| {
        hex(signature)
            .prefix("v0=")
            .timestamp_in(timestamp)
            .over([text("v0:"), Part::Timestamp, text(":"), Part::Body])
            .timed(TimestampUnit::Seconds)
    };
    vec![
        sender(
            "slack",
            "Slack",
            v0("X-Slack-Signature", "X-Slack-Request-Timestamp"),
            "Copy the Signing Secret under Basic Information of the app.",
        )
        .by(Dedupe::Body("$.event_id"))
        .typed_at("$.event.type")
        .asks(SLACK),
        sender(
            "zoom",
            "Zoom",
            v0("x-zm-signature", "x-zm-request-timestamp"),
            "Copy the Secret Token under Features, Access of the app.",
        )
        .typed_at("$.event")
        .asks(ZOOM),
        // The invocation id in the headers is not signed.
        sender(
            "zendesk",
            "Zendesk",
            base64("X-Zendesk-Webhook-Signature")
                .timestamp_in("X-Zendesk-Webhook-Signature-Timestamp")
                .over([Part::Timestamp, Part::Body])
                .timed(TimestampUnit::Iso8601),
            "Copy the signing secret shown on the webhook's page in the Admin Center.",
        )
        .by(Dedupe::Body("$.id"))
        .typed_at("$.type"),
        sender(
            "front",
            "Front",
            base64("X-Front-Signature")
                .timestamp_in("X-Front-Request-Timestamp")
                .over(timestamp_then_body(":"))
                .timed(TimestampUnit::Milliseconds),
            "Copy the app's signing key from the developer settings.",
        )
        .typed_at("$.type"),
        sender(
            "customer-io",
            "Customer.io",
            v0("X-CIO-Signature", "X-CIO-Timestamp").prefix(""),
            "Copy the signing key of the reporting webhook.",
        )
        .called(&["customerio"])
        .by(Dedupe::Body("$.event_id"))
        .typed_at("$.metric"),
        sender(
            "airship",
            "Airship",
            hex("x-ua-signature")
                .timestamp_in("x-ua-timestamp")
                .over(timestamp_then_body(":"))
                .timed(TimestampUnit::Seconds),
            "Copy the signature hash key of the webhook under Settings, Webhooks.",
        ),
        sender(
            "sinch",
            "Sinch",
            base64("x-sinch-webhook-signature")
                .timestamp_in("x-sinch-webhook-signature-timestamp")
                .id_in("x-sinch-webhook-signature-nonce")
                .over([Part::Body, text("."), Part::Id, text("."), Part::Timestamp])
                .timed(TimestampUnit::Seconds),
            "Enter the secret of the webhook in the Conversation API app.",
        )
        .ours(),
    ]
}

fn others() -> Vec<Preset> {
    vec![
        // The timestamp follows the body without a separator, but a body cannot end like one.
        sender("box", "Box", base64("BOX-SIGNATURE-PRIMARY")
            .and_in(MoreSignatures::Named("BOX-SIGNATURE-SECONDARY"))
            .timestamp_in("BOX-DELIVERY-TIMESTAMP")
            .over([Part::Body, Part::Timestamp])
            .timed_within(600, TimestampUnit::Iso8601),
            "Copy the primary or the secondary key under Webhooks, Manage signature keys of the app.")
            .by(Dedupe::Header("BOX-DELIVERY-ID"))
            .typed_at("$.trigger"),
        sender("webflow", "Webflow", hex("x-webflow-signature")
            .timestamp_in("x-webflow-timestamp")
            .over(timestamp_then_body(":"))
            .timed(TimestampUnit::Milliseconds),
            "Bring the client secret of the app that made the webhook, or the secret shown with a webhook of the site.")
            .typed_at("$.triggerType"),
        sender("twitch", "Twitch EventSub", hex("Twitch-Eventsub-Message-Signature")
            .prefix("sha256=")
            .timestamp_in("Twitch-Eventsub-Message-Timestamp")
            .id_in("Twitch-Eventsub-Message-Id")
            .over([Part::Id, Part::Timestamp, Part::Body])
            .timed_within(600, TimestampUnit::Iso8601),
            "Enter the secret (10 to 100 characters of ASCII) when the subscription is created.")
            .ours()
            .by(Dedupe::MessageId)
            .typed_by_header("Twitch-Eventsub-Subscription-Type")
            .asks(TWITCH),
        sender("airwallex", "Airwallex", hex("x-signature")
            .timestamp_in("x-timestamp")
            .over([Part::Timestamp, Part::Body])
            .timed(TimestampUnit::Milliseconds),
            "Copy the secret of the webhook under Developer, Webhooks.")
            .by(Dedupe::Body("$.id"))
            .typed_at("$.name"),
        sender("lob", "Lob", hex("lob-signature")
            .timestamp_in("lob-signature-timestamp")
            .over(timestamp_then_body("."))
            .stamped(TimestampUnit::Milliseconds),
            "Copy the secret of the webhook from the dashboard.")
            .by(Dedupe::Body("$.id"))
            .typed_at("$.event_type.id"),
        // Its clock is known to be written in the wrong zone, so that its age cannot be held against it.
        sender("klaviyo", "Klaviyo", hex("Klaviyo-Signature")
            .timestamp_in("Klaviyo-Timestamp")
            .over([Part::Body, Part::Timestamp])
            .stamped(TimestampUnit::HttpDate),
            "Enter the secret key when the webhook is created.")
            .ours(),
    ]
}
