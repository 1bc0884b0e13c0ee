//! A tenant's mappings, ready to run.

use std::{collections::HashMap, sync::Arc};

use tieline_domain::{TenantId, Violation};
use tieline_mapping::{
    nearest,
    plan::Plan,
    rules::{Definition, Overrides},
};
use tieline_store::documents::{Document, Kind};

use super::{Error, Registry};

/// The mappings of one tenant.
#[derive(Default)]
pub struct Plans(HashMap<String, Arc<Plan>>);

impl Plans {
    fn open(documents: &[Document]) -> Result<Self, Error> {
        let mut plans = HashMap::with_capacity(documents.len() * 2);
        for document in documents {
            let plan = Arc::new(compile(document)?);
            plans.insert(document.id.clone(), Arc::clone(&plan));
            if let Some(name) = &document.name {
                plans.entry(name.clone()).or_insert(plan);
            }
        }
        Ok(Self(plans))
    }

    /// The mapping with this id or this name.
    pub fn get(&self, id_or_name: &str) -> Option<&Arc<Plan>> {
        self.0.get(id_or_name)
    }

    /// The mapping that something refers to, or what is wrong.
    pub(super) fn need(&self, id_or_name: &str) -> Result<Arc<Plan>, String> {
        let found = self.get(id_or_name).cloned();
        found.ok_or_else(|| format!("there is no mapping `{id_or_name}`"))
    }

    /// What is wrong with a reference to a mapping, if there is none of this id or name.
    pub fn violation(&self, id_or_name: Option<&str>) -> Option<Violation> {
        let name = id_or_name.filter(|name| self.get(name).is_none())?;
        let detail = match nearest(name, self.0.keys().map(String::as_str)) {
            Some(meant) => format!("there is no mapping `{name}`; did you mean `{meant}`?"),
            None => format!("there is no mapping `{name}`; make it with POST /v1/mappings first"),
        };
        Some(Violation::new("/mapping", detail))
    }
}

fn compile(document: &Document) -> Result<Plan, Error> {
    let unusable = |detail: String| Error::Unusable {
        kind: "mapping",
        id: document.id.clone(),
        detail,
    };
    let body = serde_json::from_str(&document.body).map_err(|e| unusable(e.to_string()))?;
    let definition = Definition::read(&body);
    let plan = definition.and_then(|known| Plan::compile(&known, &Overrides::default()));
    plan.map_err(|faults| {
        let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
        unusable(faults.join("; "))
    })
}

impl Registry {
    /// The mappings of a tenant, ready to run.
    pub async fn mappings(&self, tenant: TenantId) -> Result<Arc<Plans>, Error> {
        if let Some(known) = self.inner.mappings.get(&tenant).await {
            return Ok(known);
        }
        let load = async {
            let documents = self.inner.store.all_documents(tenant, Kind::Mapping);
            Plans::open(&documents.await?).map(Arc::new)
        };
        let loaded = self.inner.mappings.try_get_with(tenant, load).await;
        loaded.map_err(|error| Error::clone(&error))
    }

    /// Forgets a tenant's mappings, because one of them was changed, and the webhooks that run them.
    pub async fn forget_mappings(&self, tenant: TenantId) {
        self.inner.mappings.invalidate(&tenant).await;
        self.forget_routes(tenant).await;
        match self.inner.store.all_documents(tenant, Kind::Source).await {
            Ok(sources) => {
                for id in sources.iter().filter_map(|source| source.id.parse().ok()) {
                    self.forget_source(id).await;
                }
            }
            // Which ones run it cannot be told.
            Err(_) => self.forget_all(),
        }
    }
}
