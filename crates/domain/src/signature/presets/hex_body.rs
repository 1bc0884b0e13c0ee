//! Senders that sign the raw body, written as hex.

use super::parts::{SIGNS_BODY, body_hmac, names, plain};
use crate::signature::preset::{Dedupe, EventType, Preset, SecretOwner};
use crate::signature::scheme::{Scheme, SignedScheme};

pub(super) fn presets() -> Vec<Preset> {
    vec![Preset {
        name: "github",
        aliases: &[],
        title: "GitHub",
        proves: SIGNS_BODY,
        secret_help: "Enter the secret under Settings, Webhooks, Secret of the repository, organization or app.",
        secret: SecretOwner::Ours,
        scheme: Scheme::Signed(SignedScheme {
            headers: vec![names("X-Hub-Signature-256", None, None)],
            format: plain("sha256="),
            ..body_hmac()
        }),
        overrides: &[],
        dedupe: Dedupe::Header("X-GitHub-Delivery"),
        event_type: Some(EventType::Header("X-GitHub-Event")),
        // `ping` is an ordinary event.
        handshakes: &[],
    }]
}
