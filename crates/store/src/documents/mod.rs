//! Configuration objects as versioned documents, with an audit row per change.
//!
//! A deleted document stays as a tombstone: the caches of other nodes learn of it from its change.

mod changes;
mod kind;
mod sealed_change;
pub mod versions;

use tieline_domain::{TenantId, Timestamp, destination::State};

use crate::{
    Page, PageRequest, Result, Store,
    audit::{self, Action, Change, ChangeBy},
    db::Tx,
    sealed::{self, NewSealed},
    sql::{Noun, Read, Row, Select, select, sql},
    store::check_version,
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

impl Noun for Document {
    const TABLE: &str = "documents";
    const COLUMNS: &str = "tenant_id, kind, id, name, version, body, created_at, updated_at";
}

impl Read for Document {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            tenant_id: row.get("tenant_id")?,
            kind: row.get("kind")?,
            id: row.get("id")?,
            name: row.get("name")?,
            version: row.get("version")?,
            body: row.get("body")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

/// The documents of a tenant that are of this kind and are not deleted.
fn documents<'v>(tenant: TenantId, kind: Kind) -> Select<'v> {
    select(tenant).with("kind = ?", kind).that("NOT deleted")
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
        let document = documents(tenant, kind).with("id = ?", id);
        document.find(self.db()).await
    }

    /// A document of whichever live tenant it belongs to, for receivers that are given nothing but
    /// an unguessable id.
    pub async fn find_document_anywhere(&self, kind: Kind, id: &str) -> Result<Option<Document>> {
        const ANYWHERE: &str = "SELECT tenant_id, kind, id, name, version, body, created_at, updated_at \
                                FROM documents WHERE kind = $1 AND id = $2 AND NOT deleted AND EXISTS (SELECT 1 \
                                FROM tenants WHERE tenants.id = documents.tenant_id AND deleted_at IS NULL)";
        sql(ANYWHERE).bind(kind).bind(id).find(self.db()).await
    }

    /// The documents of a tenant.
    pub async fn list_documents(
        &self,
        tenant: TenantId,
        kind: Kind,
        page: &PageRequest,
    ) -> Result<Page<Document>> {
        let id = |document: &Document| document.id.clone();
        documents(tenant, kind).page(page, id, self.db()).await
    }

    /// The document of a tenant that has this name.
    pub async fn find_named_document(
        &self,
        tenant: TenantId,
        kind: Kind,
        name: &str,
    ) -> Result<Option<Document>> {
        let document = documents(tenant, kind).with("name = ?", name);
        document.find(self.db()).await
    }

    /// All documents of a tenant, for caches.
    pub async fn all_documents(&self, tenant: TenantId, kind: Kind) -> Result<Vec<Document>> {
        documents(tenant, kind).list("id", self.db()).await
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
    const INSERT: &str = "INSERT INTO documents (tenant_id, kind, id, name, version, body, created_at, updated_at, \
                          deleted) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, FALSE)";
    sql(INSERT)
        .bind(made.tenant_id)
        .bind(made.kind)
        .bind(&made.id)
        .bind(made.name.as_deref())
        .bind(made.version)
        .bind(&made.body)
        .bind(made.created_at)
        .bind(made.updated_at)
        .run_unless_taken(tx)
        .await
}

async fn insert_destination(tx: &mut Tx, made: &Document) -> Result<()> {
    const INSERT: &str = "INSERT INTO destinations (subscription_id, tenant_id, state, reason, since, \
                          failed_probes, changed_at) VALUES ($1, $2, $3, '', $4, 0, $4)";
    sql(INSERT)
        .bind(&made.id)
        .bind(made.tenant_id)
        .bind(State::Active)
        .bind(made.created_at)
        .run_unless_taken(tx)
        .await
}

/// Reads a document and keeps others from changing it until the transaction ends.
async fn lock(tx: &mut Tx, tenant: TenantId, kind: Kind, id: &str) -> Result<Option<Document>> {
    let document = documents(tenant, kind).with("id = ?", id);
    document.lock("version", tx).await
}

async fn update(tx: &mut Tx, after: &Document, deleted: bool) -> Result<()> {
    const UPDATE: &str = "UPDATE documents SET name = $4, version = $5, body = $6, updated_at = $7, deleted = $8 \
                          WHERE tenant_id = $1 AND kind = $2 AND id = $3";
    sql(UPDATE)
        .bind(after.tenant_id)
        .bind(after.kind)
        .bind(&after.id)
        .bind(after.name.as_deref())
        .bind(after.version)
        .bind(&after.body)
        .bind(after.updated_at)
        .bind(deleted)
        .run_unless_taken(tx)
        .await
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
