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
    document::{content_of, patched},
    etag::{IfMatch, IfMatchHeader},
    json::Json,
    page::{Id, Page},
    problem::Problem,
    trigger_body::{NewTrigger, TriggerView},
    versions::{self, Rollback, VersionPath, VersionView},
};
use crate::{app::App, triggers};

/// What a trigger is called in the API.
const WHAT: &str = "trigger";

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

/// The trigger of the caller's tenant with this id or this name; 404 if there is none.
pub(super) async fn find(
    app: &App,
    caller: &Caller,
    id_or_name: &str,
) -> Result<Document, Problem> {
    let (tenant, kind) = (caller.tenant_id, Kind::Trigger);
    if let Some(found) = app.store.find_document(tenant, kind, id_or_name).await? {
        return Ok(found);
    }
    let named = app.store.find_named_document(tenant, kind, id_or_name);
    named.await?.ok_or_else(|| Problem::not_found(WHAT))
}

/// The trigger that the caller may change, as the caller last saw it.
async fn changeable(
    app: &App,
    caller: &Caller,
    id_or_name: &str,
    condition: &IfMatch,
) -> Result<Document, Problem> {
    caller.require(Triggers, Right::Write)?;
    let found = find(app, caller, id_or_name).await?;
    condition.check(found.version)?;
    Ok(found)
}

fn shown(document: Document) -> Result<Shown<TriggerView>, Problem> {
    let version = document.version;
    Ok(Shown::new(TriggerView::of(document)?).version(version))
}

async fn write(
    app: &App,
    caller: &Caller,
    before: &Document,
    trigger: &Trigger,
) -> Result<Shown<TriggerView>, Problem> {
    let (tenant, by) = (caller.tenant_id, caller.change(app));
    let after = app.triggers.replace(tenant, before, trigger, &by).await?;
    shown(after.ok_or_else(|| Problem::not_found(WHAT))?)
}

/// List the triggers
#[utoipa::path(get, path = "/triggers", operation_id = "list_triggers", tag = "Triggers", params(Page),
    extensions(("x-required-scope" = json!("triggers:read"))))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    page: Page,
) -> Result<ListView<TriggerView>, Problem> {
    caller.require(Triggers, Right::Read)?;
    let found = app
        .store
        .list_documents(caller.tenant_id, Kind::Trigger, &page.request())
        .await?;
    let views = found.items.into_iter().map(TriggerView::of);
    Ok(ListView {
        data: views.collect::<Result<_, _>>()?,
        next_cursor: found.next,
    })
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
    let (location, version) = (format!("/v1/triggers/{}", made.id), made.version);
    Ok(Created::new(location, TriggerView::of(made)?).version(version))
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
    caller.require(Triggers, Right::Read)?;
    shown(find(&app, &caller, &id).await?)
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
    let before = changeable(&app, &caller, &id, &condition).await?;
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
    let before = changeable(&app, &caller, &id, &condition).await?;
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
    let before = changeable(&app, &caller, &id, &condition).await?;
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
    caller.require(Triggers, Right::Read)?;
    let document = find(&app, &caller, &id).await?;
    versions::list(&app, &document, &page).await
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
    caller.require(Triggers, Right::Read)?;
    let document = find(&app, &caller, &path.id).await?;
    Ok(Shown::new(
        versions::show(&app, &document, path.version).await?,
    ))
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
    Json(Rollback { version }): Json<Rollback>,
) -> Result<Shown<TriggerView>, Problem> {
    let before = changeable(&app, &caller, &id, &condition).await?;
    let then = versions::find(&app, caller.tenant_id, &before, version).await?;
    let trigger: Trigger = content_of(&then.body)?;
    write(&app, &caller, &before, &trigger).await
}
