//! What has changed lately, for the caches of other nodes.

use tieline_domain::{TenantId, Timestamp};

use super::Kind;
use crate::{
    Result, Store,
    sql::{Read, Row, sql},
};

/// A document that was made, changed or deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedDocument {
    /// The tenant it belongs to.
    pub tenant_id: TenantId,
    /// What it configures.
    pub kind: Kind,
    /// Its id.
    pub id: String,
    /// When.
    pub updated_at: Timestamp,
}

impl Read for ChangedDocument {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            tenant_id: row.get("tenant_id")?,
            kind: row.get("kind")?,
            id: row.get("id")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

impl Store {
    /// What was made, changed or deleted at `at` or later, in all tenants, the oldest first. Clocks
    /// of nodes differ and commits take time: ask from some seconds earlier than the last answer.
    pub async fn documents_changed_since(&self, at: Timestamp) -> Result<Vec<ChangedDocument>> {
        const CHANGED: &str = "SELECT tenant_id, kind, id, updated_at FROM documents WHERE updated_at >= $1 \
                               ORDER BY updated_at";
        sql(CHANGED).bind(at).list(self.db()).await
    }
}
