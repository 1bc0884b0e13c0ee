//! Who the caller is: `/v1/me`.

use axum::extract::State;
use serde::Serialize;
use tieline_domain::{TenantId, access::Scopes};
use utoipa::ToSchema;

use super::{answer::Shown, caller::Caller, problem::Problem};
use crate::app::App;

/// What the caller's credential is and may do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"tenant": {"id": "tn_01kb3f9z5qf8m9w2v7x4t6n0hc", "name": "Acme Ltd"}, "actor": "key_01kb3f9z5qf8m9w2v7x4t6n0ha", "scopes": ["*"]}))]
pub struct MeView {
    /// The tenant that the credential opens.
    tenant: MyTenant,
    /// The API key (`key_…`) or the OAuth client (`cl_…`).
    actor: String,
    /// What it may do.
    #[schema(value_type = Vec<String>)]
    scopes: Scopes,
}

/// The tenant of a credential.
#[derive(Debug, Serialize, ToSchema)]
pub struct MyTenant {
    /// Its id.
    #[schema(value_type = String)]
    id: TenantId,
    /// Its name.
    name: String,
}

/// Show who I am
///
/// The tenant, the credential and its scopes.
#[utoipa::path(get, path = "/me", operation_id = "get_me", tag = "Access")]
pub async fn get(State(app): State<App>, caller: Caller) -> Result<Shown<MeView>, Problem> {
    let tenant = app
        .store
        .find_tenant(caller.tenant_id)
        .await?
        .ok_or_else(|| Problem::not_found("tenant"))?;
    Ok(Shown::new(MeView {
        tenant: MyTenant {
            id: tenant.id,
            name: tenant.name,
        },
        actor: caller.actor.to_string(),
        scopes: (*caller.scopes).clone(),
    }))
}
