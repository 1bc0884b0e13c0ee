//! Senders that ask before they send, and sign little or nothing.

use super::parts::{hex, prefixed_token, sender, token};
use crate::signature::config::Override;
use crate::signature::handshake::{
    ADOBE_SIGN, CLOUD_EVENTS, EVENT_GRID, RING_CENTRAL, STRAVA, WEBSUB, X_HOOK_SECRET,
};
use crate::signature::preset::{Dedupe, Preset, SecretOwner};
use crate::signature::scheme::Scheme;

pub(super) fn presets() -> Vec<Preset> {
    [with_secret(), without_secret()]
        .into_iter()
        .flatten()
        .collect()
}

fn with_secret() -> Vec<Preset> {
    let hook_secret = |name, title| {
        let help = "The sender brings the secret in its first request: make the source, then register its URL.";
        sender(name, title, hex("X-Hook-Signature"), help)
            .brought()
            .asks(X_HOOK_SECRET)
    };
    vec![
        hook_secret("asana", "Asana"),
        hook_secret("keap", "Keap"),
        sender(
            "websub",
            "WebSub",
            hex("X-Hub-Signature").prefix("sha256="),
            "Give the secret as `hub.secret` when you subscribe; put the URL of the topic into `verify_token`.",
        )
        .ours()
        .takes(&[Override::VerifyToken])
        .asks(WEBSUB),
        sender(
            "ringcentral",
            "RingCentral",
            token("Verification-Token"),
            "Give the secret as `verificationToken` when the subscription is made.",
        )
        .ours()
        .by(Dedupe::Body("$.uuid"))
        .typed_at("$.event")
        .asks(RING_CENTRAL),
        Preset {
            proves: "The sender knows the client id, which is no secret; the bytes are not signed.",
            ..sender(
                "adobe-sign",
                "Adobe Acrobat Sign",
                token("X-AdobeSign-ClientId"),
                "Copy the client id of the application that made the webhook.",
            )
        }
        .by(Dedupe::Body("$.webhookNotificationId"))
        .typed_at("$.event")
        .asks(ADOBE_SIGN),
        sender(
            "event-grid",
            "Azure Event Grid",
            token("X-Webhook-Token"),
            "Enter the secret as a delivery property of the subscription: a header named as `header` says, marked as secret.",
        )
        .ours()
        .takes(&[Override::Header])
        .by(Dedupe::Body("$[0].id"))
        .typed_at("$[0].eventType")
        .asks(EVENT_GRID),
        sender(
            "cloudevents",
            "CloudEvents",
            prefixed_token("Authorization", "Bearer "),
            "Enter the secret at the sender as its bearer token.",
        )
        .ours()
        .takes(&[Override::Header, Override::Prefix])
        .by(Dedupe::Header("ce-id"))
        .typed_by_header("ce-type")
        .asks(CLOUD_EVENTS),
    ]
}

/// Senders that prove nothing with their events: they must be asked for by name.
fn without_secret() -> Vec<Preset> {
    let unsigned = |name, title, help| Preset {
        secret: SecretOwner::Nobody,
        ..sender(name, title, Scheme::Unsigned, help)
    };
    vec![
        unsigned(
            "strava",
            "Strava",
            "No secret is used: put the `verify_token` of the subscription into `verify_token`, and fetch what an event names.",
        )
        .takes(&[Override::VerifyToken])
        .typed_at("$.object_type")
        .asks(STRAVA),
        unsigned(
            "salesforce-outbound",
            "Salesforce Outbound Message",
            "No secret is used: compare the `OrganizationId` in the message, and fetch what it names.",
        ),
    ]
}
