//! API keys: `/v1/api-keys`.

use axum::extract::State;
use rand::random;
use serde::{Deserialize, Serialize};
use tieline_domain::{
    ApiKeyId, Timestamp, Violation,
    access::{ApiKey, Area::Keys, Right, Scopes},
};
use utoipa::ToSchema;

use super::{
    answer::{Created, ListView, NoContent},
    caller::Caller,
    credential::{self, SecretText},
    json::Json,
    label,
    page::{Id, Page},
    problem::{Code, Problem},
};
use crate::{app::App, vault::hash_token};

/// What an API key is made from.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "CRM bridge", "scopes": ["events:write", "webhooks:read"]}))]
pub struct NewKey {
    /// Its name, for people: 1 to 200 characters.
    name: String,
    /// What it may do: `*`, or `<area>:read` and `<area>:write`; at most what the caller may do.
    #[schema(value_type = Vec<String>)]
    scopes: Scopes,
    /// When it stops to work; never if absent.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
}

/// An API key, without the key itself.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": "key_01kb3f9z5qf8m9w2v7x4t6n0ha", "name": "CRM bridge", "hint": "x7Qk", "scopes": ["webhooks:read", "events:write"], "created_at": "2026-11-22T10:00:00.000Z", "expires_at": null, "revoked_at": null}))]
pub struct KeyView {
    /// Its id.
    #[schema(value_type = String)]
    id: ApiKeyId,
    /// Its name.
    name: String,
    /// The last four characters of the key.
    hint: String,
    /// What it may do.
    #[schema(value_type = Vec<String>)]
    scopes: Scopes,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it stops to work.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// When it was revoked.
    #[schema(value_type = Option<String>, format = DateTime)]
    revoked_at: Option<Timestamp>,
}

/// A new API key with the key itself, which is shown only here.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": "key_01kb3f9z5qf8m9w2v7x4t6n0ha", "name": "CRM bridge", "hint": "x7Qk", "scopes": ["webhooks:read", "events:write"], "created_at": "2026-11-22T10:00:00.000Z", "expires_at": null, "revoked_at": null, "key": "tl_Jt0Zb4Z3u8n0o2c5m7p9r1t3v5x7z9b1d3f5h7j9x7Qk"}))]
pub struct NewKeyView {
    #[serde(flatten)]
    view: KeyView,
    /// The key. Keep it: it is not shown again.
    #[schema(value_type = String)]
    key: SecretText,
}

impl From<ApiKey> for KeyView {
    fn from(key: ApiKey) -> Self {
        let ApiKey {
            id,
            tenant_id: _,
            name,
            scopes,
            hint,
            created_at,
            expires_at,
            revoked_at,
        } = key;
        Self {
            id,
            name,
            hint,
            scopes,
            created_at,
            expires_at,
            revoked_at,
        }
    }
}

impl NewKey {
    fn violations(&self, now: Timestamp) -> Vec<Violation> {
        let mut found = label::name("/name", &self.name);
        if self.scopes.0.is_empty() {
            found.push(Violation::new(
                "/scopes",
                "give at least one scope, such as `events:write`",
            ));
        }
        if self.expires_at.is_some_and(|end| end <= now) {
            found.push(Violation::new("/expires_at", "must lie in the future"));
        }
        found
    }
}

/// Refuses to hand on scopes that the caller does not have.
pub(super) fn require_covered(caller: &Caller, wanted: &Scopes) -> Result<(), Problem> {
    if caller.scopes.cover(wanted) {
        return Ok(());
    }
    let detail = format!(
        "scopes: at most those of the caller can be given, which are `{}`",
        caller.scopes
    );
    Err(Problem::new(Code::InsufficientScope, detail).at("/scopes", "more than the caller may do"))
}

/// List the API keys
///
/// With those that are expired or revoked.
#[utoipa::path(get, path = "/api-keys", operation_id = "list_api_keys", tag = "Access", params(Page),
    extensions(("x-required-scope" = json!("keys:read"))))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    page: Page,
) -> Result<ListView<KeyView>, Problem> {
    caller.require(Keys, Right::Read)?;
    Ok(app
        .store
        .list_api_keys(caller.tenant_id, &page.request())
        .await?
        .into())
}

/// Make an API key
///
/// The key is shown once and kept only as a hash.
#[utoipa::path(post, path = "/api-keys", operation_id = "create_api_key", tag = "Access",
    extensions(("x-required-scope" = json!("keys:write"))))]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Json(new): Json<NewKey>,
) -> Result<Created<NewKeyView>, Problem> {
    caller.require(Keys, Right::Write)?;
    Problem::check(new.violations(app.clock.now()))?;
    require_covered(&caller, &new.scopes)?;
    let by = caller.change(&app);
    let text = SecretText::generate(credential::API_KEY);
    let key = ApiKey {
        id: ApiKeyId::new(by.at, random()),
        tenant_id: caller.tenant_id,
        name: new.name,
        scopes: new.scopes,
        hint: text.hint(),
        created_at: by.at,
        expires_at: new.expires_at,
        revoked_at: None,
    };
    app.store
        .create_api_key(&key, &hash_token(&text), &by)
        .await?;
    let location = format!("/v1/api-keys/{}", key.id);
    Ok(Created::new(
        location,
        NewKeyView {
            view: key.into(),
            key: text,
        },
    ))
}

/// Revoke an API key
///
/// It stops working on this node at once, on others within a second.
#[utoipa::path(delete, path = "/api-keys/{id}", operation_id = "revoke_api_key", tag = "Access",
    params(("id" = String, Path, description = "Id of the key", example = "key_01kb3f9z5qf8m9w2v7x4t6n0ha")),
    extensions(("x-required-scope" = json!("keys:write"))))]
pub async fn revoke(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<ApiKeyId>,
) -> Result<NoContent, Problem> {
    caller.require(Keys, Right::Write)?;
    let revoked = app
        .store
        .revoke_api_key(caller.tenant_id, id, &caller.change(&app))
        .await?;
    app.callers.forget();
    if revoked {
        Ok(NoContent)
    } else {
        Err(Problem::not_found("API key that still works"))
    }
}
