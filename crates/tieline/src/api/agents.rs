//! Agents: `/v1/agents`.

use std::collections::HashMap;

use axum::extract::State;
use serde_json::{Map, Value};
use tieline_domain::{
    AgentId, TurnId,
    access::{
        Area::{Agents, Conversations},
        Right,
    },
    agent::Agent,
};
use tieline_store::documents::{Document, Kind};

use super::{
    agent_view::{AgentBody, AgentView, NewAgent},
    answer::{Created, ListView, NoContent, Shown},
    caller::Caller,
    document::{patched, unused},
    etag::{IfMatch, IfMatchHeader},
    json::Json,
    page::{Id, Page},
    problem::Problem,
    turn_view::InboxView,
};
use crate::{
    app::App,
    converse, publish,
    references::{self, Target},
};

const WHAT: &str = "agent";

/// The agent that the tenant calls by this id: the one that was chosen for it, or its own.
pub(super) async fn find(app: &App, caller: &Caller, id: &str) -> Result<Document, Problem> {
    let (tenant, kind) = (caller.tenant_id, Kind::Agent);
    let found = match app.store.find_named_document(tenant, kind, id).await? {
        None if id.parse::<AgentId>().is_ok() => app.store.find_document(tenant, kind, id).await?,
        found => found,
    };
    found.ok_or_else(|| Problem::not_found(WHAT))
}

async fn view(app: &App, document: Document) -> Result<AgentView, Problem> {
    let id: AgentId = document.id.parse().map_err(|_| Problem::internal())?;
    let health = app
        .store
        .find_destination(document.tenant_id, id.into())
        .await?;
    AgentView::of(document, &health.ok_or_else(|| Problem::not_found(WHAT))?)
}

/// List the agents
#[utoipa::path(get, path = "/agents", operation_id = "list_agents", tag = "Agents", params(Page),
    extensions(("x-required-scope" = json!("agents:read"))))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    page: Page,
) -> Result<ListView<AgentView>, Problem> {
    caller.require(Agents, Right::Read)?;
    let tenant = caller.tenant_id;
    let found = app
        .store
        .list_documents(tenant, Kind::Agent, &page.request())
        .await?;
    let health = app.store.destinations(tenant).await?;
    let health: HashMap<_, _> = health
        .into_iter()
        .map(|health| (health.id.to_string(), health))
        .collect();
    // One that was deleted between the two reads has no health.
    let views = found.items.into_iter().filter_map(|document| {
        let health = health.get(&document.id)?;
        Some(AgentView::of(document, health))
    });
    Ok(ListView {
        data: views.collect::<Result<_, _>>()?,
        next_cursor: found.next,
    })
}

/// Make an agent
///
/// Its tools, and the secrets that it names, have to be there.
#[utoipa::path(post, path = "/agents", operation_id = "create_agent", tag = "Agents",
    extensions(("x-required-scope" = json!("agents:write"))))]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Json(new): Json<NewAgent>,
) -> Result<Created<AgentView>, Problem> {
    caller.require(Agents, Right::Write)?;
    let (id, agent) = new.parts();
    let by = caller.change(&app);
    let made = app.agents.create(caller.tenant_id, id, &agent, &by).await?;
    let version = made.version;
    let view = view(&app, made).await?;
    Ok(Created::new(format!("/v1/agents/{}", view.id()), view).version(version))
}

/// Show an agent
#[utoipa::path(get, path = "/agents/{id}", operation_id = "get_agent", tag = "Agents",
    params(("id" = String, Path, description = "Id of the agent", example = "agent_sales")),
    extensions(("x-required-scope" = json!("agents:read"))))]
pub async fn get(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<String>,
) -> Result<Shown<AgentView>, Problem> {
    caller.require(Agents, Right::Read)?;
    let found = find(&app, &caller, &id).await?;
    let version = found.version;
    Ok(Shown::new(view(&app, found).await?).version(version))
}

/// Replace an agent
///
/// Turns that are under way go on as they began.
#[utoipa::path(put, path = "/agents/{id}", operation_id = "replace_agent", tag = "Agents",
    params(IfMatchHeader, ("id" = String, Path, description = "Id of the agent", example = "agent_sales")),
    extensions(("x-required-scope" = json!("agents:write"))))]
pub async fn replace(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<String>,
    condition: IfMatch,
    Json(new): Json<AgentBody>,
) -> Result<Shown<AgentView>, Problem> {
    caller.require(Agents, Right::Write)?;
    let before = find(&app, &caller, &id).await?;
    write(&app, &caller, &condition, before, &new.into()).await
}

/// Change an agent
#[utoipa::path(patch, path = "/agents/{id}", operation_id = "update_agent", tag = "Agents",
    params(IfMatchHeader, ("id" = String, Path, description = "Id of the agent", example = "agent_sales")),
    request_body(content = Object, description = "What is to change (JSON Merge Patch, RFC 7396): fields that are given replace those that were, and `null` removes one", example = json!({"status": "inactive"})),
    extensions(("x-required-scope" = json!("agents:write"))))]
pub async fn update(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<String>,
    condition: IfMatch,
    Json(patch): Json<Map<String, Value>>,
) -> Result<Shown<AgentView>, Problem> {
    caller.require(Agents, Right::Write)?;
    let before = find(&app, &caller, &id).await?;
    let new: AgentBody = patched(&app, &before, patch)?;
    write(&app, &caller, &condition, before, &new.into()).await
}

/// Delete an agent
///
/// What it was still to be told is called off, and its open turns end as failed. Its conversations stay. Refused while an
/// incoming webhook or a trigger tells it something: `detail` names what does.
#[utoipa::path(delete, path = "/agents/{id}", operation_id = "delete_agent", tag = "Agents",
    params(IfMatchHeader, ("id" = String, Path, description = "Id of the agent", example = "agent_sales")),
    extensions(("x-required-scope" = json!("agents:write"))))]
pub async fn delete(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<String>,
    condition: IfMatch,
) -> Result<NoContent, Problem> {
    caller.require(Agents, Right::Write)?;
    let before = find(&app, &caller, &id).await?;
    condition.check(before.version)?;
    let by = caller.change(&app);
    let expected = Some(before.version);
    let ways = references::ways(&before, Target::Agent);
    unused(&app, &caller, WHAT, &ways).await?;
    if app.agents.delete(&before, expected, &by).await? {
        Ok(NoContent)
    } else {
        Err(Problem::not_found(WHAT))
    }
}

/// List the open turns of an agent
///
/// Those that wait for a reply: of an agent with the runtime `inbox` all, of others those in conversations that were
/// escalated. Answer with a message whose role is `assistant`.
#[utoipa::path(get, path = "/agents/{id}/inbox", operation_id = "list_agent_inbox", tag = "Agents",
    params(Page, ("id" = String, Path, description = "Id of the agent", example = "agent_sales")),
    extensions(("x-required-scope" = json!("conversations:read"))))]
pub async fn inbox(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<String>,
    page: Page,
) -> Result<ListView<InboxView>, Problem> {
    caller.require(Conversations, Right::Read)?;
    let document = find(&app, &caller, &id).await?;
    let agent: AgentId = document.id.parse().map_err(|_| Problem::internal())?;
    let found = app
        .store
        .inbox(caller.tenant_id, agent, &page.request())
        .await?;
    let mut data = Vec::with_capacity(found.items.len());
    for turn in found.items {
        let (conversation, message) = (turn.conversation_id, turn.message_id);
        let message = app
            .store
            .find_message(caller.tenant_id, conversation, message);
        data.extend(message.await?.map(|message| InboxView::of(&turn, message)));
    }
    Ok(ListView {
        data,
        next_cursor: found.next,
    })
}

async fn write(
    app: &App,
    caller: &Caller,
    condition: &IfMatch,
    before: Document,
    agent: &Agent,
) -> Result<Shown<AgentView>, Problem> {
    condition.check(before.version)?;
    let by = caller.change(app);
    let expected = Some(before.version);
    let written = app.agents.replace(&before, agent, expected, &by).await?;
    let after = written.ok_or_else(|| Problem::not_found(WHAT))?;
    let version = after.version;
    Ok(Shown::new(view(app, after).await?).version(version))
}

impl From<converse::Error> for Problem {
    fn from(error: converse::Error) -> Self {
        match error {
            converse::Error::Invalid(violations) => violations.into(),
            converse::Error::Missing(what) => Self::not_found(what),
            converse::Error::Conflict(detail) => Self::new(super::problem::Code::Conflict, detail),
            converse::Error::Store(error) => error.into(),
            converse::Error::Registry(error) => publish::Error::from(error).into(),
            converse::Error::Publish(error) => error.into(),
        }
    }
}

/// What the tenant calls an agent, if it is there.
pub(super) async fn handles(app: &App, caller: &Caller) -> Result<Handles, Problem> {
    let routes = app.registry.routes(caller.tenant_id).await;
    Ok(Handles(routes.map_err(publish::Error::from)?))
}

/// What a tenant calls its agents.
pub(super) struct Handles(std::sync::Arc<crate::registry::Routes>);

impl Handles {
    /// What the tenant calls this one; its own id if it was deleted.
    pub(super) fn of(&self, id: AgentId) -> String {
        let route = self.0.get(id);
        let agent = route.and_then(|route| route.agent());
        agent.map_or_else(|| id.to_string(), |agent| agent.handle.clone())
    }
}

/// The turn about which a message is, for views.
pub(super) fn turn_of(id: Option<TurnId>) -> Option<String> {
    id.map(|id| id.to_string())
}
