//! Senders whose signature stands in the body, or that publish the certificate they sign with.

use super::parts::SIGNS_BODY;
use crate::signature::bespoke::BespokeScheme;
use crate::signature::handshake::{MICROSOFT_GRAPH, SNS};
use crate::signature::preset::{Dedupe, EventType, Preset, SecretOwner};
use crate::signature::scheme::Scheme;

pub(super) fn presets() -> Vec<Preset> {
    vec![
        Preset {
            title: "Mailgun",
            proves: "The sender holds the signing key; what it says of the event is not signed.",
            secret_help: "Copy the HTTP webhook signing key under API security.",
            dedupe: Dedupe::Body("$.signature.token"),
            event_type: Some(EventType::Body("$['event-data'].event")),
            ..of("mailgun", BespokeScheme::Mailgun)
        },
        Preset {
            title: "Adyen",
            proves: "The sender holds the key and signed reference, account, amount, event code and outcome of every item; other fields are not signed, and an old request can be sent again.",
            secret_help: "Generate the HMAC key (hex digits) on the webhook's page in the Customer Area.",
            event_type: Some(EventType::Body(
                "$.notificationItems[0].NotificationRequestItem.eventCode",
            )),
            ..of("adyen", BespokeScheme::Adyen)
        },
        Preset {
            title: "Braintree",
            secret_help: "Copy the private key under API, Keys.",
            ..of("braintree", BespokeScheme::Braintree)
        },
        Preset {
            title: "Microsoft Graph",
            proves: "The sender knows the client state, in every notification of the request; the bytes are not signed.",
            secret_help: "Give the secret as `clientState` when the subscription is made.",
            secret: SecretOwner::Ours,
            event_type: Some(EventType::Body("$.value[0].changeType")),
            handshakes: MICROSOFT_GRAPH,
            ..of("microsoft-graph", BespokeScheme::ClientState)
        },
        Preset {
            title: "Amazon SNS",
            proves: "Amazon SNS sent exactly this message for this topic; an old message can be sent again.",
            secret_help: "Enter the ARN of the topic: messages of other topics are refused.",
            dedupe: Dedupe::Body("$.MessageId"),
            handshakes: SNS,
            ..of("sns", BespokeScheme::Sns)
        },
        Preset {
            title: "PayPal",
            proves: "PayPal sent exactly these bytes for this webhook; an old request can be sent again.",
            secret_help: "Enter the id of the webhook, as the app's page in the developer dashboard shows it.",
            dedupe: Dedupe::Body("$.id"),
            event_type: Some(EventType::Body("$.event_type")),
            ..of("paypal", BespokeScheme::PayPal)
        },
    ]
}

/// A sender that signs the body, for rows to differ from.
fn of(name: &'static str, scheme: BespokeScheme) -> Preset {
    Preset {
        name,
        aliases: &[],
        title: "",
        proves: SIGNS_BODY,
        secret_help: "",
        secret: SecretOwner::Theirs,
        scheme: Scheme::Bespoke(scheme),
        overrides: &[],
        dedupe: Dedupe::BodyHash,
        event_type: None,
        handshakes: &[],
    }
}
