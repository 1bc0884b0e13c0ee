//! The named secrets of tenants, opened for the requests that carry them.
//!
//! What another node changes is noticed within [`REMEMBERED`]; what this one changes, at once.

use std::{sync::Arc, time::Duration};

use moka::future::Cache;
use tieline_domain::TenantId;
use tieline_store::sealed::SealedKind;
use zeroize::Zeroizing;

use super::{CAPACITY, Error, Registry};
use crate::outbound::Redactor;

/// How long an opened secret is not looked up again.
const REMEMBERED: Duration = Duration::from_secs(1);

/// A secret, opened, and what takes it out of whatever is shown.
pub struct NamedSecret {
    /// Its value.
    pub text: Zeroizing<String>,
    /// What takes it out.
    pub redactor: Redactor,
}

type Key = (TenantId, String);

/// The secrets that were opened lately.
pub(super) struct NamedSecrets(Cache<Key, Option<Arc<NamedSecret>>>);

impl Default for NamedSecrets {
    fn default() -> Self {
        let cache = Cache::builder()
            .max_capacity(CAPACITY)
            .time_to_live(REMEMBERED);
        Self(cache.build())
    }
}

impl NamedSecrets {
    pub(super) fn forget_all(&self) {
        self.0.invalidate_all();
    }
}

impl Registry {
    /// The secret of a tenant with this name, opened; `None` if there is none.
    pub async fn named_secret(
        &self,
        tenant: TenantId,
        name: &str,
    ) -> Result<Option<Arc<NamedSecret>>, Error> {
        let key = (tenant, name.to_owned());
        let load = async {
            let newest = self.secrets(tenant, SealedKind::Secret, name).await?;
            let text = newest
                .first()
                .and_then(|secret| std::str::from_utf8(secret.expose()).ok());
            Ok::<_, Error>(text.map(|text| {
                Arc::new(NamedSecret {
                    text: Zeroizing::new(text.to_owned()),
                    redactor: Redactor::new([text]),
                })
            }))
        };
        let loaded = self.inner.named_secrets.0.try_get_with(key, load).await;
        loaded.map_err(|error| Error::clone(&error))
    }

    /// Forgets a secret, because it was changed.
    pub async fn forget_named_secret(&self, tenant: TenantId, name: &str) {
        let key = (tenant, name.to_owned());
        self.inner.named_secrets.0.invalidate(&key).await;
    }
}
