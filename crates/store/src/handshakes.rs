//! When each source last answered a question of its sender.

use tieline_domain::{SourceId, TenantId, Timestamp};

use crate::{Result, Store, sql::sql};

impl Store {
    /// Keeps when a source answered a question, in place of what was kept before.
    pub async fn note_handshake(
        &self,
        tenant: TenantId,
        source: SourceId,
        name: &str,
        at: Timestamp,
    ) -> Result<()> {
        const INSERT: &str = "INSERT INTO handshakes (source_id, tenant_id, name, at) VALUES ($1, $2, $3, $4) \
                              ON CONFLICT (source_id) DO UPDATE SET name = excluded.name, at = excluded.at";
        sql(INSERT)
            .bind(source)
            .bind(tenant)
            .bind(name)
            .bind(at)
            .commit(self.db())
            .await?;
        Ok(())
    }

    /// When a source of a tenant last answered a question; `None` if it never did.
    pub async fn last_handshake(
        &self,
        tenant: TenantId,
        source: SourceId,
    ) -> Result<Option<Timestamp>> {
        const FIND: &str = "SELECT at FROM handshakes WHERE source_id = $1 AND tenant_id = $2";
        let at = sql(FIND).bind(source).bind(tenant);
        at.find(self.db()).await
    }
}
