//! Tenants. A deleted tenant stays as a row; nothing of it works any longer.

use tieline_domain::{TenantId, Timestamp, tenant::Tenant};

use crate::{
    Page, PageRequest, Result, Store,
    audit::{self, Action, Change, ChangeBy},
    db::{Tx, in_tx, on_db},
    store::{check_version, parsed},
};

type Row = (String, String, i64, i64, i64);

fn tenant(row: Row) -> Result<Tenant> {
    let (id, name, version, created_at, updated_at) = row;
    Ok(Tenant {
        id: parsed(&id)?,
        name,
        version,
        created_at: Timestamp::from_micros(created_at),
        updated_at: Timestamp::from_micros(updated_at),
    })
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
        let made = Tenant {
            id,
            name: name.to_owned(),
            version: 1,
            created_at: by.at,
            updated_at: by.at,
        };
        let mut tx = self.db().begin().await?;
        in_tx!(tx, |c| {
            sqlx::query(
            "INSERT INTO tenants (id, name, version, created_at, updated_at) VALUES ($1, $2, 1, $3, $3)"
        )
        .bind(id.to_string())
        .bind(name)
        .bind(by.at.as_micros())
        .execute(c)
        .await
        .map(drop)
        })?;
        record(&mut tx, Action::Create, id, None, Some(&made), by).await?;
        tx.commit().await?;
        Ok(made)
    }

    /// A tenant that is not deleted.
    pub async fn find_tenant(&self, id: TenantId) -> Result<Option<Tenant>> {
        let row = on_db!(self.db(), |c| sqlx::query_as::<_, Row>(
            "SELECT id, name, version, created_at, updated_at FROM tenants
             WHERE id = $1 AND deleted_at IS NULL"
        )
        .bind(id.to_string())
        .fetch_optional(c)
        .await)?;
        row.map(tenant).transpose()
    }

    /// Whether there is such a tenant and it is not deleted.
    pub async fn tenant_is_live(&self, id: TenantId) -> Result<bool> {
        Ok(self.find_tenant(id).await?.is_some())
    }

    /// The tenants of the installation.
    pub async fn list_tenants(&self, page: &PageRequest) -> Result<Page<Tenant>> {
        let rows = on_db!(self.db(), |c| sqlx::query_as::<_, Row>(
            "SELECT id, name, version, created_at, updated_at FROM tenants
             WHERE id < $1 AND deleted_at IS NULL ORDER BY id DESC LIMIT $2"
        )
        .bind(page.below())
        .bind(page.rows())
        .fetch_all(c)
        .await)?;
        let tenants = rows.into_iter().map(tenant).collect::<Result<_>>()?;
        Ok(Page::cut(tenants, page, |tenant| tenant.id))
    }

    /// Renames a tenant; `None` if there is none. [`crate::Error::Conflict`] if it has another
    /// version than the expected one.
    pub async fn update_tenant(
        &self,
        id: TenantId,
        name: &str,
        expected: Option<i64>,
        by: &ChangeBy,
    ) -> Result<Option<Tenant>> {
        let mut tx = self.db().begin().await?;
        let Some(before) = lock(&mut tx, id).await? else {
            return Ok(None);
        };
        check_version(expected, before.version)?;
        let after = Tenant {
            name: name.to_owned(),
            version: before.version + 1,
            updated_at: by.at,
            ..before.clone()
        };
        in_tx!(tx, |c| sqlx::query(
            "UPDATE tenants SET name = $2, version = $3, updated_at = $4 WHERE id = $1"
        )
        .bind(id.to_string())
        .bind(name)
        .bind(after.version)
        .bind(by.at.as_micros())
        .execute(c)
        .await
        .map(drop))?;
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
            in_tx!(tx, |c| sqlx::query(statement)
                .bind(id.to_string())
                .bind(by.at.as_micros())
                .execute(c)
                .await
                .map(drop))?;
        }
        record(&mut tx, Action::Delete, id, Some(&before), None, by).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// Reads a tenant and keeps others from changing it until the transaction ends: an update that
/// changes nothing is what locks a row on both engines.
async fn lock(tx: &mut Tx, id: TenantId) -> Result<Option<Tenant>> {
    let row = in_tx!(tx, |c| sqlx::query_as::<_, Row>(
        "UPDATE tenants SET version = version WHERE id = $1 AND deleted_at IS NULL
         RETURNING id, name, version, created_at, updated_at"
    )
    .bind(id.to_string())
    .fetch_optional(c)
    .await)?;
    row.map(tenant).transpose()
}

async fn record(
    tx: &mut Tx,
    action: Action,
    id: TenantId,
    before: Option<&Tenant>,
    after: Option<&Tenant>,
    by: &ChangeBy,
) -> Result<()> {
    let body = |tenant: &Tenant| serde_json::json!({ "name": tenant.name }).to_string();
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
