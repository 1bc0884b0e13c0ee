//! Senders that follow Standard Webhooks.

use super::parts::{SIGNS_BODY_AND_TIME, body_hmac, names, text, within_tolerance};
use crate::signature::config::Override;
use crate::signature::preset::{Dedupe, EventType, Preset, SecretOwner};
use crate::signature::scheme::{
    Encoding, Format, KeyForm, Part, Scheme, SignedScheme, TimestampUnit,
};

pub(super) fn presets() -> Vec<Preset> {
    vec![Preset {
        name: "standard-webhooks",
        aliases: &["svix"],
        title: "Standard Webhooks",
        proves: SIGNS_BODY_AND_TIME,
        secret_help: "Copy the signing secret (`whsec_…`) or public key (`whpk_…`) from the sender's webhook settings.",
        secret: SecretOwner::Ours,
        scheme: Scheme::Signed(SignedScheme {
            headers: vec![
                names(
                    "webhook-signature",
                    Some("webhook-timestamp"),
                    Some("webhook-id"),
                ),
                names("svix-signature", Some("svix-timestamp"), Some("svix-id")),
            ],
            format: Format::Tagged {
                hmac: "v1",
                ed25519: "v1a",
            },
            encoding: Encoding::Base64,
            key: KeyForm::Standard,
            content: vec![Part::Id, text("."), Part::Timestamp, text("."), Part::Body],
            timestamp: Some(within_tolerance(TimestampUnit::Seconds)),
            ..body_hmac()
        }),
        overrides: &[Override::ToleranceSeconds],
        dedupe: Dedupe::MessageId,
        event_type: Some(EventType::Body("$.type")),
        handshakes: &[],
    }]
}
