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

/// The name under which `meta` keeps the id of the master key that seals.
const SEALING: &str = "sealing_master_key";

/// What became of a new data key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It is kept.
    Kept,
    /// The tenant has one with its id already, and that one stays.
    Known,
    /// Another master key seals by now: nothing was kept.
    Outdated,
}

impl Store {
    /// The master key under which new data keys are sealed; `None` before the first one.
    pub async fn sealing_master_key(&self) -> Result<Option<String>> {
        const FIND: &str = "SELECT value FROM meta WHERE key = $1";
        let row: Option<(String,)> = on_db!(self.db(), |c| sqlx::query_as(FIND)
            .bind(SEALING)
            .fetch_optional(c)
            .await?);
        Ok(row.map(|(id,)| id))
    }

    /// Has new data keys sealed under this master key, on every node.
    pub async fn set_sealing_master_key(&self, id: &str) -> Result<()> {
        const SET: &str = "INSERT INTO meta (key, value) VALUES ($1, $2) \
                           ON CONFLICT (key) DO UPDATE SET value = excluded.value";
        let mut tx = self.db().begin().await?;
        in_tx!(tx, |c| sqlx::query(SET)
            .bind(SEALING)
            .bind(id)
            .execute(c)
            .await
            .map(drop))?;
        tx.commit().await
    }

    /// Keeps a data key, unless the tenant already has one with its id, or another master key than its
    /// own seals by now.
    pub async fn add_data_key(&self, key: &SealedDataKey) -> Result<Added> {
        const FIRST: &str =
            "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING";
        // An update that changes nothing keeps a rotation from beginning before this commit.
        const SEALS: &str = "UPDATE meta SET value = value WHERE key = $1 RETURNING value";
        let mut tx = self.db().begin().await?;
        in_tx!(tx, |c| sqlx::query(FIRST)
            .bind(SEALING)
            .bind(&key.master_key_id)
            .execute(c)
            .await
            .map(drop))?;
        let (seals,): (String,) = in_tx!(tx, |c| sqlx::query_as(SEALS)
            .bind(SEALING)
            .fetch_one(c)
            .await?);
        if seals != key.master_key_id {
            return Ok(Added::Outdated);
        }
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
        Ok(if added > 0 { Added::Kept } else { Added::Known })
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

    /// The data keys of all tenants that another master key than this one has sealed, up to `limit`.
    pub async fn data_keys_not_under(
        &self,
        master_key_id: &str,
        limit: usize,
    ) -> Result<Vec<SealedDataKey>> {
        let rows = on_db!(self.db(), |c| sqlx::query_as::<_, KeyRow>(
            "SELECT tenant_id, id, master_key_id, sealed, created_at FROM data_keys
             WHERE master_key_id <> $1 ORDER BY tenant_id, id LIMIT $2"
        )
        .bind(master_key_id)
        .bind(limit as i64)
        .fetch_all(c)
        .await)?;
        rows.into_iter().map(data_key).collect()
    }

    /// How many data keys another master key than this one has sealed.
    pub async fn count_data_keys_not_under(&self, master_key_id: &str) -> Result<u64> {
        const COUNT: &str = "SELECT COUNT(*) FROM data_keys WHERE master_key_id <> $1";
        let count: i64 = on_db!(self.db(), |c| sqlx::query_scalar(COUNT)
            .bind(master_key_id)
            .fetch_one(c)
            .await?);
        Ok(count.unsigned_abs())
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
