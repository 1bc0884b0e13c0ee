//! The store.
use crate::db::Db;

/// The store; clones share it.
#[derive(Clone)]
pub struct Store {
    db: Db,
}

impl Store {
    /// A store on an open database.
    pub fn new(db: Db) -> Self {
        Self { db }
    }

    /// Its database.
    pub fn db(&self) -> &Db {
        &self.db
    }
}
