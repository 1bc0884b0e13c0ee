//! Webhook subscriptions, as the API takes and shows them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tieline_domain::{
    Timestamp,
    destination::{CatchingUp, Destination},
    ordering::OrderingPolicy,
    pattern::Pattern,
    retry::Schedule,
    subscription::{Signature, Subscription},
};
use tieline_store::documents::Document;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::{
    credential::SecretText,
    destination_auth::{AuthView, NewAuth},
    document,
    pace_view::RateLimitView,
    problem::Problem,
};
use crate::webhooks::NewSubscription;

/// What a webhook is made from. Only the URL and the events are needed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"url": "https://your-app.com/webhooks/tieline", "events": ["conversation.started", "conversation.completed", "agent.response"], "secret": "your_webhook_secret", "headers": {"x-region": "eu-1"}, "auth": {"type": "bearer", "token": "t0ken-of-the-receiver"}}))]
pub struct NewWebhook {
    /// Where deliveries go: `http` or `https`, without user name or password.
    url: String,
    /// Which events are wanted: 1 to `limits.webhook_patterns` (100) of `*`, `conversation.*`, or whole types.
    #[schema(value_type = Vec<String>)]
    events: Vec<Pattern>,
    /// Which of these events are taken, by their content: `all`, `any` and `not` around conditions such as
    /// `{"field": "data.total", "gte": 100}`; all of them if absent.
    #[serde(default)]
    #[schema(value_type = Option<Object>, example = json!({"all": [{"field": "data.total", "gte": 100}, {"not": {"field": "data.test", "eq": true}}]}))]
    filter: Option<Value>,
    /// The id or the name of a mapping that makes the `data` of a delivery of the event's, as your own data becomes
    /// external; an event that it rejects is not delivered and ends as a dead letter. As it is if absent.
    #[serde(default)]
    mapping: Option<String>,
    /// What deliveries are signed with: 8 to 256 characters; one is generated if absent. Given on creation
    /// only; `rotate-secret` changes it.
    #[serde(default)]
    #[schema(value_type = Option<String>, write_only)]
    secret: Option<SecretText>,
    /// What it is for: at most 500 characters.
    #[serde(default)]
    description: Option<String>,
    /// The delays before each attempt, in seconds, such as `[0, 5, 30, 300, 1800]`; the server's if absent.
    #[serde(default)]
    #[schema(value_type = Option<Vec<u32>>)]
    retry: Option<Schedule>,
    /// How long one attempt may take, in seconds: 1 to `limits.webhook_timeout_seconds` (60); the server's if
    /// absent.
    #[serde(default)]
    timeout_seconds: Option<u32>,
    /// How long a delivery may be held, in seconds, before it is a dead letter: 60 or more, at most
    /// `limits.webhook_max_age_hours` (720 hours); the server's if absent.
    #[serde(default)]
    max_age: Option<u32>,
    /// Who signs deliveries: `v1` the webhook's own secret (HMAC-SHA256), `v1a` the tenant's Ed25519 key,
    /// whose public half is at `/.well-known/webhooks/{tenant_id}/keys.json`; `["v1"]` if absent.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    signatures: Option<Vec<Signature>>,
    /// Headers that deliveries carry beside ours: at most `limits.webhook_headers` (20), values of at most 2,048 visible ASCII
    /// characters. Those of the connection, the signature and credentials are refused.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, String>)]
    headers: BTreeMap<String, String>,
    /// How deliveries authenticate to their receiver.
    #[serde(default)]
    auth: Option<NewAuth>,
    /// A JSONPath on the event, such as `$.data.order.id` or `$.subject`: deliveries of events in which it finds
    /// the same arrive in the order of the events, one after the other. Where it finds nothing, no order is kept.
    #[serde(default)]
    ordering_key: Option<String>,
    /// What happens to those behind a dead letter: `continue` (they go out, the default), or `block` (they wait
    /// until it was retried with success or cancelled).
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    ordering_policy: Option<OrderingPolicy>,
    /// How fast deliveries go out at most, over all nodes; as fast as they come if absent.
    #[serde(default)]
    rate_limit: Option<RateLimitView>,
    /// How many attempts run at once at most, over all nodes: 1 to 1000; the server's limit for each node if
    /// absent.
    #[serde(default)]
    max_in_flight: Option<u32>,
}

impl NewWebhook {
    /// The subscription that is meant, with the secrets that were given.
    pub(super) fn parts(self) -> Result<NewSubscription, Problem> {
        let Self {
            url,
            events,
            filter,
            mapping,
            secret,
            description,
            retry,
            timeout_seconds,
            max_age,
            signatures,
            headers,
            auth,
            ordering_key,
            ordering_policy,
            rate_limit,
            max_in_flight,
        } = self;
        let (auth, auth_secret) = match auth.map(NewAuth::parts) {
            None => (None, None),
            Some((auth, secret, violations)) => {
                Problem::check(violations)?;
                (Some(auth), secret)
            }
        };
        let subscription = Subscription {
            url,
            events,
            filter,
            mapping,
            description,
            retry,
            timeout_seconds,
            max_age,
            signatures,
            headers,
            auth,
            ordering_key,
            ordering_policy: ordering_policy.unwrap_or_default(),
            rate_limit: rate_limit.map(Into::into),
            max_in_flight,
        };
        Ok(NewSubscription {
            subscription,
            secret: secret.map(|secret| Zeroizing::new(secret.to_string())),
            auth_secret,
        })
    }
}

/// A webhook.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": "wh_01kb3f9z5qf8m9w2v7x4t6n0hd", "url": "https://your-app.com/webhooks/tieline", "events": ["conversation.started", "conversation.completed", "agent.response"], "filter": null, "mapping": null, "status": "active", "created_at": "2026-11-22T10:00:00.000Z", "updated_at": "2026-11-22T10:00:00.000Z", "description": null, "retry": null, "timeout_seconds": null, "max_age": null, "ordering_key": null, "ordering_policy": "continue", "rate_limit": null, "max_in_flight": null, "signatures": null, "headers": {}, "auth": null, "status_reason": null, "status_since": "2026-11-22T10:00:00.000Z", "last_success_at": null, "failed_probes": 0, "next_probe_at": null, "replay": null}))]
pub struct WebhookView {
    /// Its id.
    id: String,
    /// Where deliveries go.
    url: String,
    /// Which events are wanted, as they were asked for.
    #[schema(value_type = Vec<String>)]
    events: Vec<Pattern>,
    /// Which of these events are taken, by their content; null for all.
    #[schema(value_type = Option<Object>)]
    filter: Option<Value>,
    /// What makes the `data` of a delivery; null for the event's as it is.
    mapping: Option<String>,
    /// `active`; `error`: its receiver failed, everything is held until a probe succeeds; `paused`: held by
    /// hand; `disabled`: ended by its receiver (410) or by hand.
    status: &'static str,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it was last changed; its status does not count.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// What it is for.
    description: Option<String>,
    /// The delays before each attempt, in seconds; null for the server's.
    #[schema(value_type = Option<Vec<u32>>)]
    retry: Option<Schedule>,
    /// How long one attempt may take, in seconds; null for the server's limit.
    timeout_seconds: Option<u32>,
    /// How long a delivery may be held, in seconds; null for the server's limit.
    max_age: Option<u32>,
    /// Who signs deliveries; null for `["v1"]`.
    #[schema(value_type = Option<Vec<String>>)]
    signatures: Option<Vec<Signature>>,
    /// Headers that deliveries carry beside ours.
    headers: BTreeMap<String, String>,
    /// How deliveries authenticate to their receiver, without the secret.
    auth: Option<AuthView>,
    /// What finds the key within which order is kept; null if none is kept.
    ordering_key: Option<String>,
    /// What happens behind a dead letter: `continue` or `block`.
    #[schema(value_type = String)]
    ordering_policy: OrderingPolicy,
    /// How fast deliveries go out at most; null for as fast as they come.
    rate_limit: Option<RateLimitView>,
    /// How many attempts run at once at most; null for the server's limit.
    max_in_flight: Option<u32>,
    /// Why it has its status; null while active.
    status_reason: Option<String>,
    /// Since when it has its status.
    #[schema(value_type = String, format = DateTime)]
    status_since: Timestamp,
    /// When a delivery last succeeded, to the second.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_success_at: Option<Timestamp>,
    /// How many probes have failed since it turned `error`.
    failed_probes: u32,
    /// When the next probe goes out, while in `error`.
    #[schema(value_type = Option<String>, format = DateTime)]
    next_probe_at: Option<Timestamp>,
    /// How far it has caught up with what it has missed, while it is `paused` for that.
    replay: Option<CatchingUpView>,
}

/// How far a webhook has caught up with what it has missed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"after_event_id": "evt_01kb3f9z5qf8m9w2v7x4t6n0hf", "before": "2026-11-22T10:00:02.000Z", "found": 1000}))]
pub struct CatchingUpView {
    /// Up to this event it has; the id may be that of no event.
    after_event_id: String,
    /// It does with events that were made before this.
    #[schema(value_type = String, format = DateTime)]
    before: Timestamp,
    /// How many events were found that it was owed.
    found: u64,
}

impl From<CatchingUp> for CatchingUpView {
    fn from(
        CatchingUp {
            after,
            before,
            found,
        }: CatchingUp,
    ) -> Self {
        Self {
            after_event_id: after.to_string(),
            before,
            found,
        }
    }
}

/// A webhook with a secret that is shown only here.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": "wh_01kb3f9z5qf8m9w2v7x4t6n0hd", "url": "https://your-app.com/webhooks/tieline", "events": ["conversation.*"], "filter": null, "mapping": null, "status": "active", "created_at": "2026-11-22T10:00:00.000Z", "updated_at": "2026-11-22T10:00:00.000Z", "description": null, "retry": null, "timeout_seconds": null, "max_age": null, "ordering_key": null, "ordering_policy": "continue", "rate_limit": null, "max_in_flight": null, "signatures": null, "headers": {}, "auth": null, "status_reason": null, "status_since": "2026-11-22T10:00:00.000Z", "last_success_at": null, "failed_probes": 0, "next_probe_at": null, "replay": null, "secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"}))]
pub struct WebhookSecretView {
    #[serde(flatten)]
    view: WebhookView,
    /// What deliveries are signed with, if it was generated. Keep it: it is not shown again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    secret: Option<SecretText>,
}

impl WebhookView {
    /// What `document` and the health of its destination say.
    pub(super) fn of(document: Document, health: &Destination) -> Result<Self, Problem> {
        let Subscription {
            url,
            events,
            filter,
            mapping,
            description,
            retry,
            timeout_seconds,
            max_age,
            signatures,
            headers,
            auth,
            ordering_key,
            ordering_policy,
            rate_limit,
            max_in_flight,
        } = document::content(&document)?;
        let Document {
            tenant_id: _,
            kind: _,
            id,
            name: _,
            version: _,
            body: _,
            created_at,
            updated_at,
        } = document;
        let Destination {
            id: _,
            state,
            reason,
            since,
            failing_since: _,
            last_success_at,
            failed_probes,
            probe_at,
            catching_up,
        } = health;
        Ok(Self {
            id,
            url,
            events,
            filter,
            mapping,
            status: state.as_str(),
            created_at,
            updated_at,
            description,
            retry,
            timeout_seconds,
            max_age,
            signatures,
            headers,
            auth: auth.map(AuthView::from),
            ordering_key,
            ordering_policy,
            rate_limit: rate_limit.map(Into::into),
            max_in_flight,
            status_reason: (!reason.is_empty()).then(|| reason.clone()),
            status_since: *since,
            last_success_at: *last_success_at,
            failed_probes: *failed_probes,
            next_probe_at: *probe_at,
            replay: catching_up.map(Into::into),
        })
    }

    /// The same with a secret, if one is to be shown.
    pub(super) fn with_secret(self, secret: Option<Zeroizing<String>>) -> WebhookSecretView {
        WebhookSecretView {
            view: self,
            secret: secret.map(|secret| SecretText::from(secret.to_string())),
        }
    }
}
