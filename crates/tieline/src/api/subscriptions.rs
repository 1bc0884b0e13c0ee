//! Webhook subscriptions: `/v1/webhooks`.

use axum::extract::State;
use serde_json::{Map, Value};
use tieline_domain::{
    SubscriptionId,
    access::{Area::Webhooks, Right},
    subscription::Subscription,
};
use tieline_store::documents::{Document, Kind};

use super::{
    answer::{Created, ListView, NoContent, Shown},
    caller::Caller,
    document::patched,
    etag::{IfMatch, IfMatchHeader},
    json::Json,
    label,
    page::{Id, Page},
    problem::Problem,
    resource::{Call, Resource, View},
    sources::NewWebhookSecret,
    subscription_view::{NewWebhook, WebhookSecretView, WebhookView},
    usage,
};
use crate::{app::App, references::Target, webhooks::NewSubscription};

/// Webhooks.
pub(super) const WEBHOOKS: Resource = Resource {
    kind: Kind::Subscription,
    what: "webhook",
    path: "/v1/webhooks",
    area: Webhooks,
    called_by: &[Call::Id],
};

impl View for WebhookView {
    async fn read(app: &App, document: Document) -> Result<Self, Problem> {
        let health = WEBHOOKS.health(app, &document).await?;
        Self::of(document, &health)
    }
}

/// List the webhooks
#[utoipa::path(get, path = "/webhooks", operation_id = "list_webhooks", tag = "Webhooks", params(Page),
    extensions(("x-required-scope" = json!("webhooks:read"))))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    page: Page,
) -> Result<ListView<WebhookView>, Problem> {
    let webhooks = WEBHOOKS.list_destinations(&app, &caller, &page, WebhookView::of);
    webhooks.await
}

/// Make a webhook
///
/// Events of the types that it wants are delivered to its URL from now on, signed with its secret. A
/// generated secret is shown only here.
#[utoipa::path(post, path = "/webhooks", operation_id = "create_webhook", tag = "Webhooks",
    extensions(("x-required-scope" = json!("webhooks:write"))))]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Json(new): Json<NewWebhook>,
) -> Result<Created<WebhookSecretView>, Problem> {
    caller.require(Webhooks, Right::Write)?;
    let new = new.parts()?;
    let by = caller.change(&app);
    check_description(&new.subscription)?;
    let (made, secret) = app.subscriptions.create(caller.tenant_id, new, &by).await?;
    let (location, version) = (format!("{}/{}", WEBHOOKS.path, made.id), made.version);
    let view = WebhookView::read(&app, made).await?.with_secret(secret);
    Ok(Created::new(location, view).version(version))
}

fn check_description(subscription: &Subscription) -> Result<(), Problem> {
    Problem::check(label::description(
        "/description",
        subscription.description.as_deref(),
    ))
}

/// Show a webhook
#[utoipa::path(get, path = "/webhooks/{id}", operation_id = "get_webhook", tag = "Webhooks",
    params(("id" = String, Path, description = "Id of the webhook", example = "wh_01kb3f9z5qf8m9w2v7x4t6n0hd")),
    extensions(("x-required-scope" = json!("webhooks:read"))))]
pub async fn get(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<SubscriptionId>,
) -> Result<Shown<WebhookView>, Problem> {
    WEBHOOKS.show(&app, &caller, &id).await
}

/// Replace a webhook
///
/// Its secret and its status stay, and so does the secret of its `auth` if it is left out.
#[utoipa::path(put, path = "/webhooks/{id}", operation_id = "replace_webhook", tag = "Webhooks",
    params(IfMatchHeader, ("id" = String, Path, description = "Id of the webhook", example = "wh_01kb3f9z5qf8m9w2v7x4t6n0hd")),
    extensions(("x-required-scope" = json!("webhooks:write"))))]
pub async fn replace(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<SubscriptionId>,
    condition: IfMatch,
    Json(new): Json<NewWebhook>,
) -> Result<Shown<WebhookView>, Problem> {
    let before = WEBHOOKS.changeable(&app, &caller, &id, &condition).await?;
    write(&app, &caller, id, &before, new.parts()?).await
}

/// Change a webhook
#[utoipa::path(patch, path = "/webhooks/{id}", operation_id = "update_webhook", tag = "Webhooks",
    params(IfMatchHeader, ("id" = String, Path, description = "Id of the webhook", example = "wh_01kb3f9z5qf8m9w2v7x4t6n0hd")),
    request_body(content = Object, description = "What is to change (JSON Merge Patch, RFC 7396): fields that are given replace those that were, and `null` removes one", example = json!({"events": ["conversation.*"], "retry": null})),
    extensions(("x-required-scope" = json!("webhooks:write"))))]
pub async fn update(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<SubscriptionId>,
    condition: IfMatch,
    Json(patch): Json<Map<String, Value>>,
) -> Result<Shown<WebhookView>, Problem> {
    let before = WEBHOOKS.changeable(&app, &caller, &id, &condition).await?;
    let new: NewWebhook = patched(&app, &patchable(&before, &patch), patch)?;
    write(&app, &caller, id, &before, new.parts()?).await
}

/// `before` as `patch` changes it: an `auth` of another type replaces the whole, because no field
/// of one type means anything to another.
fn patchable(before: &Document, patch: &Map<String, Value>) -> Document {
    let mut before = before.clone();
    let wanted = patch.get("auth").and_then(|auth| auth.get("type"));
    if let (Some(wanted), Ok(mut whole)) = (wanted, serde_json::from_str::<Value>(&before.body))
        && whole.pointer("/auth/type") != Some(wanted)
        && let Some(object) = whole.as_object_mut()
    {
        object.shift_remove("auth");
        before.body = whole.to_string();
    }
    before
}

async fn write(
    app: &App,
    caller: &Caller,
    id: SubscriptionId,
    before: &Document,
    new: NewSubscription,
) -> Result<Shown<WebhookView>, Problem> {
    check_description(&new.subscription)?;
    let by = caller.change(app);
    let written = app
        .subscriptions
        .replace(caller.tenant_id, id, before, new, &by)
        .await?;
    WEBHOOKS.shown(app, written).await
}

/// Delete a webhook
///
/// Deliveries that it is still owed are called off. Refused while a trigger delivers to it: `detail` names that.
#[utoipa::path(delete, path = "/webhooks/{id}", operation_id = "delete_webhook", tag = "Webhooks",
    params(IfMatchHeader, ("id" = String, Path, description = "Id of the webhook", example = "wh_01kb3f9z5qf8m9w2v7x4t6n0hd")),
    extensions(("x-required-scope" = json!("webhooks:write"))))]
pub async fn delete(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<SubscriptionId>,
    condition: IfMatch,
) -> Result<NoContent, Problem> {
    let before = WEBHOOKS.changeable(&app, &caller, &id, &condition).await?;
    usage::check_none(&app, &before, Target::Webhook, WEBHOOKS.what).await?;
    app.subscriptions
        .delete(
            caller.tenant_id,
            id,
            Some(before.version),
            &caller.change(&app),
        )
        .await?;
    Ok(NoContent)
}

/// Rotate the secret of a webhook
///
/// Deliveries carry a signature with each until the overlap ends. A generated secret is shown only here.
#[utoipa::path(post, path = "/webhooks/{id}/rotate-secret", operation_id = "rotate_webhook_secret", tag = "Webhooks",
    params(("id" = String, Path, description = "Id of the webhook", example = "wh_01kb3f9z5qf8m9w2v7x4t6n0hd")),
    extensions(("x-required-scope" = json!("webhooks:write"))))]
pub async fn rotate_secret(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<SubscriptionId>,
    Json(new): Json<NewWebhookSecret>,
) -> Result<Shown<WebhookSecretView>, Problem> {
    caller.require(Webhooks, Right::Write)?;
    let rotated = app
        .subscriptions
        .rotate(caller.tenant_id, id, new.into(), &caller.change(&app))
        .await?;
    let (after, secret) = rotated.ok_or_else(|| WEBHOOKS.missing())?;
    let version = after.version;
    let view = WebhookView::read(&app, after).await?.with_secret(secret);
    Ok(Shown::new(view).version(version))
}
