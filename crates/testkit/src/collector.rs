//! What an OpenTelemetry collector was sent (OTLP over HTTP, protobuf), read from a receiver's requests.

use std::collections::BTreeMap;

use anyhow::{Context as _, ensure};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value},
    trace::v1::status::StatusCode,
};
use prost::Message as _;

use crate::receiver::Received;

/// A span, as a collector sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// 32 hex digits.
    pub trace_id: String,
    /// 16 hex digits.
    pub span_id: String,
    /// 16 hex digits; empty without a parent.
    pub parent_id: String,
    /// Its name.
    pub name: String,
    /// Whether it failed.
    pub failed: bool,
    /// Its attributes as text.
    pub attributes: BTreeMap<String, String>,
    /// The name of the service that made it.
    pub service: String,
}

/// Every span in these requests, in the order in which they came.
pub fn spans(requests: &[Received]) -> anyhow::Result<Vec<Span>> {
    let mut spans = Vec::new();
    for request in requests {
        ensure!(request.path == "/v1/traces", "sent to {}", request.path);
        let sent = ExportTraceServiceRequest::decode(&*request.body).context("no OTLP")?;
        for of_resource in sent.resource_spans {
            let resource = of_resource.resource.unwrap_or_default();
            let service = attributes(resource.attributes).remove("service.name");
            for span in of_resource
                .scope_spans
                .into_iter()
                .flat_map(|scope| scope.spans)
            {
                ensure!(
                    span.end_time_unix_nano >= span.start_time_unix_nano,
                    "{} ends before it begins",
                    span.name
                );
                let status = span.status.unwrap_or_default();
                spans.push(Span {
                    trace_id: hex::encode(&span.trace_id),
                    span_id: hex::encode(&span.span_id),
                    parent_id: hex::encode(&span.parent_span_id),
                    name: span.name,
                    failed: status.code == StatusCode::Error as i32,
                    attributes: attributes(span.attributes),
                    service: service.clone().unwrap_or_default(),
                });
            }
        }
    }
    Ok(spans)
}

fn attributes(pairs: Vec<KeyValue>) -> BTreeMap<String, String> {
    let text = |pair: KeyValue| {
        let text = match pair.value.and_then(|value| value.value) {
            Some(Value::StringValue(text)) => text,
            Some(Value::IntValue(number)) => number.to_string(),
            other => format!("{other:?}"),
        };
        (pair.key, text)
    };
    pairs.into_iter().map(text).collect()
}
