//! Tools: `/v1/tools`.

use axum::extract::State;
use serde_json::{Map, Value};
use tieline_domain::{
    access::{Area::Tools, Right},
    operation::{Face::Tool, Operation},
};
use tieline_store::documents::Document;

use super::{
    answer::{Created, ListView, NoContent, Shown},
    caller::Caller,
    document::content_of,
    etag::{IfMatch, IfMatchHeader},
    json::Json,
    operation_body::{NewTool, ToolView},
    operations::{self, Listed, Listing, UsedBy},
    page::{Filters, Id, Page},
    problem::Problem,
    versions::{self, Rollback, VersionPath, VersionView},
};
use crate::app::App;

fn shown(document: Document) -> Result<Shown<ToolView>, Problem> {
    let version = document.version;
    Ok(Shown::new(ToolView::of(document)?).version(version))
}

/// List the tools
///
/// The newest first; or, with `format`, all of them by name as definitions for a model or an MCP client.
#[utoipa::path(get, path = "/tools", operation_id = "list_tools", tag = "Tools and actions", params(Page, Listed),
    extensions(("x-required-scope" = json!("tools:read"))))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    page: Page,
    Filters(Listed { format }): Filters<Listed>,
) -> Result<Listing<ToolView>, Problem> {
    caller.require(Tools, Right::Read)?;
    if let Some(format) = format {
        let all = operations::defined(&app, &caller, Tool, &format);
        return all.await.map(Listing::Defined);
    }
    let found = operations::list(&app, &caller, Tool, &page, ToolView::of);
    found.await.map(Listing::Page)
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
    let made = operations::create(&app, &caller, Tool, &new.into()).await?;
    let (location, version) = (format!("/v1/tools/{}", made.id), made.version);
    Ok(Created::new(location, ToolView::of(made)?).version(version))
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
    caller.require(Tools, Right::Read)?;
    shown(operations::find(&app, &caller, Tool, &name).await?)
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
    let before = operations::changeable(&app, &caller, Tool, &name, &condition).await?;
    shown(operations::replace(&app, &caller, Tool, &before, &new.into()).await?)
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
    let before = operations::changeable(&app, &caller, Tool, &name, &condition).await?;
    let new: NewTool = operations::patched(&app, &before, Tool, patch)?;
    shown(operations::replace(&app, &caller, Tool, &before, &new.into()).await?)
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
    let before = operations::changeable(&app, &caller, Tool, &name, &condition).await?;
    operations::delete(&app, &caller, Tool, &before).await?;
    Ok(NoContent)
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
    caller.require(Tools, Right::Read)?;
    let document = operations::find(&app, &caller, Tool, &name).await?;
    versions::list(&app, &document, &page).await
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
    caller.require(Tools, Right::Read)?;
    let document = operations::find(&app, &caller, Tool, &path.id).await?;
    Ok(Shown::new(
        versions::show(&app, &document, path.version).await?,
    ))
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
    Json(Rollback { version }): Json<Rollback>,
) -> Result<Shown<ToolView>, Problem> {
    let before = operations::changeable(&app, &caller, Tool, &name, &condition).await?;
    let then = versions::find(&app, caller.tenant_id, &before, version).await?;
    let operation: Operation = content_of(&then.body)?;
    shown(operations::replace(&app, &caller, Tool, &before, &operation).await?)
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
    operations::usage(&app, &caller, Tool, &name).await
}
