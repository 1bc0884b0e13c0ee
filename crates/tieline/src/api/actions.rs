//! Actions: `/v1/integrations/actions`.

use axum::extract::State;
use serde_json::{Map, Value};

use super::{
    answer::{Created, ListView, NoContent, Shown},
    caller::Caller,
    etag::{IfMatch, IfMatchHeader},
    json::Json,
    operation_body::{ActionView, NewAction},
    operations::{self, ACTIONS, Listed, Listing},
    page::{Filters, Id, Page},
    problem::Problem,
    usage::UsedBy,
    versions::{Rollback, VersionPath, VersionView},
};
use crate::app::App;

/// List the actions
///
/// The newest first; or, with `format`, all of them by name as definitions for a model or an MCP client.
#[utoipa::path(get, path = "/integrations/actions", operation_id = "list_actions", tag = "Tools and actions", params(Page, Listed),
    extensions(("x-required-scope" = json!("tools:read"))))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    page: Page,
    Filters(listed): Filters<Listed>,
) -> Result<Listing<ActionView>, Problem> {
    operations::list::<NewAction>(&app, &caller, &page, listed).await
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
    operations::create(&app, &caller, new).await
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
    ACTIONS.show(&app, &caller, &name).await
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
    operations::replace(&app, &caller, &name, &condition, new).await
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
    operations::update::<NewAction>(&app, &caller, &name, &condition, patch).await
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
    operations::delete::<NewAction>(&app, &caller, &name, &condition).await
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
    ACTIONS.versions(&app, &caller, &name, &page).await
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
    ACTIONS.version(&app, &caller, &path).await
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
    Json(to): Json<Rollback>,
) -> Result<Shown<ActionView>, Problem> {
    operations::roll_back::<NewAction>(&app, &caller, &name, &condition, &to).await
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
    operations::usage::<NewAction>(&app, &caller, &name).await
}
