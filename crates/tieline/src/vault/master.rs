//! Master keys: the current one seals and opens, old ones only open what they sealed.

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};
use zeroize::Zeroizing;

use super::{VaultError, aead::Key};

/// The master keys that the operator has given.
pub struct MasterKeys {
    current: MasterKey,
    old: Vec<MasterKey>,
}

pub(super) struct MasterKey {
    pub(super) id: String,
    pub(super) key: Key,
}

impl MasterKeys {
    /// The current key, and old ones that are still needed.
    pub fn new<'a>(current: &[u8; 32], old: impl IntoIterator<Item = &'a [u8; 32]>) -> Self {
        let current = MasterKey::new(current);
        let old = old.into_iter().map(MasterKey::new);
        Self {
            old: old.filter(|key| key.id != current.id).collect(),
            current,
        }
    }

    /// The id of the current key: it tells keys apart and tells nothing of the key.
    pub fn current_id(&self) -> &str {
        &self.current.id
    }

    pub(super) fn current(&self) -> &MasterKey {
        &self.current
    }

    pub(super) fn old_ids(&self) -> impl Iterator<Item = &str> {
        self.old.iter().map(|key| &*key.id)
    }

    pub(super) fn find(&self, id: &str) -> Result<&MasterKey, VaultError> {
        [&self.current]
            .into_iter()
            .chain(&self.old)
            .find(|key| key.id == id)
            .ok_or_else(|| VaultError::UnknownMasterKey { id: id.to_owned() })
    }
}

impl MasterKey {
    fn new(bytes: &[u8; 32]) -> Self {
        let mut digest = Context::new(&SHA256);
        digest.update(b"tieline master key id v1\0");
        digest.update(bytes);
        Self {
            id: hex::encode(&digest.finish().as_ref()[..8]),
            key: Key::new(&Zeroizing::new(*bytes)),
        }
    }
}

impl fmt::Debug for MasterKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MasterKeys")
            .field("current", &self.current.id)
            .field("old", &self.old_ids().collect::<Vec<_>>())
            .finish()
    }
}
