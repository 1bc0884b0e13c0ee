//! Agents, as the API takes and shows them.

use serde::{Deserialize, Serialize};
use tieline_domain::{
    Timestamp,
    agent::{Agent, Approval, Runtime, Status},
    destination::Destination,
};
use tieline_store::documents::Document;
use utoipa::ToSchema;

use super::{document::content, fields::same_fields, problem::Problem};

/// A new agent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"id": "agent_sales", "name": "Sales", "runtime": {"type": "openai", "base_url": "https://api.openai.com/v1", "model": "gpt-5-mini", "api_key": "{{secrets.OPENAI_API_KEY}}", "instructions": "You help the sales team. Look customers up before you answer.", "max_steps": 10}, "tools": ["lookup_customer"], "approval": {"classes": ["destructive"]}}))]
pub struct NewAgent {
    /// What you call it, everywhere an agent's id is taken; one is given if absent.
    #[serde(default)]
    id: Option<String>,
    /// Its name, for people: 1 to 200 characters.
    name: String,
    /// What it is for: at most 500 characters.
    #[serde(default)]
    description: Option<String>,
    /// What thinks for it: `openai` (a model behind the chat-completions protocol), `http` (your own service) or
    /// `inbox` (a person or a client).
    #[schema(value_type = Object)]
    runtime: Runtime,
    /// The names of the tools and actions that it may call.
    #[serde(default)]
    tools: Vec<String>,
    /// Which of its calls wait for a person's consent: those of `tools`, and those of `classes` (`read`, `write`,
    /// `destructive`).
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    approval: Option<Approval>,
    /// `active` or `inactive`: then what it is to be told waits.
    #[serde(default)]
    #[schema(value_type = String, default = "active")]
    status: Status,
}

impl NewAgent {
    /// The id that was chosen, and the agent.
    pub(super) fn parts(self) -> (Option<String>, Agent) {
        let Self {
            id,
            name,
            description,
            runtime,
            tools,
            approval,
            status,
        } = self;
        let agent = Agent {
            name,
            description,
            runtime,
            tools,
            approval,
            status,
        };
        (id, agent)
    }
}

/// What an agent becomes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Sales", "runtime": {"type": "inbox"}, "tools": [], "status": "active"}))]
pub struct AgentBody {
    /// Its name, for people: 1 to 200 characters.
    name: String,
    /// What it is for: at most 500 characters.
    #[serde(default)]
    description: Option<String>,
    /// What thinks for it: `openai`, `http` or `inbox`.
    #[schema(value_type = Object)]
    runtime: Runtime,
    /// The names of the tools and actions that it may call.
    #[serde(default)]
    tools: Vec<String>,
    /// Which of its calls wait for a person's consent.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    approval: Option<Approval>,
    /// `active` or `inactive`.
    #[serde(default)]
    #[schema(value_type = String, default = "active")]
    status: Status,
}

same_fields!(AgentBody => Agent {
    name, description, runtime, tools, approval, status
});

/// An agent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": "agent_sales", "name": "Sales", "description": null, "runtime": {"type": "openai", "base_url": "https://api.openai.com/v1", "model": "gpt-5-mini", "api_key": "{{secrets.OPENAI_API_KEY}}"}, "tools": ["lookup_customer"], "approval": null, "status": "active", "destination_id": "agent_01kb3f9z5qf8m9w2v7x4t6n0hd", "health": {"status": "active", "reason": null, "since": "2026-11-22T10:00:00.000Z"}, "created_at": "2026-11-22T10:00:00.000Z", "updated_at": "2026-11-22T10:00:00.000Z"}))]
pub struct AgentView {
    /// Its id: the one that was chosen, or the one that it was given.
    id: String,
    /// Its name.
    name: String,
    /// What it is for.
    description: Option<String>,
    /// What thinks for it.
    #[schema(value_type = Object)]
    runtime: Runtime,
    /// What it may call.
    tools: Vec<String>,
    /// Which of its calls wait for a person's consent.
    #[schema(value_type = Option<Object>)]
    approval: Option<Approval>,
    /// `active` or `inactive`.
    #[schema(value_type = String)]
    status: Status,
    /// Its id as the destination of deliveries.
    destination_id: String,
    /// How it does as a destination.
    health: AgentHealthView,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

/// How an agent does as a destination.
#[derive(Debug, Serialize, ToSchema)]
pub struct AgentHealthView {
    /// `active`; `error` while turns fail and wait for a probe; `paused` while it is inactive.
    status: &'static str,
    /// Why it is not active.
    reason: Option<String>,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
}

impl AgentView {
    /// What `document` and the health of its destination say.
    pub(super) fn of(document: Document, health: &Destination) -> Result<Self, Problem> {
        let Agent {
            name,
            description,
            runtime,
            tools,
            approval,
            status,
        } = content(&document)?;
        Ok(Self {
            id: document.name.unwrap_or_else(|| document.id.clone()),
            name,
            description,
            runtime,
            tools,
            approval,
            status,
            destination_id: document.id,
            health: AgentHealthView {
                status: health.state.as_str(),
                reason: Some(health.reason.clone()).filter(|reason| !reason.is_empty()),
                since: health.since,
            },
            created_at: document.created_at,
            updated_at: document.updated_at,
        })
    }

    /// Its id.
    pub(super) fn id(&self) -> &str {
        &self.id
    }
}
