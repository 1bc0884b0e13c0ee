//! Making and changing agents: a document, its destination, and what is cached of it.

use rand::random;
use tieline_domain::conversation::TurnStatus;
use tieline_domain::{
    AgentId, TenantId, Violation,
    agent::{Agent, Runtime, Status, id_violation},
    destination::State,
};
use tieline_store::{
    ChangeBy, Store,
    conversations::Ending,
    documents::{Document, Kind, NewDocument, Replacement},
};

use super::{
    Error, Parts,
    events::{About, Teller},
    turns::about_turn,
};
use crate::{
    operate::Operator,
    outbound::Outbound,
    publish::{NewItem, Publisher},
    registry::{OpenAgent, Registry},
    webhooks::Subscriptions,
};

/// How many deliveries or turns of a deleted agent are called off at a time.
const CHUNK: usize = 500;

/// Makes and changes agents; clones share what they need.
#[derive(Clone)]
pub struct Agents {
    store: Store,
    registry: Registry,
    outbound: Outbound,
    operator: Operator,
    publisher: Publisher,
    subscriptions: Subscriptions,
    teller: Teller,
}

impl Agents {
    /// Agents whose changes are published by `publisher`; their destinations are turned as those of `subscriptions`.
    pub fn new(parts: Parts, publisher: Publisher, subscriptions: Subscriptions) -> Self {
        let Parts {
            clock,
            config: _,
            store,
            registry,
            outbound,
            operator,
        } = parts;
        Self {
            teller: Teller::new(clock, registry.clone()),
            store,
            registry,
            outbound,
            operator,
            publisher,
            subscriptions,
        }
    }

    /// Makes an agent; `id` is what its tenant calls it.
    pub async fn create(
        &self,
        tenant: TenantId,
        id: Option<String>,
        agent: &Agent,
        by: &ChangeBy,
    ) -> Result<Document, Error> {
        let mut violations: Vec<_> = id.as_deref().and_then(id_violation).into_iter().collect();
        violations.extend(self.violations(tenant, agent).await?);
        check(violations)?;
        let new = NewDocument {
            tenant_id: tenant,
            kind: Kind::Agent,
            id: AgentId::new(by.at, random()).to_string(),
            name: id,
            body: body(agent),
            sealed: Vec::new(),
            destination: true,
        };
        let made = match self.store.create_document(new, by).await {
            Err(tieline_store::Error::NameTaken) => {
                let detail = "another agent has this id; choose another one";
                return Err(Error::Invalid(vec![Violation::new("/id", detail)]));
            }
            made => made?,
        };
        self.registry.forget_routes(tenant).await;
        self.turn(&made, agent, by).await?;
        self.tell(&made).await?;
        Ok(made)
    }

    /// Replaces an agent; `None` if there is none.
    pub async fn replace(
        &self,
        before: &Document,
        agent: &Agent,
        expected: Option<i64>,
        by: &ChangeBy,
    ) -> Result<Option<Document>, Error> {
        let tenant = before.tenant_id;
        check(self.violations(tenant, agent).await?)?;
        let replacement = Replacement {
            name: before.name.clone(),
            body: body(agent),
            expected,
        };
        let written = self
            .store
            .replace_document(tenant, Kind::Agent, &before.id, replacement, by)
            .await?;
        self.registry.forget_routes(tenant).await;
        if let Some(after) = &written {
            self.turn(after, agent, by).await?;
            self.tell(after).await?;
        }
        Ok(written)
    }

    /// Deletes an agent; false if there is none. What it was still to be told is called off, and its open turns end.
    pub async fn delete(
        &self,
        before: &Document,
        expected: Option<i64>,
        by: &ChangeBy,
    ) -> Result<bool, Error> {
        let tenant = before.tenant_id;
        let agent = OpenAgent::read(before)?;
        let deleted = self
            .store
            .delete_document(tenant, Kind::Agent, &before.id, expected, by)
            .await?;
        self.registry.forget_routes(tenant).await;
        if deleted {
            let (store, now) = (&self.store, by.at);
            while store
                .call_off_waiting(tenant, agent.id.into(), now, CHUNK)
                .await?
                > 0
            {}
            self.end_turns(&agent, by).await?;
        }
        Ok(deleted)
    }

    async fn end_turns(&self, agent: &OpenAgent, by: &ChangeBy) -> Result<(), Error> {
        let reason = "its agent was deleted";
        loop {
            let open = self
                .store
                .open_turns_of(agent.tenant_id, agent.id, CHUNK)
                .await?;
            if open.is_empty() {
                return Ok(());
            }
            for turn in open {
                let about = About {
                    tenant: agent.tenant_id,
                    agent,
                    conversation: turn.conversation_id,
                    trace_id: &turn.trace_id,
                    cause: None,
                };
                let ending = Ending {
                    status: TurnStatus::Failed,
                    reason: Some(reason.to_owned()),
                    reply: None,
                    at: by.at,
                    notices: vec![self.teller.failed(about, &turn, reason).await?],
                };
                let wake = self.teller.resumed(about, turn.id).await?;
                self.store
                    .end_turn(&turn, &ending, about_turn(wake))
                    .await?;
            }
        }
    }

    /// Holds what an inactive agent is to be told, and lets an active one be told again.
    async fn turn(&self, document: &Document, agent: &Agent, by: &ChangeBy) -> Result<(), Error> {
        let id: AgentId = match document.id.parse() {
            Ok(id) => id,
            Err(_) => return Ok(()),
        };
        let health = self
            .store
            .find_destination(document.tenant_id, id.into())
            .await?;
        let state = health.map_or(State::Active, |health| health.state);
        let to = match (agent.status, state) {
            (Status::Inactive, State::Paused) | (Status::Active, State::Active | State::Error) => {
                return Ok(());
            }
            (Status::Inactive, _) => State::Paused,
            (Status::Active, _) => State::Active,
        };
        let turned = self.subscriptions.set_state(document.tenant_id, id, to, by);
        turned.await.map(drop).map_err(|error| match error {
            crate::webhooks::Error::Store(error) => error.into(),
            crate::webhooks::Error::Registry(error) => error.into(),
            crate::webhooks::Error::Invalid(violations) => Error::Invalid(violations),
            crate::webhooks::Error::Vault(error) => Error::Conflict(error.to_string()),
        })
    }

    async fn tell(&self, document: &Document) -> Result<(), Error> {
        let agent = OpenAgent::read(document)?;
        let trace_id = format!("{:032x}", random::<u128>()).into();
        let item = NewItem {
            once: None,
            events: vec![Teller::updated(&agent, trace_id)],
        };
        self.publisher.publish(agent.tenant_id, vec![item]).await?;
        Ok(())
    }

    /// Everything that is wrong with an agent, as this tenant stands.
    async fn violations(&self, tenant: TenantId, agent: &Agent) -> Result<Vec<Violation>, Error> {
        let mut found = agent.violations(self.registry.bounds());
        let url = match &agent.runtime {
            Runtime::Openai(model) => Some(("/runtime/base_url", &model.base_url)),
            Runtime::Http(service) => Some(("/runtime/url", &service.url)),
            Runtime::Inbox {} => None,
        };
        if let Some((pointer, url)) = url
            && let Err(bad) = self.outbound.check_url(url)
        {
            found.push(Violation::new(pointer, bad.to_string()));
        }
        for (pointer, name) in agent.secrets() {
            let fault = self
                .registry
                .secret_violation(tenant, &pointer, name)
                .await?;
            found.extend(fault);
        }
        for (i, name) in agent.tools.iter().enumerate() {
            let known = self.operator.find(tenant, name).await?;
            if known.is_none_or(|tool| tool.name != *name) {
                let detail =
                    format!("there is no tool or action `{name}`; GET /v1/tools lists the tools");
                found.push(Violation::new(format!("/tools/{i}"), detail));
            }
        }
        Ok(found)
    }
}

fn check(violations: Vec<Violation>) -> Result<(), Error> {
    if violations.is_empty() {
        Ok(())
    } else {
        Err(Error::Invalid(violations))
    }
}

fn body(agent: &Agent) -> String {
    serde_json::to_string(agent).expect("an agent holds only what JSON can express")
}
