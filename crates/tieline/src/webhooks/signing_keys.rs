//! The Ed25519 keys with which tenants sign (`v1a`): made when first needed, rotated with an overlap.

use rand::random;
use tieline_domain::{TenantId, signature::generate_signing_key};
use tieline_store::{
    ChangeBy, Store,
    documents::{Kind, NewDocument, Replacement},
    sealed::{NewSealed, SealedKind},
};
use zeroize::Zeroizing;

use super::{Error, overlap, overlap_violation};
use crate::{registry::Registry, vault::Vault};

/// The document beside the sealed key: its changes tell other nodes.
const BODY: &str = "{}";

/// Makes and rotates signing keys; clones share what they need.
#[derive(Clone)]
pub struct SigningKeys {
    store: Store,
    vault: Vault,
    registry: Registry,
}

impl SigningKeys {
    /// The keys of this store.
    pub fn new(store: Store, vault: Vault, registry: Registry) -> Self {
        Self {
            store,
            vault,
            registry,
        }
    }

    /// Makes the first key of a tenant; false if it has one.
    pub async fn make_sure(&self, tenant: TenantId, by: &ChangeBy) -> Result<bool, Error> {
        if !self.registry.signing_keys(tenant).await?.is_empty() {
            return Ok(false);
        }
        let new = NewDocument {
            tenant_id: tenant,
            kind: Kind::SigningKey,
            id: tenant.to_string(),
            name: None,
            body: BODY.to_owned(),
            sealed: vec![self.new_key(tenant).await?],
            destination: false,
        };
        let made = match self.store.create_document(new, by).await {
            Ok(_) => true,
            // Another request was quicker.
            Err(tieline_store::Error::NameTaken) => false,
            Err(error) => return Err(error.into()),
        };
        self.registry.forget_signing_keys(tenant).await;
        Ok(made)
    }

    /// Gives a tenant a new key. Until the overlap ends, deliveries carry a signature of each.
    pub async fn rotate(
        &self,
        tenant: TenantId,
        overlap_hours: Option<u32>,
        by: &ChangeBy,
    ) -> Result<(), Error> {
        let violation = overlap_violation(overlap_hours, self.registry.bounds());
        Error::check(violation.into_iter().collect())?;
        if self.make_sure(tenant, by).await? {
            return Ok(());
        }
        let sealed = self.new_key(tenant).await?;
        let until = by.at.plus(overlap(overlap_hours));
        self.store.rotate_sealed(&sealed, until, by).await?;
        let same = Replacement {
            name: None,
            body: BODY.to_owned(),
            expected: None,
        };
        let id = tenant.to_string();
        self.store
            .replace_document(tenant, Kind::SigningKey, &id, same, by)
            .await?;
        self.registry.forget_signing_keys(tenant).await;
        Ok(())
    }

    async fn new_key(&self, tenant: TenantId) -> Result<NewSealed, Error> {
        let key = generate_signing_key(&Zeroizing::new(random()));
        let kind = SealedKind::SigningKey;
        let sealed = self.vault.seal_for(tenant, kind, &tenant, key.as_bytes());
        Ok(sealed.await?)
    }
}
