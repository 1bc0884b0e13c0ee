//! Senders that sign the raw body by HMAC-SHA256 and write it as base64.

use super::parts::{base64, names, sender};
use crate::signature::config::Override;
use crate::signature::handshake::{MARKETING_CLOUD, X, XERO};
use crate::signature::preset::{Dedupe, Preset};
use crate::signature::scheme::{Digest, KeyForm, MoreSignatures, SignedScheme};

pub(super) fn presets() -> Vec<Preset> {
    let of = |name, title, header, help| sender(name, title, base64(header), help);
    vec![
        sender("shopify", "Shopify", shopify(), "Copy the client secret of the app, or the secret shown under Settings, Notifications, Webhooks.")
            .by(Dedupe::Header("X-Shopify-Webhook-Id"))
            .typed_by_header("X-Shopify-Topic"),
        of("salesforce-ens", "Salesforce Marketing Cloud", "x-sfmc-ens-signature", "Put the subdomain and the credentials of a server-to-server package into `confirm`, make the callback with the URL of the source, and give the `signatureKey` that it answers with to `rotate-secret`.")
            .takes(&[Override::Confirm])
            .asks(MARKETING_CLOUD),
        of("ably", "Ably", "X-Ably-Signature", "Copy the secret of the API key that signs the integration rule."),
        of("aftership", "AfterShip", "aftership-hmac-sha256", "Copy the webhook secret under Settings, Webhooks.")
            .typed_at("$.event"),
        sender("bolt", "Bolt", base64("X-Bolt-Hmac-Sha256").and_in(MoreSignatures::Named("X-Bolt-Hmac-Sha256-Pending")),
            "Copy the Signing Secret under Administration, API."),
        sender("connectwise", "ConnectWise", base64("x-content-signature").key(KeyForm::Hashed(Digest::Sha256)),
            "Bring the shared secret of the callback."),
        sender("docusign", "DocuSign Connect", base64("X-DocuSign-Signature-1").and_in(MoreSignatures::Numbered {
            prefix: "X-DocuSign-Signature-",
            last: 100,
        }), "Copy a key under Settings, Connect, Connect Keys; any of up to 100 will do.")
            .typed_at("$.event"),
        of("heroku", "Heroku", "Heroku-Webhook-Hmac-SHA256", "Copy the secret that Heroku shows when the webhook is created.")
            .by(Dedupe::Body("$.id")),
        of("jobber", "Jobber", "X-Jobber-Hmac-SHA256", "Copy the client secret of the app from the Developer Center.")
            .typed_at("$.data.webHookEvent.topic"),
        of("line", "LINE", "x-line-signature", "Copy the Channel secret under Basic settings of the channel."),
        // Teams writes the security token as base64 and signs with what it stands for.
        sender("microsoft-teams", "Microsoft Teams outgoing webhook", base64("Authorization").prefix("HMAC ").key(KeyForm::Base64),
            "Copy the security token shown when the outgoing webhook is created.")
            .called(&["ms-teams"])
            .by(Dedupe::Body("$.id"))
            .typed_at("$.type"),
        of("primer", "Primer", "x-signature-primary", "Copy the signing secret of the webhook under Developers, Webhooks.")
            .typed_at("$.eventType"),
        of("quickbooks", "QuickBooks", "intuit-signature", "Copy the Verifier Token under Webhooks of the app."),
        sender("typeform", "Typeform", base64("Typeform-Signature").prefix("sha256="),
            "Enter the secret under Connect, Webhooks of the form.")
            .ours()
            .by(Dedupe::Body("$.event_id"))
            .typed_at("$.event_type"),
        of("woocommerce", "WooCommerce", "X-WC-Webhook-Signature", "Enter the secret under WooCommerce, Settings, Advanced, Webhooks.")
            .ours()
            .by(Dedupe::Header("X-WC-Webhook-Delivery-ID"))
            .typed_by_header("X-WC-Webhook-Topic"),
        sender("x", "X", base64("x-twitter-webhooks-signature").prefix("sha256="),
            "Copy the consumer secret (API key secret) of the app.")
            .called(&["twitter"])
            .asks(X),
        of("xero", "Xero", "x-xero-signature", "Copy the webhooks key under Webhooks of the app.")
            .asks(XERO),
    ]
}

/// Its events are sent under other names than its webhooks (`@shopify/shopify-api` 13, `WEBHOOK_HEADER_NAMES`).
fn shopify() -> SignedScheme {
    SignedScheme {
        headers: vec![
            names("X-Shopify-Hmac-SHA256", None, None),
            names("Shopify-Hmac-SHA256", None, None),
        ],
        ..base64("X-Shopify-Hmac-SHA256")
    }
}
