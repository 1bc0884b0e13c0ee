//! When each source last answered a question of its sender.

use tieline_domain::{SourceId, TenantId, Timestamp};

use crate::{
    Result, Store,
    db::{in_tx, on_db},
};

impl Store {
    /// Keeps when a source answered a question, in place of what was kept before.
    pub async fn note_handshake(
        &self,
        tenant: TenantId,
        source: SourceId,
        name: &str,
        at: Timestamp,
    ) -> Result<()> {
        let mut tx = self.db().begin().await?;
        in_tx!(tx, |c| sqlx::query(
            "INSERT INTO handshakes (source_id, tenant_id, name, at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (source_id) DO UPDATE SET name = excluded.name, at = excluded.at"
        )
        .bind(source.to_string())
        .bind(tenant.to_string())
        .bind(name)
        .bind(at.as_micros())
        .execute(c)
        .await
        .map(drop))?;
        tx.commit().await
    }

    /// When a source of a tenant last answered a question; `None` if it never did.
    pub async fn last_handshake(
        &self,
        tenant: TenantId,
        source: SourceId,
    ) -> Result<Option<Timestamp>> {
        let at: Option<(i64,)> = on_db!(self.db(), |c| sqlx::query_as(
            "SELECT at FROM handshakes WHERE source_id = $1 AND tenant_id = $2"
        )
        .bind(source.to_string())
        .bind(tenant.to_string())
        .fetch_optional(c)
        .await)?;
        Ok(at.map(|(at,)| Timestamp::from_micros(at)))
    }
}
