//! Senders that sign the raw body by another hash than SHA-256, or by a plain hash.

use super::parts::{base64, hex, sender};
use crate::signature::preset::{Dedupe, Preset};
use crate::signature::scheme::{Digest, KeyForm};

pub(super) fn presets() -> Vec<Preset> {
    vec![
        sender("intercom", "Intercom", hex("X-Hub-Signature").prefix("sha1=").digest(Digest::Sha1),
            "Copy the client secret under Basic information of the app.")
            .by(Dedupe::Body("$.id"))
            .typed_at("$.topic"),
        sender("autodesk", "Autodesk Platform Services", hex("x-adsk-signature").prefix("sha1hash=").digest(Digest::Sha1),
            "Bring the token that the webhooks API was given for the app.")
            .typed_at("$.hook.event"),
        sender("autotask", "Autotask", base64("X-Hook-Signature").prefix("sha1=").digest(Digest::Sha1),
            "Copy the secret key of the webhook."),
        sender("mongodb-atlas", "MongoDB Atlas", base64("X-MMS-Signature").digest(Digest::Sha1),
            "Enter the webhook secret under Project Settings, Integrations.")
            .ours(),
        // A batch carries the signature of its first event only.
        sender("segment", "Segment", hex("X-Signature").digest(Digest::Sha1),
            "Enter the shared secret of the webhook destination; leave batches off, for only their first event is signed.")
            .ours()
            .by(Dedupe::Body("$.messageId"))
            .typed_at("$.type"),
        sender("vercel", "Vercel", hex("x-vercel-signature").digest(Digest::Sha1),
            "Copy the secret shown when the webhook is created, or the client secret of the integration.")
            .by(Dedupe::Body("$.id"))
            .typed_at("$.type"),
        sender("authorize-net", "Authorize.Net", hex("X-ANET-Signature").prefix("sha512=").digest(Digest::Sha512).key(KeyForm::Hex),
            "Copy the Signature Key (hex) under Account, Settings, API Credentials & Keys.")
            .by(Dedupe::Body("$.notificationId"))
            .typed_at("$.eventType"),
        sender("onfleet", "Onfleet", hex("X-Onfleet-Signature").digest(Digest::Sha512).key(KeyForm::Hex),
            "Copy the webhook secret (hex) under Settings, API & Webhooks."),
        sender("paystack", "Paystack", hex("x-paystack-signature").digest(Digest::Sha512),
            "Bring the secret key (`sk_…`) of the account: Paystack signs with it.")
            .typed_at("$.event"),
        sender("hubspot-v1", "HubSpot (v1)", hex("X-HubSpot-Signature").plain_hash(),
            "Copy the client secret under Auth of the app."),
        sender("recharge", "Recharge", hex("X-Recharge-Hmac-Sha256").plain_hash(),
            "Copy the API client secret of the token under Tools & apps, API tokens.")
            .typed_by_header("X-Recharge-Topic"),
        sender("sellsy", "Sellsy", hex("x-webhook-signature").plain_hash().digest(Digest::Sha1),
            "Copy the secret of the webhook from the developer settings."),
    ]
}
