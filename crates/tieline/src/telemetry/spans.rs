//! The spans of a trace: the request, each event that it made, each attempt to deliver one. Names and
//! attributes are those of OpenTelemetry's semantic conventions; no payload and no secret is among them.

use std::{
    borrow::Cow,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use http::Method;
use opentelemetry::{
    InstrumentationScope, KeyValue, SpanId, TraceFlags, TraceId,
    trace::{SpanContext, SpanKind, Status, TraceState},
};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use tieline_domain::{
    DeliveryId, Timestamp,
    event::Event,
    trace::{TraceContext, span_of},
};

use super::traces;
use crate::{
    api::frame::RequestTrace,
    registry::{Route, Target},
};

/// A request and its answer.
pub struct Answered<'a> {
    /// The method.
    pub method: &'a Method,
    /// The route's template.
    pub route: &'a str,
    /// The status of the answer.
    pub status: u16,
}

/// The span of a request.
pub fn request(
    trace: &RequestTrace,
    seen: &Answered<'_>,
    started_at: Timestamp,
    took: Duration,
) -> SpanData {
    let Answered {
        method,
        route,
        status,
    } = seen;
    let mut attributes = vec![
        KeyValue::new("http.request.method", method.to_string()),
        KeyValue::new("http.route", (*route).to_owned()),
        KeyValue::new("http.response.status_code", i64::from(*status)),
    ];
    let failed = (*status >= 500).then(|| status.to_string());
    attributes.extend(failed.clone().map(|kind| KeyValue::new("error.type", kind)));
    Made {
        context: trace.context,
        parent: trace.parent,
        parent_is_remote: true,
        kind: SpanKind::Server,
        name: format!("{method} {route}").into(),
        started_at,
        took,
        attributes,
        failed,
    }
    .data()
}

/// Where the acceptance of an event stands in its trace.
pub fn accepted_at(event: &Event) -> TraceContext {
    TraceContext {
        span_id: span_of(event.id),
        ..context_of(event)
    }
}

/// The span in which an event was accepted, below the request that brought it or the event that caused it.
pub fn accepted(
    event: &Event,
    parent: Option<TraceContext>,
    started_at: Timestamp,
    took: Duration,
) -> SpanData {
    Made {
        context: accepted_at(event),
        parent: parent.map(|parent| parent.span_id),
        parent_is_remote: false,
        kind: SpanKind::Producer,
        name: format!("accept {}", event.event_type).into(),
        started_at,
        took,
        attributes: of_event(event),
        failed: None,
    }
    .data()
}

/// A new span in the trace of an event, for an attempt to deliver it.
pub fn attempt_at(event: &Event) -> TraceContext {
    context_of(event)
}

/// What an attempt showed.
pub struct Attempted<'a> {
    /// Its span.
    pub context: TraceContext,
    /// Where it went.
    pub route: &'a Route,
    /// What was delivered.
    pub event: &'a Event,
    /// As which delivery.
    pub delivery: DeliveryId,
    /// The status of the answer.
    pub status: Option<u16>,
    /// The kind of failure.
    pub error_kind: Option<&'static str>,
}

/// The span of an attempt, below the event's.
pub fn attempt(seen: &Attempted<'_>, started_at: Timestamp, took: Duration) -> SpanData {
    let Attempted {
        context,
        route,
        event,
        delivery,
        status,
        error_kind,
    } = seen;
    let mut attributes = of_event(event);
    attributes.extend([
        KeyValue::new("http.request.method", "POST"),
        KeyValue::new("tieline.webhook.id", route.id.to_string()),
        KeyValue::new("tieline.delivery.id", delivery.to_string()),
    ]);
    if let Target::Webhook(webhook) = &route.target
        && let Ok(destination) = &webhook.destination
    {
        let uri = destination.uri();
        let host = uri
            .host()
            .map(|host| KeyValue::new("server.address", host.to_owned()));
        let port = uri
            .port_u16()
            .map(|port| KeyValue::new("server.port", i64::from(port)));
        attributes.extend(host.into_iter().chain(port));
    }
    let status = status.map(|status| KeyValue::new("http.response.status_code", i64::from(status)));
    attributes.extend(status);
    attributes.extend(error_kind.map(|kind| KeyValue::new("error.type", kind)));
    Made {
        context: *context,
        parent: Some(span_of(event.id)),
        parent_is_remote: false,
        kind: SpanKind::Client,
        name: format!("deliver {}", event.event_type).into(),
        started_at,
        took,
        attributes,
        failed: error_kind.map(str::to_owned),
    }
    .data()
}

/// A new span in the trace of an event. What is no trace id, as in events of long ago, begins a new trace.
fn context_of(event: &Event) -> TraceContext {
    let trace_id = u128::from_str_radix(&event.trace_id, 16).ok();
    let trace_id = trace_id.filter(|id| *id != 0);
    traces::span_in(trace_id.unwrap_or_else(|| rand::random::<u128>().max(1)))
}

fn of_event(event: &Event) -> Vec<KeyValue> {
    vec![
        KeyValue::new("cloudevents.event_id", event.id.to_string()),
        KeyValue::new("cloudevents.event_type", event.event_type.to_string()),
        KeyValue::new("cloudevents.event_source", event.source.to_string()),
        KeyValue::new("tieline.tenant.id", event.tenant_id.to_string()),
    ]
}

/// A span as it is made here.
struct Made {
    context: TraceContext,
    parent: Option<u64>,
    parent_is_remote: bool,
    kind: SpanKind,
    name: Cow<'static, str>,
    started_at: Timestamp,
    took: Duration,
    attributes: Vec<KeyValue>,
    failed: Option<String>,
}

impl Made {
    fn data(self) -> SpanData {
        let flags = if self.context.sampled {
            TraceFlags::SAMPLED
        } else {
            TraceFlags::NOT_SAMPLED
        };
        let start_time = instant(self.started_at);
        SpanData {
            span_context: SpanContext::new(
                TraceId::from(self.context.trace_id),
                SpanId::from(self.context.span_id),
                flags,
                false,
                TraceState::NONE,
            ),
            parent_span_id: self.parent.map_or(SpanId::INVALID, SpanId::from),
            parent_span_is_remote: self.parent_is_remote && self.parent.is_some(),
            span_kind: self.kind,
            name: self.name,
            start_time,
            end_time: start_time + self.took,
            attributes: self.attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: self.failed.map_or(Status::Unset, Status::error),
            instrumentation_scope: InstrumentationScope::builder("tieline")
                .with_version(env!("CARGO_PKG_VERSION"))
                .build(),
        }
    }
}

fn instant(at: Timestamp) -> SystemTime {
    let micros = u64::try_from(at.as_micros()).unwrap_or(0);
    UNIX_EPOCH + Duration::from_micros(micros)
}
