//! Deliveries and attempts, as the API shows them.

use serde::Serialize;
use tieline_domain::{
    Timestamp,
    attempt::{Attempt, Seen},
    delivery::{Delivery, Status},
};
use utoipa::ToSchema;

/// One event owed to one destination.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": "dlv_01kb3f9z5qf8m9w2v7x4t6n0he", "event_id": "evt_01kb3f9z5qf8m9w2v7x4t6n0hf", "webhook_id": "wh_01kb3f9z5qf8m9w2v7x4t6n0hd", "destination_id": "wh_01kb3f9z5qf8m9w2v7x4t6n0hd", "ordering_key": null, "status": "delivered", "attempt_count": 1, "due_at": null, "first_attempt_at": "2026-11-22T10:00:00.012Z", "settled_at": "2026-11-22T10:00:00.096Z", "created_at": "2026-11-22T10:00:00.000Z"}))]
pub struct DeliveryView {
    /// Its id; its receiver sees it as `webhook-id`.
    id: String,
    /// The event.
    event_id: String,
    /// The webhook; null where it goes to a destination of another kind.
    webhook_id: Option<String>,
    /// Where it goes: a webhook, an agent, an action or a trigger.
    destination_id: String,
    /// The key of the line in which it stands: the JSON text of what its webhook's `ordering_key` finds in the
    /// event; null where no order is kept.
    ordering_key: Option<String>,
    /// `pending`, `held`, `queued` (behind others with the same ordering key), `delivered`, `dead` or `cancelled`.
    #[schema(value_type = String)]
    status: Status,
    /// How many attempts were made.
    attempt_count: u32,
    /// When the next attempt is due, while it is pending.
    #[schema(value_type = Option<String>, format = DateTime)]
    due_at: Option<Timestamp>,
    /// When the first attempt of the present schedule began.
    #[schema(value_type = Option<String>, format = DateTime)]
    first_attempt_at: Option<Timestamp>,
    /// When it reached its final status.
    #[schema(value_type = Option<String>, format = DateTime)]
    settled_at: Option<Timestamp>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<Delivery> for DeliveryView {
    fn from(delivery: Delivery) -> Self {
        let Delivery {
            id,
            tenant_id: _,
            event_id,
            destination_id,
            ordering_key,
            status,
            attempts,
            due_at,
            first_attempt_at,
            settled_at,
            created_at,
        } = delivery;
        Self {
            id: id.to_string(),
            event_id: event_id.to_string(),
            webhook_id: destination_id.webhook().map(|id| id.to_string()),
            destination_id: destination_id.to_string(),
            ordering_key,
            status,
            attempt_count: attempts,
            due_at,
            first_attempt_at,
            settled_at,
            created_at,
        }
    }
}

/// A delivery with its attempts.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": "dlv_01kb3f9z5qf8m9w2v7x4t6n0he", "event_id": "evt_01kb3f9z5qf8m9w2v7x4t6n0hf", "webhook_id": "wh_01kb3f9z5qf8m9w2v7x4t6n0hd", "destination_id": "wh_01kb3f9z5qf8m9w2v7x4t6n0hd", "ordering_key": null, "status": "pending", "attempt_count": 1, "due_at": "2026-11-22T10:00:05.000Z", "first_attempt_at": "2026-11-22T10:00:00.012Z", "settled_at": null, "created_at": "2026-11-22T10:00:00.000Z", "attempts": [{"id": "att_01kb3f9z5qf8m9w2v7x4t6n0hg", "number": 1, "at": "2026-11-22T10:00:00.012Z", "duration_ms": 84, "status_code": 503, "error_kind": "status", "error": "the receiver answered 503; only 2xx is a success", "url": "https://your-app.com/webhooks/tieline", "request_headers": [{"name": "webhook-id", "value": "dlv_01kb3f9z5qf8m9w2v7x4t6n0he"}], "response_headers": [{"name": "retry-after", "value": "5"}], "response_excerpt": "down for maintenance", "response_truncated": false}]}))]
pub struct DeliveryDetailView {
    #[serde(flatten)]
    view: DeliveryView,
    /// The attempts, the first one first; at most 200.
    attempts: Vec<AttemptView>,
}

impl DeliveryDetailView {
    /// A delivery and its attempts.
    pub(super) fn new(delivery: Delivery, attempts: Vec<Attempt>) -> Self {
        Self {
            view: delivery.into(),
            attempts: attempts.into_iter().map(AttemptView::from).collect(),
        }
    }
}

/// One try of a delivery. Secrets are replaced by `[redacted]`, also where the receiver echoed them.
#[derive(Debug, Serialize, ToSchema)]
pub struct AttemptView {
    /// Its id.
    id: String,
    /// Its place among the attempts, from 1.
    number: u32,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// How long it took, in milliseconds.
    duration_ms: u64,
    /// The status of the answer; null without one.
    status_code: Option<u16>,
    /// What went wrong: `status`, `dns`, `connect`, `tls`, `timeout`, `refused_address`, `too_large`,
    /// `protocol`, `unknown_outcome`, `auth` when it could not be authorised, or `mapping` when the mapping rejected the
    /// event; null for a success.
    error_kind: Option<String>,
    /// What went wrong, in a sentence.
    error: Option<String>,
    /// Where it went.
    url: String,
    /// The headers that were sent.
    request_headers: Vec<HeaderView>,
    /// The headers that came back.
    response_headers: Vec<HeaderView>,
    /// The beginning of the body that came back.
    response_excerpt: String,
    /// Whether more came than the excerpt holds.
    response_truncated: bool,
}

/// A header.
#[derive(Debug, Serialize, ToSchema)]
pub struct HeaderView {
    /// Its name, in lower case.
    name: String,
    /// Its value.
    value: String,
}

fn headers(pairs: Vec<(String, String)>) -> Vec<HeaderView> {
    pairs
        .into_iter()
        .map(|(name, value)| HeaderView { name, value })
        .collect()
}

impl From<Attempt> for AttemptView {
    fn from(attempt: Attempt) -> Self {
        let Attempt {
            id,
            delivery_id: _,
            tenant_id: _,
            number,
            started_at,
            duration,
            status_code,
            error_kind,
            seen,
        } = attempt;
        let Seen {
            url,
            error,
            request_headers,
            response_headers,
            response_excerpt,
            response_truncated,
        } = seen;
        Self {
            id: id.to_string(),
            number,
            at: started_at,
            duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
            status_code,
            error_kind,
            error,
            url,
            request_headers: headers(request_headers),
            response_headers: headers(response_headers),
            response_excerpt,
            response_truncated,
        }
    }
}
