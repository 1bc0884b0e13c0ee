//! The last requests that each source refused, so that nothing is dropped silently.

use std::collections::BTreeSet;

use tieline_domain::{RequestId, SourceId, TenantId, Timestamp};

use crate::{
    Page, PageRequest, Result, Store,
    db::{Tx, in_tx, on_db},
    store::parsed,
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

type Row = (String, String, String, i64, String, String, String);

fn rejected(row: Row) -> Result<Rejected> {
    let (id, source_id, tenant_id, at, reason, detail, request) = row;
    Ok(Rejected {
        id: parsed(&id)?,
        source_id: parsed(&source_id)?,
        tenant_id: parsed(&tenant_id)?,
        at: Timestamp::from_micros(at),
        reason,
        detail,
        request,
    })
}

impl Store {
    /// Keeps refused requests in one commit, and of each source only the `cap` newest.
    pub async fn add_rejected(&self, rows: &[Rejected], cap: usize) -> Result<()> {
        let mut tx = self.db().begin().await?;
        for row in rows {
            insert(&mut tx, row).await?;
        }
        let sources: BTreeSet<_> = rows.iter().map(|row| row.source_id).collect();
        for source in sources {
            in_tx!(tx, |c| {
                sqlx::query(
                "DELETE FROM rejected WHERE source_id = $1 AND id <=
                   (SELECT id FROM rejected WHERE source_id = $1 ORDER BY id DESC LIMIT 1 OFFSET $2)"
            )
            .bind(source.to_string())
            .bind(cap as i64)
            .execute(c)
            .await
            .map(drop)
            })?;
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
        let rows = on_db!(self.db(), |c| sqlx::query_as::<_, Row>(
            "SELECT id, source_id, tenant_id, at, reason, detail, request FROM rejected
             WHERE source_id = $1 AND tenant_id = $2 AND id < $3 ORDER BY id DESC LIMIT $4"
        )
        .bind(source.to_string())
        .bind(tenant.to_string())
        .bind(page.below())
        .bind(page.rows())
        .fetch_all(c)
        .await)?;
        let refused = rows.into_iter().map(rejected).collect::<Result<_>>()?;
        Ok(Page::cut(refused, page, |row| row.id))
    }
}

async fn insert(tx: &mut Tx, row: &Rejected) -> Result<()> {
    in_tx!(tx, |c| sqlx::query(
        "INSERT INTO rejected (source_id, id, tenant_id, at, reason, detail, request)
         VALUES ($1, $2, $3, $4, $5, $6, $7)"
    )
    .bind(row.source_id.to_string())
    .bind(row.id.to_string())
    .bind(row.tenant_id.to_string())
    .bind(row.at.as_micros())
    .bind(&row.reason)
    .bind(&row.detail)
    .bind(&row.request)
    .execute(c)
    .await
    .map(drop))?;
    Ok(())
}
