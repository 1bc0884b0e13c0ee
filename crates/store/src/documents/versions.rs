//! What documents were: every version that was saved, of the kinds that keep them.

use tieline_domain::{TenantId, Timestamp};

use super::{Document, Kind};
use crate::{
    Page, PageRequest, Result, Store,
    audit::ChangeBy,
    db::{Tx, in_tx, on_db},
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

type Row = (i64, Option<String>, String, String, i64);

fn version(row: Row) -> Version {
    let (version, name, body, actor, created_at) = row;
    Version {
        version,
        name,
        body,
        actor,
        created_at: Timestamp::from_micros(created_at),
    }
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
        let before = page.after.as_deref().and_then(|after| after.parse().ok());
        let rows = on_db!(self.db(), |c| sqlx::query_as::<_, Row>(
            "SELECT version, name, body, actor, created_at FROM document_versions
             WHERE tenant_id = $1 AND kind = $2 AND id = $3 AND version < $4
             ORDER BY version DESC LIMIT $5"
        )
        .bind(tenant.to_string())
        .bind(kind.as_str())
        .bind(id)
        .bind(before.unwrap_or(i64::MAX))
        .bind(page.rows())
        .fetch_all(c)
        .await)?;
        let versions = rows.into_iter().map(version).collect();
        Ok(Page::cut(versions, page, |version| version.version))
    }

    /// A document as it was in this version; `None` if there is no such version (any more).
    pub async fn find_version(
        &self,
        tenant: TenantId,
        kind: Kind,
        id: &str,
        number: i64,
    ) -> Result<Option<Version>> {
        let row = on_db!(self.db(), |c| sqlx::query_as::<_, Row>(
            "SELECT version, name, body, actor, created_at FROM document_versions
             WHERE tenant_id = $1 AND kind = $2 AND id = $3 AND version = $4"
        )
        .bind(tenant.to_string())
        .bind(kind.as_str())
        .bind(id)
        .bind(number)
        .fetch_optional(c)
        .await)?;
        Ok(row.map(version))
    }
}

/// Keeps a document as it is now, where its kind keeps versions, and lets go of the oldest.
pub(super) async fn keep(tx: &mut Tx, document: &Document, by: &ChangeBy) -> Result<()> {
    if !document.kind.keeps_versions() {
        return Ok(());
    }
    in_tx!(tx, |c| {
        sqlx::query(
        "INSERT INTO document_versions (tenant_id, kind, id, version, name, body, actor, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
    )
    .bind(document.tenant_id.to_string())
    .bind(document.kind.as_str())
    .bind(&document.id)
    .bind(document.version)
    .bind(document.name.as_deref())
    .bind(&document.body)
    .bind(&by.actor)
    .bind(document.updated_at.as_micros())
    .execute(c)
    .await
    .map(drop)
    })?;
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
    in_tx!(tx, |c| {
        sqlx::query(
        "DELETE FROM document_versions WHERE tenant_id = $1 AND kind = $2 AND id = $3 AND version <= $4"
    )
    .bind(document.tenant_id.to_string())
    .bind(document.kind.as_str())
    .bind(&document.id)
    .bind(last)
    .execute(c)
    .await
    .map(drop)
    })?;
    Ok(())
}
