//! Searching attempts: `/v1/attempts`.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use tieline_domain::{
    DeliveryId, DestinationId, SubscriptionId, Timestamp,
    access::{Area::Deliveries, Right},
};
use tieline_store::attempts::{AttemptFilter, Found, Place};
use utoipa::ToSchema;

use super::{
    answer::ListView,
    caller::Caller,
    deliveries::destination,
    delivery_view::AttemptView,
    page::{Filters, Page},
    problem::{Code, Problem},
};
use crate::app::App;

/// Which attempts are wanted; each narrows the list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WantedAttempts {
    /// Of this delivery.
    #[param(value_type = Option<String>, example = "dlv_01kb3f9z5qf8m9w2v7x4t6n0he")]
    delivery_id: Option<DeliveryId>,
    /// At this webhook.
    #[param(value_type = Option<String>, example = "wh_01kb3f9z5qf8m9w2v7x4t6n0hd")]
    webhook_id: Option<SubscriptionId>,
    /// To this destination of any kind: a webhook, an agent, an action or a trigger; not beside `webhook_id`.
    #[param(value_type = Option<String>, example = "agent_01kb3f9z5qf8m9w2v7x4t6n0hd")]
    destination_id: Option<DestinationId>,
    /// Answered with this status.
    #[param(example = 503)]
    status_code: Option<u16>,
    /// Gone wrong in this way: `status`, `dns`, `connect`, `tls`, `timeout`, `refused_address`, `too_large`,
    /// `protocol`, `unknown_outcome`, `auth` or `mapping`.
    #[param(example = "timeout")]
    error_kind: Option<String>,
    /// Begun at this time or later.
    #[param(value_type = Option<String>, format = DateTime, example = "2026-11-22T10:00:00Z")]
    from: Option<Timestamp>,
    /// Begun before this time.
    #[param(value_type = Option<String>, format = DateTime, example = "2026-11-22T11:00:00Z")]
    to: Option<Timestamp>,
}

/// An attempt that was found.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"delivery_id": "dlv_01kb3f9z5qf8m9w2v7x4t6n0he", "webhook_id": "wh_01kb3f9z5qf8m9w2v7x4t6n0hd", "destination_id": "wh_01kb3f9z5qf8m9w2v7x4t6n0hd", "id": "att_01kb3f9z5qf8m9w2v7x4t6n0hg", "number": 1, "at": "2026-11-22T10:00:00.012Z", "duration_ms": 84, "status_code": 503, "error_kind": "status", "error": "the receiver answered 503; only 2xx is a success", "url": "https://your-app.com/webhooks/tieline", "request_headers": [], "response_headers": [], "response_excerpt": "down for maintenance", "response_truncated": false}))]
pub struct FoundAttemptView {
    /// The delivery.
    delivery_id: String,
    /// The webhook; null where it went to a destination of another kind.
    webhook_id: Option<String>,
    /// Where it went: a webhook, an agent, an action or a trigger.
    destination_id: String,
    #[serde(flatten)]
    attempt: AttemptView,
}

impl From<Found> for FoundAttemptView {
    fn from((destination, attempt): Found) -> Self {
        Self {
            delivery_id: attempt.delivery_id.to_string(),
            webhook_id: destination.webhook().map(|id| id.to_string()),
            destination_id: destination.to_string(),
            attempt: attempt.into(),
        }
    }
}

/// Search the attempts
///
/// Those of the newest deliveries first, and of each delivery the latest first. A page looks through at most 10000
/// deliveries: it may hold few attempts or none, and yet have a `next_cursor` at which the search goes on.
#[utoipa::path(get, path = "/attempts", operation_id = "search_attempts", tag = "Deliveries", params(Page, WantedAttempts),
    extensions(("x-required-scope" = json!("deliveries:read"))))]
pub async fn search(
    State(app): State<App>,
    caller: Caller,
    page: Page,
    Filters(wanted): Filters<WantedAttempts>,
) -> Result<ListView<FoundAttemptView>, Problem> {
    caller.require(Deliveries, Right::Read)?;
    let WantedAttempts {
        delivery_id,
        webhook_id,
        destination_id,
        status_code,
        error_kind,
        from,
        to,
    } = wanted;
    let filter = AttemptFilter {
        delivery_id,
        destination_id: destination(webhook_id, destination_id)?,
        status_code,
        error_kind,
        from,
        to,
    };
    let after = page.cursor.as_deref().map(place).transpose()?;
    let (found, next) = app
        .store
        .search_attempts(caller.tenant_id, &filter, after, page.limit)
        .await?;
    Ok(ListView {
        data: found.into_iter().map(FoundAttemptView::from).collect(),
        next_cursor: next.map(cursor),
    })
}

/// A place as a cursor: the id of its delivery, and behind it that of its attempt.
fn cursor(Place { delivery, attempt }: Place) -> String {
    let attempt = attempt.map(|id| id.to_string()).unwrap_or_default();
    format!("{delivery}{attempt}")
}

fn place(cursor: &str) -> Result<Place, Problem> {
    let read = || {
        let (delivery, attempt) = match cursor.find("att_") {
            Some(at) => (&cursor[..at], Some(&cursor[at..])),
            None => (cursor, None),
        };
        Some(Place {
            delivery: delivery.parse().ok()?,
            attempt: attempt.map(str::parse).transpose().ok()?,
        })
    };
    read().ok_or_else(|| {
        let detail =
            "cursor: give the `next_cursor` of an earlier page of this list, or leave it out";
        Problem::new(Code::InvalidParameter, detail)
    })
}
