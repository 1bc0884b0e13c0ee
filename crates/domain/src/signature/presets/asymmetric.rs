//! Senders that sign with a private key: what the source holds is the public one.

use std::borrow::Cow;

use crate::signature::asymmetric::PublicKeyScheme;
use crate::signature::config::{DEFAULT_TOLERANCE_SECONDS, Override};
use crate::signature::handshake::{DISCORD, EBAY};
use crate::signature::preset::{Dedupe, EventType, Preset, SecretOwner};
use crate::signature::public_key::Algorithm;
use crate::signature::scheme::{Encoding, Part, Scheme, TimestampRule, TimestampUnit};

const KEY_SIGNS_BODY: &str = "The holder of the private key behind this public key sent exactly these bytes; an old request can be sent again.";
const KEY_SIGNS_BODY_AND_TIME: &str = "The holder of the private key behind this public key sent exactly these bytes within the tolerance of now.";

/// The timestamp and the body run together.
const TIME_BODY: &[Part] = &[Part::Timestamp, Part::Body];
/// The same with a bar between.
const TIME_BAR_BODY: &[Part] = &[
    Part::Timestamp,
    Part::Literal(Cow::Borrowed("|")),
    Part::Body,
];
const WITHIN_TOLERANCE: TimestampRule = TimestampRule {
    unit: TimestampUnit::Seconds,
    tolerance_seconds: Some(DEFAULT_TOLERANCE_SECONDS),
    body_field: None,
};
const BODY: &[Part] = &[Part::Body];

pub(super) fn presets() -> Vec<Preset> {
    vec![
        Preset {
            title: "Discord",
            secret_help: "Copy the Public Key (64 hex digits) under General Information of the application.",
            dedupe: Dedupe::Body("$.id"),
            event_type: Some(EventType::Body("$.event.type")),
            handshakes: DISCORD,
            ..signed(
                "discord",
                PublicKeyScheme {
                    algorithm: Algorithm::Ed25519,
                    header: "X-Signature-Ed25519",
                    encoding: Encoding::Hex,
                    // Discord documents no window; it signs every request anew.
                    timestamp: Some(("X-Signature-Timestamp", None)),
                    content: TIME_BODY,
                    ebay: None,
                },
            )
        },
        Preset {
            title: "Telnyx",
            proves: KEY_SIGNS_BODY_AND_TIME,
            secret_help: "Copy the public key (base64) under Keys & Credentials of the portal.",
            dedupe: Dedupe::Body("$.data.id"),
            event_type: Some(EventType::Body("$.data.event_type")),
            ..signed(
                "telnyx",
                PublicKeyScheme {
                    algorithm: Algorithm::Ed25519,
                    header: "telnyx-signature-ed25519",
                    encoding: Encoding::Base64,
                    timestamp: Some(("telnyx-timestamp", Some(WITHIN_TOLERANCE))),
                    content: TIME_BAR_BODY,
                    ebay: None,
                },
            )
        },
        Preset {
            title: "SendGrid Event Webhook",
            secret_help: "Copy the verification key under Mail Settings, Signed Event Webhook Requests.",
            event_type: Some(EventType::Body("$[0].event")),
            ..signed(
                "sendgrid",
                PublicKeyScheme {
                    algorithm: Algorithm::EcdsaSha256,
                    header: "X-Twilio-Email-Event-Webhook-Signature",
                    encoding: Encoding::Base64,
                    timestamp: Some(("X-Twilio-Email-Event-Webhook-Timestamp", None)),
                    content: TIME_BODY,
                    ebay: None,
                },
            )
        },
        Preset {
            title: "Wise",
            secret_help: "Copy the public key (PEM) that Wise publishes for the environment.",
            dedupe: Dedupe::Header("X-Delivery-Id"),
            event_type: Some(EventType::Body("$.event_type")),
            ..signed("wise", rsa_over_body("X-Signature-SHA256"))
        },
        Preset {
            title: "HighLevel",
            secret_help: "Copy the public key (PEM) that HighLevel publishes for webhooks.",
            dedupe: Dedupe::Body("$.webhookId"),
            event_type: Some(EventType::Body("$.type")),
            ..signed("highlevel", rsa_over_body("x-wh-signature"))
        },
        ebay("ebay", "eBay", "api.ebay.com"),
        ebay("ebay-sandbox", "eBay (sandbox)", "api.sandbox.ebay.com"),
    ]
}

fn ebay(name: &'static str, title: &'static str, host: &'static str) -> Preset {
    Preset {
        title,
        secret_help: "Enter the App ID and the Cert ID of the application, as `client_id:client_secret`: eBay's keys are fetched with them. Or copy the public key that `getPublicKey` of the Notification API returns for the `kid` in the header `X-EBAY-SIGNATURE`. Put the verification token of the destination into `verify_token`.",
        overrides: &[Override::VerifyToken],
        dedupe: Dedupe::Body("$.notification.notificationId"),
        event_type: Some(EventType::Body("$.metadata.topic")),
        handshakes: EBAY,
        ..signed(
            name,
            PublicKeyScheme {
                algorithm: Algorithm::EcdsaSha1,
                header: "X-EBAY-SIGNATURE",
                encoding: Encoding::Base64,
                timestamp: None,
                content: BODY,
                ebay: Some(host),
            },
        )
    }
}

fn rsa_over_body(header: &'static str) -> PublicKeyScheme {
    PublicKeyScheme {
        algorithm: Algorithm::RsaSha256,
        header,
        encoding: Encoding::Base64,
        timestamp: None,
        content: BODY,
        ebay: None,
    }
}

/// A sender that signs the body, for rows to differ from.
fn signed(name: &'static str, scheme: PublicKeyScheme) -> Preset {
    Preset {
        name,
        aliases: &[],
        title: "",
        proves: KEY_SIGNS_BODY,
        secret_help: "",
        secret: SecretOwner::Theirs,
        scheme: Scheme::PublicKey(scheme),
        overrides: &[],
        dedupe: Dedupe::BodyHash,
        event_type: None,
        handshakes: &[],
    }
}
