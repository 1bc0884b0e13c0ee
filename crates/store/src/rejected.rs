//! The last requests that each source refused, so that nothing is dropped silently.

use std::collections::BTreeSet;

use tieline_domain::{RequestId, SourceId, TenantId, Timestamp};

use crate::{
    Page, PageRequest, Result, Store,
    db::Tx,
    sql::{Noun, Read, Row, select, sql},
};

/// A request that a source refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Its id.
    pub id: RequestId,
    /// The source that refused it.
    pub source_id: SourceId,
    /// The tenant of the source.
    pub tenant_id: TenantId,
    /// When.
    pub at: Timestamp,
    /// Why, in a word such as `signature`.
    pub reason: String,
    /// Why, in a sentence.
    pub detail: String,
    /// What is shown of the request, as JSON text, without secrets.
    pub request: String,
}

impl Noun for Rejected {
    const TABLE: &str = "rejected";
    const COLUMNS: &str = "id, source_id, tenant_id, at, reason, detail, request";
}

impl Read for Rejected {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            source_id: row.get("source_id")?,
            tenant_id: row.get("tenant_id")?,
            at: row.get("at")?,
            reason: row.get("reason")?,
            detail: row.get("detail")?,
            request: row.get("request")?,
        })
    }
}

impl Store {
    /// Keeps refused requests in one commit, and of each source only the `cap` newest.
    pub async fn add_rejected(&self, rows: &[Rejected], cap: usize) -> Result<()> {
        const DELETE: &str = "DELETE FROM rejected WHERE source_id = $1 AND id <= (SELECT id FROM rejected \
                              WHERE source_id = $1 ORDER BY id DESC LIMIT 1 OFFSET $2)";
        let mut tx = self.db().begin().await?;
        for row in rows {
            insert(&mut tx, row).await?;
        }
        let sources: BTreeSet<_> = rows.iter().map(|row| row.source_id).collect();
        for source in sources {
            sql(DELETE).bind(source).bind(cap).run(&mut tx).await?;
        }
        tx.commit().await
    }

    /// The requests that a source of a tenant refused.
    pub async fn list_rejected(
        &self,
        tenant: TenantId,
        source: SourceId,
        page: &PageRequest,
    ) -> Result<Page<Rejected>> {
        let refused = select(tenant).with("source_id = ?", source);
        refused.page(page, |row: &Rejected| row.id, self.db()).await
    }
}

async fn insert(tx: &mut Tx, row: &Rejected) -> Result<()> {
    const INSERT: &str = "INSERT INTO rejected (source_id, id, tenant_id, at, reason, detail, request) \
                          VALUES ($1, $2, $3, $4, $5, $6, $7)";
    sql(INSERT)
        .bind(row.source_id)
        .bind(row.id)
        .bind(row.tenant_id)
        .bind(row.at)
        .bind(&row.reason)
        .bind(&row.detail)
        .bind(&row.request)
        .run(tx)
        .await?;
    Ok(())
}
