//! Schemes of no sender in particular, for any that can be told how to prove itself.

use std::borrow::Cow;

use super::parts::{KNOWS_TOKEN, SIGNS_BODY, body_hmac, names};
use crate::signature::config::Override;
use crate::signature::preset::{Dedupe, Preset, SecretOwner};
use crate::signature::scheme::{BasicScheme, Format, Scheme, SignedScheme, TokenScheme};

/// Signed by a shared secret.
pub(super) fn signed() -> Vec<Preset> {
    vec![Preset {
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
    }]
}

/// Compared with a shared secret, or not checked at all.
pub(super) fn others() -> Vec<Preset> {
    vec![
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
}
