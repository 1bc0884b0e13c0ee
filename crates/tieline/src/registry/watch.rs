//! Noticing what other nodes, and the command line, have changed.

use std::{collections::HashMap, time::Duration};

use tieline_domain::{TenantId, Timestamp};
use tieline_store::documents::Kind;
use tokio_util::sync::CancellationToken;

use super::{Error, Registry};

/// How often changes are looked for. What is changed elsewhere is in force here within twice that.
const EVERY: Duration = Duration::from_millis(400);

/// How far each look goes back: changes become visible when they are committed, a little after the time
/// they carry, and the clocks of two nodes differ.
const OVERLAP: Duration = Duration::from_secs(10);

/// What was last seen of each thing that changed within the overlap.
type Seen = HashMap<String, Timestamp>;

impl Registry {
    /// Looks for changes until `stop`.
    pub async fn watch(self, stop: CancellationToken) {
        let mut seen = Seen::new();
        let mut since = self.inner.clock.now();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
            let now = self.inner.clock.now();
            match self.look(since.minus(OVERLAP), &mut seen).await {
                Ok(()) => {
                    since = now;
                    seen.retain(|_, at| *at >= now.minus(OVERLAP * 2));
                }
                Err(error) => {
                    // What was missed cannot be told from what is still true.
                    self.forget_all();
                    tracing::warn!(%error, "cannot look for changes; will load everything afresh");
                }
            }
        }
    }

    async fn look(&self, since: Timestamp, seen: &mut Seen) -> Result<(), Error> {
        let mut is_new = |key: String, at: Timestamp| seen.insert(key, at) != Some(at);
        for changed in self.inner.store.documents_changed_since(since).await? {
            if is_new(changed.id.clone(), changed.updated_at) {
                self.forget(changed.kind, changed.tenant_id, &changed.id)
                    .await;
            }
        }
        for (tenant, subscription, at) in self.inner.store.destinations_changed_since(since).await?
        {
            if is_new(format!("health {subscription}"), at) {
                self.forget_routes(tenant).await;
            }
        }
        Ok(())
    }

    async fn forget(&self, kind: Kind, tenant: TenantId, id: &str) {
        match kind {
            Kind::Source => {
                if let Ok(id) = id.parse() {
                    self.forget_source(id).await;
                }
            }
            Kind::Subscription | Kind::Agent | Kind::Trigger => self.forget_routes(tenant).await,
            Kind::SigningKey => self.forget_signing_keys(tenant).await,
            Kind::EventType => self.forget_event_types(tenant).await,
            Kind::Mapping => self.forget_mappings(tenant).await,
            Kind::Tool | Kind::Action | Kind::McpServer => self.forget_operations(tenant).await,
        }
    }
}
