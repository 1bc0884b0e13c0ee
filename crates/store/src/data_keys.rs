//! Data keys as the vault has sealed them: each seals the secret values of one tenant. Nothing here can
//! open them.

use tieline_domain::{TenantId, Timestamp};

use crate::{
    Result, Store,
    sql::{Noun, Read, Row, select, sql},
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

impl Noun for SealedDataKey {
    const TABLE: &str = "data_keys";
    const COLUMNS: &str = "tenant_id, id, master_key_id, sealed, created_at";
}

impl Read for SealedDataKey {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            tenant_id: row.get("tenant_id")?,
            id: row.get("id")?,
            master_key_id: row.get("master_key_id")?,
            sealed: row.get("sealed")?,
            created_at: row.get("created_at")?,
        })
    }
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
        sql(FIND).bind(SEALING).find(self.db()).await
    }

    /// Has new data keys sealed under this master key, on every node.
    pub async fn set_sealing_master_key(&self, id: &str) -> Result<()> {
        const SET: &str = "INSERT INTO meta (key, value) VALUES ($1, $2) \
                           ON CONFLICT (key) DO UPDATE SET value = excluded.value";
        sql(SET).bind(SEALING).bind(id).commit(self.db()).await?;
        Ok(())
    }

    /// Keeps a data key, unless the tenant already has one with its id, or another master key than its
    /// own seals by now.
    pub async fn add_data_key(&self, key: &SealedDataKey) -> Result<Added> {
        const INSERT: &str = "INSERT INTO data_keys (tenant_id, id, master_key_id, sealed, created_at) \
                              VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
        const FIRST: &str =
            "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING";
        // An update that changes nothing keeps a rotation from beginning before this commit.
        const SEALS: &str = "UPDATE meta SET value = value WHERE key = $1 RETURNING value";
        let mut tx = self.db().begin().await?;
        sql(FIRST)
            .bind(SEALING)
            .bind(&key.master_key_id)
            .run(&mut tx)
            .await?;
        let seals: Option<String> = sql(SEALS).bind(SEALING).find_in(&mut tx).await?;
        if seals.as_ref() != Some(&key.master_key_id) {
            return Ok(Added::Outdated);
        }
        let added = sql(INSERT)
            .bind(key.tenant_id)
            .bind(&key.id)
            .bind(&key.master_key_id)
            .bind(&key.sealed)
            .bind(key.created_at)
            .run(&mut tx)
            .await?;
        tx.commit().await?;
        Ok(if added > 0 { Added::Kept } else { Added::Known })
    }

    /// A data key of a tenant.
    pub async fn find_data_key(&self, tenant: TenantId, id: &str) -> Result<Option<SealedDataKey>> {
        let key = select(tenant).with("id = ?", id);
        key.find(self.db()).await
    }

    /// The data keys of all tenants that another master key than this one has sealed, up to `limit`.
    pub async fn data_keys_not_under(
        &self,
        master_key_id: &str,
        limit: usize,
    ) -> Result<Vec<SealedDataKey>> {
        const LIST: &str = "SELECT tenant_id, id, master_key_id, sealed, created_at FROM data_keys \
                            WHERE master_key_id <> $1 ORDER BY tenant_id, id LIMIT $2";
        let keys = sql(LIST).bind(master_key_id).bind(limit);
        keys.list(self.db()).await
    }

    /// How many data keys another master key than this one has sealed.
    pub async fn count_data_keys_not_under(&self, master_key_id: &str) -> Result<u64> {
        const COUNT: &str = "SELECT COUNT(*) FROM data_keys WHERE master_key_id <> $1";
        let count = sql(COUNT).bind(master_key_id).find(self.db()).await?;
        Ok(count.unwrap_or_default())
    }

    /// Replaces a data key by itself, sealed by another master key; false if it is not there.
    pub async fn reseal_data_key(&self, key: &SealedDataKey) -> Result<bool> {
        const UPDATE: &str =
            "UPDATE data_keys SET master_key_id = $3, sealed = $4 WHERE tenant_id = $1 AND id = $2";
        let changed = sql(UPDATE)
            .bind(key.tenant_id)
            .bind(&key.id)
            .bind(&key.master_key_id)
            .bind(&key.sealed)
            .commit(self.db())
            .await?;
        Ok(changed > 0)
    }

    /// The master keys without which some data key could not be opened.
    pub async fn master_key_ids(&self) -> Result<Vec<String>> {
        const LIST: &str = "SELECT DISTINCT master_key_id FROM data_keys ORDER BY master_key_id";
        sql(LIST).list(self.db()).await
    }
}
