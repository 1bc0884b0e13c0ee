//! Tenants of the installation: `/v1/tenants`, with the scope `platform`.

use axum::extract::State;
use rand::random;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};
use tieline_domain::{
    ApiKeyId, TenantId, Timestamp,
    access::{ApiKey, Area::Platform, Right, Scopes},
    retention::Retention,
    tenant::Tenant,
};
use utoipa::ToSchema;

use super::{
    answer::{Created, ListView, NoContent, Shown},
    caller::Caller,
    credential::{self, SecretText},
    document,
    etag::{IfMatch, IfMatchHeader},
    json::{self, Json},
    label,
    page::{Id, Page},
    problem::{Code, Problem},
};
use crate::{app::App, vault::hash_token};

/// What a tenant is made from.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Acme Ltd"}))]
pub struct NewTenant {
    /// Its name, for people: 1 to 200 characters.
    name: String,
}

/// What is to change (JSON Merge Patch, RFC 7396).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Acme Group", "retention": {"events_days": 7}}))]
pub struct TenantPatch {
    /// Its new name.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    name: Option<String>,
    /// How long its data is kept, in days; `null` removes what is said of a kind, or of all.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<RetentionView>)]
    retention: Option<Value>,
}

/// How long a tenant's data is kept, in days from 1 to 36500, where that differs from the settings.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(example = json!({"events_days": 7, "attempts_days": 3}))]
#[expect(clippy::struct_field_names, reason = "a number says its unit")]
pub struct RetentionView {
    /// Events, with their deliveries and attempts.
    events_days: Option<u32>,
    /// Attempts: what was sent, and what came back.
    attempts_days: Option<u32>,
    /// Refused requests.
    rejected_days: Option<u32>,
    /// The audit log.
    audit_days: Option<u32>,
    /// Jobs.
    jobs_days: Option<u32>,
    /// The log of calls of tools and actions.
    calls_days: Option<u32>,
    /// Conversations in which nothing happens.
    conversations_days: Option<u32>,
}

impl From<Retention> for RetentionView {
    fn from(retention: Retention) -> Self {
        let Retention {
            events_days,
            attempts_days,
            rejected_days,
            audit_days,
            jobs_days,
            calls_days,
            conversations_days,
        } = retention;
        Self {
            events_days,
            attempts_days,
            rejected_days,
            audit_days,
            jobs_days,
            calls_days,
            conversations_days,
        }
    }
}

/// The part of a tenant that a patch of its retention is applied to.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    #[serde(default)]
    retention: Retention,
}

/// What is said of the retention after a patch (RFC 7396).
fn patched(app: &App, before: Retention, patch: Option<Value>) -> Result<Retention, Problem> {
    let Some(patch) = patch else {
        return Ok(before);
    };
    let mut whole = json!({ "retention": before });
    document::merge(&mut whole, json!({ "retention": patch }));
    let depth = app.config.limits.json_depth_max;
    let Kept { retention } = json::parse(whole.to_string().as_bytes(), depth)?;
    let faults = retention.violations().into_iter();
    Problem::check(faults.map(|fault| fault.under("/retention")).collect())?;
    Ok(retention)
}

/// A field of a patch that may be left out but not be `null`, as that would remove it.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// A tenant.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": "tn_01kb3f9z5qf8m9w2v7x4t6n0hc", "name": "Acme Ltd", "retention": {"events_days": 7, "attempts_days": null, "rejected_days": null, "audit_days": null, "jobs_days": null, "calls_days": null, "conversations_days": null}, "created_at": "2026-11-22T10:00:00.000Z", "updated_at": "2026-11-22T10:00:00.000Z"}))]
pub struct TenantView {
    /// Its id.
    #[schema(value_type = String)]
    id: TenantId,
    /// Its name.
    name: String,
    /// How long its data is kept, where that differs from the settings.
    retention: RetentionView,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

/// A new tenant with the key of its owner, which is shown only here.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": "tn_01kb3f9z5qf8m9w2v7x4t6n0hc", "name": "Acme Ltd", "retention": {"events_days": 7, "attempts_days": null, "rejected_days": null, "audit_days": null, "jobs_days": null, "calls_days": null, "conversations_days": null}, "created_at": "2026-11-22T10:00:00.000Z", "updated_at": "2026-11-22T10:00:00.000Z", "owner_key": "tl_Jt0Zb4Z3u8n0o2c5m7p9r1t3v5x7z9b1d3f5h7j9x7Qk"}))]
pub struct NewTenantView {
    #[serde(flatten)]
    view: TenantView,
    /// An API key that may do everything within the tenant. Keep it: it is not shown again.
    #[schema(value_type = String)]
    owner_key: SecretText,
}

impl From<Tenant> for TenantView {
    fn from(tenant: Tenant) -> Self {
        let Tenant {
            id,
            name,
            version: _,
            retention,
            created_at,
            updated_at,
        } = tenant;
        Self {
            id,
            name,
            retention: retention.into(),
            created_at,
            updated_at,
        }
    }
}

fn shown(tenant: Tenant) -> Shown<TenantView> {
    let version = tenant.version;
    Shown::new(tenant.into()).version(version)
}

/// List the tenants
#[utoipa::path(get, path = "/tenants", operation_id = "list_tenants", tag = "Tenants", params(Page),
    extensions(("x-required-scope" = json!("platform:read"))))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    page: Page,
) -> Result<ListView<TenantView>, Problem> {
    caller.require(Platform, Right::Read)?;
    Ok(app.store.list_tenants(&page.request()).await?.into())
}

/// Make a tenant
///
/// With an API key for its owner, which is shown once.
#[utoipa::path(post, path = "/tenants", operation_id = "create_tenant", tag = "Tenants",
    extensions(("x-required-scope" = json!("platform:write"))))]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Json(new): Json<NewTenant>,
) -> Result<Created<NewTenantView>, Problem> {
    caller.require(Platform, Right::Write)?;
    Problem::check(label::name("/name", &new.name))?;
    let by = caller.change(&app);
    let tenant = app
        .store
        .create_tenant(TenantId::new(by.at, random()), &new.name, &by)
        .await?;
    let owner_key = SecretText::generate(credential::API_KEY);
    let key = ApiKey {
        id: ApiKeyId::new(by.at, random()),
        tenant_id: tenant.id,
        name: "Owner".to_owned(),
        scopes: Scopes::all(),
        hint: owner_key.hint(),
        created_at: by.at,
        expires_at: None,
        revoked_at: None,
    };
    app.store
        .create_api_key(&key, &hash_token(&owner_key), &caller.change(&app))
        .await?;
    let (location, version) = (format!("/v1/tenants/{}", tenant.id), tenant.version);
    Ok(Created::new(
        location,
        NewTenantView {
            view: tenant.into(),
            owner_key,
        },
    )
    .version(version))
}

/// Show a tenant
#[utoipa::path(get, path = "/tenants/{id}", operation_id = "get_tenant", tag = "Tenants",
    params(("id" = String, Path, description = "Id of the tenant", example = "tn_01kb3f9z5qf8m9w2v7x4t6n0hc")),
    extensions(("x-required-scope" = json!("platform:read"))))]
pub async fn get(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<TenantId>,
) -> Result<Shown<TenantView>, Problem> {
    caller.require(Platform, Right::Read)?;
    let tenant = app.store.find_tenant(id).await?;
    tenant
        .map(shown)
        .ok_or_else(|| Problem::not_found("tenant"))
}

/// Change a tenant
#[utoipa::path(patch, path = "/tenants/{id}", operation_id = "update_tenant", tag = "Tenants",
    params(IfMatchHeader, ("id" = String, Path, description = "Id of the tenant", example = "tn_01kb3f9z5qf8m9w2v7x4t6n0hc")),
    extensions(("x-required-scope" = json!("platform:write"))))]
pub async fn update(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<TenantId>,
    condition: IfMatch,
    Json(patch): Json<TenantPatch>,
) -> Result<Shown<TenantView>, Problem> {
    caller.require(Platform, Right::Write)?;
    let before = app
        .store
        .find_tenant(id)
        .await?
        .ok_or_else(|| Problem::not_found("tenant"))?;
    condition.check(before.version)?;
    let name = patch.name.unwrap_or_else(|| before.name.clone());
    Problem::check(label::name("/name", &name))?;
    let retention = patched(&app, before.retention, patch.retention)?;
    let by = caller.change(&app);
    let after = app
        .store
        .update_tenant(id, &name, retention, Some(before.version), &by)
        .await?;
    after.map(shown).ok_or_else(|| Problem::not_found("tenant"))
}

/// Delete a tenant
///
/// Its keys, clients and tokens stop working; nothing of it can be reached any longer.
#[utoipa::path(delete, path = "/tenants/{id}", operation_id = "delete_tenant", tag = "Tenants",
    params(IfMatchHeader, ("id" = String, Path, description = "Id of the tenant", example = "tn_01kb3f9z5qf8m9w2v7x4t6n0hc")),
    extensions(("x-required-scope" = json!("platform:write"))))]
pub async fn delete(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<TenantId>,
    condition: IfMatch,
) -> Result<NoContent, Problem> {
    caller.require(Platform, Right::Write)?;
    if id == caller.tenant_id {
        let detail =
            "this is the tenant of your own credential; delete it with one of another tenant";
        return Err(Problem::new(Code::Conflict, detail));
    }
    let before = app
        .store
        .find_tenant(id)
        .await?
        .ok_or_else(|| Problem::not_found("tenant"))?;
    condition.check(before.version)?;
    app.store
        .delete_tenant(id, Some(before.version), &caller.change(&app))
        .await?;
    app.callers.forget();
    Ok(NoContent)
}
