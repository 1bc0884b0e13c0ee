//! Configuration in memory, ready for use: sources with their verifiers, the subscriptions of each
//! tenant with their signers and the health of their destinations.
//!
//! Loaded when first asked for, forgotten when changed: at once by the node that changes something, and
//! within a second by the others (see `watch`).

mod action;
mod agent;
mod event_types;
mod intake;
mod mappings;
mod named_secrets;
mod operations;
mod revealed;
mod routes;
mod signing_keys;
mod source;
mod trigger;
mod watch;
mod webhook;

use std::sync::Arc;

use moka::future::Cache;
use tieline_domain::{
    Bounds, SourceId, TenantId,
    clock::Clock,
    destination::Destination,
    signature::KeyedSecret,
    subscription::{Signature, Subscription},
};
use tieline_store::{Store, documents::Kind, sealed::SealedKind};
use url::Url;

use crate::{
    authorize::{Credential, Tokens},
    config::Config,
    outbound::Outbound,
    vault::{Vault, VaultError},
};

pub use agent::{OpenAgent, RETRY};
pub use event_types::EventTypes;
pub use intake::Intake;
pub use mappings::Plans;
pub use named_secrets::NamedSecret;
use named_secrets::NamedSecrets;
pub use operations::Operations;
pub use revealed::{Revealed, Unrevealed};
pub use routes::{Limits, Policy, Route, Routes, Target};
pub use signing_keys::SigningKey;
pub use source::{DedupeRule, OpenSource};
pub use trigger::OpenTrigger;
pub use webhook::Webhook;

/// How many sources and how many tenants' subscriptions are kept ready.
const CAPACITY: u64 = 10_000;

/// Why something could not be loaded.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] tieline_store::Error),
    /// A sealed value could not be opened.
    #[error(transparent)]
    Vault(Arc<VaultError>),
    /// A document is not what this program writes.
    #[error("{kind} {id} cannot be used: {detail}")]
    Unusable {
        /// What it is.
        kind: &'static str,
        /// Its id.
        id: String,
        /// What is wrong with it.
        detail: String,
    },
}

impl From<VaultError> for Error {
    fn from(error: VaultError) -> Self {
        Self::Vault(Arc::new(error))
    }
}

/// Configuration in memory; clones share it.
#[derive(Clone)]
pub struct Registry {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    vault: Vault,
    clock: Clock,
    config: Arc<Config>,
    public_url: Url,
    outbound: Outbound,
    sources: Cache<SourceId, Option<Arc<OpenSource>>>,
    routes: Cache<TenantId, Arc<Routes>>,
    signing_keys: Cache<TenantId, Arc<[SigningKey]>>,
    tokens: Tokens,
    event_types: Cache<TenantId, Arc<EventTypes>>,
    operations: Cache<TenantId, Arc<Operations>>,
    mappings: Cache<TenantId, Arc<Plans>>,
    named_secrets: NamedSecrets,
}

impl Registry {
    /// What tenants may ask for.
    pub fn bounds(&self) -> &Bounds {
        &self.inner.config.limits.bounds
    }

    /// An empty registry over `store`.
    pub fn new(
        store: Store,
        vault: Vault,
        clock: Clock,
        config: Arc<Config>,
        public_url: Url,
        outbound: Outbound,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                store,
                vault,
                clock,
                config,
                public_url,
                outbound,
                sources: Cache::new(CAPACITY),
                routes: Cache::new(CAPACITY),
                signing_keys: Cache::new(CAPACITY),
                tokens: Tokens::default(),
                event_types: Cache::new(CAPACITY),
                operations: Cache::new(CAPACITY),
                mappings: Cache::new(CAPACITY),
                named_secrets: NamedSecrets::default(),
            }),
        }
    }

    /// A source, ready to receive; `None` if there is none, or its tenant is gone.
    pub async fn source(&self, id: SourceId) -> Result<Option<Arc<OpenSource>>, Error> {
        if let Some(known) = self.inner.sources.get(&id).await {
            return Ok(known);
        }
        // Boxed, as it is seldom: what waits for it stays small enough to be moved about for every request.
        let load = Box::pin(self.load_source(id));
        let loaded = Box::pin(self.inner.sources.try_get_with(id, load)).await;
        loaded.map_err(|error| Error::clone(&error))
    }

    /// The subscriptions of a tenant, ready to send.
    pub async fn routes(&self, tenant: TenantId) -> Result<Arc<Routes>, Error> {
        if let Some(known) = self.inner.routes.get(&tenant).await {
            return Ok(known);
        }
        let load = Box::pin(self.load_routes(tenant));
        let loaded = Box::pin(self.inner.routes.try_get_with(tenant, load)).await;
        loaded.map_err(|error| Error::clone(&error))
    }

    /// The URL that a source's sender is given.
    pub fn source_url(&self, id: SourceId) -> String {
        let base = self.inner.public_url.as_str().trim_end_matches('/');
        format!("{base}/in/{id}")
    }

    /// Forgets a source, because it was changed.
    pub async fn forget_source(&self, id: SourceId) {
        self.inner.sources.invalidate(&id).await;
    }

    /// Forgets a tenant's subscriptions, because one of them or its destination was changed.
    pub async fn forget_routes(&self, tenant: TenantId) {
        self.inner.routes.invalidate(&tenant).await;
    }

    /// Forgets a tenant's signing keys and the subscriptions that sign with them.
    pub async fn forget_signing_keys(&self, tenant: TenantId) {
        self.inner.signing_keys.invalidate(&tenant).await;
        self.forget_routes(tenant).await;
    }

    /// Forgets everything.
    pub fn forget_all(&self) {
        self.inner.sources.invalidate_all();
        self.inner.routes.invalidate_all();
        self.inner.signing_keys.invalidate_all();
        self.inner.event_types.invalidate_all();
        self.inner.operations.invalidate_all();
        self.inner.mappings.invalidate_all();
        self.inner.named_secrets.forget_all();
    }

    async fn load_source(&self, id: SourceId) -> Result<Option<Arc<OpenSource>>, Error> {
        let Inner { store, config, .. } = &*self.inner;
        let Some(document) = store
            .find_document_anywhere(Kind::Source, &id.to_string())
            .await?
        else {
            return Ok(None);
        };
        let tenant = document.tenant_id;
        if !store.tenant_is_live(tenant).await? {
            return Ok(None);
        }
        let secrets = self
            .secrets(tenant, SealedKind::Source, &document.id)
            .await?;
        let (plans, url) = (self.mappings(tenant).await?, self.source_url(id));
        OpenSource::open(id, &document, &secrets, &plans, &url, &config.limits)
            .map(|source| Some(Arc::new(source)))
    }

    async fn load_routes(&self, tenant: TenantId) -> Result<Arc<Routes>, Error> {
        let Inner {
            store,
            outbound,
            tokens,
            ..
        } = &*self.inner;
        let mut found = Vec::new();
        for document in store.all_documents(tenant, Kind::Subscription).await? {
            let subscription = webhook::read(&document)?;
            found.push((document, subscription));
        }
        let destinations = store.destinations(tenant).await?;
        let plans = self.mappings(tenant).await?;
        let by_tenant = |(_, one): &(_, Subscription)| one.is_signed_by(Signature::V1a);
        let keys = if found.iter().any(by_tenant) {
            self.signing_keys(tenant).await?
        } else {
            Arc::from([])
        };
        let mut routes = Vec::with_capacity(found.len());
        for (document, subscription) in found {
            let of_this = |d: &&Destination| d.id.to_string() == document.id;
            let destination = destinations.iter().find(of_this).cloned();
            let own = self.secrets(tenant, SealedKind::Subscription, &document.id);
            let secrets = webhook::Secrets {
                own: own.await?,
                of_tenant: &keys,
                credential: match subscription.auth {
                    Some(_) => self.credential(tenant, &document.id).await?,
                    None => None,
                },
            };
            let route = webhook::open(
                &document,
                subscription,
                destination,
                &secrets,
                &plans,
                outbound,
                tokens,
            )?;
            routes.push(Arc::new(route));
        }
        for document in store.all_documents(tenant, Kind::Trigger).await? {
            let of_this = |health: &&Destination| health.id.to_string() == document.id;
            // One whose destination is not there was made between the two reads.
            if let Some(health) = destinations.iter().find(of_this).cloned() {
                let route = trigger::route(&document, health, self.bounds())?;
                routes.push(Arc::new(route));
            }
        }
        for document in store.all_documents(tenant, Kind::Agent).await? {
            let agent = OpenAgent::read(&document)?;
            let id = agent.id.into();
            // One whose destination is gone was deleted between the two reads.
            if let Some(health) = destinations.iter().find(|found| found.id == id) {
                routes.push(Arc::new(agent.route(health.clone())));
            }
        }
        let actions = destinations
            .iter()
            .filter_map(|health| action::route(tenant, health));
        routes.extend(actions.map(Arc::new));
        Ok(Arc::new(Routes::new(routes)))
    }

    /// How a subscription authenticates to its destination, if the vault knows.
    pub async fn credential(
        &self,
        tenant: TenantId,
        subscription: &str,
    ) -> Result<Option<Credential>, Error> {
        let newest = self
            .secrets(tenant, SealedKind::DestinationAuth, subscription)
            .await?;
        let newest = newest.first().map(KeyedSecret::expose);
        Ok(newest.and_then(Credential::from_bytes))
    }

    /// The secrets that are valid now, the newest first.
    async fn secrets(
        &self,
        tenant: TenantId,
        kind: SealedKind,
        name: &str,
    ) -> Result<Vec<KeyedSecret>, Error> {
        let Inner {
            store,
            vault,
            clock,
            ..
        } = &*self.inner;
        let sealed = store
            .current_sealed(tenant, kind, name, clock.now())
            .await?;
        let mut secrets = Vec::with_capacity(sealed.len());
        for version in sealed {
            let plain = vault.unseal(tenant, kind, name, &version.sealed).await?;
            secrets.push(KeyedSecret::new(
                version.version.to_string(),
                plain.expose().to_vec(),
            ));
        }
        Ok(secrets)
    }
}
