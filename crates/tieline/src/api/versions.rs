//! What configuration objects were: the versions of a document, and the way back to one. The same for every kind that
//! keeps versions.

use axum::extract::FromRequestParts;
use http::request::Parts;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tieline_domain::Timestamp;
use tieline_store::{
    self as store,
    documents::{Document, Version},
};
use utoipa::ToSchema;

use super::{
    answer::{ListView, Shown},
    page::Page,
    problem::Problem,
};
use crate::app::App;

/// A version of an object.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"version": 3, "name": "lookup_customer", "saved_by": "key_01kb3f9z5qf8m9w2v7x4t6n0ha", "saved_at": "2026-11-22T10:00:00.000Z", "content": {"name": "lookup_customer", "description": "Look up customer information by email or ID"}}))]
pub struct VersionView {
    /// Which one, counted from 1; the `ETag` that the object had.
    version: i64,
    /// The name that the object had.
    name: Option<String>,
    /// Who saved it.
    saved_by: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    saved_at: Timestamp,
    /// What it was.
    #[schema(value_type = Object)]
    content: Value,
}

impl VersionView {
    fn of(version: Version) -> Result<Self, Problem> {
        let Version {
            version,
            name,
            body,
            actor,
            created_at,
        } = version;
        let content = serde_json::from_str(&body)
            .map_err(|error| store::Error::Content(error.to_string()))?;
        Ok(Self {
            version,
            name,
            saved_by: actor,
            saved_at: created_at,
            content,
        })
    }
}

/// Which version to go back to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"version": 1}))]
pub struct Rollback {
    /// The number of the version.
    pub version: i64,
}

/// The versions of a document, the newest first.
pub(super) async fn list(
    app: &App,
    document: &Document,
    page: &Page,
) -> Result<ListView<VersionView>, Problem> {
    let Document {
        tenant_id,
        kind,
        id,
        ..
    } = document;
    let found = app
        .store
        .list_versions(*tenant_id, *kind, id, &page.request())
        .await?;
    let views = found.items.into_iter().map(VersionView::of);
    Ok(ListView {
        data: views.collect::<Result<_, _>>()?,
        next_cursor: found.next,
    })
}

/// One version of a document, as it is shown.
pub(super) async fn show(
    app: &App,
    document: &Document,
    number: i64,
) -> Result<Shown<VersionView>, Problem> {
    let version = find(app, document, number).await?;
    VersionView::of(version).map(Shown::new)
}

/// One version of a document; 404 if it is not kept (any more).
pub(super) async fn find(app: &App, document: &Document, number: i64) -> Result<Version, Problem> {
    let Document {
        tenant_id,
        kind,
        id,
        ..
    } = document;
    let found = app
        .store
        .find_version(*tenant_id, *kind, id, number)
        .await?;
    found.ok_or_else(|| Problem::not_found("version"))
}

/// The object and the number of the version in a path such as `/tools/{name}/versions/{version}`.
#[derive(Clone, Debug)]
pub struct VersionPath {
    /// The id or the name of the object.
    pub id: String,
    /// The number of the version.
    pub version: i64,
}

impl FromRequestParts<App> for VersionPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let path = axum::extract::RawPathParams::from_request_parts(parts, app).await;
        let read = path.ok().and_then(|path| {
            let mut values = path.iter().map(|(_, value)| value);
            let (id, version) = (values.next()?, values.next()?);
            Some(Self {
                id: Some(id).filter(|id| !id.contains('\0'))?.to_owned(),
                version: version.parse().ok()?,
            })
        });
        read.ok_or_else(|| Problem::not_found("version"))
    }
}
