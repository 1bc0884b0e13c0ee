//! Tenants: isolated customers. Every row, cache entry and log line of data belongs to one.

use serde::{Deserialize, Serialize};

use crate::{TenantId, Timestamp, Violation, retention::Retention, violation};

/// A tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// Its name, for people.
    pub name: String,
    /// Counts the changes; the `ETag`.
    pub version: i64,
    /// How long its data is kept, where that differs from the settings.
    pub retention: Retention,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// What a tenant is made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewTenant {
    /// Its name, for people: 1 to 200 characters.
    pub name: String,
}

impl NewTenant {
    /// Everything that is wrong with it.
    pub fn violations(&self) -> Vec<Violation> {
        violation::length("/name", &self.name, 1, 200)
            .into_iter()
            .collect()
    }
}
