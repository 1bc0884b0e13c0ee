//! Outputs that were too large to hand over, kept for a while.

use tieline_domain::{ArtifactId, TenantId, Timestamp};

use crate::{
    Result, Store,
    db::{in_tx, on_db},
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

impl Store {
    /// Keeps an artifact, and of its tenant only the `cap` newest.
    pub async fn add_artifact(&self, new: &Artifact, cap: usize) -> Result<()> {
        let mut tx = self.db().begin().await?;
        in_tx!(tx, |c| {
            sqlx::query(
            "INSERT INTO artifacts (tenant_id, id, media_type, content, expires_at) VALUES ($1, $2, $3, $4, $5)"
        )
        .bind(new.tenant_id.to_string())
        .bind(new.id.to_string())
        .bind(&new.media_type)
        .bind(&new.content)
        .bind(new.expires_at.as_micros())
        .execute(c)
        .await
        .map(drop)
        })?;
        in_tx!(tx, |c| {
            sqlx::query(
                "DELETE FROM artifacts WHERE tenant_id = $1 AND id <=
                   (SELECT id FROM artifacts WHERE tenant_id = $1 ORDER BY id DESC LIMIT 1 OFFSET $2)",
            )
            .bind(new.tenant_id.to_string())
            .bind(cap as i64)
            .execute(c)
            .await
            .map(drop)
        })?;
        tx.commit().await
    }

    /// An artifact of a tenant that has not expired at `now`.
    pub async fn find_artifact(
        &self,
        tenant: TenantId,
        id: ArtifactId,
        now: Timestamp,
    ) -> Result<Option<Artifact>> {
        let row = on_db!(self.db(), |c| sqlx::query_as::<_, (String, Vec<u8>, i64)>(
            "SELECT media_type, content, expires_at FROM artifacts
             WHERE tenant_id = $1 AND id = $2 AND expires_at > $3"
        )
        .bind(tenant.to_string())
        .bind(id.to_string())
        .bind(now.as_micros())
        .fetch_optional(c)
        .await)?;
        Ok(row.map(|(media_type, content, expires_at)| Artifact {
            tenant_id: tenant,
            id,
            media_type,
            content,
            expires_at: Timestamp::from_micros(expires_at),
        }))
    }

    /// Removes up to `limit` artifacts, of all tenants, that have expired at `now`; says how many.
    pub async fn remove_expired_artifacts(&self, now: Timestamp, limit: usize) -> Result<u64> {
        let ids = on_db!(self.db(), |c| {
            sqlx::query_as::<_, (String, String)>(
            "SELECT tenant_id, id FROM artifacts WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2"
        )
        .bind(now.as_micros())
        .bind(limit as i64)
        .fetch_all(c)
        .await
        })?;
        if ids.is_empty() {
            return Ok(0);
        }
        let mut tx = self.db().begin().await?;
        for (tenant, id) in &ids {
            in_tx!(tx, |c| sqlx::query(
                "DELETE FROM artifacts WHERE tenant_id = $1 AND id = $2"
            )
            .bind(tenant)
            .bind(id)
            .execute(c)
            .await
            .map(drop))?;
        }
        tx.commit().await?;
        Ok(ids.len() as u64)
    }
}
