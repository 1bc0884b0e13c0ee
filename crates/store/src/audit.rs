//! The audit log: who did what to which object. Bodies never hold secret values, so neither does it.

use std::hash::{BuildHasher as _, RandomState};

use tieline_domain::{AuditId, TenantId, Timestamp};

use crate::{
    Page, PageRequest, Result, Store,
    db::Tx,
    sql::{Noun, Read, Row, select, sql},
};

/// Who makes a change, and when.
#[derive(Clone, Debug)]
pub struct ChangeBy {
    /// Who: the id of an API key or an OAuth client, or `system`.
    pub actor: String,
    /// The request that asked for it.
    pub request_id: Option<String>,
    /// When: `Clock::unique_now`, so that the log keeps the order of the changes.
    pub at: Timestamp,
}

/// A row of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its id.
    pub id: AuditId,
    /// The tenant whose object was changed.
    pub tenant_id: TenantId,
    /// When.
    pub at: Timestamp,
    /// Who did it.
    pub actor: String,
    /// What was done: `create`, `update`, `rotate`, `revoke` or `delete`.
    pub action: String,
    /// What kind of object it was done to: `source`, `subscription`, `secret`, `api_key`, …
    pub object_kind: String,
    /// The object.
    pub object_id: String,
    /// The body before, as JSON text.
    pub before: Option<String>,
    /// The body afterwards, as JSON text.
    pub after: Option<String>,
    /// The request that asked for it.
    pub request_id: Option<String>,
}

/// Which rows of the log are wanted; all if nothing is named.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Only of this kind.
    pub object_kind: Option<String>,
    /// Only of this object.
    pub object_id: Option<String>,
}

/// A change as it is recorded.
pub(crate) struct Change<'a> {
    pub(crate) tenant_id: TenantId,
    pub(crate) action: Action,
    pub(crate) kind: &'a str,
    pub(crate) id: &'a str,
    pub(crate) before: Option<&'a str>,
    pub(crate) after: Option<&'a str>,
}

#[derive(Clone, Copy)]
pub(crate) enum Action {
    Create,
    Update,
    Rotate,
    Revoke,
    Delete,
}

impl Action {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Rotate => "rotate",
            Self::Revoke => "revoke",
            Self::Delete => "delete",
        }
    }
}

/// Writes a change into the log, in the transaction that makes it.
pub(crate) async fn record(tx: &mut Tx, change: Change<'_>, by: &ChangeBy) -> Result<()> {
    const INSERT: &str = "INSERT INTO audit (tenant_id, id, at, actor, action, object_kind, object_id, before, \
                          after, request_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    // The keys of a `RandomState` are random: enough to tell apart what happens in one microsecond.
    let id = AuditId::new(by.at, RandomState::new().hash_one(change.id));
    sql(INSERT)
        .bind(change.tenant_id)
        .bind(id)
        .bind(by.at)
        .bind(&by.actor)
        .bind(change.action)
        .bind(change.kind)
        .bind(change.id)
        .bind(change.before)
        .bind(change.after)
        .bind(by.request_id.as_deref())
        .run(tx)
        .await?;
    Ok(())
}

impl Noun for AuditEntry {
    const TABLE: &str = "audit";
    const COLUMNS: &str =
        "tenant_id, id, at, actor, action, object_kind, object_id, before, after, request_id";
}

impl Read for AuditEntry {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            tenant_id: row.get("tenant_id")?,
            at: row.get("at")?,
            actor: row.get("actor")?,
            action: row.get("action")?,
            object_kind: row.get("object_kind")?,
            object_id: row.get("object_id")?,
            before: row.get("before")?,
            after: row.get("after")?,
            request_id: row.get("request_id")?,
        })
    }
}

impl Store {
    /// The audit log of a tenant.
    pub async fn list_audit(
        &self,
        tenant: TenantId,
        filter: &AuditFilter,
        page: &PageRequest,
    ) -> Result<Page<AuditEntry>> {
        let entries = select(tenant)
            .with_any("object_kind = ?", filter.object_kind.as_deref())
            .with_any("object_id = ?", filter.object_id.as_deref());
        let id = |entry: &AuditEntry| entry.id;
        entries.page(page, id, self.db()).await
    }
}
