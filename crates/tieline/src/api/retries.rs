//! Trying many deliveries again: `/v1/deliveries/retry`, `/v1/dead-letters/replay`.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use tieline_domain::{
    DestinationId, SubscriptionId, TenantId, Timestamp, Violation,
    access::{Area::Deliveries, Right},
    delivery::Status,
};
use tieline_store::retries::RetryFilter;
use utoipa::ToSchema;

use super::{answer::Shown, caller::Caller, deliveries::destination, json::Json, problem::Problem};
use crate::app::App;

/// How many deliveries are queued again in one transaction.
const CHUNK: usize = 1_000;

/// Which dead letters to queue again; each field narrows it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"webhook_id": "wh_01kb3f9z5qf8m9w2v7x4t6n0hd", "error_kind": "timeout"}))]
pub struct Replay {
    /// Those to this webhook.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    webhook_id: Option<SubscriptionId>,
    /// Those to this destination of any kind: a webhook, an agent, an action or a trigger; not beside `webhook_id`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    destination_id: Option<DestinationId>,
    /// Those of events of this type.
    #[serde(default, rename = "type")]
    event_type: Option<String>,
    /// Those made at this time or later.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// Those made before this time.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
    /// Those whose last attempt went wrong in this way, as attempts have it.
    #[serde(default)]
    error_kind: Option<String>,
    /// Whether only to count them.
    #[serde(default)]
    dry_run: bool,
}

/// Which deliveries to queue again; each field narrows it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"status": "pending", "webhook_id": "wh_01kb3f9z5qf8m9w2v7x4t6n0hd", "dry_run": true}))]
pub struct Retry {
    /// Those of this status: `pending` (they wait for their next attempt), `held`, or `dead`.
    #[schema(value_type = String)]
    status: Status,
    /// Those to this webhook.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    webhook_id: Option<SubscriptionId>,
    /// Those to this destination of any kind: a webhook, an agent, an action or a trigger; not beside `webhook_id`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    destination_id: Option<DestinationId>,
    /// Those of events of this type.
    #[serde(default, rename = "type")]
    event_type: Option<String>,
    /// Those made at this time or later.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// Those made before this time.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
    /// Those whose last attempt went wrong in this way, as attempts have it.
    #[serde(default)]
    error_kind: Option<String>,
    /// Whether only to count them.
    #[serde(default)]
    dry_run: bool,
}

/// How many deliveries were found and queued again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"matched": 42, "replayed": 42}))]
pub struct ReplayedView {
    /// How many were found; at `limits.retried_at_once` (100000) there may be more, for another request.
    matched: u64,
    /// How many were queued again: none in a dry run.
    replayed: u64,
}

/// Replay dead letters
///
/// Each gets a new schedule that begins now, or in a line when its turn comes; at most `limits.retried_at_once` (100000) at once.
#[utoipa::path(post, path = "/dead-letters/replay", operation_id = "replay_dead_letters", tag = "Deliveries",
    extensions(("x-required-scope" = json!("deliveries:write"))))]
pub async fn replay(
    State(app): State<App>,
    caller: Caller,
    Json(replay): Json<Replay>,
) -> Result<Shown<ReplayedView>, Problem> {
    let Replay {
        webhook_id,
        destination_id,
        event_type,
        from,
        to,
        error_kind,
        dry_run,
    } = replay;
    let filter = RetryFilter {
        status: Status::Dead,
        destination_id: destination(webhook_id, destination_id)?,
        event_type,
        from,
        to,
        error_kind,
    };
    answer(&app, &caller, &filter, dry_run).await
}

/// Retry deliveries
///
/// Those that wait for their next attempt, are held, or are dead letters get a new schedule that begins now, or
/// in a line when their turn comes; at most `limits.retried_at_once` (100000) at once. One that a node is just trying is left out.
#[utoipa::path(post, path = "/deliveries/retry", operation_id = "retry_deliveries", tag = "Deliveries",
    extensions(("x-required-scope" = json!("deliveries:write"))))]
pub async fn retry(
    State(app): State<App>,
    caller: Caller,
    Json(retry): Json<Retry>,
) -> Result<Shown<ReplayedView>, Problem> {
    let Retry {
        status,
        webhook_id,
        destination_id,
        event_type,
        from,
        to,
        error_kind,
        dry_run,
    } = retry;
    if !matches!(status, Status::Pending | Status::Held | Status::Dead) {
        let detail =
            format!("deliveries that are {status} are not tried again; give pending, held or dead");
        Problem::check(vec![Violation::new("/status", detail)])?;
    }
    let filter = RetryFilter {
        status,
        destination_id: destination(webhook_id, destination_id)?,
        event_type,
        from,
        to,
        error_kind,
    };
    answer(&app, &caller, &filter, dry_run).await
}

async fn answer(
    app: &App,
    caller: &Caller,
    filter: &RetryFilter,
    dry_run: bool,
) -> Result<Shown<ReplayedView>, Problem> {
    caller.require(Deliveries, Right::Write)?;
    let (tenant, most) = (caller.tenant_id, app.config.limits.retried_at_once);
    let view = if dry_run {
        ReplayedView {
            matched: app.store.count_to_retry(tenant, filter, most).await?,
            replayed: 0,
        }
    } else {
        let replayed = retry_all(app, tenant, filter).await?;
        ReplayedView {
            matched: replayed,
            replayed,
        }
    };
    Ok(Shown::new(view))
}

/// Queues again what the filter finds; says how many.
pub(super) async fn retry_all(
    app: &App,
    tenant: TenantId,
    filter: &RetryFilter,
) -> Result<u64, Problem> {
    let (now, most) = (app.clock.now(), app.config.limits.retried_at_once);
    let (mut replayed, mut after) = (0, None::<String>);
    while replayed < most {
        let chunk = CHUNK.min(usize::try_from(most - replayed).unwrap_or(CHUNK));
        let (count, next) = app
            .store
            .retry_deliveries(tenant, filter, after.as_deref(), now, chunk)
            .await?;
        replayed += count;
        app.dispatcher.wake();
        if next.is_none() {
            break;
        }
        after = next;
    }
    Ok(replayed)
}
