//! Tools: `/v1/tools`.

use axum::extract::State;
use serde_json::{Map, Value};

use super::{
    answer::{Created, ListView, NoContent, Shown},
    caller::Caller,
    etag::{IfMatch, IfMatchHeader},
    json::Json,
    operation_body::{NewTool, ToolView},
    operations::{self, Listed, Listing, TOOLS},
    page::{Filters, Id, Page},
    problem::Problem,
    usage::UsedBy,
    versions::{Rollback, VersionPath, VersionView},
};
use crate::app::App;

/// List the tools
///
/// The newest first; or, with `format`, all of them by name as definitions for a model or an MCP client.
#[utoipa::path(get, path = "/tools", operation_id = "list_tools", tag = "Tools and actions", params(Page, Listed),
    extensions(("x-required-scope" = json!("tools:read"))))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    page: Page,
    Filters(listed): Filters<Listed>,
) -> Result<Listing<ToolView>, Problem> {
    operations::list::<NewTool>(&app, &caller, &page, listed).await
}

/// Make a tool
///
/// Its templates are read, its schema is compiled and the names it uses are looked up now: what is saved can be called.
#[utoipa::path(post, path = "/tools", operation_id = "create_tool", tag = "Tools and actions",
    extensions(("x-required-scope" = json!("tools:write"))))]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Json(new): Json<NewTool>,
) -> Result<Created<ToolView>, Problem> {
    operations::create(&app, &caller, new).await
}

/// Show a tool
#[utoipa::path(get, path = "/tools/{name}", operation_id = "get_tool", tag = "Tools and actions",
    params(("name" = String, Path, description = "Name or id", example = "lookup_customer")),
    extensions(("x-required-scope" = json!("tools:read"))))]
pub async fn get(
    State(app): State<App>,
    caller: Caller,
    Id(name): Id<String>,
) -> Result<Shown<ToolView>, Problem> {
    TOOLS.show(&app, &caller, &name).await
}

/// Replace a tool
#[utoipa::path(put, path = "/tools/{name}", operation_id = "replace_tool", tag = "Tools and actions",
    params(IfMatchHeader, ("name" = String, Path, description = "Name or id", example = "lookup_customer")),
    extensions(("x-required-scope" = json!("tools:write"))))]
pub async fn replace(
    State(app): State<App>,
    caller: Caller,
    Id(name): Id<String>,
    condition: IfMatch,
    Json(new): Json<NewTool>,
) -> Result<Shown<ToolView>, Problem> {
    operations::replace(&app, &caller, &name, &condition, new).await
}

/// Change a tool
#[utoipa::path(patch, path = "/tools/{name}", operation_id = "update_tool", tag = "Tools and actions",
    params(IfMatchHeader, ("name" = String, Path, description = "Name or id", example = "lookup_customer")),
    request_body(content = Object, description = "What is to change (JSON Merge Patch, RFC 7396): fields that are given replace those that were, and `null` removes one", example = json!({"timeout_seconds": 10, "output_mapping": null})),
    extensions(("x-required-scope" = json!("tools:write"))))]
pub async fn update(
    State(app): State<App>,
    caller: Caller,
    Id(name): Id<String>,
    condition: IfMatch,
    Json(patch): Json<Map<String, Value>>,
) -> Result<Shown<ToolView>, Problem> {
    operations::update::<NewTool>(&app, &caller, &name, &condition, patch).await
}

/// Delete a tool
///
/// Refused while something uses it. The log of its calls stays.
#[utoipa::path(delete, path = "/tools/{name}", operation_id = "delete_tool", tag = "Tools and actions",
    params(IfMatchHeader, ("name" = String, Path, description = "Name or id", example = "lookup_customer")),
    extensions(("x-required-scope" = json!("tools:write"))))]
pub async fn delete(
    State(app): State<App>,
    caller: Caller,
    Id(name): Id<String>,
    condition: IfMatch,
) -> Result<NoContent, Problem> {
    operations::delete::<NewTool>(&app, &caller, &name, &condition).await
}

/// List the versions of a tool
///
/// Every version that was saved, the newest first; the last 100 are kept.
#[utoipa::path(get, path = "/tools/{name}/versions", operation_id = "list_tool_versions", tag = "Tools and actions",
    params(Page, ("name" = String, Path, description = "Name or id", example = "lookup_customer")),
    extensions(("x-required-scope" = json!("tools:read"))))]
pub async fn versions(
    State(app): State<App>,
    caller: Caller,
    Id(name): Id<String>,
    page: Page,
) -> Result<ListView<VersionView>, Problem> {
    TOOLS.versions(&app, &caller, &name, &page).await
}

/// Show a version of a tool
#[utoipa::path(get, path = "/tools/{name}/versions/{version}", operation_id = "get_tool_version", tag = "Tools and actions",
    params(("name" = String, Path, description = "Name or id", example = "lookup_customer"), ("version" = i64, Path, description = "Number of the version", example = 3)),
    extensions(("x-required-scope" = json!("tools:read"))))]
pub async fn version(
    State(app): State<App>,
    caller: Caller,
    path: VersionPath,
) -> Result<Shown<VersionView>, Problem> {
    TOOLS.version(&app, &caller, &path).await
}

/// Go back to a version of a tool
///
/// What it was then becomes its newest version. It is checked as if it were saved now.
#[utoipa::path(post, path = "/tools/{name}/rollback", operation_id = "roll_back_tool", tag = "Tools and actions",
    params(IfMatchHeader, ("name" = String, Path, description = "Name or id", example = "lookup_customer")),
    extensions(("x-required-scope" = json!("tools:write"))))]
pub async fn rollback(
    State(app): State<App>,
    caller: Caller,
    Id(name): Id<String>,
    condition: IfMatch,
    Json(to): Json<Rollback>,
) -> Result<Shown<ToolView>, Problem> {
    operations::roll_back::<NewTool>(&app, &caller, &name, &condition, &to).await
}

/// List what uses a tool
#[utoipa::path(get, path = "/tools/{name}/usage", operation_id = "list_tool_usage", tag = "Tools and actions",
    params(("name" = String, Path, description = "Name or id", example = "lookup_customer")),
    extensions(("x-required-scope" = json!("tools:read"))))]
pub async fn usage(
    State(app): State<App>,
    caller: Caller,
    Id(name): Id<String>,
) -> Result<ListView<UsedBy>, Problem> {
    operations::usage::<NewTool>(&app, &caller, &name).await
}
