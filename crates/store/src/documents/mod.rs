//! Configuration objects as versioned documents, with an audit row per change.
//!
//! A deleted document stays as a tombstone: the caches of other nodes learn of it from its change.

mod changes;
mod kind;
mod named;
mod sealed_change;
pub mod versions;

use tieline_domain::{TenantId, Timestamp, destination::State};

use crate::{
    Page, PageRequest, Result, Store,
    audit::{self, Action, Change, ChangeBy},
    db::{Tx, in_tx, on_db},
    sealed::{self, NewSealed},
    store::{check_version, name_taken, parsed},
};

pub use changes::ChangedDocument;
pub use kind::Kind;
pub use sealed_change::SealedChange;
pub use versions::Version;

/// A document as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The tenant it belongs to.
    pub tenant_id: TenantId,
    /// What it configures.
    pub kind: Kind,
    /// Its id, unguessable and unique among all tenants.
    pub id: String,
    /// Its name, where names of this kind are unique within a tenant.
    pub name: Option<String>,
    /// Counts the changes, from 1; the `ETag`.
    pub version: i64,
    /// Its content as JSON text, without secrets.
    pub body: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// What a document is made from.
#[derive(Clone, Debug)]
pub struct NewDocument {
    /// The tenant it belongs to.
    pub tenant_id: TenantId,
    /// What it configures.
    pub kind: Kind,
    /// Its id.
    pub id: String,
    /// Its name, if names of this kind are unique within a tenant.
    pub name: Option<String>,
    /// Its content as JSON text, without secrets.
    pub body: String,
    /// Its secrets, sealed: of the kind that goes with the document's, under the document's id.
    pub sealed: Vec<NewSealed>,
    /// Whether it is a destination: its health begins as `active`.
    pub destination: bool,
}

/// What a document becomes.
#[derive(Clone, Debug)]
pub struct Replacement {
    /// Its name, as in [`NewDocument`].
    pub name: Option<String>,
    /// Its content as JSON text, without secrets.
    pub body: String,
    /// The version that the writer has seen; any if absent.
    pub expected: Option<i64>,
}

type Row = (
    String,
    String,
    String,
    Option<String>,
    i64,
    String,
    i64,
    i64,
);

fn document(row: Row) -> Result<Document> {
    let (tenant_id, kind, id, name, version, body, created_at, updated_at) = row;
    Ok(Document {
        tenant_id: parsed(&tenant_id)?,
        kind: parsed(&kind)?,
        id,
        name,
        version,
        body,
        created_at: Timestamp::from_micros(created_at),
        updated_at: Timestamp::from_micros(updated_at),
    })
}

impl Store {
    /// Makes a document with its secrets; [`crate::Error::NameTaken`] if its name or its id is taken.
    pub async fn create_document(&self, new: NewDocument, by: &ChangeBy) -> Result<Document> {
        let mut tx = self.db().begin().await?;
        let made = Document {
            tenant_id: new.tenant_id,
            kind: new.kind,
            id: new.id,
            name: new.name,
            version: 1,
            body: new.body,
            created_at: by.at,
            updated_at: by.at,
        };
        insert(&mut tx, &made).await?;
        for value in &new.sealed {
            sealed::insert(&mut tx, value, 1, by.at).await?;
        }
        if new.destination {
            insert_destination(&mut tx, &made).await?;
        }
        versions::keep(&mut tx, &made, by).await?;
        record(&mut tx, Action::Create, &made, None, Some(&made.body), by).await?;
        tx.commit().await?;
        Ok(made)
    }

    /// A document of a tenant.
    pub async fn find_document(
        &self,
        tenant: TenantId,
        kind: Kind,
        id: &str,
    ) -> Result<Option<Document>> {
        let row = on_db!(self.db(), |c| sqlx::query_as::<_, Row>(
            "SELECT tenant_id, kind, id, name, version, body, created_at, updated_at
             FROM documents WHERE tenant_id = $1 AND kind = $2 AND id = $3 AND NOT deleted"
        )
        .bind(tenant.to_string())
        .bind(kind.as_str())
        .bind(id)
        .fetch_optional(c)
        .await)?;
        row.map(document).transpose()
    }

    /// A document of whichever live tenant it belongs to, for receivers that are given nothing but
    /// an unguessable id.
    pub async fn find_document_anywhere(&self, kind: Kind, id: &str) -> Result<Option<Document>> {
        let row = on_db!(self.db(), |c| sqlx::query_as::<_, Row>(
            "SELECT tenant_id, kind, id, name, version, body, created_at, updated_at
             FROM documents WHERE kind = $1 AND id = $2 AND NOT deleted
               AND EXISTS (SELECT 1 FROM tenants
                           WHERE tenants.id = documents.tenant_id AND deleted_at IS NULL)"
        )
        .bind(kind.as_str())
        .bind(id)
        .fetch_optional(c)
        .await)?;
        row.map(document).transpose()
    }

    /// The documents of a tenant.
    pub async fn list_documents(
        &self,
        tenant: TenantId,
        kind: Kind,
        page: &PageRequest,
    ) -> Result<Page<Document>> {
        let rows = on_db!(self.db(), |c| sqlx::query_as::<_, Row>(
            "SELECT tenant_id, kind, id, name, version, body, created_at, updated_at
             FROM documents WHERE tenant_id = $1 AND kind = $2 AND id < $3 AND NOT deleted
             ORDER BY id DESC LIMIT $4"
        )
        .bind(tenant.to_string())
        .bind(kind.as_str())
        .bind(page.below())
        .bind(page.rows())
        .fetch_all(c)
        .await)?;
        let documents = rows.into_iter().map(document).collect::<Result<_>>()?;
        Ok(Page::cut(documents, page, |document| document.id.clone()))
    }

    /// All documents of a tenant, for caches.
    pub async fn all_documents(&self, tenant: TenantId, kind: Kind) -> Result<Vec<Document>> {
        let rows = on_db!(self.db(), |c| sqlx::query_as::<_, Row>(
            "SELECT tenant_id, kind, id, name, version, body, created_at, updated_at
             FROM documents WHERE tenant_id = $1 AND kind = $2 AND NOT deleted ORDER BY id"
        )
        .bind(tenant.to_string())
        .bind(kind.as_str())
        .fetch_all(c)
        .await)?;
        rows.into_iter().map(document).collect()
    }

    /// Replaces the content of a document; `None` if there is none. [`crate::Error::Conflict`] if it has
    /// another version than the expected one, [`crate::Error::NameTaken`] if its new name is taken.
    pub async fn replace_document(
        &self,
        tenant: TenantId,
        kind: Kind,
        id: &str,
        new: Replacement,
        by: &ChangeBy,
    ) -> Result<Option<Document>> {
        self.replace_document_and_sealed(tenant, kind, id, new, &SealedChange::Keep, by)
            .await
    }

    /// The same, with what becomes of one of its sealed values.
    pub async fn replace_document_and_sealed(
        &self,
        tenant: TenantId,
        kind: Kind,
        id: &str,
        new: Replacement,
        change: &SealedChange,
        by: &ChangeBy,
    ) -> Result<Option<Document>> {
        let mut tx = self.db().begin().await?;
        let Some(before) = lock(&mut tx, tenant, kind, id).await? else {
            return Ok(None);
        };
        check_version(new.expected, before.version)?;
        let after = Document {
            name: new.name,
            version: before.version + 1,
            body: new.body,
            updated_at: by.at,
            ..before.clone()
        };
        update(&mut tx, &after, false).await?;
        change.apply(&mut tx, tenant, id, by.at).await?;
        versions::keep(&mut tx, &after, by).await?;
        record(
            &mut tx,
            Action::Update,
            &after,
            Some(&before.body),
            Some(&after.body),
            by,
        )
        .await?;
        tx.commit().await?;
        Ok(Some(after))
    }

    /// Deletes a document and its secrets; false if there is none. [`crate::Error::Conflict`] if it has
    /// another version than the expected one.
    pub async fn delete_document(
        &self,
        tenant: TenantId,
        kind: Kind,
        id: &str,
        expected: Option<i64>,
        by: &ChangeBy,
    ) -> Result<bool> {
        let mut tx = self.db().begin().await?;
        let Some(before) = lock(&mut tx, tenant, kind, id).await? else {
            return Ok(false);
        };
        check_version(expected, before.version)?;
        let tombstone = Document {
            version: before.version + 1,
            updated_at: by.at,
            ..before
        };
        update(&mut tx, &tombstone, true).await?;
        versions::forget(&mut tx, &tombstone).await?;
        for sealed in kind.sealed() {
            sealed::delete(&mut tx, tenant, sealed.as_str(), id).await?;
        }
        record(
            &mut tx,
            Action::Delete,
            &tombstone,
            Some(&tombstone.body),
            None,
            by,
        )
        .await?;
        tx.commit().await?;
        Ok(true)
    }
}

async fn insert(tx: &mut Tx, made: &Document) -> Result<()> {
    in_tx!(tx, |c| sqlx::query(
        "INSERT INTO documents (tenant_id, kind, id, name, version, body, created_at, updated_at, deleted)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, FALSE)"
    )
    .bind(made.tenant_id.to_string())
    .bind(made.kind.as_str())
    .bind(&made.id)
    .bind(made.name.as_deref())
    .bind(made.version)
    .bind(&made.body)
    .bind(made.created_at.as_micros())
    .bind(made.updated_at.as_micros())
    .execute(c)
    .await
    .map(drop))
    .map_err(name_taken)
}

async fn insert_destination(tx: &mut Tx, made: &Document) -> Result<()> {
    in_tx!(tx, |c| sqlx::query(
        "INSERT INTO destinations
           (subscription_id, tenant_id, state, reason, since, failed_probes, changed_at)
         VALUES ($1, $2, $3, '', $4, 0, $4)"
    )
    .bind(&made.id)
    .bind(made.tenant_id.to_string())
    .bind(State::Active.as_str())
    .bind(made.created_at.as_micros())
    .execute(c)
    .await
    .map(drop))
    .map_err(name_taken)
}

/// Reads a document and keeps others from changing it until the transaction ends: an update that
/// changes nothing is what locks a row on both engines.
async fn lock(tx: &mut Tx, tenant: TenantId, kind: Kind, id: &str) -> Result<Option<Document>> {
    let row = in_tx!(tx, |c| sqlx::query_as::<_, Row>(
        "UPDATE documents SET version = version
         WHERE tenant_id = $1 AND kind = $2 AND id = $3 AND NOT deleted
         RETURNING tenant_id, kind, id, name, version, body, created_at, updated_at"
    )
    .bind(tenant.to_string())
    .bind(kind.as_str())
    .bind(id)
    .fetch_optional(c)
    .await)?;
    row.map(document).transpose()
}

async fn update(tx: &mut Tx, after: &Document, deleted: bool) -> Result<()> {
    in_tx!(tx, |c| sqlx::query(
        "UPDATE documents SET name = $4, version = $5, body = $6, updated_at = $7, deleted = $8
         WHERE tenant_id = $1 AND kind = $2 AND id = $3"
    )
    .bind(after.tenant_id.to_string())
    .bind(after.kind.as_str())
    .bind(&after.id)
    .bind(after.name.as_deref())
    .bind(after.version)
    .bind(&after.body)
    .bind(after.updated_at.as_micros())
    .bind(deleted)
    .execute(c)
    .await
    .map(drop))
    .map_err(name_taken)
}

async fn record(
    tx: &mut Tx,
    action: Action,
    document: &Document,
    before: Option<&str>,
    after: Option<&str>,
    by: &ChangeBy,
) -> Result<()> {
    let change = Change {
        tenant_id: document.tenant_id,
        action,
        kind: document.kind.as_str(),
        id: &document.id,
        before,
        after,
    };
    audit::record(tx, change, by).await
}
