//! Senders that sign nothing: they send a token, or a user name and password.

use super::parts::{basic, prefixed_token, sender, token};
use crate::signature::config::Override;
use crate::signature::handshake::OKTA;
use crate::signature::preset::{Dedupe, Preset};
use crate::signature::scheme::Scheme;

/// What the sender lets its user choose freely.
const ANY_HEADER: &[Override] = &[Override::Header, Override::Prefix];

/// Senders with a header of their own for a token.
pub(super) fn tokens() -> Vec<Preset> {
    vec![
        sender("gitlab", "GitLab", token("X-Gitlab-Token"),
            "Enter the secret token under Settings, Webhooks of the project or group; GitLab 19 and later can sign instead, as `gitlab-signed`.")
            .ours()
            .by(Dedupe::Header("Idempotency-Key"))
            .typed_by_header("X-Gitlab-Event"),
        // Notifications have no body, so that only these two tell one from another.
        sender("google-channel", "Google push notifications", token("X-Goog-Channel-Token"),
            "Give the secret as `token` when the channel is created by `watch`.")
            .called(&["google-calendar", "google-drive"])
            .ours()
            .by(Dedupe::Headers(&["X-Goog-Channel-ID", "X-Goog-Message-Number"]))
            .typed_by_header("X-Goog-Resource-State"),
        sender("telegram", "Telegram", token("X-Telegram-Bot-Api-Secret-Token"),
            "Choose 1 to 256 letters, digits, `_` and `-`, and give them to `setWebhook` as `secret_token`.")
            .by(Dedupe::Body("$.update_id")),
        sender("buildkite-token", "Buildkite (token)", token("X-Buildkite-Token"),
            "Copy the token of the notification service.")
            .typed_by_header("X-Buildkite-Event"),
        sender("deepgram", "Deepgram", token("dg-token"),
            "Bring the identifier of the API key that makes the requests: Deepgram sends it back."),
        sender("flutterwave", "Flutterwave", token("verif-hash"),
            "Enter the secret hash under Settings, Webhooks.")
            .ours()
            .typed_at("$.event"),
        sender("okta", "Okta", token("Authorization"),
            "Enter the secret as the authentication secret of the event hook, whose field is `Authorization`.")
            .ours()
            .asks(OKTA),
        sender("auth0", "Auth0", token("Authorization"),
            "Enter the secret as the authorization token of the log stream.")
            .ours(),
    ]
}

/// Senders whose user chooses the header.
pub(super) fn chosen_headers() -> Vec<Preset> {
    let of = |name, title, help| {
        sender(name, title, token("X-Webhook-Token"), help)
            .ours()
            .takes(ANY_HEADER)
    };
    let bearer = |name, title, help| {
        let scheme: Scheme = prefixed_token("Authorization", "Bearer ");
        sender(name, title, scheme, help).ours().takes(ANY_HEADER)
    };
    vec![
        bearer(
            "brevo",
            "Brevo",
            "Enter the secret as the bearer token of the webhook.",
        ),
        of(
            "datadog",
            "Datadog",
            "Enter the secret as a custom header of the webhook under Integrations, Webhooks.",
        ),
        of(
            "fillout",
            "Fillout",
            "Enter the secret as a custom header of the webhook under Integrate.",
        ),
        of(
            "make",
            "Make",
            "Enter the secret as a header of the HTTP module.",
        ),
        of(
            "new-relic",
            "New Relic",
            "Enter the secret as a custom header of the webhook destination.",
        ),
        of(
            "supabase",
            "Supabase database webhooks",
            "Enter the secret as an HTTP header of the webhook under Database, Webhooks.",
        ),
        of(
            "zapier",
            "Zapier",
            "Enter the secret as a header of the Webhooks step.",
        ),
    ]
}

/// Senders that know HTTP Basic and nothing else.
pub(super) fn passwords() -> Vec<Preset> {
    let of = |name, title, help| sender(name, title, basic(), help).ours();
    vec![
        of("chargebee", "Chargebee", "Enter user name and secret under Settings, Webhooks, Protect webhook URL with basic authentication.")
            .by(Dedupe::Body("$.id"))
            .typed_at("$.event_type"),
        of("juspay", "Juspay", "Enter user name and secret under Settings, Webhooks."),
        of("mixpanel", "Mixpanel cohort sync", "Enter user name and secret when the custom webhook is connected."),
        of("pipedrive", "Pipedrive", "Enter user name and secret as HTTP Auth of the webhook."),
        of("postmark", "Postmark", "Enter user name and secret as Basic auth credentials of the webhook.")
            .typed_at("$.RecordType"),
        of("sparkpost", "SparkPost", "Choose Basic Auth as authentication of the webhook, with user name and secret."),
    ]
}
