//! Why the vault does not open.

use std::{io, path::PathBuf};

use tieline_domain::TenantId;

/// Why the vault, or something in it, does not open. No message holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The store was sealed under a master key that is not given.
    #[error(
        "the store holds secrets sealed under the master key {id}, which is not given; add it to the end of `master_key` (TIELINE_MASTER_KEY) behind a comma, or put the `master.key` that belongs to this store into the data directory"
    )]
    UnknownMasterKey {
        /// The id of the key that is missing.
        id: String,
    },
    /// The data key of a tenant does not open.
    #[error("the data key of tenant {tenant} does not open: its row was altered; restore a backup")]
    DataKey {
        /// The tenant.
        tenant: TenantId,
    },
    /// A sealed value does not open.
    #[error(
        "the sealed value of {kind} `{name}` does not open: it was altered, or belongs to something else; set it anew"
    )]
    Altered {
        /// What it belongs to.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// The file of the master key cannot be read or written.
    #[error("cannot use the master key in {}: {error}", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        error: io::Error,
    },
    /// Others than its owner can read the file of the master key.
    #[error(
        "{} can be read by others than its owner (mode {mode:03o}); run `chmod 600` on it, and consider a new master key", path.display()
    )]
    KeyFileOpenToOthers {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The file of the master key holds no key.
    #[error(
        "{} does not hold a master key (32 bytes, base64); restore it from a backup, or remove it if this store holds no secrets yet", path.display()
    )]
    KeyFileWithoutKey {
        /// The file.
        path: PathBuf,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] tieline_store::Error),
}
