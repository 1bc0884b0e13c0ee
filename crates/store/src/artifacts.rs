//! Outputs that were too large to hand over, kept for a while.

use tieline_domain::{ArtifactId, TenantId, Timestamp};

use crate::{
    Result, Store,
    sql::{Noun, Read, Row, select, sql},
};

/// Something that is kept for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// The tenant it belongs to.
    pub tenant_id: TenantId,
    /// Its id.
    pub id: ArtifactId,
    /// What its content is, as a `content-type`.
    pub media_type: String,
    /// Its content, without secrets.
    pub content: Vec<u8>,
    /// When it goes.
    pub expires_at: Timestamp,
}

impl Noun for Artifact {
    const TABLE: &str = "artifacts";
    const COLUMNS: &str = "tenant_id, id, media_type, content, expires_at";
}

impl Read for Artifact {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            tenant_id: row.get("tenant_id")?,
            id: row.get("id")?,
            media_type: row.get("media_type")?,
            content: row.get("content")?,
            expires_at: row.get("expires_at")?,
        })
    }
}

impl Store {
    /// Keeps an artifact, and of its tenant only the `cap` newest.
    pub async fn add_artifact(&self, new: &Artifact, cap: usize) -> Result<()> {
        const INSERT: &str = "INSERT INTO artifacts (tenant_id, id, media_type, content, expires_at) \
                              VALUES ($1, $2, $3, $4, $5)";
        const DELETE: &str = "DELETE FROM artifacts WHERE tenant_id = $1 AND id <= (SELECT id FROM artifacts \
                              WHERE tenant_id = $1 ORDER BY id DESC LIMIT 1 OFFSET $2)";
        let mut tx = self.db().begin().await?;
        sql(INSERT)
            .bind(new.tenant_id)
            .bind(new.id)
            .bind(&new.media_type)
            .bind(&new.content)
            .bind(new.expires_at)
            .run(&mut tx)
            .await?;
        sql(DELETE)
            .bind(new.tenant_id)
            .bind(cap)
            .run(&mut tx)
            .await?;
        tx.commit().await
    }

    /// An artifact of a tenant that has not expired at `now`.
    pub async fn find_artifact(
        &self,
        tenant: TenantId,
        id: ArtifactId,
        now: Timestamp,
    ) -> Result<Option<Artifact>> {
        let artifact = select(tenant)
            .with("id = ?", id)
            .with("expires_at > ?", now);
        artifact.find(self.db()).await
    }

    /// Removes up to `limit` artifacts, of all tenants, that have expired at `now`; says how many.
    pub async fn remove_expired_artifacts(&self, now: Timestamp, limit: usize) -> Result<u64> {
        const OLD: &str = "SELECT tenant_id, id FROM artifacts WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2";
        let ids = sql(OLD).bind(now).bind(limit);
        let ids: Vec<(TenantId, ArtifactId)> = ids.list(self.db()).await?;
        if ids.is_empty() {
            return Ok(0);
        }
        let mut tx = self.db().begin().await?;
        for &(tenant, id) in &ids {
            sql("DELETE FROM artifacts WHERE tenant_id = $1 AND id = $2")
                .bind(tenant)
                .bind(id)
                .run(&mut tx)
                .await?;
        }
        tx.commit().await?;
        Ok(ids.len() as u64)
    }
}
