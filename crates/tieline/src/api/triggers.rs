//! Triggers: `/v1/triggers`.

use axum::extract::State;
use serde_json::{Map, Value};
use tieline_domain::{
    access::{Area::Triggers, Right},
    trigger::Trigger,
};
use tieline_store::documents::{Document, Kind};

use super::{
    answer::{Created, ListView, NoContent, Shown},
    caller::Caller,
    document::patched,
    etag::{IfMatch, IfMatchHeader},
    json::Json,
    page::{Id, Page},
    problem::Problem,
    resource::{Call, Resource, View},
    trigger_body::{NewTrigger, TriggerView},
    versions::{Rollback, VersionPath, VersionView},
};
use crate::{app::App, triggers};

/// Triggers.
pub(super) const TRIGGERS: Resource = Resource {
    kind: Kind::Trigger,
    what: "trigger",
    path: "/v1/triggers",
    area: Triggers,
    called_by: &[Call::Id, Call::Name],
};

impl From<triggers::Error> for Problem {
    fn from(error: triggers::Error) -> Self {
        match error {
            triggers::Error::Invalid(violations) => violations.into(),
            triggers::Error::Store(error) => error.into(),
            triggers::Error::Registry(error) => error.into(),
            triggers::Error::Publish(error) => error.into(),
        }
    }
}

impl View for TriggerView {
    async fn read(_: &App, document: Document) -> Result<Self, Problem> {
        Self::of(document)
    }
}

async fn write(
    app: &App,
    caller: &Caller,
    before: &Document,
    trigger: &Trigger,
) -> Result<Shown<TriggerView>, Problem> {
    let (tenant, by) = (caller.tenant_id, caller.change(app));
    let after = app.triggers.replace(tenant, before, trigger, &by).await?;
    TRIGGERS.shown(app, after).await
}

/// List the triggers
#[utoipa::path(get, path = "/triggers", operation_id = "list_triggers", tag = "Triggers", params(Page),
    extensions(("x-required-scope" = json!("triggers:read"))))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    page: Page,
) -> Result<ListView<TriggerView>, Problem> {
    TRIGGERS.list(&app, &caller, &page).await
}

/// Make a trigger
///
/// Its condition and its templates are read, and what its steps name is looked up now: what is saved can be run. From
/// now on it runs for each event that it is about.
#[utoipa::path(post, path = "/triggers", operation_id = "create_trigger", tag = "Triggers",
    extensions(("x-required-scope" = json!("triggers:write"))))]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Json(new): Json<NewTrigger>,
) -> Result<Created<TriggerView>, Problem> {
    caller.require(Triggers, Right::Write)?;
    let (tenant, by) = (caller.tenant_id, caller.change(&app));
    let made = app.triggers.create(tenant, &new.into(), &by).await?;
    TRIGGERS.created(&app, made).await
}

/// Show a trigger
#[utoipa::path(get, path = "/triggers/{id}", operation_id = "get_trigger", tag = "Triggers",
    params(("id" = String, Path, description = "Id or name of the trigger", example = "trg_01kb3f9z5qf8m9w2v7x4t6n0hm")),
    extensions(("x-required-scope" = json!("triggers:read"))))]
pub async fn get(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<String>,
) -> Result<Shown<TriggerView>, Problem> {
    TRIGGERS.show(&app, &caller, &id).await
}

/// Replace a trigger
///
/// Runs that have begun go on with the steps that it had then.
#[utoipa::path(put, path = "/triggers/{id}", operation_id = "replace_trigger", tag = "Triggers",
    params(IfMatchHeader, ("id" = String, Path, description = "Id or name of the trigger", example = "trg_01kb3f9z5qf8m9w2v7x4t6n0hm")),
    extensions(("x-required-scope" = json!("triggers:write"))))]
pub async fn replace(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<String>,
    condition: IfMatch,
    Json(new): Json<NewTrigger>,
) -> Result<Shown<TriggerView>, Problem> {
    let before = TRIGGERS.changeable(&app, &caller, &id, &condition).await?;
    write(&app, &caller, &before, &new.into()).await
}

/// Change a trigger
#[utoipa::path(patch, path = "/triggers/{id}", operation_id = "update_trigger", tag = "Triggers",
    params(IfMatchHeader, ("id" = String, Path, description = "Id or name of the trigger", example = "trg_01kb3f9z5qf8m9w2v7x4t6n0hm")),
    request_body(content = Object, description = "What is to change (JSON Merge Patch, RFC 7396): fields that are given replace those that were, and `null` removes one", example = json!({"status": "disabled"})),
    extensions(("x-required-scope" = json!("triggers:write"))))]
pub async fn update(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<String>,
    condition: IfMatch,
    Json(patch): Json<Map<String, Value>>,
) -> Result<Shown<TriggerView>, Problem> {
    let before = TRIGGERS.changeable(&app, &caller, &id, &condition).await?;
    let new: NewTrigger = patched(&app, &before, patch)?;
    write(&app, &caller, &before, &new.into()).await
}

/// Delete a trigger
///
/// What waits for it is called off; its runs stay to be looked at.
#[utoipa::path(delete, path = "/triggers/{id}", operation_id = "delete_trigger", tag = "Triggers",
    params(IfMatchHeader, ("id" = String, Path, description = "Id or name of the trigger", example = "trg_01kb3f9z5qf8m9w2v7x4t6n0hm")),
    extensions(("x-required-scope" = json!("triggers:write"))))]
pub async fn delete(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<String>,
    condition: IfMatch,
) -> Result<NoContent, Problem> {
    let before = TRIGGERS.changeable(&app, &caller, &id, &condition).await?;
    let (tenant, by) = (caller.tenant_id, caller.change(&app));
    app.triggers.delete(tenant, &before, &by).await?;
    Ok(NoContent)
}

/// List the versions of a trigger
///
/// Every version that was saved, the newest first; the last 100 are kept.
#[utoipa::path(get, path = "/triggers/{id}/versions", operation_id = "list_trigger_versions", tag = "Triggers",
    params(Page, ("id" = String, Path, description = "Id or name of the trigger", example = "trg_01kb3f9z5qf8m9w2v7x4t6n0hm")),
    extensions(("x-required-scope" = json!("triggers:read"))))]
pub async fn versions(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<String>,
    page: Page,
) -> Result<ListView<VersionView>, Problem> {
    TRIGGERS.versions(&app, &caller, &id, &page).await
}

/// Show a version of a trigger
#[utoipa::path(get, path = "/triggers/{id}/versions/{version}", operation_id = "get_trigger_version", tag = "Triggers",
    params(("id" = String, Path, description = "Id or name of the trigger", example = "trg_01kb3f9z5qf8m9w2v7x4t6n0hm"), ("version" = i64, Path, description = "Number of the version", example = 3)),
    extensions(("x-required-scope" = json!("triggers:read"))))]
pub async fn version(
    State(app): State<App>,
    caller: Caller,
    path: VersionPath,
) -> Result<Shown<VersionView>, Problem> {
    TRIGGERS.version(&app, &caller, &path).await
}

/// Go back to a version of a trigger
///
/// What it was then becomes its newest version. It is checked as if it were saved now.
#[utoipa::path(post, path = "/triggers/{id}/rollback", operation_id = "roll_back_trigger", tag = "Triggers",
    params(IfMatchHeader, ("id" = String, Path, description = "Id or name of the trigger", example = "trg_01kb3f9z5qf8m9w2v7x4t6n0hm")),
    extensions(("x-required-scope" = json!("triggers:write"))))]
pub async fn rollback(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<String>,
    condition: IfMatch,
    Json(to): Json<Rollback>,
) -> Result<Shown<TriggerView>, Problem> {
    let then = TRIGGERS.rolled_back(&app, &caller, &id, &condition, &to);
    let (before, trigger) = then.await?;
    write(&app, &caller, &before, &trigger).await
}
