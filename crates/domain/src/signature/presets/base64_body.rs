//! Senders that sign the raw body, written as base64.

use super::parts::{SIGNS_BODY, body_hmac, names};
use crate::signature::preset::{Dedupe, EventType, Preset, SecretOwner};
use crate::signature::scheme::{Encoding, Scheme, SignedScheme};

pub(super) fn presets() -> Vec<Preset> {
    vec![Preset {
        name: "shopify",
        aliases: &[],
        title: "Shopify",
        proves: SIGNS_BODY,
        secret_help: "Copy the client secret of the app, or the secret shown under Settings, Notifications, Webhooks.",
        secret: SecretOwner::Theirs,
        scheme: Scheme::Signed(SignedScheme {
            headers: vec![names("X-Shopify-Hmac-SHA256", None, None)],
            encoding: Encoding::Base64,
            ..body_hmac()
        }),
        overrides: &[],
        dedupe: Dedupe::Header("X-Shopify-Webhook-Id"),
        event_type: Some(EventType::Header("X-Shopify-Topic")),
        handshakes: &[],
    }]
}
