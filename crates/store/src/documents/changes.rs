//! What has changed lately, for the caches of other nodes.

use tieline_domain::{TenantId, Timestamp};

use super::Kind;
use crate::{Result, Store, db::on_db, store::parsed};

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

impl Store {
    /// What was made, changed or deleted at `at` or later, in all tenants, the oldest first. Clocks
    /// of nodes differ and commits take time: ask from some seconds earlier than the last answer.
    pub async fn documents_changed_since(&self, at: Timestamp) -> Result<Vec<ChangedDocument>> {
        let rows = on_db!(self.db(), |c| sqlx::query_as::<
            _,
            (String, String, String, i64),
        >(
            "SELECT tenant_id, kind, id, updated_at FROM documents
             WHERE updated_at >= $1 ORDER BY updated_at"
        )
        .bind(at.as_micros())
        .fetch_all(c)
        .await)?;
        rows.into_iter()
            .map(|(tenant_id, kind, id, updated_at)| {
                Ok(ChangedDocument {
                    tenant_id: parsed(&tenant_id)?,
                    kind: parsed(&kind)?,
                    id,
                    updated_at: Timestamp::from_micros(updated_at),
                })
            })
            .collect()
    }
}
