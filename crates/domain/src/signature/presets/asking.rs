//! Senders that only know a token, and ask before they send.

use std::borrow::Cow;

use super::parts::KNOWS_TOKEN;
use crate::signature::config::Override;
use crate::signature::handshake::{ADOBE_SIGN, CLOUD_EVENTS, EVENT_GRID};
use crate::signature::preset::{Dedupe, EventType, Preset, SecretOwner};
use crate::signature::scheme::{Scheme, TokenScheme};

pub(super) fn presets() -> Vec<Preset> {
    vec![
        Preset {
            title: "Adobe Acrobat Sign",
            proves: "The sender knows the client id, which is no secret; the bytes are not signed.",
            secret_help: "Copy the client id of the application that made the webhook.",
            secret: SecretOwner::Theirs,
            dedupe: Dedupe::Body("$.webhookNotificationId"),
            event_type: Some(EventType::Body("$.event")),
            handshakes: ADOBE_SIGN,
            ..token("adobe-sign", "X-AdobeSign-ClientId")
        },
        Preset {
            title: "Azure Event Grid",
            secret_help: "Enter the secret as a delivery property of the subscription: a header named as `header` says, marked as secret.",
            overrides: &[Override::Header],
            dedupe: Dedupe::Body("$[0].id"),
            event_type: Some(EventType::Body("$[0].eventType")),
            handshakes: EVENT_GRID,
            ..token("event-grid", "X-Webhook-Token")
        },
        Preset {
            title: "CloudEvents",
            secret_help: "Enter the secret at the sender as the token of the header.",
            overrides: &[Override::Header, Override::Prefix],
            dedupe: Dedupe::Header("ce-id"),
            event_type: Some(EventType::Header("ce-type")),
            handshakes: CLOUD_EVENTS,
            ..token("cloudevents", "Authorization")
        },
    ]
}

/// A sender that knows a token, for rows to differ from.
fn token(name: &'static str, header: &'static str) -> Preset {
    Preset {
        name,
        aliases: &[],
        title: "",
        proves: KNOWS_TOKEN,
        secret_help: "",
        secret: SecretOwner::Ours,
        scheme: Scheme::Token(TokenScheme {
            header: Cow::Borrowed(header),
            prefix: Cow::Borrowed(if header == "Authorization" {
                "Bearer "
            } else {
                ""
            }),
        }),
        overrides: &[],
        dedupe: Dedupe::BodyHash,
        event_type: None,
        handshakes: &[],
    }
}
