//! Senders that sign the URL that they call, or the path or query of it.

use super::parts::{base64, hex, sender, text};
use crate::signature::handshake::LOOK;
use crate::signature::preset::{Dedupe, Preset};
use crate::signature::scheme::{Digest, Part, SignedScheme, TimestampUnit, UrlRule, Value};

pub(super) fn presets() -> Vec<Preset> {
    vec![
        // One request carries up to 100 events, and their `eventId` is not unique.
        sender(
            "hubspot-v3",
            "HubSpot",
            hubspot_v3(),
            "Copy the client secret under Auth of the app.",
        )
        .called(&["hubspot"])
        .typed_at("$[0].subscriptionType"),
        sender(
            "hubspot-v2",
            "HubSpot (v2)",
            hex("X-HubSpot-Signature")
                .plain_hash()
                .over([Part::Method, Part::Url, Part::Body]),
            "Copy the client secret under Auth of the app.",
        ),
        sender(
            "twilio",
            "Twilio",
            twilio(),
            "Copy the Auth Token from the account's dashboard.",
        )
        .by(Dedupe::Header("I-Twilio-Idempotency-Token")),
        sender(
            "square",
            "Square",
            base64("x-square-hmacsha256-signature").over([Part::Url, Part::Body]),
            "Copy the Signature Key of the subscription under Webhooks of the application.",
        )
        .by(Dedupe::Body("$.event_id"))
        .typed_at("$.type"),
        sender(
            "trello",
            "Trello",
            base64("X-Trello-Webhook")
                .digest(Digest::Sha1)
                .over([Part::Body, Part::Url]),
            "Copy the Secret of the API key's app.",
        )
        .asks(LOOK)
        .by(Dedupe::Body("$.action.id"))
        .typed_at("$.action.type"),
        sender(
            "mandrill",
            "Mandrill",
            base64("X-Mandrill-Signature")
                .digest(Digest::Sha1)
                .over([Part::Url, Part::Form { body_hash: None }]),
            "Copy the key of the webhook under Settings, Webhooks.",
        )
        .asks(LOOK),
        sender(
            "contentful",
            "Contentful",
            contentful(),
            "Enable request verification under Settings, Webhooks, and copy the signing secret.",
        )
        .typed_by_header("X-Contentful-Topic"),
        sender(
            "mercado-pago",
            "Mercado Pago",
            mercado_pago(),
            "Copy the secret signature under Webhooks of the application.",
        )
        .called(&["mercadopago"])
        .by(Dedupe::Body("$.id"))
        .typed_at("$.type"),
    ]
}

fn hubspot_v3() -> SignedScheme {
    SignedScheme {
        url: UrlRule {
            decoded: &[
                "3A", "2F", "3F", "40", "21", "24", "27", "28", "29", "2A", "2C", "3B",
            ],
            port_may_differ: false,
        },
        ..base64("X-HubSpot-Signature-v3")
            .timestamp_in("X-HubSpot-Request-Timestamp")
            .over([Part::Method, Part::Url, Part::Body, Part::Timestamp])
            .timed(TimestampUnit::Milliseconds)
    }
}

fn twilio() -> SignedScheme {
    let form = Part::Form {
        body_hash: Some("bodySHA256"),
    };
    SignedScheme {
        url: UrlRule {
            decoded: &[],
            port_may_differ: true,
        },
        ..base64("X-Twilio-Signature")
            .digest(Digest::Sha1)
            .over([Part::Url, form])
    }
}

fn contentful() -> SignedScheme {
    let list = "x-contentful-signed-headers";
    hex("x-contentful-signature")
        .timestamp_in("x-contentful-timestamp")
        .over([
            Part::Method,
            text("\n"),
            Part::Path,
            text("\n"),
            Part::SignedHeaders { list },
            text("\n"),
            Part::Body,
        ])
        .timed_within(30, TimestampUnit::Milliseconds)
}

/// The body is not in it; segments whose value is absent are left out.
fn mercado_pago() -> SignedScheme {
    let segment = |before, value| Part::Segment {
        before,
        value,
        after: ";",
    };
    hex("x-signature")
        .pairs(Some("ts"), "v1")
        .over([
            segment("id:", Value::LowerCaseQuery("data.id")),
            segment("request-id:", Value::Header("x-request-id")),
            text("ts:"),
            Part::Timestamp,
            text(";"),
        ])
        .stamped(TimestampUnit::Seconds)
}
