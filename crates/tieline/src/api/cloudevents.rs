//! CloudEvents 1.0 in JSON: events taken and shown in the structured form and in batches.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    extract::{FromRequest, Request},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, header};
use serde::{Deserialize, Serialize};
use serde_json::{json, value::RawValue};
use tieline_domain::{
    Timestamp, Violation,
    event::Event,
    pattern::EventType,
    signature::Trust,
    trace::{TraceContext, span_of},
    violation::length,
};
use utoipa::{
    IntoResponses, ToSchema,
    openapi::{ContentBuilder, RefOr},
};

use super::{
    event_view::{CloudOrigin, NewEvent, Publication, RawJson, Wanted, any_json},
    json::{Json, essence, parse, read_body},
    problem::{Code, Problem},
};
use crate::app::App;

/// The media type of one event.
pub const STRUCTURED: &str = "application/cloudevents+json";
/// The media type of several.
pub const BATCH: &str = "application/cloudevents-batch+json";

const VERSION: &str = "1.0";
/// The longest source, in characters.
const MAX_SOURCE: usize = 512;

/// An event in the form of CloudEvents 1.0, to publish.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"specversion": "1.0", "id": "order-1042-created", "source": "/shop", "type": "order.created", "subject": "order/1042", "time": "2026-11-22T10:00:00Z", "datacontenttype": "application/json", "data": {"total": 99.5}}))]
pub struct CloudEvent {
    /// `1.0`.
    specversion: String,
    /// Its id within its source: up to 255 characters. The same id of the same source is accepted once.
    id: String,
    /// Where it comes from, a URI reference: up to 512 characters.
    source: String,
    /// Its type, such as `order.created`: up to 128 of `A-Z a-z 0-9 _ - / :` in segments parted by dots.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    event_type: EventType,
    /// What it is about: up to 256 characters.
    #[serde(default)]
    subject: Option<String>,
    /// When it happened, RFC 3339. It is checked; the event's own time is that of its acceptance.
    #[serde(default)]
    time: Option<String>,
    /// `application/json`, or another type that is JSON.
    #[serde(default)]
    datacontenttype: Option<String>,
    /// Its content: any JSON, kept as it is; `{}` if absent.
    #[serde(default, deserialize_with = "any_json")]
    #[schema(value_type = Option<Value>)]
    data: Option<Box<RawValue>>,
    /// Where it stands in its trace (W3C Trace Context); that of the request if absent.
    #[serde(default)]
    traceparent: Option<String>,
}

/// Several events in the form of CloudEvents 1.0.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!([{"specversion": "1.0", "id": "order-1042-created", "source": "/shop", "type": "order.created", "data": {"total": 99.5}}]))]
pub struct CloudBatch(Vec<CloudEvent>);

impl CloudEvent {
    /// Everything that is wrong with what only a CloudEvent has, with pointers relative to it.
    fn violations(&self) -> Vec<Violation> {
        let mut found = Vec::new();
        let mut demand = |met: bool, pointer: &str, detail: &str| {
            if !met {
                found.push(Violation::new(pointer, detail));
            }
        };
        demand(
            self.specversion == VERSION,
            "/specversion",
            "only version 1.0 is taken",
        );
        let plain = !self
            .source
            .chars()
            .any(|c| c.is_control() || c.is_whitespace());
        let detail = "a URI reference has neither spaces nor control characters";
        demand(plain, "/source", detail);
        let time = self.time.as_deref();
        let detail = "expected an RFC 3339 instant such as 2026-11-22T10:00:00Z";
        demand(
            time.is_none_or(|time| time.parse::<Timestamp>().is_ok()),
            "/time",
            detail,
        );
        let media_type = self
            .datacontenttype
            .as_deref()
            .unwrap_or("application/json");
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        let is_json = essence.ends_with("/json") || essence.ends_with("+json");
        demand(
            is_json,
            "/datacontenttype",
            "the content is taken as JSON only",
        );
        let traceparent = self.traceparent.as_deref();
        let detail = "expected a traceparent of W3C Trace Context, such as 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let valid = traceparent.is_none_or(|text| TraceContext::parse(text).is_some());
        demand(valid, "/traceparent", detail);
        found.extend(length("/source", &self.source, 1, MAX_SOURCE));
        found
    }
}

impl From<CloudEvent> for NewEvent {
    fn from(event: CloudEvent) -> Self {
        let CloudEvent {
            specversion: _,
            id,
            source,
            event_type,
            subject,
            time: _,
            datacontenttype: _,
            data,
            traceparent,
        } = event;
        Self {
            event_type,
            data,
            subject,
            id: Some(id),
            cloud: Some(CloudOrigin {
                source: source.into(),
                trace: traceparent.as_deref().and_then(TraceContext::parse),
            }),
        }
    }
}

impl FromRequest<App> for Wanted {
    type Rejection = Problem;

    /// Reads what is to be published, in whichever form the content type names.
    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let limits = &app.config.limits;
        let form = essence(request.headers());
        match form.as_deref() {
            Some(STRUCTURED) => {
                let body = read_body(
                    request.into_body(),
                    limits.api_body_max_bytes,
                    limits.body_timeout,
                )
                .await?;
                let event: CloudEvent = parse(&body, limits.json_depth_max)?;
                Problem::check(event.violations())?;
                Ok(Self::One(event.into()))
            }
            Some(BATCH) => {
                let body = read_body(
                    request.into_body(),
                    limits.api_body_max_bytes,
                    limits.body_timeout,
                )
                .await?;
                let CloudBatch(events) = parse(&body, limits.json_depth_max)?;
                let violations = events.iter().enumerate().flat_map(|(i, event)| {
                    let violations = event.violations().into_iter();
                    violations.map(move |violation| violation.under(&format!("/{i}")))
                });
                Problem::check(violations.collect())?;
                Ok(Self::Several {
                    events: events.into_iter().map(Into::into).collect(),
                    place: "",
                })
            }
            _ => {
                let Json(publication) = Json::<Publication>::from_request(request, app).await?;
                let wanted = publication.wanted().map_err(|fault| vec![fault])?;
                wanted.ok_or_else(|| {
                    let detail =
                        "missing field `type`: give the `type` of one event, or several `events`";
                    Problem::new(Code::InvalidBody, format!("/type: {detail}")).at("/type", detail)
                })
            }
        }
    }
}

/// An event in the form of CloudEvents 1.0, as it is shown.
#[derive(Debug, Serialize)]
struct CloudEventView {
    specversion: &'static str,
    id: String,
    source: Arc<str>,
    r#type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<Arc<str>>,
    time: Timestamp,
    datacontenttype: &'static str,
    tenantid: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    causeid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trust: Option<&'static str>,
    data: RawJson,
}

impl From<Event> for CloudEventView {
    fn from(event: Event) -> Self {
        let Event {
            id,
            tenant_id,
            event_type,
            source,
            subject,
            time,
            data,
            cause_id,
            trace_id,
            trust,
        } = event;
        let context = u128::from_str_radix(&trace_id, 16).map(|trace_id| TraceContext {
            trace_id,
            span_id: span_of(id),
            sampled: true,
        });
        Self {
            specversion: VERSION,
            id: id.to_string(),
            source,
            r#type: event_type.to_string(),
            subject,
            time,
            datacontenttype: "application/json",
            tenantid: tenant_id.to_string(),
            causeid: cause_id.map(|id| id.to_string()),
            traceparent: context.ok().map(|context| context.to_string()),
            trust: trust.map(Trust::as_str),
            data: RawJson(data),
        }
    }
}

/// Whether the client asks for this media type by name, and for nothing rather than it.
pub(super) fn is_wanted(headers: &HeaderMap, media_type: &str) -> bool {
    let values = headers.get_all(header::ACCEPT).iter();
    let ranges = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    let (mut ours, mut plain) = (0.0_f32, 0.0_f32);
    for range in ranges {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let weight = parts.find_map(|part| part.strip_prefix("q="));
        let weight = weight
            .map_or(Some(1.0), |weight| weight.parse().ok())
            .unwrap_or(0.0);
        if name.eq_ignore_ascii_case(media_type) {
            ours = ours.max(weight);
        } else if name.eq_ignore_ascii_case("application/json") {
            plain = plain.max(weight);
        }
    }
    ours > 0.0 && ours >= plain
}

/// An answer in the form that the client asks for.
pub enum Negotiated<T> {
    /// The API's own.
    Plain(T),
    /// That of CloudEvents: media type and body.
    Cloud(&'static str, Vec<u8>),
}

impl<T> Negotiated<T> {
    pub(super) fn cloud(event: Event) -> Self {
        Self::written(STRUCTURED, &CloudEventView::from(event))
    }

    pub(super) fn cloud_batch(events: Vec<Event>) -> Self {
        let events: Vec<CloudEventView> = events.into_iter().map(Into::into).collect();
        Self::written(BATCH, &events)
    }

    fn written(media_type: &'static str, view: &impl Serialize) -> Self {
        let body = serde_json::to_vec(view).expect("views hold only what JSON can express");
        Self::Cloud(media_type, body)
    }
}

impl<T: IntoResponse> IntoResponse for Negotiated<T> {
    fn into_response(self) -> Response {
        let mut response = match self {
            Self::Plain(plain) => plain.into_response(),
            Self::Cloud(media_type, body) => {
                let media_type = HeaderValue::from_static(media_type);
                ([(header::CONTENT_TYPE, media_type)], body).into_response()
            }
        };
        let vary = HeaderValue::from_static("accept");
        response.headers_mut().insert(header::VARY, vary);
        response
    }
}

impl<T: IntoResponses> IntoResponses for Negotiated<T> {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        let mut responses = T::responses();
        if let Some(RefOr::T(response)) = responses.get_mut("200") {
            let example = json!({
                "specversion": "1.0",
                "id": "evt_01kb3f9z5qf8m9w2v7x4t6n0hf",
                "source": "/v1/events",
                "type": "order.created",
                "subject": "order/1042",
                "time": "2026-11-22T10:00:00.000Z",
                "datacontenttype": "application/json",
                "tenantid": "tn_01kb3f9z5qf8m9w2v7x4t6n0hc",
                "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                "data": {"order_id": "1042", "total": 99.5},
            });
            for (media_type, example) in [(STRUCTURED, example.clone()), (BATCH, json!([example]))]
            {
                let content = ContentBuilder::new().example(Some(example)).build();
                response
                    .content
                    .insert(media_type.to_owned(), content.into());
            }
        }
        responses
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_the_one_asked_for_by_name() {
        let rows = [
            ("", false),
            ("*/*", false),
            ("application/json", false),
            (STRUCTURED, true),
            ("Application/CloudEvents+JSON", true),
            ("application/cloudevents+json; charset=utf-8", true),
            (
                "text/html, application/cloudevents+json;q=0.5, */*;q=0.1",
                true,
            ),
            (
                "application/json, application/cloudevents+json;q=0.9",
                false,
            ),
            ("application/json;q=0.9, application/cloudevents+json", true),
            ("application/cloudevents+json;q=0", false),
            ("application/cloudevents+json;q=x", false),
            (BATCH, false),
        ];
        for (accept, wanted) in rows {
            let headers = HeaderMap::from_iter([(header::ACCEPT, accept.parse().unwrap())]);
            assert_eq!(is_wanted(&headers, STRUCTURED), wanted, "{accept}");
        }
    }
}
