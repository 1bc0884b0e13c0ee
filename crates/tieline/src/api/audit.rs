//! Who did what to which object: `/v1/audit-log`.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tieline_domain::{
    AuditId, Timestamp,
    access::{Area::Audit, Right},
};
use tieline_store::audit::{AuditEntry, AuditFilter};
use utoipa::ToSchema;

use super::{
    answer::ListView,
    caller::Caller,
    page::{Filters, Page},
    problem::Problem,
};
use crate::app::App;

/// Which rows are wanted.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Only changes of this kind of object, such as `secret` or `api_key`.
    object_kind: Option<String>,
    /// Only changes of this object.
    object_id: Option<String>,
}

/// One change.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": "aud_01kb3f9z5qf8m9w2v7x4t6n0hd", "at": "2026-11-22T10:00:00.000Z", "actor": "key_01kb3f9z5qf8m9w2v7x4t6n0ha", "action": "update", "object_kind": "tenant", "object_id": "tn_01kb3f9z5qf8m9w2v7x4t6n0hc", "before": {"name": "Acme Ltd"}, "after": {"name": "Acme Group"}, "request_id": "req_01kb3f9z5qf8m9w2v7x4t6n0he"}))]
pub struct AuditView {
    /// Its id.
    #[schema(value_type = String)]
    id: AuditId,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Who: the id of an API key or an OAuth client, or `system`.
    actor: String,
    /// What was done: `create`, `update`, `rotate`, `revoke` or `delete`.
    action: String,
    /// What kind of object was changed.
    object_kind: String,
    /// The object.
    object_id: String,
    /// The object before, without secret values.
    #[schema(value_type = Option<Object>)]
    before: Option<Box<RawValue>>,
    /// The object afterwards, without secret values.
    #[schema(value_type = Option<Object>)]
    after: Option<Box<RawValue>>,
    /// The request that asked for it.
    request_id: Option<String>,
}

impl From<AuditEntry> for AuditView {
    fn from(entry: AuditEntry) -> Self {
        let AuditEntry {
            id,
            tenant_id: _,
            at,
            actor,
            action,
            object_kind,
            object_id,
            before,
            after,
            request_id,
        } = entry;
        let raw = |text: Option<String>| text.and_then(|text| RawValue::from_string(text).ok());
        let (before, after) = (raw(before), raw(after));
        Self {
            id,
            at,
            actor,
            action,
            object_kind,
            object_id,
            before,
            after,
            request_id,
        }
    }
}

/// List the changes
///
/// Who did what to which object, newest first. Secret values never stand here.
#[utoipa::path(get, path = "/audit-log", operation_id = "list_audit_log", tag = "Audit log", params(Page, Wanted),
    extensions(("x-required-scope" = json!("audit:read"))))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    page: Page,
    Filters(filter): Filters<Wanted>,
) -> Result<ListView<AuditView>, Problem> {
    caller.require(Audit, Right::Read)?;
    let Wanted {
        object_kind,
        object_id,
    } = filter;
    let filter = AuditFilter {
        object_kind,
        object_id,
    };
    Ok(app
        .store
        .list_audit(caller.tenant_id, &filter, &page.request())
        .await?
        .into())
}
