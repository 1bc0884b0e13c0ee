//! Incoming webhooks: `/v1/webhooks/incoming`.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tieline_domain::{
    SourceId,
    access::{Area::Webhooks, Right},
    source::Source,
};
use tieline_store::documents::{Document, Kind};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::{
    answer::{Created, ListView, NoContent, Shown},
    caller::Caller,
    credential::SecretText,
    document::patched,
    etag::{IfMatch, IfMatchHeader},
    json::Json,
    label,
    page::{Id, Page},
    problem::Problem,
    resource::{Call, Resource, View},
    source_view::{NewSource, SourceSecretView, SourceView},
};
use crate::{app::App, webhooks};

/// A new secret.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"overlap_hours": 24}))]
pub struct NewWebhookSecret {
    /// The secret; one is generated if absent.
    #[serde(default)]
    #[schema(value_type = Option<String>, write_only)]
    secret: Option<SecretText>,
    /// For how long the old secret stays valid beside it, in hours: 0 to 720; 24 if absent.
    #[serde(default)]
    overlap_hours: Option<u32>,
}

impl From<NewWebhookSecret> for webhooks::NewSecret {
    fn from(new: NewWebhookSecret) -> Self {
        let NewWebhookSecret {
            secret,
            overlap_hours,
        } = new;
        Self {
            value: secret.map(|secret| Zeroizing::new(secret.to_string())),
            overlap_hours,
        }
    }
}

/// A secret that is shown only here.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": "wh_in_01kb3f9z5qf8m9w2v7x4t6n0hc", "secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"}))]
pub struct RotatedSource {
    /// The id of the webhook.
    id: String,
    /// Its secret from now on. Keep it: it is not shown again.
    #[schema(value_type = String)]
    secret: SecretText,
}

/// Incoming webhooks.
pub(super) const SOURCES: Resource = Resource {
    kind: Kind::Source,
    what: "webhook",
    path: "/v1/webhooks/incoming",
    area: Webhooks,
    called_by: &[Call::Id],
};

impl View for SourceView {
    async fn read(app: &App, document: Document) -> Result<Self, Problem> {
        Self::of(app, document).await
    }
}

/// List the incoming webhooks
#[utoipa::path(get, path = "/webhooks/incoming", operation_id = "list_incoming_webhooks", tag = "Incoming webhooks", params(Page),
    extensions(("x-required-scope" = json!("webhooks:read"))))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    page: Page,
) -> Result<ListView<SourceView>, Problem> {
    SOURCES.list(&app, &caller, &page).await
}

/// Make an incoming webhook
///
/// With the URL that its sender is given, and the secret it signs with, which is shown only here.
#[utoipa::path(post, path = "/webhooks/incoming", operation_id = "create_incoming_webhook", tag = "Incoming webhooks",
    extensions(("x-required-scope" = json!("webhooks:write"))))]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Json(new): Json<NewSource>,
) -> Result<Created<SourceSecretView>, Problem> {
    caller.require(Webhooks, Right::Write)?;
    let (source, secret) = new.parts();
    Problem::check(label::name("/name", &source.name))?;
    let by = caller.change(&app);
    let (made, secret) = app
        .sources
        .create(caller.tenant_id, &source, secret, &by)
        .await?;
    let (location, version) = (format!("{}/{}", SOURCES.path, made.id), made.version);
    let view = SourceView::of(&app, made).await?.with_secret(secret);
    Ok(Created::new(location, view).version(version))
}

/// Show an incoming webhook
#[utoipa::path(get, path = "/webhooks/incoming/{id}", operation_id = "get_incoming_webhook", tag = "Incoming webhooks",
    params(("id" = String, Path, description = "Id of the incoming webhook", example = "wh_in_01kb3f9z5qf8m9w2v7x4t6n0hc")),
    extensions(("x-required-scope" = json!("webhooks:read"))))]
pub async fn get(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<SourceId>,
) -> Result<Shown<SourceView>, Problem> {
    SOURCES.show(&app, &caller, &id).await
}

/// Replace an incoming webhook
///
/// Its URL and its secret stay. Where a scheme with a secret takes the place of one without, the new
/// secret is shown only here.
#[utoipa::path(put, path = "/webhooks/incoming/{id}", operation_id = "replace_incoming_webhook", tag = "Incoming webhooks",
    params(IfMatchHeader, ("id" = String, Path, description = "Id of the incoming webhook", example = "wh_in_01kb3f9z5qf8m9w2v7x4t6n0hc")),
    extensions(("x-required-scope" = json!("webhooks:write"))))]
pub async fn replace(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<SourceId>,
    condition: IfMatch,
    Json(new): Json<NewSource>,
) -> Result<Shown<SourceSecretView>, Problem> {
    let before = SOURCES.changeable(&app, &caller, &id, &condition).await?;
    write(&app, &caller, id, &before, new.parts()).await
}

/// Change an incoming webhook
#[utoipa::path(patch, path = "/webhooks/incoming/{id}", operation_id = "update_incoming_webhook", tag = "Incoming webhooks",
    params(IfMatchHeader, ("id" = String, Path, description = "Id of the incoming webhook", example = "wh_in_01kb3f9z5qf8m9w2v7x4t6n0hc")),
    request_body(content = Object, description = "What is to change (JSON Merge Patch, RFC 7396): fields that are given replace those that were, and `null` removes one", example = json!({"status": "paused", "event_type": null})),
    extensions(("x-required-scope" = json!("webhooks:write"))))]
pub async fn update(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<SourceId>,
    condition: IfMatch,
    Json(patch): Json<Map<String, Value>>,
) -> Result<Shown<SourceSecretView>, Problem> {
    let before = SOURCES.changeable(&app, &caller, &id, &condition).await?;
    let new: NewSource = patched(&app, &before, patch)?;
    write(&app, &caller, id, &before, new.parts()).await
}

async fn write(
    app: &App,
    caller: &Caller,
    id: SourceId,
    before: &Document,
    (source, secret): (Source, Option<Zeroizing<String>>),
) -> Result<Shown<SourceSecretView>, Problem> {
    Problem::check(label::name("/name", &source.name))?;
    let written = app
        .sources
        .replace(
            caller.tenant_id,
            id,
            &source,
            secret,
            Some(before.version),
            &caller.change(app),
        )
        .await?;
    let (after, secret) = written.ok_or_else(|| SOURCES.missing())?;
    let version = after.version;
    Ok(Shown::new(SourceView::of(app, after).await?.with_secret(secret)).version(version))
}

/// Delete an incoming webhook
///
/// Its URL answers with 404 from now on. The events that came through it stay.
#[utoipa::path(delete, path = "/webhooks/incoming/{id}", operation_id = "delete_incoming_webhook", tag = "Incoming webhooks",
    params(IfMatchHeader, ("id" = String, Path, description = "Id of the incoming webhook", example = "wh_in_01kb3f9z5qf8m9w2v7x4t6n0hc")),
    extensions(("x-required-scope" = json!("webhooks:write"))))]
pub async fn delete(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<SourceId>,
    condition: IfMatch,
) -> Result<NoContent, Problem> {
    let before = SOURCES.changeable(&app, &caller, &id, &condition).await?;
    app.sources
        .delete(
            caller.tenant_id,
            id,
            Some(before.version),
            &caller.change(&app),
        )
        .await?;
    Ok(NoContent)
}

/// Rotate the secret of an incoming webhook
///
/// Requests signed with the old secret are taken until the overlap ends.
#[utoipa::path(post, path = "/webhooks/incoming/{id}/rotate-secret", operation_id = "rotate_incoming_webhook_secret", tag = "Incoming webhooks",
    params(("id" = String, Path, description = "Id of the incoming webhook", example = "wh_in_01kb3f9z5qf8m9w2v7x4t6n0hc")),
    extensions(("x-required-scope" = json!("webhooks:write"))))]
pub async fn rotate_secret(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<SourceId>,
    Json(new): Json<NewWebhookSecret>,
) -> Result<Shown<RotatedSource>, Problem> {
    caller.require(Webhooks, Right::Write)?;
    let rotated = app
        .sources
        .rotate(caller.tenant_id, id, new.into(), &caller.change(&app))
        .await?;
    let (after, secret) = rotated.ok_or_else(|| SOURCES.missing())?;
    let view = RotatedSource {
        id: after.id,
        secret: SecretText::from(secret.to_string()),
    };
    Ok(Shown::new(view).version(after.version))
}

/// The secret that a sender brought.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": "wh_in_01kb3f9z5qf8m9w2v7x4t6n0hc", "token": "secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl"}))]
pub struct BroughtToken {
    /// The id of the webhook.
    id: String,
    /// What the sender brought in its first request, and signs with.
    #[schema(value_type = String)]
    token: SecretText,
}

/// Show the token that the sender of an incoming webhook brought
///
/// For senders that bring the secret in their first request and want it entered by hand, such as Notion. 404 as
/// long as none was brought, and where the secret did not come from the sender's side.
#[utoipa::path(get, path = "/webhooks/incoming/{id}/verification-token", operation_id = "get_incoming_webhook_verification_token", tag = "Incoming webhooks",
    params(("id" = String, Path, description = "Id of the incoming webhook", example = "wh_in_01kb3f9z5qf8m9w2v7x4t6n0hc")),
    extensions(("x-required-scope" = json!("webhooks:write"))))]
pub async fn verification_token(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<SourceId>,
) -> Result<Shown<BroughtToken>, Problem> {
    caller.require(Webhooks, Right::Write)?;
    SOURCES.find(&app, &caller, &id).await?;
    let by = caller.change(&app);
    let brought = app.sources.brought(caller.tenant_id, id, &by).await?;
    let token = brought.ok_or_else(|| Problem::not_found("verification token"))?;
    Ok(Shown::new(BroughtToken {
        id: id.to_string(),
        token: SecretText::from(token.to_string()),
    }))
}
