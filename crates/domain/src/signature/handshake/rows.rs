//! The questions of each sender. Source of every row: facts webhooks 3.5.

use super::{Answer, Effect, Gate, Handshake, Mark, Place};
use crate::signature::{Confirmation, Hosts};

use Place::{Body, Header, Query};

/// A GET that anyone may ask and that changes nothing, for rows to differ from.
const GET: Handshake = Handshake {
    name: "",
    method: "GET",
    marks: &[],
    gate: Gate::Anyone,
    answer: Answer::Fixed {
        status: 200,
        body: "",
    },
    effect: Effect::None,
};

/// The same with POST.
const POST: Handshake = Handshake {
    method: "POST",
    ..GET
};

/// Slack asks once, when the URL is entered.
pub(in crate::signature) const SLACK: &[Handshake] = &[Handshake {
    name: "slack url_verification",
    marks: &[Mark::Text(Body("/type"), "url_verification")],
    gate: Gate::Verified,
    answer: Answer::Text(Body("/challenge")),
    ..POST
}];

/// Zoom asks when the URL is saved, and every 72 hours. It signs the question as it signs events.
pub(in crate::signature) const ZOOM: &[Handshake] = &[Handshake {
    name: "zoom endpoint.url_validation",
    marks: &[
        Mark::Text(Body("/event"), "endpoint.url_validation"),
        Mark::Has(Body("/payload/plainToken")),
    ],
    gate: Gate::Verified,
    answer: Answer::SignedToken(Body("/payload/plainToken")),
    ..POST
}];

/// Microsoft Graph asks when a subscription is made or its URLs are changed.
pub(in crate::signature) const MICROSOFT_GRAPH: &[Handshake] = &[Handshake {
    name: "graph validationToken",
    marks: &[Mark::Has(Query("validationToken")), Mark::NoBody],
    answer: Answer::EscapedText(Query("validationToken")),
    ..POST
}];

/// Facebook, Instagram, Messenger and WhatsApp ask when the URL is saved.
pub(in crate::signature) const META: &[Handshake] = &[Handshake {
    name: "meta hub.challenge",
    answer: Answer::Text(Query("hub.challenge")),
    ..HUB_SUBSCRIBE
}];

/// Strava wants the same answered in JSON.
pub(in crate::signature) const STRAVA: &[Handshake] = &[Handshake {
    name: "strava hub.challenge",
    answer: Answer::Json {
        field: "hub.challenge",
        from: Query("hub.challenge"),
    },
    ..HUB_SUBSCRIBE
}];

const HUB_SUBSCRIBE: Handshake = Handshake {
    marks: &[
        Mark::Text(Query("hub.mode"), "subscribe"),
        Mark::Has(Query("hub.challenge")),
        Mark::Has(Query("hub.verify_token")),
    ],
    gate: Gate::Token {
        place: Query("hub.verify_token"),
        refusal: 403,
    },
    ..GET
};

/// A WebSub hub asks whether the subscription to a topic is meant; the topic is the `verify_token`. That it is to
/// end is never confirmed: whoever wants it ended deletes the source.
pub(in crate::signature) const WEBSUB: &[Handshake] = &[
    Handshake {
        name: "websub subscribe",
        marks: &[
            Mark::Text(Query("hub.mode"), "subscribe"),
            Mark::Has(Query("hub.challenge")),
            Mark::Has(Query("hub.topic")),
        ],
        gate: Gate::Token {
            place: Query("hub.topic"),
            refusal: 404,
        },
        answer: Answer::Text(Query("hub.challenge")),
        ..GET
    },
    Handshake {
        name: "websub unsubscribe",
        marks: &[Mark::Text(Query("hub.mode"), "unsubscribe")],
        answer: Answer::Fixed {
            status: 404,
            body: "",
        },
        ..GET
    },
];

/// X asks when the URL is saved, and every hour.
pub(in crate::signature) const X: &[Handshake] = &[Handshake {
    name: "x crc_token",
    marks: &[Mark::Has(Query("crc_token"))],
    answer: Answer::ResponseToken(Query("crc_token")),
    ..GET
}];

/// Dropbox and Adobe I/O ask when the URL is saved.
pub(in crate::signature) const CHALLENGE: &[Handshake] = &[Handshake {
    name: "challenge",
    marks: &[Mark::Has(Query("challenge"))],
    answer: Answer::Text(Query("challenge")),
    ..GET
}];

/// Adobe Acrobat Sign asks with the id of its client, which must be the one configured.
pub(in crate::signature) const ADOBE_SIGN: &[Handshake] = &[Handshake {
    name: "adobe-sign client id",
    marks: &[Mark::Has(Header("x-adobesign-clientid"))],
    gate: Gate::Verified,
    answer: Answer::Header {
        name: "x-adobesign-clientid",
        from: Header("x-adobesign-clientid"),
        field: Some("xAdobeSignClientId"),
    },
    ..GET
}];

/// Okta asks when an event hook is verified, and sends its `Authorization` with the question.
pub(in crate::signature) const OKTA: &[Handshake] = &[Handshake {
    name: "okta verification challenge",
    marks: &[Mark::Has(Header("x-okta-verification-challenge"))],
    gate: Gate::Verified,
    answer: Answer::Json {
        field: "verification",
        from: Header("x-okta-verification-challenge"),
    },
    ..GET
}];

/// Asana and Keap bring the key with which they will sign.
pub(in crate::signature) const X_HOOK_SECRET: &[Handshake] = &[Handshake {
    name: "x-hook-secret",
    marks: &[Mark::Has(Header("x-hook-secret"))],
    gate: Gate::Pending,
    answer: Answer::Header {
        name: "x-hook-secret",
        from: Header("x-hook-secret"),
        field: None,
    },
    effect: Effect::Keep(Header("x-hook-secret")),
    ..POST
}];

/// Notion brings the key with which it will sign, and wants it entered by hand.
pub(in crate::signature) const NOTION: &[Handshake] = &[Handshake {
    name: "notion verification_token",
    marks: &[Mark::Only("verification_token")],
    gate: Gate::Pending,
    effect: Effect::Keep(Body("/verification_token")),
    ..POST
}];

/// Smartsheet asks when a webhook is enabled, and now and then.
pub(in crate::signature) const SMARTSHEET: &[Handshake] = &[Handshake {
    name: "smartsheet challenge",
    marks: &[Mark::Has(Header("smartsheet-hook-challenge"))],
    answer: Answer::Header {
        name: "smartsheet-hook-response",
        from: Header("smartsheet-hook-challenge"),
        field: Some("smartsheetHookResponse"),
    },
    ..POST
}];

/// eBay asks when the destination is saved.
pub(in crate::signature) const EBAY: &[Handshake] = &[Handshake {
    name: "ebay challenge_code",
    marks: &[Mark::Has(Query("challenge_code"))],
    answer: Answer::ChallengeResponse(Query("challenge_code")),
    ..GET
}];

/// Twitch asks when a subscription is made, and tells when it is revoked.
pub(in crate::signature) const TWITCH: &[Handshake] = &[
    Handshake {
        name: "twitch webhook_callback_verification",
        marks: &[
            Mark::Text(
                Header("twitch-eventsub-message-type"),
                "webhook_callback_verification",
            ),
            Mark::Has(Body("/challenge")),
        ],
        gate: Gate::Verified,
        answer: Answer::Text(Body("/challenge")),
        ..POST
    },
    Handshake {
        name: "twitch revocation",
        marks: &[
            Mark::Text(Header("twitch-eventsub-message-type"), "revocation"),
            Mark::Has(Body("/subscription/status")),
        ],
        gate: Gate::Verified,
        answer: Answer::Fixed {
            status: 204,
            body: "",
        },
        effect: Effect::Disable(Body("/subscription/status")),
        ..POST
    },
];

/// monday.com asks when a webhook is made, before it signs anything.
pub(in crate::signature) const MONDAY: &[Handshake] = &[Handshake {
    name: "monday challenge",
    marks: &[Mark::Only("challenge")],
    answer: Answer::Json {
        field: "challenge",
        from: Body("/challenge"),
    },
    ..POST
}];

/// Discord asks when the interactions endpoint or the webhook events URL is saved.
pub(in crate::signature) const DISCORD: &[Handshake] = &[
    Handshake {
        name: "discord interaction ping",
        marks: &[Mark::Number("/type", 1), Mark::Lacks("/event")],
        gate: Gate::Verified,
        answer: Answer::Fixed {
            status: 200,
            body: "{\"type\":1}",
        },
        ..POST
    },
    Handshake {
        name: "discord webhook events ping",
        marks: &[Mark::Number("/type", 0), Mark::Lacks("/event")],
        gate: Gate::Verified,
        answer: Answer::Fixed {
            status: 204,
            body: "",
        },
        ..POST
    },
];

/// Xero sends requests without events, some of them badly signed, and wants 200 or 401 and nothing in the body.
pub(in crate::signature) const XERO: &[Handshake] = &[Handshake {
    name: "xero intent to receive",
    marks: &[Mark::NoItems("/events")],
    gate: Gate::Verified,
    ..POST
}];

/// Azure Event Grid asks when a subscription is made, and takes a call of `validationUrl` within five minutes where
/// the answer does not reach it. A URL on another host is not called, and is no reason to leave the question
/// unanswered.
pub(in crate::signature) const EVENT_GRID: &[Handshake] = &[
    Handshake {
        marks: &[
            Mark::Text(Header("aeg-event-type"), "SubscriptionValidation"),
            Mark::Has(Body("/0/data/validationCode")),
            Mark::Has(Body("/0/data/validationUrl")),
        ],
        effect: Effect::Call {
            place: Body("/0/data/validationUrl"),
            hosts: Hosts::EventGrid,
        },
        ..EVENT_GRID_VALIDATION
    },
    EVENT_GRID_VALIDATION,
    WEBHOOK_REQUEST_ORIGIN,
];

const EVENT_GRID_VALIDATION: Handshake = Handshake {
    name: "event-grid validation",
    marks: &[
        Mark::Text(Header("aeg-event-type"), "SubscriptionValidation"),
        Mark::Has(Body("/0/data/validationCode")),
    ],
    answer: Answer::Json {
        field: "validationResponse",
        from: Body("/0/data/validationCode"),
    },
    ..POST
};

/// A sender of CloudEvents asks whether it may send, and may want to be called back.
pub(in crate::signature) const CLOUD_EVENTS: &[Handshake] = &[WEBHOOK_REQUEST_ORIGIN];

const WEBHOOK_REQUEST_ORIGIN: Handshake = Handshake {
    name: "cloudevents origin",
    method: "OPTIONS",
    marks: &[Mark::Has(Header("webhook-request-origin"))],
    answer: Answer::AllowOrigin(Header("webhook-request-origin")),
    effect: Effect::Call {
        place: Header("webhook-request-callback"),
        hosts: Hosts::Any,
    },
    ..GET
};

/// Amazon SNS asks, signed, that a URL be called.
pub(in crate::signature) const SNS: &[Handshake] = &[Handshake {
    name: "sns SubscriptionConfirmation",
    marks: &[
        Mark::Text(Body("/Type"), "SubscriptionConfirmation"),
        Mark::Has(Body("/SubscribeURL")),
    ],
    gate: Gate::Verified,
    effect: Effect::Call {
        place: Body("/SubscribeURL"),
        hosts: Hosts::Sns,
    },
    ..POST
}];

/// Salesforce Marketing Cloud asks when a callback is made, and wants what it asked back over its API.
pub(in crate::signature) const MARKETING_CLOUD: &[Handshake] = &[Handshake {
    name: "salesforce-ens verification",
    marks: &[
        Mark::Has(Body("/callbackId")),
        Mark::Has(Body("/verificationKey")),
    ],
    effect: Effect::Confirm(Confirmation {
        tokens: ".auth.marketingcloudapis.com/v2/token",
        call: ".rest.marketingcloudapis.com/platform/v1/ens-verify",
        fields: &["callbackId", "verificationKey"],
    }),
    ..POST
}];

/// RingCentral asks when a subscription is made or renewed.
pub(in crate::signature) const RING_CENTRAL: &[Handshake] = &[Handshake {
    name: "ringcentral validation token",
    marks: &[Mark::Has(Header("validation-token")), Mark::NoBody],
    answer: Answer::Header {
        name: "validation-token",
        from: Header("validation-token"),
        field: None,
    },
    ..POST
}];

/// Trello and Mandrill look whether the URL is there.
pub(in crate::signature) const LOOK: &[Handshake] = &[
    Handshake {
        name: "look",
        method: "HEAD",
        ..GET
    },
    Handshake {
        name: "look",
        ..GET
    },
];
