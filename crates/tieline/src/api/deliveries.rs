//! Deliveries and dead letters: `/v1/deliveries`, `/v1/dead-letters`.

use axum::extract::State;
use serde::Deserialize;
use tieline_domain::{
    DeliveryId, DestinationId, EventId, SubscriptionId,
    access::{Area::Deliveries, Right},
    delivery::{Delivery, Status},
};
use tieline_store::deliveries::DeliveryFilter;

use super::{
    answer::{Accepted, ListView, Shown},
    caller::Caller,
    delivery_view::{DeliveryDetailView, DeliveryView},
    page::{Filters, Id, Page},
    problem::{Code, Problem},
};
use crate::app::App;

/// Which deliveries are wanted; each narrows the list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Of this status: `pending`, `held`, `delivered`, `dead` or `cancelled`.
    #[param(value_type = Option<String>, example = "pending")]
    status: Option<Status>,
    /// To this webhook.
    #[param(value_type = Option<String>, example = "wh_01kb3f9z5qf8m9w2v7x4t6n0hd")]
    webhook_id: Option<SubscriptionId>,
    /// To this destination of any kind: a webhook, an agent, an action or a trigger; not beside `webhook_id`.
    #[param(value_type = Option<String>, example = "agent_01kb3f9z5qf8m9w2v7x4t6n0hd")]
    destination_id: Option<DestinationId>,
    /// Of this event.
    #[param(value_type = Option<String>, example = "evt_01kb3f9z5qf8m9w2v7x4t6n0hf")]
    event_id: Option<EventId>,
}

/// Which dead letters are wanted.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WantedDead {
    /// To this webhook.
    #[param(value_type = Option<String>, example = "wh_01kb3f9z5qf8m9w2v7x4t6n0hd")]
    webhook_id: Option<SubscriptionId>,
    /// To this destination of any kind: a webhook, an agent, an action or a trigger; not beside `webhook_id`.
    #[param(value_type = Option<String>, example = "agent_01kb3f9z5qf8m9w2v7x4t6n0hd")]
    destination_id: Option<DestinationId>,
}

/// The one destination that is asked for, by either name of the parameter.
pub(super) fn destination(
    webhook: Option<SubscriptionId>,
    destination: Option<DestinationId>,
) -> Result<Option<DestinationId>, Problem> {
    if webhook.is_some() && destination.is_some() {
        let detail = "give `webhook_id` or `destination_id`, not both";
        return Err(Problem::new(Code::InvalidParameter, detail));
    }
    Ok(destination.or_else(|| webhook.map(Into::into)))
}

async fn find(app: &App, caller: &Caller, id: DeliveryId) -> Result<Delivery, Problem> {
    let found = app.store.find_delivery(caller.tenant_id, id).await?;
    found.ok_or_else(|| Problem::not_found("delivery"))
}

/// List the deliveries
#[utoipa::path(get, path = "/deliveries", operation_id = "list_deliveries", tag = "Deliveries", params(Page, Wanted),
    extensions(("x-required-scope" = json!("deliveries:read"))))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    page: Page,
    Filters(wanted): Filters<Wanted>,
) -> Result<ListView<DeliveryView>, Problem> {
    caller.require(Deliveries, Right::Read)?;
    let Wanted {
        status,
        webhook_id,
        destination_id,
        event_id,
    } = wanted;
    let filter = DeliveryFilter {
        status,
        destination_id: destination(webhook_id, destination_id)?,
        event_id,
    };
    Ok(app
        .store
        .list_deliveries(caller.tenant_id, &filter, &page.request())
        .await?
        .into())
}

/// Show a delivery
///
/// With each attempt: what was sent, what came back, and what went wrong.
#[utoipa::path(get, path = "/deliveries/{id}", operation_id = "get_delivery", tag = "Deliveries",
    params(("id" = String, Path, description = "Id of the delivery", example = "dlv_01kb3f9z5qf8m9w2v7x4t6n0he")),
    extensions(("x-required-scope" = json!("deliveries:read"))))]
pub async fn get(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<DeliveryId>,
) -> Result<Shown<DeliveryDetailView>, Problem> {
    caller.require(Deliveries, Right::Read)?;
    let delivery = find(&app, &caller, id).await?;
    let attempts = app.store.list_attempts(caller.tenant_id, id).await?;
    Ok(Shown::new(DeliveryDetailView::new(delivery, attempts)))
}

/// Retry a delivery
///
/// A dead, held or waiting delivery gets a new schedule that begins now. While its webhook does not take
/// deliveries, it is held.
#[utoipa::path(post, path = "/deliveries/{id}/retry", operation_id = "retry_delivery", tag = "Deliveries",
    params(("id" = String, Path, description = "Id of the delivery", example = "dlv_01kb3f9z5qf8m9w2v7x4t6n0he")),
    extensions(("x-required-scope" = json!("deliveries:write"))))]
pub async fn retry(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<DeliveryId>,
) -> Result<Accepted<DeliveryView>, Problem> {
    caller.require(Deliveries, Right::Write)?;
    let now = app.clock.now();
    let queued = app.store.retry_delivery(caller.tenant_id, id, now).await?;
    let delivery = find(&app, &caller, id).await?;
    if !queued {
        return Err(Problem::new(Code::Conflict, why_not(delivery.status)));
    }
    app.dispatcher.wake();
    Ok(Accepted(delivery.into()))
}

/// Cancel a delivery
///
/// One that is pending, held or queued goes out no more; a dead letter that blocks its line lets the next one pass.
/// An attempt that a node has begun, or is about to, is not stopped.
#[utoipa::path(post, path = "/deliveries/{id}/cancel", operation_id = "cancel_delivery", tag = "Deliveries",
    params(("id" = String, Path, description = "Id of the delivery", example = "dlv_01kb3f9z5qf8m9w2v7x4t6n0he")),
    extensions(("x-required-scope" = json!("deliveries:write"))))]
pub async fn cancel(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<DeliveryId>,
) -> Result<Shown<DeliveryView>, Problem> {
    caller.require(Deliveries, Right::Write)?;
    let now = app.clock.now();
    let cancelled = app.store.cancel_delivery(caller.tenant_id, id, now).await?;
    let delivery = find(&app, &caller, id).await?;
    if !cancelled {
        let detail = format!("this delivery has ended: it is {}", delivery.status);
        return Err(Problem::new(Code::Conflict, detail));
    }
    app.dispatcher.drop_waiting(delivery.destination_id, id);
    app.dispatcher.wake();
    Ok(Shown::new(delivery.into()))
}

fn why_not(status: Status) -> &'static str {
    match status {
        Status::Delivered => {
            "this delivery has succeeded; replay its event if it should go out once more"
        }
        Status::Cancelled => {
            "this delivery was called off, by hand or with its webhook or the content of its event; replay its event if it should go out after all"
        }
        Status::Queued => {
            "this delivery waits for those before it with the same ordering key; it goes out when its turn comes"
        }
        Status::Pending | Status::Held | Status::Dead => {
            "this delivery is being tried at this moment; look at its outcome first"
        }
    }
}

/// List the dead letters
///
/// Deliveries whose last attempt failed, or that were held for too long.
#[utoipa::path(get, path = "/dead-letters", operation_id = "list_dead_letters", tag = "Deliveries", params(Page, WantedDead),
    extensions(("x-required-scope" = json!("deliveries:read"))))]
pub async fn list_dead(
    State(app): State<App>,
    caller: Caller,
    page: Page,
    Filters(wanted): Filters<WantedDead>,
) -> Result<ListView<DeliveryView>, Problem> {
    caller.require(Deliveries, Right::Read)?;
    let WantedDead {
        webhook_id,
        destination_id,
    } = wanted;
    let filter = DeliveryFilter {
        status: Some(Status::Dead),
        destination_id: destination(webhook_id, destination_id)?,
        event_id: None,
    };
    Ok(app
        .store
        .list_deliveries(caller.tenant_id, &filter, &page.request())
        .await?
        .into())
}
