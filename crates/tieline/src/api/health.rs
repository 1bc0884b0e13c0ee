//! For machines: `/healthz`, `/readyz`, `/metrics`.

use std::time::Duration;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::header;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    answer::Shown,
    problem::{Code, Problem},
};
use crate::{app::App, telemetry};

/// How long the database may take to show that it is there.
const PATIENCE: Duration = Duration::from_secs(2);

/// How the server is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"status": "ok"}))]
pub struct Health {
    /// `ok`.
    status: &'static str,
}

/// Tell whether the process is alive
#[utoipa::path(get, path = "/healthz", operation_id = "get_health", tag = "Operation", security(()))]
pub async fn alive() -> Shown<Health> {
    Shown::new(Health { status: "ok" })
}

/// Tell whether the server can work
///
/// It can when its database answers.
#[utoipa::path(get, path = "/readyz", operation_id = "get_readiness", tag = "Operation", security(()))]
pub async fn ready(State(app): State<App>) -> Result<Shown<Health>, Problem> {
    let Ok(answered) = tokio::time::timeout(PATIENCE, app.store.db().ping()).await else {
        let detail = "the database did not answer in time";
        return Err(Problem::new(Code::Unavailable, detail).retry_after(1));
    };
    answered?;
    Ok(Shown::new(Health { status: "ok" }))
}

/// Show the metrics
///
/// In the Prometheus text format.
#[utoipa::path(get, path = "/metrics", operation_id = "get_metrics", tag = "Operation", security(()),
    responses((status = 200, description = "The metrics", body = String, content_type = "text/plain; version=0.0.4",
        example = "# TYPE tieline_http_requests_total counter\ntieline_http_requests_total{route=\"/v1/me\",method=\"GET\",status=\"200\"} 7\n")))]
pub async fn metrics() -> Text {
    Text(telemetry::metrics().render())
}

/// Metrics in the Prometheus text format.
pub struct Text(String);

impl IntoResponse for Text {
    fn into_response(self) -> Response {
        (
            [(
                header::CONTENT_TYPE,
                "text/plain; version=0.0.4; charset=utf-8",
            )],
            self.0,
        )
            .into_response()
    }
}

impl utoipa::IntoResponses for Text {
    fn responses()
    -> std::collections::BTreeMap<String, utoipa::openapi::RefOr<utoipa::openapi::Response>> {
        std::collections::BTreeMap::new()
    }
}
