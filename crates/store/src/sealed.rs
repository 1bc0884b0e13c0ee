//! The versions of secret values as the vault has sealed them. Nothing here can open them.

use tieline_domain::{TenantId, Timestamp};

use crate::{
    Page, PageRequest, Result, Store,
    audit::{self, Action, Change, ChangeBy},
    db::Tx,
    sql::{Noun, Read, Row, select, sql},
};

/// What a sealed value belongs to; it cannot be opened as anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SealedKind {
    /// A named secret of a tenant; the name is its name.
    Secret,
    /// The secret of a source; the name is the id of the source.
    Source,
    /// The secret of a subscription; the name is the id of the subscription.
    Subscription,
    /// How a subscription authenticates to its destination; the name is the id of the subscription.
    DestinationAuth,
    /// The Ed25519 key of a tenant; the name is the id of the tenant.
    SigningKey,
    /// An answer that is kept for repeats of its request; the name is the idempotency key.
    Idempotency,
}

impl SealedKind {
    /// Its word in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Source => "source",
            Self::Subscription => "subscription",
            Self::DestinationAuth => "destination_auth",
            Self::SigningKey => "signing_key",
            Self::Idempotency => "idempotency",
        }
    }
}

/// A sealed value that is to be kept.
#[derive(Clone, Debug)]
pub struct NewSealed {
    /// The tenant it belongs to.
    pub tenant_id: TenantId,
    /// What it belongs to.
    pub kind: SealedKind,
    /// The name it was sealed under.
    pub name: String,
    /// The id of the secret, or of the document it belongs to; the same for all versions.
    pub id: String,
    /// What it is for, for people.
    pub description: Option<String>,
    /// The sealed value.
    pub sealed: Vec<u8>,
}

/// A version of a sealed value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedVersion {
    /// Counts the versions, from 1.
    pub version: i64,
    /// The sealed value.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops to be valid; `None` for the newest.
    pub expires_at: Option<Timestamp>,
}

/// What can be told of a sealed value: of its newest version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedInfo {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its newest version.
    pub version: i64,
    /// What it is for, for people.
    pub description: Option<String>,
    /// When that version was made.
    pub created_at: Timestamp,
}

impl Read for SealedInfo {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            name: row.get("name")?,
            version: row.get("version")?,
            description: row.get("description")?,
            created_at: row.get("created_at")?,
        })
    }
}

impl Noun for SealedVersion {
    const TABLE: &str = "sealed_values";
    const COLUMNS: &str = "version, sealed, created_at, expires_at";
}

impl Read for SealedVersion {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            version: row.get("version")?,
            sealed: row.get("sealed")?,
            created_at: row.get("created_at")?,
            expires_at: row.get("expires_at")?,
        })
    }
}

impl Store {
    /// Keeps the first version of a sealed value; [`crate::Error::NameTaken`] if its name is taken.
    pub async fn create_sealed(&self, new: &NewSealed, by: &ChangeBy) -> Result<()> {
        let mut tx = self.db().begin().await?;
        insert(&mut tx, new, 1, by.at).await?;
        record(
            &mut tx,
            Action::Create,
            new.tenant_id,
            new.kind,
            &new.id,
            by,
        )
        .await?;
        tx.commit().await
    }

    /// Keeps a new version of a sealed value and returns its number; `None` if there is no value of
    /// that name. The versions before it stay valid until `overlap_until` at most; those that are no
    /// longer valid are removed. The id stays, and so does the description unless `new` has one.
    pub async fn rotate_sealed(
        &self,
        new: &NewSealed,
        overlap_until: Timestamp,
        by: &ChangeBy,
    ) -> Result<Option<i64>> {
        const DELETE: &str = "DELETE FROM sealed_values WHERE tenant_id = $1 AND kind = $2 AND name = $3 \
                              AND expires_at <= $4";
        let mut tx = self.db().begin().await?;
        lock(&mut tx, new).await?;
        let Some(last) = expire(&mut tx, new, overlap_until).await? else {
            return Ok(None);
        };
        let next = NewSealed {
            id: last.id,
            description: new.description.clone().or(last.description),
            ..new.clone()
        };
        insert(&mut tx, &next, last.version + 1, by.at).await?;
        sql(DELETE)
            .bind(new.tenant_id)
            .bind(new.kind)
            .bind(&new.name)
            .bind(by.at)
            .run(&mut tx)
            .await?;
        record(
            &mut tx,
            Action::Rotate,
            new.tenant_id,
            new.kind,
            &next.id,
            by,
        )
        .await?;
        tx.commit().await?;
        Ok(Some(last.version + 1))
    }

    /// The versions of a sealed value that are valid at `now`, the newest first.
    pub async fn current_sealed(
        &self,
        tenant: TenantId,
        kind: SealedKind,
        name: &str,
        now: Timestamp,
    ) -> Result<Vec<SealedVersion>> {
        let valid = select(tenant)
            .with("kind = ?", kind)
            .with("name = ?", name)
            .with("(expires_at IS NULL OR expires_at > ?)", now);
        valid.list("version DESC", self.db()).await
    }

    /// What can be told of the sealed value with this name or this id.
    pub async fn find_sealed(
        &self,
        tenant: TenantId,
        kind: SealedKind,
        name_or_id: &str,
    ) -> Result<Option<SealedInfo>> {
        const FIND: &str = "SELECT id, name, version, description, created_at FROM sealed_values \
                            WHERE tenant_id = $1 AND kind = $2 AND (name = $3 OR id = $3) \
                            ORDER BY version DESC LIMIT 1";
        let found = sql(FIND).bind(tenant).bind(kind);
        found.bind(name_or_id).find(self.db()).await
    }

    /// What can be told of the sealed values of a tenant.
    pub async fn list_sealed(
        &self,
        tenant: TenantId,
        kind: SealedKind,
        page: &PageRequest,
    ) -> Result<Page<SealedInfo>> {
        const LIST: &str = "SELECT id, name, version, description, created_at FROM sealed_values AS this \
                            WHERE tenant_id = $1 AND kind = $2 AND id < $3 AND version = (SELECT MAX(version) \
                            FROM sealed_values WHERE tenant_id = $1 AND kind = $2 AND name = this.name) \
                            ORDER BY id DESC LIMIT $4";
        let values = sql(LIST).bind(tenant).bind(kind);
        let values = values.bind(page.below()).bind(page.rows());
        let values = values.list(self.db()).await?;
        Ok(Page::cut(values, page, |value: &SealedInfo| {
            value.id.clone()
        }))
    }

    /// Deletes all versions of a sealed value; false if there is none.
    pub async fn delete_sealed(
        &self,
        tenant: TenantId,
        kind: SealedKind,
        name: &str,
        by: &ChangeBy,
    ) -> Result<bool> {
        let mut tx = self.db().begin().await?;
        let Some(id) = delete(&mut tx, tenant, kind.as_str(), name).await? else {
            return Ok(false);
        };
        record(&mut tx, Action::Delete, tenant, kind, &id, by).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// Keeps a version of a sealed value.
pub(crate) async fn insert(
    tx: &mut Tx,
    new: &NewSealed,
    version: i64,
    at: Timestamp,
) -> Result<()> {
    const INSERT: &str = "INSERT INTO sealed_values (tenant_id, kind, name, version, id, description, sealed, \
                          created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    sql(INSERT)
        .bind(new.tenant_id)
        .bind(new.kind)
        .bind(&new.name)
        .bind(version)
        .bind(&new.id)
        .bind(new.description.as_deref())
        .bind(&new.sealed)
        .bind(at)
        .run_unless_taken(tx)
        .await
}

/// Keeps others from rotating a value until the transaction ends: an update that changes nothing is
/// what locks rows on both engines. What comes after it sees the versions of those that came before.
async fn lock(tx: &mut Tx, value: &NewSealed) -> Result<()> {
    const UPDATE: &str = "UPDATE sealed_values SET version = version WHERE tenant_id = $1 AND kind = $2 \
                          AND name = $3";
    sql(UPDATE)
        .bind(value.tenant_id)
        .bind(value.kind)
        .bind(&value.name)
        .run(tx)
        .await?;
    Ok(())
}

/// Has the versions of a value that are valid longer end at `until`, and returns the newest.
async fn expire(tx: &mut Tx, new: &NewSealed, until: Timestamp) -> Result<Option<SealedInfo>> {
    const EXPIRE: &str = "UPDATE sealed_values SET expires_at = CASE WHEN expires_at < $4 THEN expires_at ELSE $4 \
                          END WHERE tenant_id = $1 AND kind = $2 AND name = $3 \
                          RETURNING id, name, version, description, created_at";
    let expired = sql(EXPIRE).bind(new.tenant_id).bind(new.kind);
    let expired: Vec<SealedInfo> = expired.bind(&new.name).bind(until).list_in(tx).await?;
    Ok(expired.into_iter().max_by_key(|info| info.version))
}

/// Deletes all versions of a value and returns its id; `None` if there is none.
pub(crate) async fn delete(
    tx: &mut Tx,
    tenant: TenantId,
    kind: &str,
    name: &str,
) -> Result<Option<String>> {
    const DELETE: &str =
        "DELETE FROM sealed_values WHERE tenant_id = $1 AND kind = $2 AND name = $3 RETURNING id";
    let deleted = sql(DELETE).bind(tenant).bind(kind).bind(name);
    let ids: Vec<String> = deleted.list_in(tx).await?;
    Ok(ids.into_iter().next())
}

async fn record(
    tx: &mut Tx,
    action: Action,
    tenant_id: TenantId,
    kind: SealedKind,
    id: &str,
    by: &ChangeBy,
) -> Result<()> {
    let change = Change {
        tenant_id,
        action,
        kind: kind.as_str(),
        id,
        before: None,
        after: None,
    };
    audit::record(tx, change, by).await
}
