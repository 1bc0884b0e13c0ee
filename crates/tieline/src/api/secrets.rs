//! Named secrets: `/v1/secrets`. Values go in and never come out.

use axum::extract::State;
use rand::random;
use serde::{Deserialize, Serialize};
use tieline_domain::{
    SecretId, Timestamp, Violation,
    access::{Area::Secrets, Right},
};
use tieline_store::sealed::{NewSealed, SealedInfo, SealedKind};
use utoipa::ToSchema;

use super::{
    answer::{Created, ListView, NoContent, Shown},
    caller::Caller,
    credential::SecretText,
    json::Json,
    label,
    page::{Id, Page},
    problem::Problem,
    usage,
};
use crate::{
    app::App,
    references::{self, Reference, Target},
};

const MAX_NAME: usize = 128;

/// What a secret is made from.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "CRM_API_KEY", "value": "s3cr3t-from-the-crm", "description": "Key of the sales CRM"}))]
pub struct NewSecret {
    /// How templates name it: a letter or underscore, then letters, digits, underscores; at most 128.
    name: String,
    /// The value: 1 byte to `limits.secret_max_bytes` (64 KiB), not only white space. It is never shown again.
    #[schema(value_type = String, write_only)]
    value: SecretText,
    /// What it is for: at most 500 characters.
    #[serde(default)]
    description: Option<String>,
}

/// A new value of a secret.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"value": "n3w-s3cr3t-from-the-crm"}))]
pub struct NewValue {
    /// The value: 1 byte to `limits.secret_max_bytes` (64 KiB), not only white space. It is never shown again.
    #[schema(value_type = String, write_only)]
    value: SecretText,
    /// What it is for; as before if absent.
    #[serde(default)]
    description: Option<String>,
}

/// A secret, without its value.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": "sec_01kb3f9z5qf8m9w2v7x4t6n0hf", "name": "CRM_API_KEY", "version": 1, "description": "Key of the sales CRM", "created_at": "2026-11-22T10:00:00.000Z", "used_by": []}))]
pub struct SecretView {
    /// Its id.
    id: String,
    /// Its name.
    name: String,
    /// Counts its values, from 1.
    version: i64,
    /// What it is for.
    description: Option<String>,
    /// When this value was set.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// The ids of the objects that use it.
    used_by: Vec<String>,
}

impl SecretView {
    /// What is shown of a secret, with those among `references` that name it.
    fn of(info: SealedInfo, references: &[Reference]) -> Self {
        let SealedInfo {
            id,
            name,
            version,
            description,
            created_at,
        } = info;
        let target = Target::Secret(name.clone());
        let users = references.iter().filter(|reference| reference.to == target);
        Self {
            used_by: users.map(|user| user.id.clone()).collect(),
            id,
            name,
            version,
            description,
            created_at,
        }
    }
}

fn name_violations(name: &str) -> Vec<Violation> {
    let mut characters = name.chars();
    let begins = characters
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    if begins && characters.all(|c| c.is_ascii_alphanumeric() || c == '_') && name.len() <= MAX_NAME
    {
        return Vec::new();
    }
    let detail = format!(
        "must be a letter or underscore followed by letters, digits and underscores, at most {MAX_NAME} together"
    );
    vec![Violation::new("/name", detail)]
}

fn value_violations(value: &str, most: usize) -> Vec<Violation> {
    if value.len() > most {
        let detail = format!("must have at most {most} bytes, has {}", value.len());
        return vec![Violation::new("/value", detail)];
    }
    let blank = value.trim().is_empty();
    let detail = "must not be empty or consist of white space only";
    blank
        .then(|| Violation::new("/value", detail))
        .into_iter()
        .collect()
}

/// Find a secret of the caller by its name or its id.
async fn find(app: &App, caller: &Caller, name_or_id: &str) -> Result<SealedInfo, Problem> {
    let found = app
        .store
        .find_sealed(caller.tenant_id, SealedKind::Secret, name_or_id)
        .await?;
    found.ok_or_else(|| Problem::not_found("secret"))
}

async fn sealed(
    app: &App,
    caller: &Caller,
    id: String,
    name: &str,
    value: &str,
    description: Option<String>,
) -> Result<NewSealed, Problem> {
    let kind = SealedKind::Secret;
    let sealed = app
        .vault
        .seal(caller.tenant_id, kind, name, value.as_bytes())
        .await?;
    Ok(NewSealed {
        tenant_id: caller.tenant_id,
        kind,
        name: name.to_owned(),
        id,
        description,
        sealed,
    })
}

/// List the secrets
///
/// Names, versions and users; never values.
#[utoipa::path(get, path = "/secrets", operation_id = "list_secrets", tag = "Secrets", params(Page),
    extensions(("x-required-scope" = json!("secrets:read"))))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    page: Page,
) -> Result<ListView<SecretView>, Problem> {
    caller.require(Secrets, Right::Read)?;
    let found = app
        .store
        .list_sealed(caller.tenant_id, SealedKind::Secret, &page.request())
        .await?;
    let references = references::all(&app.store, caller.tenant_id).await?;
    Ok(ListView {
        next_cursor: found.next,
        data: found
            .items
            .into_iter()
            .map(|info| SecretView::of(info, &references))
            .collect(),
    })
}

/// Make a secret
///
/// The value is sealed before it is stored, and never shown.
#[utoipa::path(post, path = "/secrets", operation_id = "create_secret", tag = "Secrets",
    extensions(("x-required-scope" = json!("secrets:write"))))]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Json(new): Json<NewSecret>,
) -> Result<Created<SecretView>, Problem> {
    caller.require(Secrets, Right::Write)?;
    let mut violations = name_violations(&new.name);
    violations.extend(value_violations(&new.value, app.config.limits.secret_bytes));
    violations.extend(label::description(
        "/description",
        new.description.as_deref(),
    ));
    Problem::check(violations)?;
    let by = caller.change(&app);
    let id = SecretId::new(by.at, random()).to_string();
    let secret = sealed(&app, &caller, id, &new.name, &new.value, new.description).await?;
    app.store.create_sealed(&secret, &by).await?;
    changed(&app, &caller, &secret.name).await;
    let made = find(&app, &caller, &secret.name).await?;
    Ok(Created::new(
        format!("/v1/secrets/{}", secret.name),
        SecretView::of(made, &[]),
    ))
}

/// Rotate a secret
///
/// The new value holds at once.
#[utoipa::path(put, path = "/secrets/{name}", operation_id = "rotate_secret", tag = "Secrets",
    params(("name" = String, Path, description = "Name or id of the secret", example = "CRM_API_KEY")),
    extensions(("x-required-scope" = json!("secrets:write"))))]
pub async fn rotate(
    State(app): State<App>,
    caller: Caller,
    Id(name): Id<String>,
    Json(new): Json<NewValue>,
) -> Result<Shown<SecretView>, Problem> {
    caller.require(Secrets, Right::Write)?;
    let mut violations = value_violations(&new.value, app.config.limits.secret_bytes);
    violations.extend(label::description(
        "/description",
        new.description.as_deref(),
    ));
    Problem::check(violations)?;
    let SealedInfo { id, name, .. } = find(&app, &caller, &name).await?;
    let by = caller.change(&app);
    let secret = sealed(&app, &caller, id, &name, &new.value, new.description).await?;
    app.store
        .rotate_sealed(&secret, by.at, &by)
        .await?
        .ok_or_else(|| Problem::not_found("secret"))?;
    changed(&app, &caller, &name).await;
    let rotated = find(&app, &caller, &name).await?;
    let references = references::all(&app.store, caller.tenant_id).await?;
    Ok(Shown::new(SecretView::of(rotated, &references)))
}

/// Has the next call see the change of a secret.
async fn changed(app: &App, caller: &Caller, name: &str) {
    app.registry
        .forget_named_secret(caller.tenant_id, name)
        .await;
}

/// Delete a secret
///
/// Refused while something uses it: `detail` lists what does.
#[utoipa::path(delete, path = "/secrets/{name}", operation_id = "delete_secret", tag = "Secrets",
    params(("name" = String, Path, description = "Name or id of the secret", example = "CRM_API_KEY")),
    extensions(("x-required-scope" = json!("secrets:write"))))]
pub async fn delete(
    State(app): State<App>,
    caller: Caller,
    Id(name): Id<String>,
) -> Result<NoContent, Problem> {
    caller.require(Secrets, Right::Write)?;
    let SealedInfo { name, .. } = find(&app, &caller, &name).await?;
    let target = Target::Secret(name.clone());
    usage::check_none_of(&app, caller.tenant_id, target, "secret").await?;
    let by = caller.change(&app);
    let deleted = app
        .store
        .delete_sealed(caller.tenant_id, SealedKind::Secret, &name, &by)
        .await?;
    changed(&app, &caller, &name).await;
    if deleted {
        Ok(NoContent)
    } else {
        Err(Problem::not_found("secret"))
    }
}
