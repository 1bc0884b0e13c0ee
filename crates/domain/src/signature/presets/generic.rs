//! Schemes of no sender in particular, for any that can be told how to prove itself.

use std::borrow::Cow;

use super::parts::{basic, hex, sender, token};
use crate::signature::config::Override;
use crate::signature::preset::{Preset, SecretOwner};
use crate::signature::scheme::{Format, Scheme, SignedScheme};

/// Signed by a shared secret.
pub(super) fn signed() -> Vec<Preset> {
    let scheme = SignedScheme {
        // Seed 001 sends the prefix, seed 002 compares bare hex.
        format: Format::Plain {
            prefix: Cow::Borrowed("sha256="),
            optional: true,
        },
        ..hex("X-Webhook-Signature")
            .timestamp_in("X-Webhook-Timestamp")
            .id_in("X-Webhook-Id")
    };
    let help = "Enter the secret shown on creation at the sender, with its `whsec_`.";
    vec![
        sender("hmac-sha256", "HMAC-SHA256", scheme, help)
            .ours()
            .takes(&[
                Override::Header,
                Override::Encoding,
                Override::Prefix,
                Override::Content,
                Override::TimestampHeader,
                Override::ToleranceSeconds,
            ]),
    ]
}

/// Compared with a shared secret, or not checked at all.
pub(super) fn others() -> Vec<Preset> {
    let password =
        "Enter the secret as password at the sender, with the user name configured here.";
    let value = "Enter the secret at the sender as the value of the header.";
    vec![
        sender("basic", "HTTP Basic", basic(), password).ours(),
        sender(
            "header-value",
            "Token in a header",
            token("X-Webhook-Token"),
            value,
        )
        .ours()
        .takes(&[Override::Header, Override::Prefix]),
        Preset {
            secret: SecretOwner::Nobody,
            ..sender(
                "none",
                "No verification",
                Scheme::Unsigned,
                "No secret is used: what is sent is no more than a hint to fetch the object, as with Mollie's classic webhooks.",
            )
        },
    ]
}
