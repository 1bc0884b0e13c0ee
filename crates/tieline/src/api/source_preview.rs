//! What an incoming webhook would make of a request, and what it refused.

use axum::extract::State;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, value::RawValue};
use std::sync::Arc;
use tieline_domain::{
    SourceId, Timestamp, Violation,
    access::{Area::Webhooks, Right},
};
use tieline_mapping::transform::Transformed;
use tieline_store::rejected::Rejected;
use utoipa::ToSchema;

use super::{
    answer::{ListView, Shown},
    caller::Caller,
    event_view::RawJson,
    frame::RequestTrace,
    json::{Json, is_json},
    page::{Id, Page},
    problem::Problem,
    sources::SOURCES,
};
use crate::{
    app::App,
    publish::{self, NewEvent},
    receive::{Incoming, Preview, Refusal},
    registry::{OpenSource, Routes},
};

/// A request to try.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"body": {"event": "lead.created", "data": {"id": "lead_123", "description": "Interested in enterprise plan"}}}))]
pub struct Sample {
    /// Its body: any JSON. With a `content-type` that is not JSON, a string stands for the raw text.
    #[schema(value_type = Value)]
    body: Box<RawValue>,
    /// Its headers; `content-type: application/json` unless another is given.
    #[serde(default)]
    #[schema(value_type = Option<std::collections::BTreeMap<String, String>>)]
    headers: IndexMap<String, String>,
}

impl Sample {
    /// The request as its sender would send it.
    fn request(self) -> Result<(HeaderMap, Bytes), Vec<Violation>> {
        let mut headers = HeaderMap::new();
        let mut faults = Vec::new();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        for (name, value) in &self.headers {
            let parsed = (HeaderName::try_from(name), HeaderValue::try_from(value));
            if let (Ok(name), Ok(value)) = parsed {
                headers.insert(name, value);
            } else {
                let pointer = format!("/headers/{}", name.replace('~', "~0").replace('/', "~1"));
                let detail = "this is no HTTP header: give a name and a value without line breaks";
                faults.push(Violation::new(pointer, detail));
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let text = self.body.get();
        let raw = (!is_json(&headers))
            .then(|| serde_json::from_str::<String>(text).ok())
            .flatten();
        let body = raw.unwrap_or_else(|| text.to_owned());
        Ok((headers, body.into()))
    }
}

/// What a request would become.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"message": "Interested in enterprise plan", "metadata": {"lead_id": "lead_123"}, "events": [{"event": "webhook.received", "data": {"source_id": "wh_in_01kb3f9z5qf8m9w2v7x4t6n0hc", "trust": "unsigned", "body": {}}}], "routes": [{"webhook_id": "wh_01kb3f9z5qf8m9w2v7x4t6n0hd", "url": "https://example.com/hooks", "events": ["webhook.received"]}], "errors": []}))]
pub struct PreviewView {
    /// The message that the transform finds.
    message: Option<Value>,
    /// The metadata that the transform finds.
    #[schema(value_type = Object)]
    metadata: Map<String, Value>,
    /// The events, the first one first.
    events: Vec<EventPreview>,
    /// The webhooks that would get them.
    routes: Vec<RoutePreview>,
    /// What is wrong: with `/body`, or at a pointer into the webhook, such as `/transform/message`.
    #[schema(value_type = Vec<Object>)]
    errors: Vec<Violation>,
}

/// An event that a request would cause.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventPreview {
    /// Its type.
    event: String,
    /// Its content.
    #[schema(value_type = Value)]
    data: RawJson,
}

/// A webhook that would get events of a request.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoutePreview {
    /// Its id.
    webhook_id: String,
    /// Where it goes.
    url: String,
    /// The types of the events that it would get.
    events: Vec<String>,
}

impl PreviewView {
    fn refused(detail: String) -> Self {
        Self {
            message: None,
            metadata: Map::new(),
            events: Vec::new(),
            routes: Vec::new(),
            errors: vec![Violation::new("/body", detail)],
        }
    }

    fn of(preview: Preview, routes: &Routes) -> Self {
        let Preview {
            events,
            transformed,
            no_message,
        } = preview;
        let transformed = transformed.unwrap_or_default();
        let errors = transform_errors(&transformed, no_message);
        let routes = route_previews(&events, routes);
        let event = |event: NewEvent| EventPreview {
            event: event.event_type.to_string(),
            data: RawJson(event.data),
        };
        Self {
            message: transformed.message,
            metadata: transformed.metadata,
            events: events.into_iter().map(event).collect(),
            routes,
            errors,
        }
    }
}

fn transform_errors(transformed: &Transformed, no_message: Option<&str>) -> Vec<Violation> {
    let missing = no_message.map(|matched| {
        let detail = format!(
            "the path of the message matches {matched}; `transform.failed` would tell of it"
        );
        Violation::new("/transform/message", detail)
    });
    let cut = transformed.truncated.iter().map(|pointer| {
        let detail = "the path matches more than is kept; narrow it";
        Violation::new(format!("/transform{pointer}"), detail)
    });
    missing.into_iter().chain(cut).collect()
}

fn route_previews(events: &[NewEvent], routes: &Routes) -> Vec<RoutePreview> {
    let mut found: IndexMap<_, RoutePreview> = IndexMap::new();
    for event in events {
        for route in routes.wanting(&event.document()) {
            let preview = found.entry(route.id).or_insert_with(|| RoutePreview {
                webhook_id: route.id.to_string(),
                url: route.url().unwrap_or_default().to_owned(),
                events: Vec::new(),
            });
            preview.events.push(event.event_type.to_string());
        }
    }
    found.into_values().collect()
}

/// Preview a request to an incoming webhook
///
/// Shows the message, the metadata, the events and who would get them. Nothing is stored, and no signature
/// is needed.
#[utoipa::path(post, path = "/webhooks/incoming/{id}/test", operation_id = "test_incoming_webhook", tag = "Incoming webhooks",
    params(("id" = String, Path, description = "Id of the incoming webhook", example = "wh_in_01kb3f9z5qf8m9w2v7x4t6n0hc")),
    extensions(("x-required-scope" = json!("webhooks:write"))))]
pub async fn preview(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<SourceId>,
    trace: RequestTrace,
    Json(sample): Json<Sample>,
) -> Result<Shown<PreviewView>, Problem> {
    caller.require(Webhooks, Right::Write)?;
    let source = open(&app, &caller, id).await?;
    let (headers, body) = sample.request()?;
    let incoming = Incoming {
        method: "POST",
        query: None,
        headers: &headers,
        body: &body,
        trace: trace.context,
    };
    let view = match app.receiver.preview(&source, incoming) {
        Ok(preview) => {
            let routes = app.registry.routes(caller.tenant_id).await;
            PreviewView::of(preview, &*routes.map_err(publish::Error::from)?)
        }
        Err(Refusal::Body(detail)) => PreviewView::refused(detail),
        Err(refusal) => return Err(refusal.into()),
    };
    Ok(Shown::new(view))
}

async fn open(app: &App, caller: &Caller, id: SourceId) -> Result<Arc<OpenSource>, Problem> {
    let source = app
        .registry
        .source(id)
        .await
        .map_err(publish::Error::from)?;
    source
        .filter(|source| source.tenant_id == caller.tenant_id)
        .ok_or_else(|| SOURCES.missing())
}

/// A request that an incoming webhook refused.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": "req_01kb3f9z5qf8m9w2v7x4t6n0ha", "at": "2026-11-22T10:00:00.000Z", "reason": "wrong_signature", "detail": "the signature does not match: check that sender and source hold the same secret, and that the body is signed and sent as the same bytes", "request": {"method": "POST", "body_bytes": 143, "headers": {"content-type": "application/json"}}}))]
pub struct RejectedView {
    /// Its id.
    id: String,
    /// When it came.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Why it was refused, in a word.
    reason: String,
    /// Why it was refused, and what to do.
    detail: String,
    /// What is kept of it: its method, the length of its body, and a few headers.
    #[schema(value_type = Object)]
    request: RawJson,
}

impl From<Rejected> for RejectedView {
    fn from(rejected: Rejected) -> Self {
        let Rejected {
            id,
            source_id: _,
            tenant_id: _,
            at,
            reason,
            detail,
            request,
        } = rejected;
        Self {
            id: id.to_string(),
            at,
            reason,
            detail,
            request: RawJson(request.into()),
        }
    }
}

/// List the requests that an incoming webhook refused
///
/// Those whose signature was missing or wrong, or whose timestamp was too far off; the last of them.
#[utoipa::path(get, path = "/webhooks/incoming/{id}/rejected", operation_id = "list_rejected_requests", tag = "Incoming webhooks",
    params(Page, ("id" = String, Path, description = "Id of the incoming webhook", example = "wh_in_01kb3f9z5qf8m9w2v7x4t6n0hc")),
    extensions(("x-required-scope" = json!("webhooks:read"))))]
pub async fn rejected(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<SourceId>,
    page: Page,
) -> Result<ListView<RejectedView>, Problem> {
    caller.require(Webhooks, Right::Read)?;
    SOURCES.find(&app, &caller, &id).await?;
    Ok(app
        .store
        .list_rejected(caller.tenant_id, id, &page.request())
        .await?
        .into())
}
