//! Master keys: one of them seals, all of them open what they sealed.

use std::{fmt, path::PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use zeroize::Zeroizing;

use super::{VaultError, aead::Key, key_file};

/// The master keys that the operator has given.
pub struct MasterKeys {
    first: MasterKey,
    others: Vec<MasterKey>,
    /// Where they were read from and can be read again, if that is a file.
    directory: Option<PathBuf>,
}

pub(super) struct MasterKey {
    pub(super) id: String,
    pub(super) key: Key,
}

impl MasterKeys {
    /// The key that seals as long as the store names no other, and others that are still needed.
    pub fn new<'a>(first: &[u8; 32], others: impl IntoIterator<Item = &'a [u8; 32]>) -> Self {
        let first = MasterKey::new(first);
        let others = others.into_iter().map(MasterKey::new);
        Self {
            others: others.filter(|key| key.id != first.id).collect(),
            first,
            directory: None,
        }
    }

    /// The keys of a data directory: read again when the store names one that is not among them.
    pub fn of_file(file: &key_file::KeyFile) -> Self {
        let mut keys = Self::new(&file.key, file.others.iter().map(|key| &**key));
        keys.directory = file.path.parent().map(Into::into);
        keys
    }

    /// The id of the first key: it tells keys apart and tells nothing of the key.
    pub fn current_id(&self) -> &str {
        &self.first.id
    }

    pub(super) fn find(&self, id: &str) -> Result<&MasterKey, VaultError> {
        [&self.first]
            .into_iter()
            .chain(&self.others)
            .find(|key| key.id == id)
            .ok_or_else(|| VaultError::UnknownMasterKey { id: id.to_owned() })
    }

    /// The keys as their file has them now; `None` if they are not from a file.
    pub(super) fn read_again(&self) -> Result<Option<Self>, VaultError> {
        let read = self.directory.as_deref().map(key_file::load_master_keys);
        Ok(read.transpose()?.as_ref().map(Self::of_file))
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
        let Self {
            first,
            others,
            directory,
        } = self;
        let others: Vec<_> = others.iter().map(|key| &key.id).collect();
        f.debug_struct("MasterKeys")
            .field("first", &first.id)
            .field("others", &others)
            .field("directory", directory)
            .finish()
    }
}
