//! Remote MCP servers as sources of tools: `/v1/mcp-servers`.

use axum::extract::State;
use serde_json::{Map, Value};
use tieline_domain::{
    access::{Area::Tools, Right},
    mcp_server::McpServer,
};
use tieline_store::documents::{Document, Kind};

use super::{
    answer::{Created, ListView, NoContent, Shown},
    caller::Caller,
    document::patched,
    etag::{IfMatch, IfMatchHeader},
    json::Json,
    mcp_server_view::{AcceptedTools, McpServerView, NewMcpServer},
    page::{Id, Page},
    problem::{Code, Problem},
    resource::{Call, Resource, View},
};
use crate::{
    app::App,
    operate::remote::{Registered, RemoteError},
};

/// MCP servers.
const MCP_SERVERS: Resource = Resource {
    kind: Kind::McpServer,
    what: "MCP server",
    path: "/v1/mcp-servers",
    area: Tools,
    called_by: &[Call::Id, Call::Name],
};

impl From<RemoteError> for Problem {
    fn from(error: RemoteError) -> Self {
        match error {
            RemoteError::Invalid(violations) => violations.into(),
            RemoteError::Store(error) => error.into(),
            RemoteError::Registry(error) => crate::publish::Error::from(error).into(),
            RemoteError::Unreachable(error) => {
                let said = error
                    .upstream
                    .map(|said| format!(" ({said})"))
                    .unwrap_or_default();
                let detail = format!(
                    "the server cannot be asked what it offers: {}: {}{said}",
                    error.kind.as_str(),
                    error.message
                );
                Self::new(Code::InvalidInput, detail.clone()).at("/url", detail)
            }
        }
    }
}

/// As the store has it.
impl View for McpServerView {
    async fn read(app: &App, document: Document) -> Result<Self, Problem> {
        let pins = app.store.mcp_tools(document.tenant_id, &document.id);
        let pins = pins.await?;
        Self::of(Registered {
            document,
            pins,
            unusable: Vec::new(),
        })
    }
}

/// As it has just been looked at.
fn shown(registered: Option<Registered>) -> Result<Shown<McpServerView>, Problem> {
    let registered = registered.ok_or_else(|| MCP_SERVERS.missing())?;
    let version = registered.document.version;
    Ok(Shown::new(McpServerView::of(registered)?).version(version))
}

/// List the MCP servers
#[utoipa::path(get, path = "/mcp-servers", operation_id = "list_mcp_servers", tag = "MCP servers", params(Page),
    extensions(("x-required-scope" = json!("tools:read"))))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    page: Page,
) -> Result<ListView<McpServerView>, Problem> {
    MCP_SERVERS.list(&app, &caller, &page).await
}

/// Register an MCP server
///
/// It is asked at once what it offers, and what it offers now is accepted: look at the tools in the answer. Nothing is
/// registered if it cannot be asked.
#[utoipa::path(post, path = "/mcp-servers", operation_id = "create_mcp_server", tag = "MCP servers",
    extensions(("x-required-scope" = json!("tools:write"))))]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Json(new): Json<NewMcpServer>,
) -> Result<Created<McpServerView>, Problem> {
    caller.require(Tools, Right::Write)?;
    let by = caller.change(&app);
    let made = app
        .operator
        .create_mcp_server(caller.tenant_id, &new.into(), &by)
        .await?;
    let Document { id, version, .. } = &made.document;
    let (location, version) = (format!("{}/{id}", MCP_SERVERS.path), *version);
    Ok(Created::new(location, McpServerView::of(made)?).version(version))
}

/// Show an MCP server
#[utoipa::path(get, path = "/mcp-servers/{name}", operation_id = "get_mcp_server", tag = "MCP servers",
    params(("name" = String, Path, description = "Name or id", example = "files")),
    extensions(("x-required-scope" = json!("tools:read"))))]
pub async fn get(
    State(app): State<App>,
    caller: Caller,
    Id(name): Id<String>,
) -> Result<Shown<McpServerView>, Problem> {
    MCP_SERVERS.show(&app, &caller, &name).await
}

/// Replace an MCP server
///
/// It is asked what it offers. What differs from what was accepted is not offered until it is accepted.
#[utoipa::path(put, path = "/mcp-servers/{name}", operation_id = "replace_mcp_server", tag = "MCP servers",
    params(IfMatchHeader, ("name" = String, Path, description = "Name or id", example = "files")),
    extensions(("x-required-scope" = json!("tools:write"))))]
pub async fn replace(
    State(app): State<App>,
    caller: Caller,
    Id(name): Id<String>,
    condition: IfMatch,
    Json(new): Json<NewMcpServer>,
) -> Result<Shown<McpServerView>, Problem> {
    let called = MCP_SERVERS.changeable(&app, &caller, &name, &condition);
    let before = called.await?;
    write(&app, &caller, &before, &new.into()).await
}

/// Change an MCP server
#[utoipa::path(patch, path = "/mcp-servers/{name}", operation_id = "update_mcp_server", tag = "MCP servers",
    params(IfMatchHeader, ("name" = String, Path, description = "Name or id", example = "files")),
    request_body(content = Object, description = "What is to change (JSON Merge Patch, RFC 7396): fields that are given replace those that were, and `null` removes one", example = json!({"timeout_seconds": 10})),
    extensions(("x-required-scope" = json!("tools:write"))))]
pub async fn update(
    State(app): State<App>,
    caller: Caller,
    Id(name): Id<String>,
    condition: IfMatch,
    Json(patch): Json<Map<String, Value>>,
) -> Result<Shown<McpServerView>, Problem> {
    let called = MCP_SERVERS.changeable(&app, &caller, &name, &condition);
    let before = called.await?;
    let new: NewMcpServer = patched(&app, &before, patch)?;
    write(&app, &caller, &before, &new.into()).await
}

async fn write(
    app: &App,
    caller: &Caller,
    before: &Document,
    new: &McpServer,
) -> Result<Shown<McpServerView>, Problem> {
    let by = caller.change(app);
    let written = app
        .operator
        .replace_mcp_server(caller.tenant_id, before, new, &by);
    shown(written.await?)
}

/// Delete an MCP server
///
/// Its tools are not offered any more. The log of their calls stays.
#[utoipa::path(delete, path = "/mcp-servers/{name}", operation_id = "delete_mcp_server", tag = "MCP servers",
    params(IfMatchHeader, ("name" = String, Path, description = "Name or id", example = "files")),
    extensions(("x-required-scope" = json!("tools:write"))))]
pub async fn delete(
    State(app): State<App>,
    caller: Caller,
    Id(name): Id<String>,
    condition: IfMatch,
) -> Result<NoContent, Problem> {
    let called = MCP_SERVERS.changeable(&app, &caller, &name, &condition);
    let before = called.await?;
    let by = caller.change(&app);
    let (tenant, expected) = (caller.tenant_id, Some(before.version));
    app.operator
        .delete_mcp_server(tenant, &before.id, expected, &by)
        .await?;
    Ok(NoContent)
}

/// Look at what an MCP server offers now
///
/// New and changed tools are shown as `new` and `changed`, and are not offered until they are accepted.
#[utoipa::path(post, path = "/mcp-servers/{name}/refresh", operation_id = "refresh_mcp_server", tag = "MCP servers",
    params(("name" = String, Path, description = "Name or id", example = "files")),
    extensions(("x-required-scope" = json!("tools:write"))))]
pub async fn refresh(
    State(app): State<App>,
    caller: Caller,
    Id(name): Id<String>,
) -> Result<Shown<McpServerView>, Problem> {
    caller.require(Tools, Right::Write)?;
    let document = MCP_SERVERS.find(&app, &caller, &name).await?;
    let by = caller.change(&app);
    shown(app.operator.refresh_mcp_server(&document, &by).await?)
}

/// Accept tools of an MCP server
///
/// Each by its name and by the `hash` that was shown with what you looked at: what has changed since then is refused.
/// Accepting a tool that is `gone` forgets it.
#[utoipa::path(post, path = "/mcp-servers/{name}/accept", operation_id = "accept_mcp_tools", tag = "MCP servers",
    params(("name" = String, Path, description = "Name or id", example = "files")),
    extensions(("x-required-scope" = json!("tools:write"))))]
pub async fn accept(
    State(app): State<App>,
    caller: Caller,
    Id(name): Id<String>,
    Json(accepted): Json<AcceptedTools>,
) -> Result<Shown<McpServerView>, Problem> {
    caller.require(Tools, Right::Write)?;
    let document = MCP_SERVERS.find(&app, &caller, &name).await?;
    let by = caller.change(&app);
    let tools = accepted.into_tools()?;
    shown(
        app.operator
            .accept_mcp_tools(&document, &tools, &by)
            .await?,
    )
}
