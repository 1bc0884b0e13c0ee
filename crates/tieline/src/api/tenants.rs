//! Tenants of the installation: `/v1/tenants`, with the scope `platform`.

use axum::extract::State;
use rand::random;
use serde::{Deserialize, Deserializer, Serialize};
use tieline_domain::{
    ApiKeyId, TenantId, Timestamp,
    access::{ApiKey, Area::Platform, Right, Scopes},
    tenant::Tenant,
};
use utoipa::ToSchema;

use super::{
    answer::{Created, ListView, NoContent, Shown},
    caller::Caller,
    credential::{self, SecretText},
    etag::{IfMatch, IfMatchHeader},
    json::Json,
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
#[schema(example = json!({"name": "Acme Group"}))]
pub struct TenantPatch {
    /// Its new name.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    name: Option<String>,
}

/// A field of a patch that may be left out but not be `null`, as that would remove it.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// A tenant.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": "tn_01kb3f9z5qf8m9w2v7x4t6n0hc", "name": "Acme Ltd", "created_at": "2026-11-22T10:00:00.000Z", "updated_at": "2026-11-22T10:00:00.000Z"}))]
pub struct TenantView {
    /// Its id.
    #[schema(value_type = String)]
    id: TenantId,
    /// Its name.
    name: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

/// A new tenant with the key of its owner, which is shown only here.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": "tn_01kb3f9z5qf8m9w2v7x4t6n0hc", "name": "Acme Ltd", "created_at": "2026-11-22T10:00:00.000Z", "updated_at": "2026-11-22T10:00:00.000Z", "owner_key": "tl_Jt0Zb4Z3u8n0o2c5m7p9r1t3v5x7z9b1d3f5h7j9x7Qk"}))]
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
            created_at,
            updated_at,
        } = tenant;
        Self {
            id,
            name,
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
    let by = caller.change(&app);
    let after = app
        .store
        .update_tenant(id, &name, Some(before.version), &by)
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
