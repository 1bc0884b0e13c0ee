//! The only holder of keys.
//!
//! A master key, given by the operator, seals one data key per tenant; the data key seals the
//! tenant's values. What is sealed can be opened only as what it was sealed as: the tenant, the kind
//! and the name are associated data of the AEAD (AES-256-GCM).

mod aead;
mod error;
mod key_file;
mod master;
mod rotation;
mod secret;
mod token;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use moka::sync::Cache;
use parking_lot::RwLock;
use tieline_domain::{TenantId, Timestamp, clock::Clock};
use tieline_store::{
    Store,
    data_keys::{Added, SealedDataKey},
    sealed::NewSealed,
};

use aead::{Key, KeyBytes, Label};
use master::MasterKey;

pub use error::VaultError;
pub use key_file::{KeyFile, load_or_generate_master_key, read_master_key, replace_master_keys};
pub use master::MasterKeys;
pub use rotation::{Rotation, new_master_key};
pub use secret::Secret;
pub use tieline_store::sealed::SealedKind;
pub use token::{hash_token, new_token, same_hash};

/// The data key that seals what is new. A tenant has one so far; every sealed value names its own,
/// so that there can be more.
const CURRENT_DATA_KEY: u32 = 1;

/// How many data keys are kept open in memory.
const OPEN_KEYS: u64 = 10_000;

/// The first byte of a sealed value: how the rest is laid out.
const FORMAT: u8 = 1;

/// Seals and opens; clones share the keys.
#[derive(Clone)]
pub struct Vault {
    store: Store,
    clock: Clock,
    master_keys: Arc<RwLock<Arc<MasterKeys>>>,
    data_keys: Cache<(TenantId, u32), Arc<Key>>,
}

impl Vault {
    /// Opens the vault; refuses if anything in it was sealed under a master key that is not given.
    pub async fn open(
        store: Store,
        clock: Clock,
        master_keys: MasterKeys,
    ) -> Result<Self, VaultError> {
        for id in store.master_key_ids().await? {
            master_keys.find(&id)?;
        }
        if let Some(id) = store.sealing_master_key().await? {
            master_keys.find(&id)?;
        }
        Ok(Self {
            store,
            clock,
            master_keys: Arc::new(RwLock::new(Arc::new(master_keys))),
            data_keys: Cache::new(OPEN_KEYS),
        })
    }

    /// Seals a value so that it opens only for this tenant, as this kind, under this name.
    pub async fn seal(
        &self,
        tenant: TenantId,
        kind: SealedKind,
        name: &str,
        plain: &[u8],
    ) -> Result<Vec<u8>, VaultError> {
        let key = self.current_data_key(tenant).await?;
        let sealed = key.seal(&value_label(tenant, kind, name), plain);
        let header = [&[FORMAT][..], &CURRENT_DATA_KEY.to_be_bytes()].concat();
        Ok([header, sealed].concat())
    }

    /// Seals what belongs to the object with this id, as it is kept with it.
    pub async fn seal_for(
        &self,
        tenant: TenantId,
        kind: SealedKind,
        id: &impl ToString,
        plain: &[u8],
    ) -> Result<NewSealed, VaultError> {
        let id = id.to_string();
        Ok(NewSealed {
            tenant_id: tenant,
            kind,
            sealed: self.seal(tenant, kind, &id, plain).await?,
            name: id.clone(),
            id,
            description: None,
        })
    }

    /// Opens what [`Vault::seal`] has sealed with the same tenant, kind and name.
    pub async fn unseal(
        &self,
        tenant: TenantId,
        kind: SealedKind,
        name: &str,
        sealed: &[u8],
    ) -> Result<Secret, VaultError> {
        let refused = || VaultError::Altered {
            kind: kind.as_str(),
            name: name.to_owned(),
        };
        let (data_key, body) = parts(sealed).ok_or_else(refused)?;
        let key = self.data_key(tenant, data_key).await?.ok_or_else(refused)?;
        key.open(&value_label(tenant, kind, name), body)
            .map(Secret::new)
            .ok_or_else(refused)
    }

    async fn current_data_key(&self, tenant: TenantId) -> Result<Arc<Key>, VaultError> {
        if let Some(key) = self.data_key(tenant, CURRENT_DATA_KEY).await? {
            return Ok(key);
        }
        let bytes = aead::new_key();
        loop {
            let seals = self.store.sealing_master_key().await?;
            let keys = self.master_keys(seals.as_deref())?;
            let master = keys.find(seals.as_deref().unwrap_or(keys.current_id()))?;
            let id = CURRENT_DATA_KEY.to_string();
            let new = seal_data_key(master, tenant, &id, &bytes, self.clock.now());
            // Another request or node may have been quicker: whichever key was kept first is the one. And a
            // rotation may have begun: then another master key seals.
            match self.store.add_data_key(&new).await? {
                Added::Kept | Added::Known => break,
                Added::Outdated => {}
            }
        }
        let kept = self.data_key(tenant, CURRENT_DATA_KEY).await?;
        kept.ok_or(VaultError::DataKey { tenant })
    }

    /// The master keys, this one among them: read again from their file if it is not.
    fn master_keys(&self, wanted: Option<&str>) -> Result<Arc<MasterKeys>, VaultError> {
        let known = Arc::clone(&self.master_keys.read());
        let Some(wanted) = wanted.filter(|id| known.find(id).is_err()) else {
            return Ok(known);
        };
        let Some(read) = known.read_again()? else {
            return Err(VaultError::UnknownMasterKey {
                id: wanted.to_owned(),
            });
        };
        let read = Arc::new(read);
        read.find(wanted)?;
        *self.master_keys.write() = Arc::clone(&read);
        Ok(read)
    }

    /// A data key of a tenant, from memory or from the store; `None` if there is none.
    async fn data_key(&self, tenant: TenantId, id: u32) -> Result<Option<Arc<Key>>, VaultError> {
        if let Some(key) = self.data_keys.get(&(tenant, id)) {
            return Ok(Some(key));
        }
        let Some(sealed) = self.store.find_data_key(tenant, &id.to_string()).await? else {
            return Ok(None);
        };
        let key = Arc::new(Key::new(&self.open_data_key(&sealed)?));
        self.data_keys.insert((tenant, id), Arc::clone(&key));
        Ok(Some(key))
    }

    fn open_data_key(&self, sealed: &SealedDataKey) -> Result<KeyBytes, VaultError> {
        let keys = self.master_keys(Some(&sealed.master_key_id))?;
        open_data_key(keys.find(&sealed.master_key_id)?, sealed)
    }
}

fn seal_data_key(
    master: &MasterKey,
    tenant: TenantId,
    id: &str,
    bytes: &KeyBytes,
    created_at: Timestamp,
) -> SealedDataKey {
    SealedDataKey {
        tenant_id: tenant,
        id: id.to_owned(),
        master_key_id: master.id.clone(),
        sealed: master.key.seal(&data_key_label(tenant, id), &**bytes),
        created_at,
    }
}

fn open_data_key(master: &MasterKey, sealed: &SealedDataKey) -> Result<KeyBytes, VaultError> {
    let label = data_key_label(sealed.tenant_id, &sealed.id);
    master
        .key
        .open(&label, &sealed.sealed)
        .and_then(|bytes| aead::key_bytes(&bytes))
        .ok_or(VaultError::DataKey {
            tenant: sealed.tenant_id,
        })
}

/// The data key that a sealed value names, and what it has sealed.
fn parts(sealed: &[u8]) -> Option<(u32, &[u8])> {
    let (&format, rest) = sealed.split_first()?;
    let (data_key, body) = rest.split_first_chunk()?;
    (format == FORMAT).then_some((u32::from_be_bytes(*data_key), body))
}

fn value_label(tenant: TenantId, kind: SealedKind, name: &str) -> Label {
    Label::new(
        "tieline value v1",
        &[&tenant.to_string(), kind.as_str(), name],
    )
}

fn data_key_label(tenant: TenantId, id: &str) -> Label {
    Label::new("tieline data key v1", &[&tenant.to_string(), id])
}
