//! Documents by their names.

use tieline_domain::TenantId;

use super::{Document, Kind, Row, document};
use crate::{Result, Store, db::on_db};

impl Store {
    /// The document of a tenant that has this name.
    pub async fn find_named_document(
        &self,
        tenant: TenantId,
        kind: Kind,
        name: &str,
    ) -> Result<Option<Document>> {
        let row = on_db!(self.db(), |c| sqlx::query_as::<_, Row>(
            "SELECT tenant_id, kind, id, name, version, body, created_at, updated_at
             FROM documents WHERE tenant_id = $1 AND kind = $2 AND name = $3 AND NOT deleted"
        )
        .bind(tenant.to_string())
        .bind(kind.as_str())
        .bind(name)
        .fetch_optional(c)
        .await)?;
        row.map(document).transpose()
    }
}
