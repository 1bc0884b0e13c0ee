//! Actions: `/v1/integrations/actions`.

use axum::extract::State;
use serde_json::{Map, Value};
use tieline_domain::{
    access::{Area::Tools, Right},
    operation::{Face::Action, Operation},
};
use tieline_store::documents::Document;

use super::{
    answer::{Created, ListView, NoContent, Shown},
    caller::Caller,
    document::content_of,
    etag::{IfMatch, IfMatchHeader},
    json::Json,
    operation_body::{ActionView, NewAction},
    operations::{self, Listed, Listing, UsedBy},
    page::{Filters, Id, Page},
    problem::Problem,
    versions::{self, Rollback, VersionPath, VersionView},
};
use crate::app::App;

fn shown(document: Document) -> Result<Shown<ActionView>, Problem> {
    let version = document.version;
    Ok(Shown::new(ActionView::of(document)?).version(version))
}

/// List the actions
///
/// The newest first; or, with `format`, all of them by name as definitions for a model or an MCP client.
#[utoipa::path(get, path = "/integrations/actions", operation_id = "list_actions", tag = "Tools and actions", params(Page, Listed),
    extensions(("x-required-scope" = json!("tools:read"))))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    page: Page,
    Filters(Listed { format }): Filters<Listed>,
) -> Result<Listing<ActionView>, Problem> {
    caller.require(Tools, Right::Read)?;
    if let Some(format) = format {
        let all = operations::defined(&app, &caller, Action, &format);
        return all.await.map(Listing::Defined);
    }
    let found = operations::list(&app, &caller, Action, &page, ActionView::of);
    found.await.map(Listing::Page)
}

/// Make an action
///
/// Its templates are read, its schema is compiled and the names it uses are looked up now: what is saved can be called.
#[utoipa::path(post, path = "/integrations/actions", operation_id = "create_action", tag = "Tools and actions",
    extensions(("x-required-scope" = json!("tools:write"))))]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Json(new): Json<NewAction>,
) -> Result<Created<ActionView>, Problem> {
    let made = operations::create(&app, &caller, Action, &new.into()).await?;
    let (location, version) = (
        format!("/v1/integrations/actions/{}", made.id),
        made.version,
    );
    Ok(Created::new(location, ActionView::of(made)?).version(version))
}

/// Show an action
#[utoipa::path(get, path = "/integrations/actions/{name}", operation_id = "get_action", tag = "Tools and actions",
    params(("name" = String, Path, description = "Name or id", example = "create_support_ticket")),
    extensions(("x-required-scope" = json!("tools:read"))))]
pub async fn get(
    State(app): State<App>,
    caller: Caller,
    Id(name): Id<String>,
) -> Result<Shown<ActionView>, Problem> {
    caller.require(Tools, Right::Read)?;
    shown(operations::find(&app, &caller, Action, &name).await?)
}

/// Replace an action
#[utoipa::path(put, path = "/integrations/actions/{name}", operation_id = "replace_action", tag = "Tools and actions",
    params(IfMatchHeader, ("name" = String, Path, description = "Name or id", example = "create_support_ticket")),
    extensions(("x-required-scope" = json!("tools:write"))))]
pub async fn replace(
    State(app): State<App>,
    caller: Caller,
    Id(name): Id<String>,
    condition: IfMatch,
    Json(new): Json<NewAction>,
) -> Result<Shown<ActionView>, Problem> {
    let before = operations::changeable(&app, &caller, Action, &name, &condition).await?;
    shown(operations::replace(&app, &caller, Action, &before, &new.into()).await?)
}

/// Change an action
#[utoipa::path(patch, path = "/integrations/actions/{name}", operation_id = "update_action", tag = "Tools and actions",
    params(IfMatchHeader, ("name" = String, Path, description = "Name or id", example = "create_support_ticket")),
    request_body(content = Object, description = "What is to change (JSON Merge Patch, RFC 7396): fields that are given replace those that were, and `null` removes one", example = json!({"timeout_seconds": 10, "output_mapping": null})),
    extensions(("x-required-scope" = json!("tools:write"))))]
pub async fn update(
    State(app): State<App>,
    caller: Caller,
    Id(name): Id<String>,
    condition: IfMatch,
    Json(patch): Json<Map<String, Value>>,
) -> Result<Shown<ActionView>, Problem> {
    let before = operations::changeable(&app, &caller, Action, &name, &condition).await?;
    let new: NewAction = operations::patched(&app, &before, Action, patch)?;
    shown(operations::replace(&app, &caller, Action, &before, &new.into()).await?)
}

/// Delete an action
///
/// Refused while something uses it. The log of its calls stays.
#[utoipa::path(delete, path = "/integrations/actions/{name}", operation_id = "delete_action", tag = "Tools and actions",
    params(IfMatchHeader, ("name" = String, Path, description = "Name or id", example = "create_support_ticket")),
    extensions(("x-required-scope" = json!("tools:write"))))]
pub async fn delete(
    State(app): State<App>,
    caller: Caller,
    Id(name): Id<String>,
    condition: IfMatch,
) -> Result<NoContent, Problem> {
    let before = operations::changeable(&app, &caller, Action, &name, &condition).await?;
    operations::delete(&app, &caller, Action, &before).await?;
    Ok(NoContent)
}

/// List the versions of an action
///
/// Every version that was saved, the newest first; the last 100 are kept.
#[utoipa::path(get, path = "/integrations/actions/{name}/versions", operation_id = "list_action_versions", tag = "Tools and actions",
    params(Page, ("name" = String, Path, description = "Name or id", example = "create_support_ticket")),
    extensions(("x-required-scope" = json!("tools:read"))))]
pub async fn versions(
    State(app): State<App>,
    caller: Caller,
    Id(name): Id<String>,
    page: Page,
) -> Result<ListView<VersionView>, Problem> {
    caller.require(Tools, Right::Read)?;
    let document = operations::find(&app, &caller, Action, &name).await?;
    versions::list(&app, &document, &page).await
}

/// Show a version of an action
#[utoipa::path(get, path = "/integrations/actions/{name}/versions/{version}", operation_id = "get_action_version", tag = "Tools and actions",
    params(("name" = String, Path, description = "Name or id", example = "create_support_ticket"), ("version" = i64, Path, description = "Number of the version", example = 3)),
    extensions(("x-required-scope" = json!("tools:read"))))]
pub async fn version(
    State(app): State<App>,
    caller: Caller,
    path: VersionPath,
) -> Result<Shown<VersionView>, Problem> {
    caller.require(Tools, Right::Read)?;
    let document = operations::find(&app, &caller, Action, &path.id).await?;
    Ok(Shown::new(
        versions::show(&app, &document, path.version).await?,
    ))
}

/// Go back to a version of an action
///
/// What it was then becomes its newest version. It is checked as if it were saved now.
#[utoipa::path(post, path = "/integrations/actions/{name}/rollback", operation_id = "roll_back_action", tag = "Tools and actions",
    params(IfMatchHeader, ("name" = String, Path, description = "Name or id", example = "create_support_ticket")),
    extensions(("x-required-scope" = json!("tools:write"))))]
pub async fn rollback(
    State(app): State<App>,
    caller: Caller,
    Id(name): Id<String>,
    condition: IfMatch,
    Json(Rollback { version }): Json<Rollback>,
) -> Result<Shown<ActionView>, Problem> {
    let before = operations::changeable(&app, &caller, Action, &name, &condition).await?;
    let then = versions::find(&app, caller.tenant_id, &before, version).await?;
    let operation: Operation = content_of(&then.body)?;
    shown(operations::replace(&app, &caller, Action, &before, &operation).await?)
}

/// List what uses an action
#[utoipa::path(get, path = "/integrations/actions/{name}/usage", operation_id = "list_action_usage", tag = "Tools and actions",
    params(("name" = String, Path, description = "Name or id", example = "create_support_ticket")),
    extensions(("x-required-scope" = json!("tools:read"))))]
pub async fn usage(
    State(app): State<App>,
    caller: Caller,
    Id(name): Id<String>,
) -> Result<ListView<UsedBy>, Problem> {
    operations::usage(&app, &caller, Action, &name).await
}
