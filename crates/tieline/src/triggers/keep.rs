//! Making and changing triggers, and asking for runs of them.

use std::sync::Arc;

use rand::random;
use serde_json::json;
use tieline_domain::{
    DestinationId, EventId, TenantId, TriggerId, Violation,
    event::{Event, types},
    filter::Document as EventDocument,
    trigger::{Step, Trigger},
};
use tieline_mapping::nearest;
use tieline_store::{
    ChangeBy, Store,
    documents::{Document, Kind, NewDocument, Replacement},
};

use super::{Requested, source};
use crate::{
    operate::{Operator, Origin},
    publish::{self, NewEvent, NewItem, Owed, Publisher, own_type},
    registry::{self, Registry},
};

/// How many deliveries are called off in one transaction.
const CHUNK: usize = 500;

/// Makes and changes triggers; clones share what they need.
#[derive(Clone)]
pub struct Triggers {
    pub(super) store: Store,
    pub(super) registry: Registry,
    pub(super) operator: Operator,
    publisher: Publisher,
}

/// Why a trigger was not made, changed or run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something is wrong with what was asked for.
    #[error("what was asked for is not valid")]
    Invalid(Vec<Violation>),
    /// The store failed, or refused.
    #[error(transparent)]
    Store(#[from] tieline_store::Error),
    /// What it refers to could not be loaded.
    #[error(transparent)]
    Registry(#[from] registry::Error),
    /// The request to run it could not be published.
    #[error(transparent)]
    Publish(#[from] publish::Error),
}

impl Triggers {
    /// Triggers of this store, whose runs are asked for through `publisher`.
    pub fn new(store: Store, registry: Registry, operator: Operator, publisher: Publisher) -> Self {
        Self {
            store,
            registry,
            operator,
            publisher,
        }
    }

    /// Makes a trigger.
    pub async fn create(
        &self,
        tenant: TenantId,
        trigger: &Trigger,
        by: &ChangeBy,
    ) -> Result<Document, Error> {
        self.check(tenant, trigger).await?;
        let new = NewDocument {
            tenant_id: tenant,
            kind: Kind::Trigger,
            id: TriggerId::new(by.at, random()).to_string(),
            name: trigger.name.clone(),
            body: json!(trigger).to_string(),
            sealed: Vec::new(),
            destination: true,
        };
        let made = self.store.create_document(new, by).await?;
        self.registry.forget_routes(tenant).await;
        Ok(made)
    }

    /// Replaces a trigger that was `before`; `None` if there is none. Runs that have begun go on with the steps that
    /// it had then.
    pub async fn replace(
        &self,
        tenant: TenantId,
        before: &Document,
        trigger: &Trigger,
        by: &ChangeBy,
    ) -> Result<Option<Document>, Error> {
        self.check(tenant, trigger).await?;
        let replacement = Replacement {
            name: trigger.name.clone(),
            body: json!(trigger).to_string(),
            expected: Some(before.version),
        };
        let after = self
            .store
            .replace_document(tenant, Kind::Trigger, &before.id, replacement, by);
        let after = after.await?;
        self.registry.forget_routes(tenant).await;
        Ok(after)
    }

    /// Removes a trigger; false if there is none. What waits for it is called off.
    pub async fn delete(
        &self,
        tenant: TenantId,
        before: &Document,
        by: &ChangeBy,
    ) -> Result<bool, Error> {
        let (id, version) = (&before.id, Some(before.version));
        let deleted = self
            .store
            .delete_document(tenant, Kind::Trigger, id, version, by)
            .await?;
        self.registry.forget_routes(tenant).await;
        if deleted && let Ok(destination) = before.id.parse::<DestinationId>() {
            while self
                .store
                .call_off_waiting(tenant, destination, by.at, CHUNK)
                .await?
                > 0
            {}
        }
        Ok(deleted)
    }

    /// Asks for a run about `event`: one of the log, or one that is made up and is on no log. Answers with the event
    /// that asks for it, once that is on disk.
    pub async fn ask(
        &self,
        tenant: TenantId,
        trigger: TriggerId,
        event: &Event,
        is_on_log: bool,
        by: &ChangeBy,
    ) -> Result<EventId, Error> {
        let requested = Requested {
            trigger_id: trigger,
            by: by.actor.clone(),
            event_id: is_on_log.then_some(event.id),
            event: (!is_on_log).then(|| EventDocument::of(event).whole().clone()),
        };
        let new = NewEvent {
            event_type: own_type(types::TRIGGER_REQUESTED),
            source: source(trigger).into(),
            subject: Some(trigger.to_string().into()),
            data: json!(requested).to_string().into(),
            trace_id: Arc::clone(&event.trace_id),
            trust: None,
            owed: Some(Owed {
                to: trigger.into(),
                ordering_key: None,
            }),
        };
        let item = NewItem {
            once: None,
            events: vec![new],
        };
        let published = self.publisher.publish(tenant, vec![item]).await?;
        let first = published.first();
        Ok(first
            .expect("as many answers come as items were published")
            .event_id)
    }

    async fn check(&self, tenant: TenantId, trigger: &Trigger) -> Result<(), Error> {
        let mut found = trigger
            .compile(self.registry.bounds())
            .err()
            .unwrap_or_default();
        for (number, step) in trigger.steps.iter().enumerate() {
            let missing = self.missing(tenant, step).await?;
            found.extend(missing.map(|fault| fault.under(&format!("/do/{number}"))));
        }
        if found.is_empty() {
            Ok(())
        } else {
            Err(Error::Invalid(found))
        }
    }

    /// What a step names and is not there.
    async fn missing(&self, tenant: TenantId, step: &Step) -> Result<Option<Violation>, Error> {
        if let Some(action) = &step.action {
            let all = self.operator.list(tenant).await?;
            let actions = all.iter().filter(|one| one.origin == Origin::Action);
            let names: Vec<_> = actions
                .flat_map(|one| [one.name.as_str(), one.id.as_str()])
                .collect();
            if !names.contains(&action.as_str()) {
                return Ok(Some(unknown("action", action, &names)));
            }
        }
        if let Some(webhook) = step.webhook {
            let routes = self.registry.routes(tenant).await?;
            if routes.get(webhook).is_none() {
                return Ok(Some(unknown("webhook", &webhook.to_string(), &[])));
            }
        }
        if let Some(agent) = &step.agent {
            let routes = self.registry.routes(tenant).await?;
            if routes.agent(agent).is_none() {
                return Ok(Some(unknown("agent", agent, &[])));
            }
        }
        Ok(None)
    }
}

fn unknown(field: &str, given: &str, known: &[&str]) -> Violation {
    let meant = nearest(given, known.iter().copied());
    let meant = meant.map_or_else(String::new, |one| format!("; did you mean `{one}`?"));
    Violation::new(
        format!("/{field}"),
        format!("there is no {field} `{given}`{meant}"),
    )
}
