//! The keys with which a tenant signs (`v1a`): `/v1/signing-keys`, and published for everyone at
//! `/.well-known/webhooks/{tenant_id}/keys.json`.

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header};
use serde::{Deserialize, Serialize};
use tieline_domain::{
    TenantId, Timestamp,
    access::{Area::Webhooks, Right},
};
use utoipa::ToSchema;

use super::{
    answer::{ListView, Shown},
    caller::Caller,
    json::Json,
    problem::Problem,
};
use crate::{app::App, publish, registry::SigningKey};

/// For how long others may keep the published keys, in seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// The public half of an Ed25519 key: a JWK (RFC 8037) with what Standard Webhooks needs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "key": "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", "created_at": "2026-11-22T10:00:00.000Z", "not_after": null}))]
pub struct PublicKeyView {
    /// Its thumbprint (RFC 7638).
    kid: String,
    /// `OKP`.
    kty: &'static str,
    /// `Ed25519`.
    crv: &'static str,
    /// `EdDSA`.
    alg: &'static str,
    /// `sig`.
    #[serde(rename = "use")]
    usage: &'static str,
    /// The key in base64url.
    x: String,
    /// The key as Standard Webhooks writes it: `whpk_` and base64.
    key: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// Until when it signs; null for the newest.
    #[schema(value_type = Option<String>, format = DateTime)]
    not_after: Option<Timestamp>,
}

impl From<&SigningKey> for PublicKeyView {
    fn from(key: &SigningKey) -> Self {
        let SigningKey {
            secret: _,
            public,
            created_at,
            not_after,
        } = key;
        Self {
            kid: public.thumbprint(),
            kty: "OKP",
            crv: "Ed25519",
            alg: "EdDSA",
            usage: "sig",
            x: public.x(),
            key: public.standard(),
            created_at: *created_at,
            not_after: *not_after,
        }
    }
}

/// The public keys of a tenant: a JWK set (RFC 7517).
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"keys": [{"kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "key": "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", "created_at": "2026-11-22T10:00:00.000Z", "not_after": null}]}))]
pub struct KeySet {
    /// The keys that sign now, the newest first: the signature of one of them is enough.
    keys: Vec<PublicKeyView>,
}

/// For how long the old key signs beside the new one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"overlap_hours": 24}))]
pub struct Rotation {
    /// For how long the old key signs beside the new one, in hours: 0 to 720; 24 if absent.
    #[serde(default)]
    overlap_hours: Option<u32>,
}

async fn views(app: &App, tenant: TenantId) -> Result<Vec<PublicKeyView>, Problem> {
    let keys = app.registry.signing_keys(tenant).await;
    let keys = keys.map_err(publish::Error::from)?;
    Ok(keys.iter().map(PublicKeyView::from).collect())
}

/// List the signing keys
///
/// The public halves of the Ed25519 keys with which webhooks that ask for `v1a` are signed now.
#[utoipa::path(get, path = "/signing-keys", operation_id = "list_signing_keys", tag = "Webhooks",
    extensions(("x-required-scope" = json!("webhooks:read"))))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
) -> Result<ListView<PublicKeyView>, Problem> {
    caller.require(Webhooks, Right::Read)?;
    Ok(ListView {
        data: views(&app, caller.tenant_id).await?,
        next_cursor: None,
    })
}

/// Rotate the signing key
///
/// Deliveries carry a signature of each key until the overlap ends. The first key is made if there is none.
#[utoipa::path(post, path = "/signing-keys/rotate", operation_id = "rotate_signing_key", tag = "Webhooks",
    extensions(("x-required-scope" = json!("webhooks:write"))))]
pub async fn rotate(
    State(app): State<App>,
    caller: Caller,
    Json(rotation): Json<Rotation>,
) -> Result<Shown<KeySet>, Problem> {
    caller.require(Webhooks, Right::Write)?;
    let Rotation { overlap_hours } = rotation;
    app.signing_keys
        .rotate(caller.tenant_id, overlap_hours, &caller.change(&app))
        .await?;
    let keys = views(&app, caller.tenant_id).await?;
    Ok(Shown::new(KeySet { keys }))
}

/// Get the public keys of a tenant
///
/// For receivers that verify `v1a` signatures. May be kept for five minutes.
#[utoipa::path(get, path = "/.well-known/webhooks/{tenant_id}/keys.json", operation_id = "get_public_keys", tag = "Webhooks", security(()),
    params(("tenant_id" = String, Path, description = "Id of the tenant", example = "tn_01kb3f9z5qf8m9w2v7x4t6n0ha")))]
pub async fn published(
    State(app): State<App>,
    Path(tenant): Path<String>,
) -> Result<Cacheable<KeySet>, Problem> {
    // An id that cannot be, a tenant that there is not, and one that never signed look alike.
    let nothing = || Problem::not_found("key set");
    let tenant: TenantId = tenant.parse().map_err(|_| nothing())?;
    let keys = views(&app, tenant).await?;
    if keys.is_empty() {
        return Err(nothing());
    }
    Ok(Cacheable(Shown::new(KeySet { keys })))
}

/// 200 with something that others may keep.
#[derive(Debug)]
pub struct Cacheable<T>(Shown<T>);

impl<T: Serialize> IntoResponse for Cacheable<T> {
    fn into_response(self) -> Response {
        let mut response = self.0.into_response();
        response
            .headers_mut()
            .insert(header::CACHE_CONTROL, MAX_AGE);
        response
    }
}

impl<T: ToSchema> utoipa::IntoResponses for Cacheable<T>
where
    Shown<T>: utoipa::IntoResponses,
{
    fn responses()
    -> std::collections::BTreeMap<String, utoipa::openapi::RefOr<utoipa::openapi::Response>> {
        Shown::<T>::responses()
    }
}
