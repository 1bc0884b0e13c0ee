//! The table of presets. Source of every row: facts webhooks 3.2; a row without a vector in the tests is not done.

use std::borrow::Cow;
use std::sync::LazyLock;

use super::config::{DEFAULT_TOLERANCE_SECONDS, Override};
use super::handshake::SLACK_URL_VERIFICATION;
use super::preset::{Dedupe, EventType, Preset, SecretOwner};
use super::scheme::{
    BasicScheme, Digest, Encoding, Format, HeaderNames, KeyForm, Part, Scheme, SignedScheme,
    TimestampRule, TimestampUnit, TokenScheme, UrlRule,
};

/// All presets, in the order in which they are offered.
pub fn presets() -> &'static [Preset] {
    &*PRESETS
}

/// The preset with this name or alias.
pub fn find(name: &str) -> Option<&'static Preset> {
    PRESETS
        .iter()
        .find(|preset| preset.name == name || preset.aliases.contains(&name))
}

const SIGNS_BODY: &str =
    "The sender holds the secret and sent exactly these bytes; an old request can be sent again.";
const SIGNS_BODY_AND_TIME: &str =
    "The sender holds the secret and sent exactly these bytes within the tolerance of now.";
const KNOWS_TOKEN: &str = "The sender knows the secret; the bytes are not signed.";

static PRESETS: LazyLock<[Preset; 12]> = LazyLock::new(|| {
    [
        Preset {
            name: "hmac-sha256",
            aliases: &[],
            title: "HMAC-SHA256",
            proves: SIGNS_BODY,
            secret_help: "Enter the secret shown on creation at the sender, with its `whsec_`.",
            secret: SecretOwner::Ours,
            scheme: Scheme::Signed(SignedScheme {
                headers: vec![names(
                    "X-Webhook-Signature",
                    Some("X-Webhook-Timestamp"),
                    Some("X-Webhook-Id"),
                )],
                // Seed 001 sends the prefix, seed 002 compares bare hex.
                format: Format::Plain {
                    prefix: Cow::Borrowed("sha256="),
                    optional: true,
                },
                ..body_hmac()
            }),
            overrides: &[
                Override::Header,
                Override::Encoding,
                Override::Prefix,
                Override::Content,
                Override::TimestampHeader,
                Override::ToleranceSeconds,
            ],
            dedupe: Dedupe::BodyHash,
            event_type: None,
            handshakes: &[],
        },
        Preset {
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
        },
        Preset {
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
        },
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
                    timestamp: "t",
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
            handshakes: &[SLACK_URL_VERIFICATION],
        },
        Preset {
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
        },
        Preset {
            name: "hubspot-v3",
            aliases: &["hubspot"],
            title: "HubSpot",
            proves: SIGNS_BODY_AND_TIME,
            secret_help: "Copy the client secret under Auth of the app.",
            secret: SecretOwner::Theirs,
            scheme: Scheme::Signed(SignedScheme {
                headers: vec![names(
                    "X-HubSpot-Signature-v3",
                    Some("X-HubSpot-Request-Timestamp"),
                    None,
                )],
                encoding: Encoding::Base64,
                content: vec![Part::Method, Part::Url, Part::Body, Part::Timestamp],
                timestamp: Some(within_tolerance(TimestampUnit::Milliseconds)),
                url: UrlRule {
                    decoded: &[
                        "3A", "2F", "3F", "40", "21", "24", "27", "28", "29", "2A", "2C", "3B",
                    ],
                    port_may_differ: false,
                },
                ..body_hmac()
            }),
            overrides: &[Override::ToleranceSeconds],
            // One request carries up to 100 events, and their `eventId` is not unique.
            dedupe: Dedupe::BodyHash,
            event_type: Some(EventType::Body("$[0].subscriptionType")),
            handshakes: &[],
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
        Preset {
            name: "twilio",
            aliases: &[],
            title: "Twilio",
            proves: "The sender holds the auth token and sent this form or body to this URL; an old request can be sent again.",
            secret_help: "Copy the Auth Token from the account's dashboard.",
            secret: SecretOwner::Theirs,
            scheme: Scheme::Signed(SignedScheme {
                headers: vec![names("X-Twilio-Signature", None, None)],
                encoding: Encoding::Base64,
                digest: Digest::Sha1,
                content: vec![
                    Part::Url,
                    Part::Form {
                        body_hash: "bodySHA256",
                    },
                ],
                url: UrlRule {
                    decoded: &[],
                    port_may_differ: true,
                },
                ..body_hmac()
            }),
            overrides: &[],
            dedupe: Dedupe::Header("I-Twilio-Idempotency-Token"),
            event_type: None,
            handshakes: &[],
        },
        Preset {
            name: "basic",
            aliases: &[],
            title: "HTTP Basic",
            proves: KNOWS_TOKEN,
            secret_help: "Enter the secret as password at the sender, with the user name configured here.",
            secret: SecretOwner::Ours,
            scheme: Scheme::Basic(BasicScheme { username: None }),
            overrides: &[Override::Username],
            dedupe: Dedupe::BodyHash,
            event_type: None,
            handshakes: &[],
        },
        Preset {
            name: "header-value",
            aliases: &[],
            title: "Token in a header",
            proves: KNOWS_TOKEN,
            secret_help: "Enter the secret at the sender as the value of the header.",
            secret: SecretOwner::Ours,
            scheme: Scheme::Token(TokenScheme {
                header: Cow::Borrowed("X-Webhook-Token"),
                prefix: Cow::Borrowed(""),
            }),
            overrides: &[Override::Header, Override::Prefix],
            dedupe: Dedupe::BodyHash,
            event_type: None,
            handshakes: &[],
        },
        Preset {
            name: "none",
            aliases: &[],
            title: "No verification",
            proves: "Nothing: anyone who knows the URL can send anything.",
            secret_help: "No secret is used.",
            secret: SecretOwner::Nobody,
            scheme: Scheme::Unsigned,
            overrides: &[],
            dedupe: Dedupe::BodyHash,
            event_type: None,
            handshakes: &[],
        },
    ]
});

/// The commonest scheme, for rows to differ from: hex HMAC-SHA256 over the body, without a timestamp.
fn body_hmac() -> SignedScheme {
    SignedScheme {
        headers: Vec::new(),
        format: plain(""),
        encoding: Encoding::Hex,
        digest: Digest::Sha256,
        key: KeyForm::Verbatim,
        content: vec![Part::Body],
        timestamp: None,
        url: UrlRule::VERBATIM,
    }
}

fn names(
    signature: &'static str,
    timestamp: Option<&'static str>,
    id: Option<&'static str>,
) -> HeaderNames {
    HeaderNames {
        signature: Cow::Borrowed(signature),
        timestamp: timestamp.map(Cow::Borrowed),
        id: id.map(Cow::Borrowed),
    }
}

fn plain(prefix: &'static str) -> Format {
    Format::Plain {
        prefix: Cow::Borrowed(prefix),
        optional: false,
    }
}

fn text(literal: &'static str) -> Part {
    Part::Literal(Cow::Borrowed(literal))
}

fn within_tolerance(unit: TimestampUnit) -> TimestampRule {
    TimestampRule {
        unit,
        tolerance_seconds: DEFAULT_TOLERANCE_SECONDS,
    }
}
