//! Mappings: `/v1/mappings`.

use axum::extract::State;
use serde_json::{Map, Value};
use tieline_domain::access::{Area, Right};
use tieline_store::documents::{Document, Kind};

use super::{
    answer::{Created, ListView, NoContent, Shown},
    caller::Caller,
    document::{content, merge},
    etag::{IfMatch, IfMatchHeader},
    json::Json,
    mapping_view::{MappingBody, MappingView},
    page::{Id, Page},
    problem::Problem,
    resource::{Call, Resource, View},
    usage::{self, UsedBy},
    versions::{Rollback, VersionPath, VersionView},
};
use crate::{
    app::App,
    mappings::{Error, Written},
    references::Target,
};

/// Mappings.
pub(super) const MAPPINGS: Resource = Resource {
    kind: Kind::Mapping,
    what: "mapping",
    path: "/v1/mappings",
    area: Area::Mappings,
    called_by: &[Call::Id, Call::Name],
};

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid(violations) => violations.into(),
            Error::Store(error) => error.into(),
        }
    }
}

impl View for MappingView {
    async fn read(_: &App, document: Document) -> Result<Self, Problem> {
        Self::of(document)
    }
}

async fn replaced(
    app: &App,
    caller: &Caller,
    before: &Document,
    body: Map<String, Value>,
) -> Result<Shown<MappingView>, Problem> {
    let written = Written::read(body)?;
    let (tenant, by) = (caller.tenant_id, caller.change(app));
    let expected = Some(before.version);
    let after = app
        .mappings
        .replace(tenant, &before.id, &written, expected, &by);
    MAPPINGS.shown(app, after.await?).await
}

/// List the mappings
#[utoipa::path(get, path = "/mappings", operation_id = "list_mappings", tag = "Mappings", params(Page),
    extensions(("x-required-scope" = json!("mappings:read"))))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    page: Page,
) -> Result<ListView<MappingView>, Problem> {
    MAPPINGS.list(&app, &caller, &page).await
}

/// Make a mapping
///
/// Its rules are read and compiled now: unknown functions, bad patterns and paths, clashing targets and missing
/// tables are refused, each with a pointer and the nearest valid name. A body that is one rule by itself is a
/// mapping of that rule.
#[utoipa::path(post, path = "/mappings", operation_id = "create_mapping", tag = "Mappings", request_body = MappingBody,
    extensions(("x-required-scope" = json!("mappings:write"))))]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<Map<String, Value>>,
) -> Result<Created<MappingView>, Problem> {
    caller.require(Area::Mappings, Right::Write)?;
    let written = Written::read(body)?;
    let by = caller.change(&app);
    let made = app.mappings.create(caller.tenant_id, &written, &by).await?;
    MAPPINGS.created(&app, made).await
}

/// Show a mapping
#[utoipa::path(get, path = "/mappings/{id}", operation_id = "get_mapping", tag = "Mappings",
    params(("id" = String, Path, description = "Id or name", example = "contacts")),
    extensions(("x-required-scope" = json!("mappings:read"))))]
pub async fn get(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<String>,
) -> Result<Shown<MappingView>, Problem> {
    MAPPINGS.show(&app, &caller, &id).await
}

/// Replace a mapping
#[utoipa::path(put, path = "/mappings/{id}", operation_id = "replace_mapping", tag = "Mappings", request_body = MappingBody,
    params(IfMatchHeader, ("id" = String, Path, description = "Id or name", example = "contacts")),
    extensions(("x-required-scope" = json!("mappings:write"))))]
pub async fn replace(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<String>,
    condition: IfMatch,
    Json(body): Json<Map<String, Value>>,
) -> Result<Shown<MappingView>, Problem> {
    let before = MAPPINGS.changeable(&app, &caller, &id, &condition).await?;
    replaced(&app, &caller, &before, body).await
}

/// Change a mapping
#[utoipa::path(patch, path = "/mappings/{id}", operation_id = "update_mapping", tag = "Mappings",
    params(IfMatchHeader, ("id" = String, Path, description = "Id or name", example = "contacts")),
    request_body(content = Object, description = "What is to change (JSON Merge Patch, RFC 7396): fields that are given replace those that were, and `null` removes one; a list of rules is replaced as a whole", example = json!({"direction": "both"})),
    extensions(("x-required-scope" = json!("mappings:write"))))]
pub async fn update(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<String>,
    condition: IfMatch,
    Json(patch): Json<Map<String, Value>>,
) -> Result<Shown<MappingView>, Problem> {
    let before = MAPPINGS.changeable(&app, &caller, &id, &condition).await?;
    let mut whole: Value = content(&before)?;
    merge(&mut whole, Value::Object(patch));
    match whole {
        Value::Object(body) => replaced(&app, &caller, &before, body).await,
        _ => Err(MAPPINGS.missing()),
    }
}

/// Delete a mapping
///
/// Refused while an incoming webhook or a webhook uses it.
#[utoipa::path(delete, path = "/mappings/{id}", operation_id = "delete_mapping", tag = "Mappings",
    params(IfMatchHeader, ("id" = String, Path, description = "Id or name", example = "contacts")),
    extensions(("x-required-scope" = json!("mappings:write"))))]
pub async fn delete(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<String>,
    condition: IfMatch,
) -> Result<NoContent, Problem> {
    let before = MAPPINGS.changeable(&app, &caller, &id, &condition).await?;
    usage::check_none(&app, &before, Target::Mapping, MAPPINGS.what).await?;
    let by = caller.change(&app);
    app.mappings
        .delete(caller.tenant_id, &before.id, Some(before.version), &by)
        .await?;
    Ok(NoContent)
}

/// List the versions of a mapping
///
/// Every version that was saved, the newest first; the last 100 are kept.
#[utoipa::path(get, path = "/mappings/{id}/versions", operation_id = "list_mapping_versions", tag = "Mappings",
    params(Page, ("id" = String, Path, description = "Id or name", example = "contacts")),
    extensions(("x-required-scope" = json!("mappings:read"))))]
pub async fn versions(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<String>,
    page: Page,
) -> Result<ListView<VersionView>, Problem> {
    MAPPINGS.versions(&app, &caller, &id, &page).await
}

/// Show a version of a mapping
#[utoipa::path(get, path = "/mappings/{id}/versions/{version}", operation_id = "get_mapping_version", tag = "Mappings",
    params(("id" = String, Path, description = "Id or name", example = "contacts"), ("version" = i64, Path, description = "Number of the version", example = 3)),
    extensions(("x-required-scope" = json!("mappings:read"))))]
pub async fn version(
    State(app): State<App>,
    caller: Caller,
    path: VersionPath,
) -> Result<Shown<VersionView>, Problem> {
    MAPPINGS.version(&app, &caller, &path).await
}

/// Go back to a version of a mapping
///
/// What it was then becomes its newest version. It is checked as if it were saved now.
#[utoipa::path(post, path = "/mappings/{id}/rollback", operation_id = "roll_back_mapping", tag = "Mappings",
    params(IfMatchHeader, ("id" = String, Path, description = "Id or name", example = "contacts")),
    extensions(("x-required-scope" = json!("mappings:write"))))]
pub async fn rollback(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<String>,
    condition: IfMatch,
    Json(to): Json<Rollback>,
) -> Result<Shown<MappingView>, Problem> {
    let then = MAPPINGS.rolled_back(&app, &caller, &id, &condition, &to);
    let (before, body) = then.await?;
    replaced(&app, &caller, &before, body).await
}

/// List what uses a mapping
#[utoipa::path(get, path = "/mappings/{id}/usage", operation_id = "list_mapping_usage", tag = "Mappings",
    params(("id" = String, Path, description = "Id or name", example = "contacts")),
    extensions(("x-required-scope" = json!("mappings:read"))))]
pub async fn usage(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<String>,
) -> Result<ListView<UsedBy>, Problem> {
    let document = MAPPINGS.readable(&app, &caller, &id).await?;
    usage::list(&app, &document, Target::Mapping).await
}
