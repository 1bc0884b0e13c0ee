//! Agents: `/v1/agents`.

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
    document::patched,
    etag::{IfMatch, IfMatchHeader},
    json::Json,
    page::{Id, Page},
    problem::Problem,
    resource::{Call, Resource, View},
    turn_view::InboxView,
    usage,
};
use crate::{app::App, converse, publish, references::Target};

/// Agents: a tenant calls one by the id that was chosen for it, or by its own.
pub(super) const AGENTS: Resource = Resource {
    kind: Kind::Agent,
    what: "agent",
    path: "/v1/agents",
    area: Agents,
    called_by: &[Call::Name, Call::Id],
};

impl View for AgentView {
    async fn read(app: &App, document: Document) -> Result<Self, Problem> {
        let health = AGENTS.health(app, &document).await?;
        Self::of(document, &health)
    }
}

/// List the agents
#[utoipa::path(get, path = "/agents", operation_id = "list_agents", tag = "Agents", params(Page),
    extensions(("x-required-scope" = json!("agents:read"))))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    page: Page,
) -> Result<ListView<AgentView>, Problem> {
    let agents = AGENTS.list_destinations(&app, &caller, &page, AgentView::of);
    agents.await
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
    let view = AgentView::read(&app, made).await?;
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
    AGENTS.show(&app, &caller, &id).await
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
    let before = AGENTS.changeable(&app, &caller, &id, &condition).await?;
    write(&app, &caller, &before, &new.into()).await
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
    let before = AGENTS.changeable(&app, &caller, &id, &condition).await?;
    let new: AgentBody = patched(&app, &before, patch)?;
    write(&app, &caller, &before, &new.into()).await
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
    let before = AGENTS.changeable(&app, &caller, &id, &condition).await?;
    usage::check_none(&app, &before, Target::Agent, AGENTS.what).await?;
    let by = caller.change(&app);
    let expected = Some(before.version);
    if app.agents.delete(&before, expected, &by).await? {
        Ok(NoContent)
    } else {
        Err(AGENTS.missing())
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
    let document = AGENTS.find(&app, &caller, &id).await?;
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
    before: &Document,
    agent: &Agent,
) -> Result<Shown<AgentView>, Problem> {
    let by = caller.change(app);
    let expected = Some(before.version);
    let after = app.agents.replace(before, agent, expected, &by).await?;
    AGENTS.shown(app, after).await
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
