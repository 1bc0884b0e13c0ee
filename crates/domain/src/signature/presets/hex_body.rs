//! Senders that sign the raw body by HMAC-SHA256 and write it as hex.

use super::parts::{hex, sender, text};
use crate::signature::config::Override;
use crate::signature::handshake::{CHALLENGE, META, NOTION, SMARTSHEET};
use crate::signature::preset::{Dedupe, Preset};
use crate::signature::scheme::{KeyForm, Part, SignedScheme, TimestampRule, TimestampUnit};

/// Bare hex.
pub(super) fn bare() -> Vec<Preset> {
    let of = |name, title, header, help| sender(name, title, hex(header), help);
    vec![
        linear(),
        of("attio", "Attio", "Attio-Signature", "Copy the secret that the Attio API shows when the webhook is created.")
            .typed_at("$.events[0].event_type"),
        of("cal-com", "Cal.com", "X-Cal-Signature-256", "Enter the secret under Settings, Developer, Webhooks.")
            .called(&["calcom"])
            .ours()
            .typed_at("$.triggerEvent"),
        of("checkout-com", "Checkout.com", "cko-signature", "Copy the signature key of the webhook workflow under Developers, Webhooks.")
            .by(Dedupe::Body("$.id"))
            .typed_at("$.type"),
        of("clickup", "ClickUp", "X-Signature", "Copy the `secret` that the ClickUp API shows when the webhook is created.")
            .typed_at("$.event"),
        of("coinbase-commerce", "Coinbase Commerce", "x-cc-webhook-signature", "Copy the shared secret under Settings, Notifications.")
            .by(Dedupe::Body("$.event.id"))
            .typed_at("$.event.type"),
        // A notification names the accounts that changed and nothing else: equal bodies are different events.
        of("dropbox", "Dropbox", "X-Dropbox-Signature", "Copy the App secret from the app's page in the App Console.")
            .by(Dedupe::Never)
            .asks(CHALLENGE),
        of("dub", "Dub", "dub-signature", "Copy the signing secret of the webhook under Settings, Webhooks.")
            .by(Dedupe::Body("$.id"))
            .typed_at("$.event"),
        of("dwolla", "Dwolla", "X-Request-Signature-SHA-256", "Enter the secret when the webhook subscription is created.")
            .ours()
            .by(Dedupe::Body("$.id"))
            .typed_at("$.topic"),
        of("gocardless", "GoCardless", "Webhook-Signature", "Copy the secret of the endpoint under Developers, Webhook endpoints."),
        of("launchdarkly", "LaunchDarkly", "X-LD-Signature", "Copy the secret of the webhook under Integrations, Webhooks.")
            .typed_at("$.kind"),
        of("lemon-squeezy", "Lemon Squeezy", "X-Signature", "Enter the signing secret under Settings, Webhooks.")
            .called(&["lemonsqueezy"])
            .typed_by_header("X-Event-Name"),
        linkedin(),
        of("modern-treasury", "Modern Treasury", "X-Signature", "Copy the webhook key under Developers, Webhooks.")
            .typed_at("$.event"),
        of("nylas", "Nylas", "X-Nylas-Signature", "Copy the `webhook_secret` that Nylas shows when the webhook is created.")
            .by(Dedupe::Body("$.id"))
            .typed_at("$.type"),
        of("pusher", "Pusher", "X-Pusher-Signature", "Copy the secret of the app's key under App Keys."),
        of("razorpay", "Razorpay", "X-Razorpay-Signature", "Enter the secret under Account & Settings, Webhooks.")
            .ours()
            .by(Dedupe::Header("X-Razorpay-Event-Id"))
            .typed_at("$.event"),
        of("sentry", "Sentry", "Sentry-Hook-Signature", "Copy the Client Secret of the integration under Settings, Custom Integrations.")
            .typed_by_header("Sentry-Hook-Resource"),
        of("smartsheet", "Smartsheet", "Smartsheet-Hmac-SHA256", "Copy the `sharedSecret` that the Smartsheet API shows when the webhook is created.")
            .asks(SMARTSHEET),
        sender("squarespace", "Squarespace", hex("Squarespace-Signature").key(KeyForm::Hex),
            "Copy the `secret` (hex) that the Squarespace API shows when the webhook subscription is created.")
            .by(Dedupe::Body("$.id"))
            .typed_at("$.topic"),
    ]
}

/// Hex behind a prefix or a name.
pub(super) fn prefixed() -> Vec<Preset> {
    let of = |name, title, header, help| sender(name, title, hex(header).prefix("sha256="), help);
    let list = |name, title, header, help| sender(name, title, hex(header).pairs(None, "v1"), help);
    vec![
        // `ping` is an ordinary event.
        of("github", "GitHub", "X-Hub-Signature-256", "Enter the secret under Settings, Webhooks, Secret of the repository, organization or app.")
            .ours()
            .by(Dedupe::Header("X-GitHub-Delivery"))
            .typed_by_header("X-GitHub-Event"),
        of("meta", "Meta", "X-Hub-Signature-256", "Copy the App Secret under App settings, Basic; put the verify token that you enter there into `verify_token`.")
            .takes(&[Override::VerifyToken])
            .asks(META)
            .called(&["whatsapp", "messenger", "instagram", "facebook"])
            .typed_at("$.object"),
        of("bitbucket", "Bitbucket", "X-Hub-Signature", "Enter the secret under Repository settings, Webhooks.")
            .ours()
            .typed_by_header("X-Event-Key"),
        of("jira", "Jira", "X-Hub-Signature", "Enter the secret of the webhook under System, WebHooks; those of Connect apps come with a token instead, as `jira-connect`.")
            .ours()
            .typed_at("$.webhookEvent"),
        of("notion", "Notion", "X-Notion-Signature", "Notion sends the `verification_token` when the subscription is created: it is kept, and shown at `verification-token` to be entered there.")
            .brought()
            .asks(NOTION)
            .by(Dedupe::Body("$.id"))
            .typed_at("$.type"),
        // The body is a ping: what changed is fetched from Airtable.
        sender("airtable", "Airtable", hex("X-Airtable-Content-MAC").prefix("hmac-sha256=").key(KeyForm::Base64),
            "Copy the `macSecretBase64` that the Airtable API shows when the webhook is created."),
        of("clicksign", "Clicksign", "Content-Hmac", "Copy the HMAC secret of the webhook under Configurações, Webhooks."),
        of("cursor", "Cursor", "X-Webhook-Signature", "Enter the secret where the agent is launched with a webhook.")
            .ours(),
        of("mollie", "Mollie (next generation)", "X-Mollie-Signature", "Copy the signing secret of the webhook from the dashboard."),
        of("npm", "npm", "x-npm-signature", "Enter the secret that `npm hook add` is given.")
            .ours()
            .typed_at("$.event"),
        of("yousign", "Yousign", "X-Yousign-Signature-256", "Copy the secret key of the webhook subscription.")
            .by(Dedupe::Body("$.event_id"))
            .typed_at("$.event_name"),
        list("circleci", "CircleCI", "circleci-signature", "Enter the secret token under Project Settings, Webhooks.")
            .ours()
            .by(Dedupe::Body("$.id"))
            .typed_at("$.type"),
        list("pagerduty", "PagerDuty", "X-PagerDuty-Signature", "Copy the signing secret shown when the webhook subscription is created.")
            .by(Dedupe::Body("$.event.id"))
            .typed_at("$.event.event_type"),
    ]
}

fn linear() -> Preset {
    let scheme = SignedScheme {
        timestamp: Some(TimestampRule {
            unit: TimestampUnit::Milliseconds,
            tolerance_seconds: Some(60),
            body_field: Some("webhookTimestamp"),
        }),
        ..hex("Linear-Signature")
    };
    let help = "Copy the signing secret of the webhook under Settings, API, Webhooks.";
    sender("linear", "Linear", scheme, help)
        .by(Dedupe::Header("Linear-Delivery"))
        .typed_by_header("Linear-Event")
}

fn linkedin() -> Preset {
    let scheme = hex("X-LI-Signature").over([text("hmacsha256="), Part::Body]);
    let help = "Copy the Client Secret under Auth of the app.";
    sender("linkedin", "LinkedIn", scheme, help)
}
