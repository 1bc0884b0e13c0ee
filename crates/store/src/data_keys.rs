//! Data keys as the vault has sealed them: each seals the secret values of one tenant. Nothing here can
//! open them.

use tieline_domain::{TenantId, Timestamp};

use crate::{
    Result, Store,
    db::{in_tx, on_db},
    store::parsed,
};

/// A data key, sealed by a master key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedDataKey {
    /// The tenant whose values it seals.
    pub tenant_id: TenantId,
    /// Its id, unique within the tenant.
    pub id: String,
    /// The master key that sealed it.
    pub master_key_id: String,
    /// The sealed key.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
}

type KeyRow = (String, String, String, Vec<u8>, i64);

fn data_key(row: KeyRow) -> Result<SealedDataKey> {
    let (tenant_id, id, master_key_id, sealed, created_at) = row;
    Ok(SealedDataKey {
        tenant_id: parsed(&tenant_id)?,
        id,
        master_key_id,
        sealed,
        created_at: Timestamp::from_micros(created_at),
    })
}

impl Store {
    /// Keeps a data key, unless the tenant already has one with its id; false then.
    pub async fn add_data_key(&self, key: &SealedDataKey) -> Result<bool> {
        let mut tx = self.db().begin().await?;
        let added = in_tx!(tx, |c| sqlx::query(
            "INSERT INTO data_keys (tenant_id, id, master_key_id, sealed, created_at)
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING"
        )
        .bind(key.tenant_id.to_string())
        .bind(&key.id)
        .bind(&key.master_key_id)
        .bind(&key.sealed)
        .bind(key.created_at.as_micros())
        .execute(c)
        .await
        .map(|done| done.rows_affected()))?;
        tx.commit().await?;
        Ok(added > 0)
    }

    /// A data key of a tenant.
    pub async fn find_data_key(&self, tenant: TenantId, id: &str) -> Result<Option<SealedDataKey>> {
        let row = on_db!(self.db(), |c| sqlx::query_as::<_, KeyRow>(
            "SELECT tenant_id, id, master_key_id, sealed, created_at FROM data_keys
             WHERE tenant_id = $1 AND id = $2"
        )
        .bind(tenant.to_string())
        .bind(id)
        .fetch_optional(c)
        .await)?;
        row.map(data_key).transpose()
    }

    /// The data keys of all tenants that this master key has sealed, up to `limit`.
    pub async fn data_keys_under(
        &self,
        master_key_id: &str,
        limit: usize,
    ) -> Result<Vec<SealedDataKey>> {
        let rows = on_db!(self.db(), |c| sqlx::query_as::<_, KeyRow>(
            "SELECT tenant_id, id, master_key_id, sealed, created_at FROM data_keys
             WHERE master_key_id = $1 ORDER BY tenant_id, id LIMIT $2"
        )
        .bind(master_key_id)
        .bind(limit as i64)
        .fetch_all(c)
        .await)?;
        rows.into_iter().map(data_key).collect()
    }

    /// Replaces a data key by itself, sealed by another master key; false if it is not there.
    pub async fn reseal_data_key(&self, key: &SealedDataKey) -> Result<bool> {
        let mut tx = self.db().begin().await?;
        let changed = in_tx!(tx, |c| {
            sqlx::query(
            "UPDATE data_keys SET master_key_id = $3, sealed = $4 WHERE tenant_id = $1 AND id = $2"
        )
        .bind(key.tenant_id.to_string())
        .bind(&key.id)
        .bind(&key.master_key_id)
        .bind(&key.sealed)
        .execute(c)
        .await
        .map(|done| done.rows_affected())
        })?;
        tx.commit().await?;
        Ok(changed > 0)
    }

    /// The master keys without which some data key could not be opened.
    pub async fn master_key_ids(&self) -> Result<Vec<String>> {
        let rows = on_db!(self.db(), |c| sqlx::query_as::<_, (String,)>(
            "SELECT DISTINCT master_key_id FROM data_keys ORDER BY master_key_id"
        )
        .fetch_all(c)
        .await)?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }
}
