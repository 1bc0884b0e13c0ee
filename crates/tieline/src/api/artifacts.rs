//! Outputs that were too large to hand over: `/v1/artifacts`.

use std::collections::BTreeMap;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header};
use serde_json::{Value, json};
use tieline_domain::{
    ArtifactId,
    access::{Area::Calls, Right},
};
use tieline_store::artifacts::Artifact;
use utoipa::{
    IntoResponses,
    openapi::{ContentBuilder, RefOr, ResponseBuilder},
};

use super::{caller::Caller, page::Id, problem::Problem};
use crate::app::App;

/// Fetch an artifact
///
/// The whole of an output that was too large to hand over, without secrets. It is kept for `limits.artifact_hours` (24).
#[utoipa::path(get, path = "/artifacts/{id}", operation_id = "get_artifact", tag = "Tools and actions",
    params(("id" = String, Path, description = "Id of the artifact", example = "art_01kb3f9z5qf8m9w2v7x4t6n0hd")),
    extensions(("x-required-scope" = json!("calls:read"))))]
pub async fn get(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<ArtifactId>,
) -> Result<Whole, Problem> {
    caller.require(Calls, Right::Read)?;
    let now = app.clock.now();
    let found = app.store.find_artifact(caller.tenant_id, id, now).await?;
    found
        .map(Whole)
        .ok_or_else(|| Problem::not_found("artifact"))
}

/// The whole of an output.
pub struct Whole(Artifact);

impl IntoResponse for Whole {
    fn into_response(self) -> Response {
        let media_type = HeaderValue::try_from(self.0.media_type)
            .unwrap_or(HeaderValue::from_static("application/octet-stream"));
        // Written by others: a browser must take it for nothing but a file.
        let headers = [
            (header::CONTENT_TYPE, media_type),
            (
                header::CONTENT_DISPOSITION,
                HeaderValue::from_static("attachment"),
            ),
            (
                header::X_CONTENT_TYPE_OPTIONS,
                HeaderValue::from_static("nosniff"),
            ),
            (
                header::CACHE_CONTROL,
                HeaderValue::from_static("private, no-store"),
            ),
        ];
        (headers, self.0.content).into_response()
    }
}

impl IntoResponses for Whole {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        let content = |example: Value| ContentBuilder::new().example(Some(example)).build();
        let response = ResponseBuilder::new()
            .description("The whole output")
            .content("application/json", content(json!({"customers": []})))
            .content("text/plain", content(json!("the whole text")));
        BTreeMap::from([("200".to_owned(), response.build().into())])
    }
}
