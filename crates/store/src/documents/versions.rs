//! What documents were: every version that was saved, of the kinds that keep them.

use tieline_domain::{TenantId, Timestamp};

use super::{Document, Kind};
use crate::{
    Page, PageRequest, Result, Store,
    audit::ChangeBy,
    db::Tx,
    sql::{Noun, Read, Row, Select, select, sql},
};

/// How many versions of one document are kept; the oldest go first.
pub const KEPT: i64 = 100;

/// A document as it once was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Which one, counted from 1.
    pub version: i64,
    /// The name that the document had.
    pub name: Option<String>,
    /// Its content as JSON text, without secrets.
    pub body: String,
    /// Who saved it.
    pub actor: String,
    /// When.
    pub created_at: Timestamp,
}

impl Noun for Version {
    const TABLE: &str = "document_versions";
    const COLUMNS: &str = "version, name, body, actor, created_at";
}

impl Read for Version {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            version: row.get("version")?,
            name: row.get("name")?,
            body: row.get("body")?,
            actor: row.get("actor")?,
            created_at: row.get("created_at")?,
        })
    }
}

/// The versions of a document.
fn versions(tenant: TenantId, kind: Kind, id: &str) -> Select<'_> {
    select(tenant).with("kind = ?", kind).with("id = ?", id)
}

impl Store {
    /// The versions of a document that are kept, the newest first. The page goes on after the number of a version.
    pub async fn list_versions(
        &self,
        tenant: TenantId,
        kind: Kind,
        id: &str,
        page: &PageRequest,
    ) -> Result<Page<Version>> {
        let before: Option<i64> = page.after.as_deref().and_then(|after| after.parse().ok());
        let wanted = versions(tenant, kind, id).with_any("version < ?", before);
        let rows = wanted.first(page.rows(), "version DESC", self.db()).await?;
        Ok(Page::cut(rows, page, |version: &Version| version.version))
    }

    /// A document as it was in this version; `None` if there is no such version (any more).
    pub async fn find_version(
        &self,
        tenant: TenantId,
        kind: Kind,
        id: &str,
        number: i64,
    ) -> Result<Option<Version>> {
        let version = versions(tenant, kind, id).with("version = ?", number);
        version.find(self.db()).await
    }
}

/// Keeps a document as it is now, where its kind keeps versions, and lets go of the oldest.
pub(super) async fn keep(tx: &mut Tx, document: &Document, by: &ChangeBy) -> Result<()> {
    const INSERT: &str = "INSERT INTO document_versions (tenant_id, kind, id, version, name, body, actor, \
                          created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    if !document.kind.keeps_versions() {
        return Ok(());
    }
    sql(INSERT)
        .bind(document.tenant_id)
        .bind(document.kind)
        .bind(&document.id)
        .bind(document.version)
        .bind(document.name.as_deref())
        .bind(&document.body)
        .bind(&by.actor)
        .bind(document.updated_at)
        .run(tx)
        .await?;
    remove_up_to(tx, document, document.version - KEPT).await
}

/// Forgets what a document was, because it is deleted.
pub(super) async fn forget(tx: &mut Tx, document: &Document) -> Result<()> {
    if !document.kind.keeps_versions() {
        return Ok(());
    }
    remove_up_to(tx, document, i64::MAX).await
}

async fn remove_up_to(tx: &mut Tx, document: &Document, last: i64) -> Result<()> {
    const DELETE: &str = "DELETE FROM document_versions WHERE tenant_id = $1 AND kind = $2 AND id = $3 \
                          AND version <= $4";
    sql(DELETE)
        .bind(document.tenant_id)
        .bind(document.kind)
        .bind(&document.id)
        .bind(last)
        .run(tx)
        .await?;
    Ok(())
}
