//! The Ed25519 keys of a tenant, ready to sign and to be published.

use std::sync::Arc;

use tieline_domain::{
    TenantId, Timestamp,
    signature::{KeyedSecret, PublicKey},
};
use tieline_store::sealed::SealedKind;

use super::{Error, Registry};

/// An Ed25519 key of a tenant.
pub struct SigningKey {
    /// The private key, as Standard Webhooks writes it.
    pub secret: KeyedSecret,
    /// What others verify with.
    pub public: PublicKey,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it signs; `None` for the newest.
    pub not_after: Option<Timestamp>,
}

impl Registry {
    /// The keys with which a tenant signs now, the newest first; none before the first subscription
    /// that asks for them, and of a tenant that there is not.
    pub async fn signing_keys(&self, tenant: TenantId) -> Result<Arc<[SigningKey]>, Error> {
        if let Some(known) = self.inner.signing_keys.get(&tenant).await {
            let now = self.inner.clock.now();
            if known
                .iter()
                .all(|key| key.not_after.is_none_or(|end| now < end))
            {
                return Ok(known);
            }
            self.inner.signing_keys.invalidate(&tenant).await;
        }
        let loaded: Arc<[SigningKey]> = self.load_signing_keys(tenant).await?.into();
        // Whoever asks for tenants that there are not must not fill the memory.
        if !loaded.is_empty() {
            let kept = Arc::clone(&loaded);
            self.inner.signing_keys.insert(tenant, kept).await;
        }
        Ok(loaded)
    }

    async fn load_signing_keys(&self, tenant: TenantId) -> Result<Vec<SigningKey>, Error> {
        let super::Inner {
            store,
            vault,
            clock,
            ..
        } = &*self.inner;
        if !store.tenant_is_live(tenant).await? {
            return Ok(Vec::new());
        }
        let (kind, name) = (SealedKind::SigningKey, tenant.to_string());
        let versions = store
            .current_sealed(tenant, kind, &name, clock.now())
            .await?;
        let mut keys = Vec::with_capacity(versions.len());
        for version in versions {
            let plain = vault.unseal(tenant, kind, &name, &version.sealed).await?;
            let secret = KeyedSecret::new(version.version.to_string(), plain.expose().to_vec());
            let public = PublicKey::of(&secret).map_err(|bad| Error::Unusable {
                kind: "signing key",
                id: name.clone(),
                detail: bad.to_string(),
            })?;
            keys.push(SigningKey {
                secret,
                public,
                created_at: version.created_at,
                not_after: version.expires_at,
            });
        }
        Ok(keys)
    }
}
