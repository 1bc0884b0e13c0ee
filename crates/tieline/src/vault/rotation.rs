//! Another master key in the place of an old one, while servers run.
//!
//! What the store names as the sealing key decides for every node. A rotation names the new one first, so
//! that from then on nothing new is sealed under an old one; then it seals anew, one by one, the data keys
//! that others have sealed. Values stay as they are: their data keys do not change. It can be broken off at
//! any moment and begun again.

use tieline_store::Store;
use zeroize::Zeroizing;

use super::{MasterKeys, VaultError, aead, open_data_key, seal_data_key};

/// How many data keys are read at once.
const CHUNK: usize = 100;

/// A new random master key.
pub fn new_master_key() -> Zeroizing<[u8; 32]> {
    aead::new_key()
}

/// The change to another master key.
pub struct Rotation {
    store: Store,
    keys: MasterKeys,
    total: u64,
}

impl Rotation {
    /// Begins, or goes on with, the change to the first of these keys; the others open what is there.
    /// Refuses, with nothing changed, if something was sealed under a key that is not given.
    pub async fn begin(store: Store, keys: MasterKeys) -> Result<Self, VaultError> {
        for id in store.master_key_ids().await? {
            keys.find(&id)?;
        }
        store.set_sealing_master_key(keys.current_id()).await?;
        let total = store.count_data_keys_not_under(keys.current_id()).await?;
        Ok(Self { store, keys, total })
    }

    /// How many data keys were to be sealed anew when it began.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Seals some data keys anew; says how many, and 0 when no other key is needed any longer.
    pub async fn step(&self) -> Result<u64, VaultError> {
        let new = self.keys.find(self.keys.current_id())?;
        let sealed = self.store.data_keys_not_under(&new.id, CHUNK).await?;
        for key in &sealed {
            let bytes = open_data_key(self.keys.find(&key.master_key_id)?, key)?;
            let anew = seal_data_key(new, key.tenant_id, &key.id, &bytes, key.created_at);
            self.store.reseal_data_key(&anew).await?;
            crate::failpoint::hit("rotate");
        }
        Ok(sealed.len() as u64)
    }
}
