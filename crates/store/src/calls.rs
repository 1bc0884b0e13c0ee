//! One row per call of an operation.

use std::time::Duration;

use sqlx::{AssertSqlSafe, query::QueryAs};
use tieline_domain::{
    CallId, TenantId,
    operation::{CallDetail, CallRecord},
};

use crate::{
    Error, Page, PageRequest, Result, Store,
    db::{Tx, in_tx, on_db},
    store::parsed,
};

const COLUMNS: &str = "tenant_id, id, operation_id, operation, via, agent_id, conversation_id, error_kind, \
                       status_code, took_us, detail";

type Row = (
    String,
    String,
    String,
    String,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<i64>,
    i64,
    String,
);

fn record(row: Row) -> Result<CallRecord> {
    let (
        tenant_id,
        id,
        operation_id,
        operation,
        via,
        agent_id,
        conversation_id,
        error_kind,
        status_code,
        took_us,
        detail,
    ) = row;
    let detail: CallDetail = serde_json::from_str(&detail).map_err(Error::content)?;
    Ok(CallRecord {
        tenant_id: parsed(&tenant_id)?,
        id: parsed(&id)?,
        operation_id,
        operation,
        via,
        agent_id,
        conversation_id,
        error_kind,
        status_code: status_code.and_then(|status| u16::try_from(status).ok()),
        took: Duration::from_micros(took_us.max(0).unsigned_abs()),
        detail,
    })
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

impl CallFilter {
    /// The conditions beside the tenant, with the values of their places from `$2` on.
    fn conditions(&self, page: &PageRequest) -> (String, Vec<String>) {
        let same = [
            ("operation_id = ", self.operation_id.clone()),
            ("agent_id = ", self.agent_id.clone()),
            ("conversation_id = ", self.conversation_id.clone()),
            ("via = ", self.via.clone()),
            ("error_kind = ", self.error_kind.clone()),
            ("id >= ", self.from.map(|id| id.to_string())),
            ("id < ", self.to.map(|id| id.to_string())),
            ("id < ", page.after.clone()),
        ];
        let mut text = String::new();
        let mut values = Vec::new();
        for (condition, value) in same {
            if let Some(value) = value {
                values.push(value);
                let place = (values.len() + 1).to_string();
                text.extend([" AND ", condition, "$", &place]);
            }
        }
        match self.failed {
            Some(true) => text.push_str(" AND error_kind IS NOT NULL"),
            Some(false) => text.push_str(" AND error_kind IS NULL"),
            None => {}
        }
        (text, values)
    }
}

impl Store {
    /// Keeps calls, in one commit. One that is kept already stays as it is.
    pub async fn add_calls(&self, calls: &[CallRecord]) -> Result<()> {
        let mut tx = self.db().begin().await?;
        for call in calls {
            insert(&mut tx, call).await?;
        }
        tx.commit().await
    }

    /// A call of a tenant.
    pub async fn find_call(&self, tenant: TenantId, id: CallId) -> Result<Option<CallRecord>> {
        let text = format!("SELECT {COLUMNS} FROM calls WHERE tenant_id = $1 AND id = $2");
        let row: Option<Row> = on_db!(self.db(), |c| sqlx::query_as(AssertSqlSafe(text))
            .bind(tenant.to_string())
            .bind(id.to_string())
            .fetch_optional(c)
            .await?);
        row.map(record).transpose()
    }

    /// The calls of a tenant.
    pub async fn list_calls(
        &self,
        tenant: TenantId,
        filter: &CallFilter,
        page: &PageRequest,
    ) -> Result<Page<CallRecord>> {
        let (conditions, values) = filter.conditions(page);
        let text = format!(
            "SELECT {COLUMNS} FROM calls WHERE tenant_id = $1{conditions} ORDER BY id DESC LIMIT {}",
            page.rows()
        );
        let rows: Vec<Row> = on_db!(self.db(), |c| {
            let query = sqlx::query_as(AssertSqlSafe(text)).bind(tenant.to_string());
            values
                .iter()
                .fold(query, QueryAs::bind)
                .fetch_all(c)
                .await?
        });
        let calls = rows.into_iter().map(record).collect::<Result<Vec<_>>>()?;
        Ok(Page::cut(calls, page, |call| call.id))
    }
}

async fn insert(tx: &mut Tx, call: &CallRecord) -> Result<()> {
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
    in_tx!(tx, |c| {
        sqlx::query(
        "INSERT INTO calls (tenant_id, id, operation_id, operation, via, agent_id, conversation_id, error_kind,
                            status_code, took_us, detail)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING"
    )
    .bind(tenant_id.to_string())
    .bind(id.to_string())
    .bind(operation_id)
    .bind(operation)
    .bind(via)
    .bind(agent_id.as_deref())
    .bind(conversation_id.as_deref())
    .bind(error_kind.as_deref())
    .bind(status_code.map(i64::from))
    .bind(i64::try_from(took.as_micros()).unwrap_or(i64::MAX))
    .bind(&detail)
    .execute(c)
    .await
    .map(drop)
    })?;
    Ok(())
}
