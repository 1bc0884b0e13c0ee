//! What is done with a webhook by hand: tried, let go, held, ended.

use axum::extract::State;
use serde::Serialize;
use tieline_domain::{
    SubscriptionId,
    access::{Area::Deliveries, Area::Webhooks, Right},
    destination::State as Status,
};
use tieline_store::deliveries::DeliveryFilter;
use utoipa::ToSchema;

use super::{
    answer::{ListView, Shown},
    caller::Caller,
    delivery_view::DeliveryView,
    page::{Id, Page},
    problem::Problem,
    subscription_view::WebhookView,
    subscriptions::WEBHOOKS,
};
use crate::{app::App, deliver::TestResult, publish};

/// What a test showed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"success": true, "status_code": 200, "response_time_ms": 84, "response_excerpt": "ok"}))]
pub struct TestView {
    /// Whether the receiver answered 2xx in time.
    success: bool,
    /// The status that it answered with; null without an answer.
    status_code: Option<u16>,
    /// How long it took, in milliseconds.
    response_time_ms: u64,
    /// The beginning of what it answered.
    response_excerpt: String,
    /// What went wrong, in a word, as attempts have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_kind: Option<&'static str>,
    /// What went wrong, and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl From<TestResult> for TestView {
    fn from(result: TestResult) -> Self {
        let TestResult {
            success,
            status_code,
            took,
            error_kind,
            seen,
        } = result;
        Self {
            success,
            status_code,
            response_time_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            response_excerpt: seen.response_excerpt,
            error_kind,
            error: seen.error,
        }
    }
}

/// Test a webhook
///
/// Sends it a signed `webhook.test` now, once, and says what came back. Nothing is stored.
#[utoipa::path(post, path = "/webhooks/{id}/test", operation_id = "test_webhook", tag = "Webhooks",
    params(("id" = String, Path, description = "Id of the webhook", example = "wh_01kb3f9z5qf8m9w2v7x4t6n0hd")),
    extensions(("x-required-scope" = json!("webhooks:write"))))]
pub async fn test(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<SubscriptionId>,
) -> Result<Shown<TestView>, Problem> {
    caller.require(Webhooks, Right::Write)?;
    let routes = app.registry.routes(caller.tenant_id).await;
    let routes = routes.map_err(publish::Error::from)?;
    let route = routes.get(id).ok_or_else(|| WEBHOOKS.missing())?;
    Ok(Shown::new(app.dispatcher.test(route).await.into()))
}

async fn turn(
    app: &App,
    caller: &Caller,
    id: SubscriptionId,
    to: Status,
) -> Result<Shown<WebhookView>, Problem> {
    caller.require(Webhooks, Right::Write)?;
    let found = WEBHOOKS.find(app, caller, &id).await?;
    let by = caller.change(app);
    app.subscriptions
        .set_state(caller.tenant_id, id, to, &by)
        .await?;
    WEBHOOKS.shown(app, Some(found)).await
}

/// Pause a webhook
///
/// Deliveries are held, not dropped, until it is enabled.
#[utoipa::path(post, path = "/webhooks/{id}/pause", operation_id = "pause_webhook", tag = "Webhooks",
    params(("id" = String, Path, description = "Id of the webhook", example = "wh_01kb3f9z5qf8m9w2v7x4t6n0hd")),
    extensions(("x-required-scope" = json!("webhooks:write"))))]
pub async fn pause(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<SubscriptionId>,
) -> Result<Shown<WebhookView>, Problem> {
    turn(&app, &caller, id, Status::Paused).await
}

/// Disable a webhook
///
/// It gets no deliveries of new events; `subscription.disabled` tells of it.
#[utoipa::path(post, path = "/webhooks/{id}/disable", operation_id = "disable_webhook", tag = "Webhooks",
    params(("id" = String, Path, description = "Id of the webhook", example = "wh_01kb3f9z5qf8m9w2v7x4t6n0hd")),
    extensions(("x-required-scope" = json!("webhooks:write"))))]
pub async fn disable(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<SubscriptionId>,
) -> Result<Shown<WebhookView>, Problem> {
    turn(&app, &caller, id, Status::Disabled).await
}

/// List the deliveries to a webhook
#[utoipa::path(get, path = "/webhooks/{id}/deliveries", operation_id = "list_webhook_deliveries", tag = "Webhooks",
    params(Page, ("id" = String, Path, description = "Id of the webhook", example = "wh_01kb3f9z5qf8m9w2v7x4t6n0hd")),
    extensions(("x-required-scope" = json!("deliveries:read"))))]
pub async fn deliveries(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<SubscriptionId>,
    page: Page,
) -> Result<ListView<DeliveryView>, Problem> {
    caller.require(Deliveries, Right::Read)?;
    WEBHOOKS.find(&app, &caller, &id).await?;
    let filter = DeliveryFilter {
        destination_id: Some(id.into()),
        ..DeliveryFilter::default()
    };
    Ok(app
        .store
        .list_deliveries(caller.tenant_id, &filter, &page.request())
        .await?
        .into())
}
