//! A tenant's tools and actions, ready to be called.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use tieline_domain::TenantId;
use tieline_store::documents::Kind;

use super::{Error, Registry};
use crate::operate::{Offered, remote};

/// The tools and actions of one tenant.
#[derive(Default)]
pub struct Operations {
    /// Sorted by name.
    all: Vec<Arc<Offered>>,
    by_key: HashMap<String, usize>,
}

impl Operations {
    fn new(mut all: Vec<Arc<Offered>>) -> Self {
        all.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        let mut by_key = HashMap::with_capacity(all.len() * 2);
        for (i, offered) in all.iter().enumerate() {
            by_key.insert(offered.id.clone(), i);
            by_key.entry(offered.name.clone()).or_insert(i);
        }
        Self { all, by_key }
    }

    /// All of them, sorted by name.
    pub fn all(&self) -> &[Arc<Offered>] {
        &self.all
    }

    /// The one with this id or this name.
    pub fn get(&self, id_or_name: &str) -> Option<&Arc<Offered>> {
        self.by_key.get(id_or_name).map(|i| &self.all[*i])
    }
}

impl Registry {
    /// The tools and actions of a tenant, ready to be called.
    pub async fn operations(&self, tenant: TenantId) -> Result<Arc<Operations>, Error> {
        if let Some(known) = self.inner.operations.get(&tenant).await {
            return Ok(known);
        }
        let load = async {
            let mut all = Vec::new();
            for kind in [Kind::Action, Kind::Tool] {
                for document in self.inner.store.all_documents(tenant, kind).await? {
                    all.push(Arc::new(Offered::open(&document, self.bounds())?));
                }
            }
            for document in self
                .inner
                .store
                .all_documents(tenant, Kind::McpServer)
                .await?
            {
                let pins = self.inner.store.mcp_tools(tenant, &document.id).await?;
                let offered = remote::offered(&document, &pins, self.bounds())?;
                // Nobody takes the name of another: the tenant's own go before those of servers, and the older
                // server before the newer one.
                let names: HashSet<_> = all
                    .iter()
                    .map(|one: &Arc<Offered>| one.name.clone())
                    .collect();
                let fresh = offered.into_iter().filter(|one| !names.contains(&one.name));
                all.extend(fresh.map(Arc::new));
            }
            Ok::<_, Error>(Arc::new(Operations::new(all)))
        };
        let loaded = self.inner.operations.try_get_with(tenant, load).await;
        loaded.map_err(|error| Error::clone(&error))
    }

    /// Forgets a tenant's tools and actions, because one of them was changed.
    pub async fn forget_operations(&self, tenant: TenantId) {
        self.inner.operations.invalidate(&tenant).await;
    }
}
