//! Senders that sign a JSON Web Token.

use super::parts::{SIGNS_BODY, SIGNS_BODY_AND_TIME};
use crate::signature::handshake::MONDAY;
use crate::signature::jwt::{Claim, JwtAlgorithm, JwtKeys, JwtLife, JwtPlace, JwtScheme};
use crate::signature::preset::{Dedupe, EventType, Preset, SecretOwner};
use crate::signature::scheme::Scheme;

/// For how long after it was made a token holds that says only when it was made, in seconds.
const HOLDS_SECONDS: u32 = 300;

pub(super) fn presets() -> Vec<Preset> {
    vec![
        plaid("plaid", "Plaid", "production.plaid.com"),
        plaid("plaid-sandbox", "Plaid (sandbox)", "sandbox.plaid.com"),
        Preset {
            name: "netlify",
            title: "Netlify",
            secret_help: "Enter the secret as JWS secret token of the notification.",
            secret: SecretOwner::Ours,
            event_type: Some(EventType::Header("X-Netlify-Event")),
            ..shared(JwtScheme {
                place: JwtPlace::Header("X-Webhook-Signature", ""),
                claims: &[Claim::Is("iss", "netlify"), Claim::BodyHex("sha256")],
                ..hs256()
            })
        },
        Preset {
            name: "vonage",
            title: "Vonage",
            proves: SIGNS_BODY_AND_TIME,
            secret_help: "Copy the signature secret under API settings.",
            dedupe: Dedupe::Body("$.message_uuid"),
            ..shared(JwtScheme {
                place: JwtPlace::Header("Authorization", "Bearer "),
                claims: &[Claim::BodyHex("payload_hash")],
                life: JwtLife::Seconds(HOLDS_SECONDS),
                ..hs256()
            })
        },
        Preset {
            name: "fusionauth",
            title: "FusionAuth",
            secret_help: "Copy the signing key of the webhook: the secret of an HMAC key, or the public key (PEM) of an RSA key.",
            dedupe: Dedupe::Body("$.event.id"),
            event_type: Some(EventType::Body("$.event.type")),
            ..shared(JwtScheme {
                place: JwtPlace::Header("X-FusionAuth-Signature-JWT", ""),
                algorithm: JwtAlgorithm::ByKey,
                claims: &[Claim::BodyBase64("request_body_sha256")],
                ..hs256()
            })
        },
        Preset {
            name: "messagebird",
            aliases: &["bird"],
            title: "MessageBird",
            proves: "The sender holds the secret and sent exactly these bytes to this URL; an old request can be sent again until its token ends.",
            secret_help: "Copy the signing key under Developers, API settings.",
            dedupe: Dedupe::Body("$.message.id"),
            event_type: Some(EventType::Body("$.type")),
            ..shared(JwtScheme {
                place: JwtPlace::Header("MessageBird-Signature-JWT", ""),
                claims: &[
                    Claim::Is("iss", "MessageBird"),
                    Claim::UrlHex("url_hash"),
                    Claim::BodyHex("payload_hash"),
                ],
                life: JwtLife::Expires,
                ..hs256()
            })
        },
        Preset {
            name: "kinde",
            title: "Kinde",
            secret_help: "Enter the host of the account, such as `acme.kinde.com`: its published keys are used.",
            dedupe: Dedupe::Body("$.event_id"),
            event_type: Some(EventType::Body("$.type")),
            ..shared(JwtScheme {
                place: JwtPlace::Body,
                algorithm: JwtAlgorithm::Rs256,
                keys: JwtKeys::KeySet {
                    host_ends: ".kinde.com",
                    path: "/.well-known/jwks",
                },
                ..hs256()
            })
        },
        Preset {
            name: "google-pubsub",
            aliases: &["gmail"],
            title: "Google Cloud Pub/Sub push (Gmail and others)",
            proves: "Google sent it for this service account and means this URL; the bytes are not signed.",
            secret_help: "Enter the email of the service account under which the push subscription authenticates; leave its audience empty, for it is the URL then.",
            dedupe: Dedupe::Body("$.message.messageId"),
            ..shared(JwtScheme {
                place: JwtPlace::Header("Authorization", "Bearer "),
                algorithm: JwtAlgorithm::Rs256,
                keys: JwtKeys::SharedKeySet {
                    url: "https://www.googleapis.com/oauth2/v3/certs",
                    claim: "email",
                },
                claims: &[
                    Claim::Is("iss", "https://accounts.google.com"),
                    Claim::Url("aud"),
                    Claim::True("email_verified"),
                ],
                life: JwtLife::Expires,
            })
        },
        Preset {
            name: "monday",
            title: "monday.com",
            proves: "The sender holds the secret and means this URL; the bytes are not signed.",
            secret_help: "Copy the signing secret under Basic information of the app.",
            dedupe: Dedupe::Body("$.event.triggerUuid"),
            event_type: Some(EventType::Body("$.event.type")),
            handshakes: MONDAY,
            ..shared(JwtScheme {
                place: JwtPlace::Header("Authorization", "Bearer "),
                claims: &[Claim::Url("aud")],
                life: JwtLife::Expires,
                ..hs256()
            })
        },
        Preset {
            name: "jira-connect",
            aliases: &["confluence-connect"],
            title: "Jira and Confluence (Connect apps)",
            proves: "The sender holds the secret of the installation and means this URL with this query; the bytes are not signed.",
            secret_help: "Copy the `sharedSecret` that the app gets with its `installed` callback: every installation has its own.",
            dedupe: Dedupe::Header("X-Atlassian-Webhook-Identifier"),
            event_type: Some(EventType::Body("$.webhookEvent")),
            ..shared(JwtScheme {
                place: JwtPlace::Header("Authorization", "JWT "),
                claims: &[Claim::Qsh("qsh")],
                life: JwtLife::Expires,
                ..hs256()
            })
        },
    ]
}

fn plaid(name: &'static str, title: &'static str, host: &'static str) -> Preset {
    Preset {
        name,
        title,
        proves: SIGNS_BODY_AND_TIME,
        secret_help: "Enter the client id and the secret of the team, as `client_id:secret`: Plaid's keys are fetched with them.",
        event_type: Some(EventType::Body("$.webhook_code")),
        ..shared(JwtScheme {
            place: JwtPlace::Header("Plaid-Verification", ""),
            algorithm: JwtAlgorithm::Es256,
            keys: JwtKeys::Plaid(host),
            claims: &[Claim::BodyHex("request_body_sha256")],
            life: JwtLife::Seconds(HOLDS_SECONDS),
        })
    }
}

/// A token under a shared secret, for rows to differ from.
fn hs256() -> JwtScheme {
    JwtScheme {
        place: JwtPlace::Body,
        algorithm: JwtAlgorithm::Hs256,
        keys: JwtKeys::Given,
        claims: &[],
        life: JwtLife::Unbounded,
    }
}

fn shared(scheme: JwtScheme) -> Preset {
    Preset {
        name: "",
        aliases: &[],
        title: "",
        proves: SIGNS_BODY,
        secret_help: "",
        secret: SecretOwner::Theirs,
        scheme: Scheme::Jwt(scheme),
        overrides: &[],
        dedupe: Dedupe::BodyHash,
        event_type: None,
        handshakes: &[],
    }
}
