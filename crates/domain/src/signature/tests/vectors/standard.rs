//! Requests as their senders sign them, computed from facts webhooks 3.2 and 3.3 with Python's `hmac` and `hashlib`:
//! where no vendor publishes a vector, one that owes nothing to the engine under test.

use super::{Row, row};

/// Senders that follow Standard Webhooks.
pub(super) const ROWS: &[Row] = &[
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
