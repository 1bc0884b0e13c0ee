//! A tenant's agents, ready to be told.

use std::sync::Arc;

use tieline_domain::{AgentId, TenantId, agent::Agent, destination::Destination, retry::Schedule};
use tieline_store::documents::Document;

use super::{
    Error,
    routes::{Policy, Route, Target},
};

/// The delays before each attempt at a turn, in seconds: someone waits for the answer, and what fails for longer
/// than a few minutes is for people to look at.
pub const RETRY: [u32; 5] = [0, 5, 15, 60, 300];

/// An agent, ready to be told.
#[derive(Debug)]
pub struct OpenAgent {
    /// Its id.
    pub id: AgentId,
    /// The tenant it belongs to.
    pub tenant_id: TenantId,
    /// What its tenant calls it: the id that was chosen for it, or its own.
    pub handle: String,
    /// What it is.
    pub agent: Agent,
    /// Counts its changes.
    pub version: i64,
}

impl OpenAgent {
    /// The agent that a document holds.
    pub fn read(document: &Document) -> Result<Self, Error> {
        let unusable = |detail: String| Error::Unusable {
            kind: "agent",
            id: document.id.clone(),
            detail,
        };
        let id = document.id.parse();
        Ok(Self {
            id: id.map_err(|_| unusable("its id is malformed".to_owned()))?,
            tenant_id: document.tenant_id,
            handle: document.name.clone().unwrap_or_else(|| document.id.clone()),
            agent: serde_json::from_str(&document.body).map_err(|e| unusable(e.to_string()))?,
            version: document.version,
        })
    }

    /// The way to it.
    pub(super) fn route(self, health: Destination) -> Route {
        Route {
            id: self.id.into(),
            tenant_id: self.tenant_id,
            // It is told what is owed to it and nothing else.
            events: Vec::new(),
            filter: None,
            health,
            ordering: None,
            policy: Policy {
                retry: Some(Schedule(RETRY.to_vec())),
                ..Policy::default()
            },
            target: Target::Agent(Arc::new(self)),
        }
    }
}
