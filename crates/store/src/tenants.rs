//! Tenants. A deleted tenant stays as a row; nothing of it works any longer.

use sqlx::AssertSqlSafe;
use tieline_domain::{TenantId, retention::Retention, tenant::Tenant};

use crate::{
    Error, Page, PageRequest, Result, Store,
    audit::{self, Action, Change, ChangeBy},
    db::Tx,
    sql::{Read, Row, sql},
    store::check_version,
};

/// What a tenant is read from.
const COLUMNS: &str = "id, name, version, retention, created_at, updated_at";

impl Read for Tenant {
    fn read(row: &Row) -> Result<Self> {
        let retention: Option<String> = row.get("retention")?;
        Ok(Self {
            id: row.get("id")?,
            name: row.get("name")?,
            version: row.get("version")?,
            retention: retention_of(retention.as_deref())?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

/// Reads what a tenant says of its retention.
pub(crate) fn retention_of(text: Option<&str>) -> Result<Retention> {
    let read = text.map(serde_json::from_str).transpose();
    Ok(read.map_err(Error::content)?.unwrap_or_default())
}

/// What deleting a tenant does to what belongs to it. Its documents become tombstones, so that the
/// caches of all nodes drop them.
const ENDINGS: [&str; 4] = [
    "UPDATE documents SET deleted = TRUE, updated_at = $2 WHERE tenant_id = $1 AND NOT deleted",
    "UPDATE api_keys SET revoked_at = $2 WHERE tenant_id = $1 AND revoked_at IS NULL",
    "UPDATE oauth_clients SET revoked_at = $2 WHERE tenant_id = $1 AND revoked_at IS NULL",
    "UPDATE access_tokens SET expires_at = $2 WHERE tenant_id = $1 AND expires_at > $2",
];

impl Store {
    /// Makes a tenant.
    pub async fn create_tenant(&self, id: TenantId, name: &str, by: &ChangeBy) -> Result<Tenant> {
        const INSERT: &str = "INSERT INTO tenants (id, name, version, created_at, updated_at) \
                              VALUES ($1, $2, 1, $3, $3)";
        let made = Tenant {
            id,
            name: name.to_owned(),
            version: 1,
            retention: Retention::default(),
            created_at: by.at,
            updated_at: by.at,
        };
        let mut tx = self.db().begin().await?;
        sql(INSERT)
            .bind(id)
            .bind(name)
            .bind(by.at)
            .run(&mut tx)
            .await?;
        record(&mut tx, Action::Create, id, None, Some(&made), by).await?;
        tx.commit().await?;
        Ok(made)
    }

    /// A tenant that is not deleted.
    pub async fn find_tenant(&self, id: TenantId) -> Result<Option<Tenant>> {
        let text = format!("SELECT {COLUMNS} FROM tenants WHERE id = $1 AND deleted_at IS NULL");
        sql(AssertSqlSafe(text)).bind(id).find(self.db()).await
    }

    /// Whether there is such a tenant and it is not deleted.
    pub async fn tenant_is_live(&self, id: TenantId) -> Result<bool> {
        Ok(self.find_tenant(id).await?.is_some())
    }

    /// The tenants of the installation.
    pub async fn list_tenants(&self, page: &PageRequest) -> Result<Page<Tenant>> {
        let text = format!(
            "SELECT {COLUMNS} FROM tenants WHERE id < $1 AND deleted_at IS NULL ORDER BY id DESC LIMIT $2"
        );
        let tenants = sql(AssertSqlSafe(text)).bind(page.below());
        let tenants = tenants.bind(page.rows());
        let tenants = tenants.list(self.db()).await?;
        Ok(Page::cut(tenants, page, |tenant: &Tenant| tenant.id))
    }

    /// Changes a tenant's name and retention; `None` if there is none. [`crate::Error::Conflict`] if it has another
    /// version than the expected one.
    pub async fn update_tenant(
        &self,
        id: TenantId,
        name: &str,
        retention: Retention,
        expected: Option<i64>,
        by: &ChangeBy,
    ) -> Result<Option<Tenant>> {
        const UPDATE: &str = "UPDATE tenants SET name = $2, version = $3, updated_at = $4, retention = $5 \
                              WHERE id = $1";
        let mut tx = self.db().begin().await?;
        let Some(before) = lock(&mut tx, id).await? else {
            return Ok(None);
        };
        check_version(expected, before.version)?;
        let after = Tenant {
            name: name.to_owned(),
            version: before.version + 1,
            retention,
            updated_at: by.at,
            ..before.clone()
        };
        let kept = (!retention.is_empty()).then(|| serde_json::to_string(&retention));
        let kept = kept.transpose().map_err(Error::content)?;
        sql(UPDATE)
            .bind(id)
            .bind(name)
            .bind(after.version)
            .bind(by.at)
            .bind(kept)
            .run(&mut tx)
            .await?;
        record(&mut tx, Action::Update, id, Some(&before), Some(&after), by).await?;
        tx.commit().await?;
        Ok(Some(after))
    }

    /// Deletes a tenant: its keys, clients, tokens and documents stop working in the same commit.
    /// False if there is none; [`crate::Error::Conflict`] if it has another version than the
    /// expected one.
    pub async fn delete_tenant(
        &self,
        id: TenantId,
        expected: Option<i64>,
        by: &ChangeBy,
    ) -> Result<bool> {
        let mut tx = self.db().begin().await?;
        let Some(before) = lock(&mut tx, id).await? else {
            return Ok(false);
        };
        check_version(expected, before.version)?;
        let ended = "UPDATE tenants SET deleted_at = $2, updated_at = $2, version = version + 1 WHERE id = $1";
        for statement in [ended].into_iter().chain(ENDINGS) {
            sql(statement).bind(id).bind(by.at).run(&mut tx).await?;
        }
        record(&mut tx, Action::Delete, id, Some(&before), None, by).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// Reads a tenant and keeps others from changing it until the transaction ends: an update that
/// changes nothing is what locks a row on both engines.
async fn lock(tx: &mut Tx, id: TenantId) -> Result<Option<Tenant>> {
    let text = format!(
        "UPDATE tenants SET version = version WHERE id = $1 AND deleted_at IS NULL RETURNING {COLUMNS}"
    );
    sql(AssertSqlSafe(text)).bind(id).find_in(tx).await
}

async fn record(
    tx: &mut Tx,
    action: Action,
    id: TenantId,
    before: Option<&Tenant>,
    after: Option<&Tenant>,
    by: &ChangeBy,
) -> Result<()> {
    let body = |tenant: &Tenant| {
        let mut body = serde_json::json!({ "name": tenant.name });
        if !tenant.retention.is_empty() {
            body["retention"] = serde_json::json!(tenant.retention);
        }
        body.to_string()
    };
    let (before, after) = (before.map(body), after.map(body));
    let change = Change {
        tenant_id: id,
        action,
        kind: "tenant",
        id: &id.to_string(),
        before: before.as_deref(),
        after: after.as_deref(),
    };
    audit::record(tx, change, by).await
}
