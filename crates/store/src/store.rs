//! The handle on everything that is kept beside the spine; its methods stand with their nouns.

use std::{fmt::Display, str::FromStr};

use crate::{Db, Error, Result};

/// Configuration, access, secrets and the audit log; clones share the database.
#[derive(Clone)]
pub struct Store {
    db: Db,
}

impl Store {
    /// A store on an open, migrated database.
    pub fn new(db: Db) -> Self {
        Self { db }
    }

    /// The database.
    pub fn db(&self) -> &Db {
        &self.db
    }
}

/// Reads what a column holds as text: an id, a set of scopes.
pub(crate) fn parsed<T: FromStr<Err: Display>>(text: &str) -> Result<T> {
    text.parse()
        .map_err(|e| Error::content(format_args!("`{text}`: {e}")))
}

/// Reads a SHA-256 from its column.
pub(crate) fn hash(bytes: &[u8]) -> Result<[u8; 32]> {
    bytes
        .try_into()
        .map_err(|_| Error::content(format_args!("a hash of {} bytes", bytes.len())))
}

/// Checks the version that a writer has seen, if it named one, against the one there is.
pub(crate) fn check_version(expected: Option<i64>, current: i64) -> Result<()> {
    match expected {
        Some(expected) if expected != current => Err(Error::Conflict { current }),
        _ => Ok(()),
    }
}
