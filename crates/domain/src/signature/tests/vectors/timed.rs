//! Requests as their senders sign them, computed from facts webhooks 3.2 and 3.3 with Python's `hmac` and `hashlib`:
//! where no vendor publishes a vector, one that owes nothing to the engine under test.

use super::{Row, SECRET, row};

/// Senders that follow Standard Webhooks.
pub(super) const STANDARD: &[Row] = &[
    row(
        "anthropic",
        super::super::WHSEC,
        &[
            ("webhook-id", "msg_1"),
            ("webhook-timestamp", "1700000000"),
            (
                "webhook-signature",
                "v1,hK+S577++Q3LHbyJScJnWdhRWm7noQ5Sf9Xn7fYMfV0=",
            ),
        ],
    ),
    row(
        "bigcommerce",
        super::super::WHSEC,
        &[
            ("webhook-id", "msg_1"),
            ("webhook-timestamp", "1700000000"),
            (
                "webhook-signature",
                "v1,hK+S577++Q3LHbyJScJnWdhRWm7noQ5Sf9Xn7fYMfV0=",
            ),
        ],
    ),
    row(
        "brex",
        super::super::WHSEC,
        &[
            ("webhook-id", "msg_1"),
            ("webhook-timestamp", "1700000000"),
            (
                "webhook-signature",
                "v1,hK+S577++Q3LHbyJScJnWdhRWm7noQ5Sf9Xn7fYMfV0=",
            ),
        ],
    ),
    row(
        "etsy",
        super::super::WHSEC,
        &[
            ("webhook-id", "msg_1"),
            ("webhook-timestamp", "1700000000"),
            (
                "webhook-signature",
                "v1,hK+S577++Q3LHbyJScJnWdhRWm7noQ5Sf9Xn7fYMfV0=",
            ),
        ],
    ),
    row(
        "gemini",
        super::super::WHSEC,
        &[
            ("webhook-id", "msg_1"),
            ("webhook-timestamp", "1700000000"),
            (
                "webhook-signature",
                "v1,hK+S577++Q3LHbyJScJnWdhRWm7noQ5Sf9Xn7fYMfV0=",
            ),
        ],
    ),
    row(
        "gitlab-signed",
        super::super::WHSEC,
        &[
            ("webhook-id", "msg_1"),
            ("webhook-timestamp", "1700000000"),
            (
                "webhook-signature",
                "v1,hK+S577++Q3LHbyJScJnWdhRWm7noQ5Sf9Xn7fYMfV0=",
            ),
        ],
    ),
    row(
        "incident-io",
        super::super::WHSEC,
        &[
            ("webhook-id", "msg_1"),
            ("webhook-timestamp", "1700000000"),
            (
                "webhook-signature",
                "v1,hK+S577++Q3LHbyJScJnWdhRWm7noQ5Sf9Xn7fYMfV0=",
            ),
        ],
    ),
    row(
        "lithic",
        super::super::WHSEC,
        &[
            ("webhook-id", "msg_1"),
            ("webhook-timestamp", "1700000000"),
            (
                "webhook-signature",
                "v1,hK+S577++Q3LHbyJScJnWdhRWm7noQ5Sf9Xn7fYMfV0=",
            ),
        ],
    ),
    row(
        "loops",
        super::super::WHSEC,
        &[
            ("webhook-id", "msg_1"),
            ("webhook-timestamp", "1700000000"),
            (
                "webhook-signature",
                "v1,hK+S577++Q3LHbyJScJnWdhRWm7noQ5Sf9Xn7fYMfV0=",
            ),
        ],
    ),
    row(
        "openai",
        super::super::WHSEC,
        &[
            ("webhook-id", "msg_1"),
            ("webhook-timestamp", "1700000000"),
            (
                "webhook-signature",
                "v1,hK+S577++Q3LHbyJScJnWdhRWm7noQ5Sf9Xn7fYMfV0=",
            ),
        ],
    ),
    row(
        "render",
        super::super::WHSEC,
        &[
            ("webhook-id", "msg_1"),
            ("webhook-timestamp", "1700000000"),
            (
                "webhook-signature",
                "v1,hK+S577++Q3LHbyJScJnWdhRWm7noQ5Sf9Xn7fYMfV0=",
            ),
        ],
    ),
    row(
        "replicate",
        super::super::WHSEC,
        &[
            ("webhook-id", "msg_1"),
            ("webhook-timestamp", "1700000000"),
            (
                "webhook-signature",
                "v1,hK+S577++Q3LHbyJScJnWdhRWm7noQ5Sf9Xn7fYMfV0=",
            ),
        ],
    ),
    row(
        "clerk",
        super::super::WHSEC,
        &[
            ("svix-id", "msg_1"),
            ("svix-timestamp", "1700000000"),
            (
                "svix-signature",
                "v1,hK+S577++Q3LHbyJScJnWdhRWm7noQ5Sf9Xn7fYMfV0=",
            ),
        ],
    ),
    row(
        "resend",
        super::super::WHSEC,
        &[
            ("svix-id", "msg_1"),
            ("svix-timestamp", "1700000000"),
            (
                "svix-signature",
                "v1,hK+S577++Q3LHbyJScJnWdhRWm7noQ5Sf9Xn7fYMfV0=",
            ),
        ],
    ),
    row(
        "stytch",
        super::super::WHSEC,
        &[
            ("svix-id", "msg_1"),
            ("svix-timestamp", "1700000000"),
            (
                "svix-signature",
                "v1,hK+S577++Q3LHbyJScJnWdhRWm7noQ5Sf9Xn7fYMfV0=",
            ),
        ],
    ),
    row(
        "vanta",
        super::super::WHSEC,
        &[
            ("svix-id", "msg_1"),
            ("svix-timestamp", "1700000000"),
            (
                "svix-signature",
                "v1,hK+S577++Q3LHbyJScJnWdhRWm7noQ5Sf9Xn7fYMfV0=",
            ),
        ],
    ),
    row(
        "supabase-auth",
        "v1,whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        &[
            ("webhook-id", "msg_1"),
            ("webhook-timestamp", "1700000000"),
            (
                "webhook-signature",
                "v1,hK+S577++Q3LHbyJScJnWdhRWm7noQ5Sf9Xn7fYMfV0=",
            ),
        ],
    ),
    row(
        "polar",
        "polar_whs_reference",
        &[
            ("webhook-id", "msg_1"),
            ("webhook-timestamp", "1700000000"),
            (
                "webhook-signature",
                "v1,Fo9O1RV4gRAbycP+XXHIbVnq9jYUjVEvUOYuHL4HtyE=",
            ),
        ],
    ),
];

/// Senders that sign a timestamp or the URL too.
pub(super) const ROWS: &[Row] = &[
    row(
        "zoom",
        SECRET,
        &[
            ("x-zm-request-timestamp", "1700000000"),
            (
                "x-zm-signature",
                "v0=c7292597b8cfa3dbf912875e13d1784755047859a34b7d4f57c31b3665b9b1ce",
            ),
        ],
    ),
    row(
        "front",
        SECRET,
        &[
            ("X-Front-Request-Timestamp", "1700000000000"),
            (
                "X-Front-Signature",
                "aWC+EIBTUdrAJgzfZ1pYBGweLlzJhbRK0AzCwg7tBng=",
            ),
        ],
    ),
    row(
        "customer-io",
        SECRET,
        &[
            ("X-CIO-Timestamp", "1700000000"),
            (
                "X-CIO-Signature",
                "c7292597b8cfa3dbf912875e13d1784755047859a34b7d4f57c31b3665b9b1ce",
            ),
        ],
    ),
    row(
        "airship",
        SECRET,
        &[
            ("x-ua-timestamp", "1700000000"),
            (
                "x-ua-signature",
                "e1f3f97b22e7828e65a7d0cbcfbcf2f156eda46e02a66fa03abc2d3c63f4bfac",
            ),
        ],
    ),
    row(
        "sinch",
        SECRET,
        &[
            ("x-sinch-webhook-signature-timestamp", "1700000000"),
            ("x-sinch-webhook-signature-nonce", "nonce1"),
            (
                "x-sinch-webhook-signature",
                "CBm2ptho1pUvmac4SGYgnkSq3bE10KnYWoi+UALpp7Q=",
            ),
        ],
    ),
    row(
        "box",
        SECRET,
        &[
            ("BOX-DELIVERY-TIMESTAMP", "2023-11-14T14:13:20-08:00"),
            (
                "BOX-SIGNATURE-PRIMARY",
                "jFQngYpm8EeOMJL7iStCLRMx6973HtODurbMBFf5ETQ=",
            ),
            (
                "BOX-SIGNATURE-SECONDARY",
                "FOgsGsnNjhYzQTKzMfuGOReao2tCGIkjdJTruFLSIvw=",
            ),
        ],
    ),
    row(
        "webflow",
        SECRET,
        &[
            ("x-webflow-timestamp", "1700000000000"),
            (
                "x-webflow-signature",
                "6960be10805351dac0260cdf675a58046c1e2e5cc985b44ad00cc2c20eed0678",
            ),
        ],
    ),
    row(
        "twitch",
        SECRET,
        &[
            ("Twitch-Eventsub-Message-Id", "e76c6bd4-55c9"),
            (
                "Twitch-Eventsub-Message-Timestamp",
                "2023-11-14T22:13:20.123456789Z",
            ),
            (
                "Twitch-Eventsub-Message-Signature",
                "sha256=5538300c649d08528bc8943fccc77f7a21b036e03ec66989a77145e0fd646fd5",
            ),
        ],
    ),
    row(
        "airwallex",
        SECRET,
        &[
            ("x-timestamp", "1700000000000"),
            (
                "x-signature",
                "5cf7467afc3c6d774efeedc02e452f9e7506760eb5c7abf90f2b57c2c72fa108",
            ),
        ],
    ),
    row(
        "lob",
        SECRET,
        &[
            ("lob-signature-timestamp", "1700000000000"),
            (
                "lob-signature",
                "548d2a3a86acd822209f914b7a48e1a4a5f6727dfc8814ac7dc88acd1f63ab11",
            ),
        ],
    ),
    row(
        "klaviyo",
        SECRET,
        &[
            ("Klaviyo-Timestamp", "Tue, 14 Nov 2023 22:13:20 GMT"),
            (
                "Klaviyo-Signature",
                "be7ab755ea6113575f7be3510a598310f3e0cd77889e5135d1c2ddbe5a07a38d",
            ),
        ],
    ),
    row(
        "calendly",
        SECRET,
        &[(
            "Calendly-Webhook-Signature",
            "t=1700000000,v1=0f3224f4f719583948485f812b8cdec74083ed584e7a468577158b49071707a0",
        )],
    ),
    row(
        "mailchimp",
        SECRET,
        &[(
            "X-Mailchimp-Signature",
            "t=1700000000,v1=0f3224f4f719583948485f812b8cdec74083ed584e7a468577158b49071707a0",
        )],
    ),
    row(
        "mux",
        SECRET,
        &[(
            "Mux-Signature",
            "t=1700000000,v1=0f3224f4f719583948485f812b8cdec74083ed584e7a468577158b49071707a0",
        )],
    ),
    row(
        "persona",
        SECRET,
        &[(
            "Persona-Signature",
            "t=1700000000,v1=0f3224f4f719583948485f812b8cdec74083ed584e7a468577158b49071707a0",
        )],
    ),
    row(
        "shippo",
        SECRET,
        &[(
            "Shippo-Auth-Signature",
            "t=1700000000,v1=0f3224f4f719583948485f812b8cdec74083ed584e7a468577158b49071707a0",
        )],
    ),
    row(
        "workos",
        SECRET,
        &[(
            "WorkOS-Signature",
            "t=1700000000000, v1=548d2a3a86acd822209f914b7a48e1a4a5f6727dfc8814ac7dc88acd1f63ab11",
        )],
    ),
    row(
        "elevenlabs",
        SECRET,
        &[(
            "ElevenLabs-Signature",
            "t=1700000000,v0=0f3224f4f719583948485f812b8cdec74083ed584e7a468577158b49071707a0",
        )],
    ),
    row(
        "affirm",
        SECRET,
        &[(
            "X-Affirm-Signature",
            "t=1700000000,v0=2b6ce1956612ba13e7e66a3c5ff5ef50350408cc11ced4c6dcd80b0ab65c149dab53e2ce39ec5b50147c6dc282dcbb5fb63ce04415123f039484937798bf1ec4",
        )],
    ),
    row(
        "tiktok",
        SECRET,
        &[(
            "TikTok-Signature",
            "t=1700000000,s=0f3224f4f719583948485f812b8cdec74083ed584e7a468577158b49071707a0",
        )],
    ),
    row(
        "buildkite",
        SECRET,
        &[(
            "X-Buildkite-Signature",
            "timestamp=1700000000,signature=0f3224f4f719583948485f812b8cdec74083ed584e7a468577158b49071707a0",
        )],
    ),
    row(
        "paddle",
        SECRET,
        &[(
            "Paddle-Signature",
            "ts=1700000000;h1=e1f3f97b22e7828e65a7d0cbcfbcf2f156eda46e02a66fa03abc2d3c63f4bfac",
        )],
    ),
    row(
        "sanity",
        SECRET,
        &[(
            "sanity-webhook-signature",
            "t=1700000000000,v1=VI0qOoas2CIgn5FLekjhpKX2cn38iBSsfciKzR9jqxE",
        )],
    ),
    row(
        "recurly",
        SECRET,
        &[(
            "recurly-signature",
            "1700000000000,0000000000000000000000000000000000000000000000000000000000000000,548d2a3a86acd822209f914b7a48e1a4a5f6727dfc8814ac7dc88acd1f63ab11",
        )],
    ),
    Row {
        query: Some("a=1&b=%2Fc"),
        form: None,
        ..row(
            "hubspot-v2",
            SECRET,
            &[
                ("X-HubSpot-Signature-Version", "v2"),
                (
                    "X-HubSpot-Signature",
                    "76b0e68ab4cf31c2e1179abf24eda34e8146698388274ef3d40952edcf61ec72",
                ),
            ],
        )
    },
    row(
        "square",
        SECRET,
        &[(
            "x-square-hmacsha256-signature",
            "E2dj/eBZ4TVmB2NAnkY4IbEWN6E80uMhCDbfaJ9dUns=",
        )],
    ),
    row(
        "trello",
        SECRET,
        &[("X-Trello-Webhook", "nLERBfH8rUdQ6W11JEY7V6p9BU4=")],
    ),
    Row {
        query: None,
        form: Some("mandrill_events=%5B%7B%22event%22%3A%22send%22%7D%5D"),
        ..row(
            "mandrill",
            SECRET,
            &[("X-Mandrill-Signature", "UMtTmlgO/xDjgoj1VYQCbYioHvg=")],
        )
    },
    Row {
        query: Some("a=1&b=%2Fc"),
        form: None,
        ..row(
            "contentful",
            SECRET,
            &[
                (
                    "x-contentful-signed-headers",
                    "x-contentful-signed-headers,x-contentful-timestamp,x-contentful-topic",
                ),
                ("x-contentful-timestamp", "1700000000000"),
                ("x-contentful-topic", "ContentManagement.Entry.publish"),
                (
                    "x-contentful-signature",
                    "2ad1b9dc21430202169e3945af1da83bbbf1ff67cbc19bf7dd3fe840b98306e7",
                ),
            ],
        )
    },
    Row {
        query: Some("data.id=ORD01&type=order"),
        form: None,
        ..row(
            "mercado-pago",
            SECRET,
            &[
                ("x-request-id", "req-1"),
                (
                    "x-signature",
                    "ts=1700000000,v1=5b5f743c260ae0629374e46d03319c11647ecbc7e4f98ae5ec645e2e583ecc54",
                ),
            ],
        )
    },
];
