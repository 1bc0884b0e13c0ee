//! One row per call of an operation.

use tieline_domain::{CallId, TenantId, operation::CallRecord};

use crate::{
    Error, Page, PageRequest, Result, Store,
    db::Tx,
    sql::{Noun, Read, Row, select, sql},
};

impl Noun for CallRecord {
    const TABLE: &str = "calls";
    const COLUMNS: &str = "tenant_id, id, operation_id, operation, via, agent_id, conversation_id, error_kind, \
                           status_code, took_us, detail";
}

impl Read for CallRecord {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            tenant_id: row.get("tenant_id")?,
            id: row.get("id")?,
            operation_id: row.get("operation_id")?,
            operation: row.get("operation")?,
            via: row.get("via")?,
            agent_id: row.get("agent_id")?,
            conversation_id: row.get("conversation_id")?,
            error_kind: row.get("error_kind")?,
            status_code: row.get("status_code")?,
            took: row.get("took_us")?,
            detail: row.json("detail")?,
        })
    }
}

/// Which calls a list shows; every field narrows it.
#[derive(Clone, Debug, Default)]
pub struct CallFilter {
    /// Of this operation.
    pub operation_id: Option<String>,
    /// By this agent.
    pub agent_id: Option<String>,
    /// In this conversation.
    pub conversation_id: Option<String>,
    /// That came in this way.
    pub via: Option<String>,
    /// With a failure of this kind.
    pub error_kind: Option<String>,
    /// True: only those that failed; false: only those that did not.
    pub failed: Option<bool>,
    /// Made at or after the instant of this id.
    pub from: Option<CallId>,
    /// Made before the instant of this id.
    pub to: Option<CallId>,
}

impl Store {
    /// Keeps calls, in one commit. One that is kept already stays as it is.
    pub async fn add_calls(&self, calls: &[CallRecord]) -> Result<()> {
        let keep = async |tx: &mut Tx| {
            for call in calls {
                insert(tx, call).await?;
            }
            Ok(())
        };
        self.db().shared(keep).await
    }

    /// A call of a tenant.
    pub async fn find_call(&self, tenant: TenantId, id: CallId) -> Result<Option<CallRecord>> {
        let call = select(tenant).with("id = ?", id);
        call.find(self.db()).await
    }

    /// The calls of a tenant.
    pub async fn list_calls(
        &self,
        tenant: TenantId,
        filter: &CallFilter,
        page: &PageRequest,
    ) -> Result<Page<CallRecord>> {
        let CallFilter {
            operation_id,
            agent_id,
            conversation_id,
            via,
            error_kind,
            failed,
            from,
            to,
        } = filter;
        let calls = select(tenant)
            .with_any("operation_id = ?", operation_id.as_deref())
            .with_any("agent_id = ?", agent_id.as_deref())
            .with_any("conversation_id = ?", conversation_id.as_deref())
            .with_any("via = ?", via.as_deref())
            .with_any("error_kind = ?", error_kind.as_deref())
            .with_any("id >= ?", *from)
            .with_any("id < ?", *to);
        let calls = match failed {
            Some(true) => calls.that("error_kind IS NOT NULL"),
            Some(false) => calls.that("error_kind IS NULL"),
            None => calls,
        };
        calls
            .page(page, |call: &CallRecord| call.id, self.db())
            .await
    }
}

async fn insert(tx: &mut Tx, call: &CallRecord) -> Result<()> {
    const INSERT: &str = "INSERT INTO calls (tenant_id, id, operation_id, operation, via, agent_id, \
                          conversation_id, error_kind, status_code, took_us, detail) \
                          VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING";
    let CallRecord {
        tenant_id,
        id,
        operation_id,
        operation,
        via,
        agent_id,
        conversation_id,
        error_kind,
        status_code,
        took,
        detail,
    } = call;
    let detail = serde_json::to_string(detail).map_err(Error::content)?;
    sql(INSERT)
        .bind(*tenant_id)
        .bind(*id)
        .bind(operation_id)
        .bind(operation)
        .bind(via)
        .bind(agent_id.as_deref())
        .bind(conversation_id.as_deref())
        .bind(error_kind.as_deref())
        .bind(*status_code)
        .bind(*took)
        .bind(&detail)
        .run(tx)
        .await?;
    Ok(())
}
