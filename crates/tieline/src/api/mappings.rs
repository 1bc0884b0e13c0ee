//! Mappings: `/v1/mappings`.

use axum::extract::State;
use serde_json::{Map, Value};
use tieline_domain::access::{Area, Right};
use tieline_store::documents::{Document, Kind};

use super::{
    answer::{Created, ListView, NoContent, Shown},
    caller::Caller,
    document::{content, content_of, merge, unused},
    etag::{IfMatch, IfMatchHeader},
    json::Json,
    mapping_view::{MappingBody, MappingView},
    operations::UsedBy,
    page::{Id, Page},
    problem::Problem,
    versions::{self, Rollback, VersionPath, VersionView},
};
use crate::{
    app::App,
    mappings::{Error, Written},
    references::{self, Target},
};

/// What it is called in the API.
const WHAT: &str = "mapping";

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid(violations) => violations.into(),
            Error::Store(error) => error.into(),
        }
    }
}

fn shown(document: Document) -> Result<Shown<MappingView>, Problem> {
    let version = document.version;
    Ok(Shown::new(MappingView::of(document)?).version(version))
}

/// The document of a mapping, by its id or its name; 404 if there is none.
pub(super) async fn find(
    app: &App,
    caller: &Caller,
    id_or_name: &str,
) -> Result<Document, Problem> {
    let (tenant, store) = (caller.tenant_id, &app.store);
    let by_id = store.find_document(tenant, Kind::Mapping, id_or_name);
    if let Some(found) = by_id.await? {
        return Ok(found);
    }
    let named = store.find_named_document(tenant, Kind::Mapping, id_or_name);
    named.await?.ok_or_else(|| Problem::not_found(WHAT))
}

/// The mapping that the caller may change, as the caller last saw it.
async fn changeable(
    app: &App,
    caller: &Caller,
    id_or_name: &str,
    condition: &IfMatch,
) -> Result<Document, Problem> {
    caller.require(Area::Mappings, Right::Write)?;
    let found = find(app, caller, id_or_name).await?;
    condition.check(found.version)?;
    Ok(found)
}

async fn replaced(
    app: &App,
    caller: &Caller,
    before: &Document,
    body: Map<String, Value>,
) -> Result<Shown<MappingView>, Problem> {
    let written = Written::read(body)?;
    let by = caller.change(app);
    let after = app.mappings.replace(
        caller.tenant_id,
        &before.id,
        &written,
        Some(before.version),
        &by,
    );
    shown(after.await?.ok_or_else(|| Problem::not_found(WHAT))?)
}

/// List the mappings
#[utoipa::path(get, path = "/mappings", operation_id = "list_mappings", tag = "Mappings", params(Page),
    extensions(("x-required-scope" = json!("mappings:read"))))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    page: Page,
) -> Result<ListView<MappingView>, Problem> {
    caller.require(Area::Mappings, Right::Read)?;
    let found = app
        .store
        .list_documents(caller.tenant_id, Kind::Mapping, &page.request())
        .await?;
    let data = found.items.into_iter().map(MappingView::of);
    Ok(ListView {
        data: data.collect::<Result<_, _>>()?,
        next_cursor: found.next,
    })
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
    let (location, version) = (format!("/v1/mappings/{}", made.id), made.version);
    Ok(Created::new(location, MappingView::of(made)?).version(version))
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
    caller.require(Area::Mappings, Right::Read)?;
    shown(find(&app, &caller, &id).await?)
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
    let before = changeable(&app, &caller, &id, &condition).await?;
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
    let before = changeable(&app, &caller, &id, &condition).await?;
    let mut whole: Value = content(&before)?;
    merge(&mut whole, Value::Object(patch));
    match whole {
        Value::Object(body) => replaced(&app, &caller, &before, body).await,
        _ => Err(Problem::not_found(WHAT)),
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
    let before = changeable(&app, &caller, &id, &condition).await?;
    unused(&app, &caller, "mapping", &targets(&before)).await?;
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
    caller.require(Area::Mappings, Right::Read)?;
    let document = find(&app, &caller, &id).await?;
    versions::list(&app, &document, &page).await
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
    caller.require(Area::Mappings, Right::Read)?;
    let document = find(&app, &caller, &path.id).await?;
    Ok(Shown::new(
        versions::show(&app, &document, path.version).await?,
    ))
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
    Json(Rollback { version }): Json<Rollback>,
) -> Result<Shown<MappingView>, Problem> {
    let before = changeable(&app, &caller, &id, &condition).await?;
    let then = versions::find(&app, caller.tenant_id, &before, version).await?;
    let body: Map<String, Value> = content_of(&then.body)?;
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
    caller.require(Area::Mappings, Right::Read)?;
    let document = find(&app, &caller, &id).await?;
    let users = references::users(&app.store, caller.tenant_id, &targets(&document)).await?;
    Ok(ListView {
        data: users.into_iter().map(UsedBy::from).collect(),
        next_cursor: None,
    })
}

/// The ways in which others may name a mapping.
fn targets(document: &Document) -> Vec<Target> {
    references::ways(document, Target::Mapping)
}
