//! Requests as their senders sign them, computed from facts webhooks 3.2 and 3.3 with Python's `hmac` and `hashlib`:
//! where no vendor publishes a vector, one that owes nothing to the engine under test.

use super::{Row, SECRET, row};

/// Senders that sign the URL too, or its parts.
pub(super) const ROWS: &[Row] = &[
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
