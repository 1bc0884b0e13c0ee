//! What published events are checked with.

use std::{collections::HashMap, sync::Arc};

use tieline_domain::{
    TenantId, Violation,
    event_type::{self, Definition},
    pattern::EventType,
};
use tieline_mapping::Schema;
use tieline_store::documents::{Document, Kind};

use super::{Error, Registry};

/// The event types of a tenant whose events are checked when they are published.
#[derive(Debug, Default)]
pub struct EventTypes {
    schemas: HashMap<String, Schema>,
}

impl EventTypes {
    fn open(documents: &[Document]) -> Result<Self, Error> {
        let mut schemas = HashMap::new();
        for document in documents {
            let unusable = |detail: String| Error::Unusable {
                kind: "event type",
                id: document.id.clone(),
                detail,
            };
            let definition: Definition =
                serde_json::from_str(&document.body).map_err(|e| unusable(e.to_string()))?;
            let validator = definition.validator().map_err(|faults| {
                let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
                unusable(faults.join("; "))
            })?;
            if let (Some(name), Some(schema)) = (&document.name, validator) {
                schemas.insert(name.clone(), schema);
            }
        }
        Ok(Self { schemas })
    }

    /// What is wrong with an event of this type and content, with pointers relative to the event; nothing
    /// if events of the type are not checked.
    pub fn violations(&self, event_type: &EventType, data: &str) -> Vec<Violation> {
        match self.schemas.get(event_type.as_str()) {
            Some(schema) => event_type::violations(schema, data),
            None => Vec::new(),
        }
    }
}

impl Registry {
    /// What the events are checked with that a tenant publishes.
    pub async fn event_types(&self, tenant: TenantId) -> Result<Arc<EventTypes>, Error> {
        if let Some(known) = self.inner.event_types.get(&tenant).await {
            return Ok(known);
        }
        let load = async {
            let documents = self.inner.store.all_documents(tenant, Kind::EventType);
            EventTypes::open(&documents.await?).map(Arc::new)
        };
        let loaded = self.inner.event_types.try_get_with(tenant, load).await;
        loaded.map_err(|error| Error::clone(&error))
    }

    /// Forgets what a tenant's events are checked with, because it was changed.
    pub async fn forget_event_types(&self, tenant: TenantId) {
        self.inner.event_types.invalidate(&tenant).await;
    }
}
