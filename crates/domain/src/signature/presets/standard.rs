//! Senders that follow Standard Webhooks, or Svix before it.

use super::parts::{base64, names, sender, text};
use crate::signature::preset::{Dedupe, Preset};
use crate::signature::scheme::{Format, KeyForm, Part, SignedScheme, TimestampUnit};

/// Those that follow it to the letter: name, title, and where the secret is found.
const FOLLOWERS: [(&str, &str, &str); 17] = [
    (
        "anthropic",
        "Anthropic",
        "Copy the signing secret (`whsec_…`) of the webhook in the Console.",
    ),
    (
        "bigcommerce",
        "BigCommerce",
        "Copy the signing secret (`whsec_…`) of the webhook from the store's API account.",
    ),
    (
        "brex",
        "Brex",
        "Read the secret from the webhook secrets endpoint of the Brex API.",
    ),
    (
        "clerk",
        "Clerk",
        "Copy the Signing Secret (`whsec_…`) of the endpoint under Webhooks in the dashboard.",
    ),
    (
        "etsy",
        "Etsy",
        "Copy the signing secret (`whsec_…`) of the webhook from the app's page.",
    ),
    (
        "gemini",
        "Google Gemini",
        "Copy the signing secret (`whsec_…`) of a webhook in static mode.",
    ),
    (
        "gitlab-signed",
        "GitLab (signing token, 19 and later)",
        "Copy the signing token (`whsec_…`) under Settings, Webhooks of the project or group.",
    ),
    (
        "incident-io",
        "incident.io",
        "Copy the signing secret (`whsec_…`) of the endpoint under Settings, Webhooks.",
    ),
    (
        "lithic",
        "Lithic",
        "Copy the secret (`whsec_…`) of the event subscription.",
    ),
    (
        "loops",
        "Loops",
        "Copy the signing secret (`whsec_…`) under Settings, Webhooks.",
    ),
    (
        "openai",
        "OpenAI",
        "Copy the signing secret (`whsec_…`) shown when the webhook is created in the project's settings.",
    ),
    (
        "render",
        "Render",
        "Copy the signing secret (`whsec_…`) of the webhook from the dashboard.",
    ),
    (
        "replicate",
        "Replicate",
        "Read the secret (`whsec_…`) from `GET /v1/webhooks/default/secret` of the Replicate API.",
    ),
    (
        "resend",
        "Resend",
        "Copy the Signing Secret (`whsec_…`) of the webhook from the dashboard.",
    ),
    (
        "stytch",
        "Stytch",
        "Copy the signing secret (`whsec_…`) of the endpoint under Webhooks in the dashboard.",
    ),
    (
        "supabase-auth",
        "Supabase auth hooks",
        "Copy the secret (`v1,whsec_…`) of the hook under Authentication, Hooks.",
    ),
    (
        "vanta",
        "Vanta",
        "Copy the signing secret (`whsec_…`) of the webhook from the developer console.",
    ),
];

pub(super) fn presets() -> Vec<Preset> {
    let mut presets = vec![
        follower(
            "standard-webhooks",
            "Standard Webhooks",
            "Copy the signing secret (`whsec_…`) or public key (`whpk_…`) from the sender's webhook settings.",
        )
        .called(&["svix"])
        .ours(),
    ];
    presets.extend(FOLLOWERS.map(|(name, title, help)| follower(name, title, help)));
    // The same framing, but the key is the text of the secret, not what it is the base64 of.
    let polar = SignedScheme {
        key: KeyForm::Verbatim,
        ..scheme()
    };
    let help = "Copy the secret (`polar_whs_…`) of the endpoint under Settings, Webhooks.";
    presets.push(
        sender("polar", "Polar", polar, help)
            .by(Dedupe::MessageId)
            .typed_at("$.type"),
    );
    presets
}

fn follower(name: &'static str, title: &'static str, help: &'static str) -> Preset {
    sender(name, title, scheme(), help)
        .by(Dedupe::MessageId)
        .typed_at("$.type")
}

fn scheme() -> SignedScheme {
    let of = |signature, timestamp, id| names(signature, Some(timestamp), Some(id));
    SignedScheme {
        headers: vec![
            of("webhook-signature", "webhook-timestamp", "webhook-id"),
            of("svix-signature", "svix-timestamp", "svix-id"),
        ],
        format: Format::Tagged {
            hmac: "v1",
            ed25519: "v1a",
        },
        ..base64("webhook-signature")
            .key(KeyForm::Standard)
            .over([Part::Id, text("."), Part::Timestamp, text("."), Part::Body])
            .timed(TimestampUnit::Seconds)
    }
}
