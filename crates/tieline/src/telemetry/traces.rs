//! Traces: handed on always, exported where the operator names a collector (OTLP over HTTP, protobuf).
//!
//! One exporter for the process, as with metrics. While there is none, recording a span is one look at an
//! empty cell. Spans wait in a bounded queue; what does not fit is dropped, and nobody waits for the
//! collector.

use std::{
    collections::HashMap,
    future::Future,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response};
use opentelemetry::KeyValue;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    trace::{BatchConfigBuilder, BatchSpanProcessor, SpanData, SpanProcessor as _},
};
use tieline_domain::trace::{TraceContext, is_sampled};
use tokio::runtime::Handle;
use url::Url;

use crate::{
    config::TelemetryConfig,
    outbound::{self, AllowList, BodyLimit, Outbound, Settings},
};

/// The header of W3C Trace Context.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// How many spans wait for the collector; more are dropped.
const QUEUE: usize = 8_192;
/// How many go in one request.
const BATCH: usize = 512;
/// How long spans are gathered.
const GATHER: Duration = Duration::from_secs(1);
/// How long the collector may take.
const DEADLINE: Duration = Duration::from_secs(10);
/// The most that is read of what it answers, in bytes.
const ANSWER: usize = 64 * 1024;

static EXPORT: OnceLock<Export> = OnceLock::new();

tokio::task_local! {
    /// The span of the request that the task answers.
    static CURRENT: TraceContext;
}

struct Export {
    processor: BatchSpanProcessor,
    percent: u8,
}

/// Why traces cannot be exported.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The collector's address cannot be used.
    #[error("telemetry.otlp_endpoint: {0}")]
    Endpoint(String),
    /// The exporter refused its settings.
    #[error("telemetry: {0}")]
    Exporter(String),
}

/// Begins to export, if a collector is named; once per process.
pub fn start(config: &TelemetryConfig) -> Result<(), Error> {
    let Some(endpoint) = &config.otlp_endpoint else {
        return Ok(());
    };
    let headers = config.otlp_headers.as_ref();
    let headers = headers.map_or_else(HashMap::new, |headers| headers.expose().collect());
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_http_client(Door::to(endpoint)?)
        .with_endpoint(traces_url(endpoint))
        .with_timeout(DEADLINE)
        .with_headers(headers)
        .build()
        .map_err(|error| Error::Exporter(error.to_string()))?;
    let batches = BatchConfigBuilder::default()
        .with_max_queue_size(QUEUE)
        .with_max_export_batch_size(BATCH)
        .with_scheduled_delay(GATHER);
    let mut processor = BatchSpanProcessor::builder(exporter)
        .with_batch_config(batches.build())
        .build();
    let resource = Resource::builder_empty()
        .with_service_name("tieline")
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
    processor.set_resource(&resource.build());
    let export = Export {
        processor,
        percent: config.trace_sample_percent,
    };
    EXPORT
        .set(export)
        .map_err(|_| Error::Exporter("traces are exported already".to_owned()))
}

/// Sends what still waits; waits for the collector no longer than its deadline.
pub async fn finish() {
    let flushed = tokio::task::spawn_blocking(|| {
        EXPORT
            .get()
            .map(|export| export.processor.shutdown_with_timeout(DEADLINE))
    });
    if let Ok(Some(Err(error))) = flushed.await {
        tracing::warn!(%error, "the last spans did not reach the collector");
    }
}

/// Where traces go: the endpoint is the base that all signals share.
fn traces_url(endpoint: &Url) -> String {
    format!("{}/v1/traces", endpoint.as_str().trim_end_matches('/'))
}

/// Whether spans are exported.
pub fn are_exported() -> bool {
    EXPORT.get().is_some()
}

/// A new span in a trace.
pub fn span_in(trace_id: u128) -> TraceContext {
    TraceContext {
        trace_id,
        span_id: rand::random::<u64>().max(1),
        sampled: EXPORT
            .get()
            .is_none_or(|export| is_sampled(trace_id, export.percent)),
    }
}

/// A context as the header carries it.
pub fn header(context: &TraceContext) -> HeaderValue {
    HeaderValue::try_from(context.to_string()).expect("hex digits and dashes are visible ASCII")
}

/// Runs `answer` so that [`current`] tells its span.
pub async fn within<F: Future>(context: TraceContext, answer: F) -> F::Output {
    if are_exported() {
        CURRENT.scope(context, answer).await
    } else {
        answer.await
    }
}

/// The span of the request that the task answers, where spans are exported.
pub fn current() -> Option<TraceContext> {
    CURRENT.try_with(|context| *context).ok()
}

/// Exports a span, if spans are exported and its trace is among those that are.
pub fn record(span: impl FnOnce() -> SpanData) {
    if let Some(export) = EXPORT.get() {
        let span = span();
        if span.span_context.is_sampled() {
            export.processor.on_end(span);
        }
    }
}

/// The way out to the collector, which the operator has chosen, wherever it stands.
struct Door {
    outbound: Outbound,
    runtime: Handle,
    /// Whether the last request failed: each outage is told once.
    failing: AtomicBool,
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Door").finish_non_exhaustive()
    }
}

impl Door {
    fn to(endpoint: &Url) -> Result<Self, Error> {
        let host = endpoint.host_str().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let allow: AllowList = host
            .parse()
            .map_err(|error: outbound::BadEntry| Error::Endpoint(error.to_string()))?;
        let outbound = Outbound::new(Settings {
            allow,
            ..Settings::default()
        });
        outbound
            .check_url(endpoint.as_str())
            .map_err(|error| Error::Endpoint(error.to_string()))?;
        Ok(Self {
            outbound,
            runtime: Handle::current(),
            failing: AtomicBool::new(false),
        })
    }
}

#[async_trait::async_trait]
impl HttpClient for Door {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (head, body) = request.into_parts();
        let request = outbound::Request {
            method: head.method,
            uri: head.uri,
            headers: head.headers,
            body,
            deadline: DEADLINE,
            body_limit: BodyLimit::Excerpt { keep: ANSWER },
        };
        // The exporter has a thread of its own, where no runtime is.
        let outbound = self.outbound.clone();
        let sending = self
            .runtime
            .spawn(async move { outbound.send(request).await });
        let answer = sending.await?;
        let failed = match &answer {
            Ok(answer) => (!answer.status.is_success()).then(|| answer.status.to_string()),
            Err(error) => Some(error.to_string()),
        };
        match (
            &failed,
            self.failing.swap(failed.is_some(), Ordering::Relaxed),
        ) {
            (Some(reason), false) => {
                tracing::warn!(
                    reason,
                    "the collector takes no traces; they are dropped until it does"
                );
            }
            (None, true) => tracing::info!("the collector takes traces again"),
            _ => {}
        }
        let answer = answer?;
        let mut response = Response::new(answer.body);
        *response.status_mut() = answer.status;
        *response.headers_mut() = answer.headers;
        Ok(response)
    }
}
