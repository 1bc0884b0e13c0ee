//! Every metric of the process, and how they are rendered for Prometheus.

use std::sync::OnceLock;

use metrics::Unit;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Webhooks and events accepted: on disk and answered with 2xx.
pub const ACCEPTED_TOTAL: &str = "tieline_accepted_total";
/// Requests refused, by `reason`.
pub const REJECTED_TOTAL: &str = "tieline_rejected_total";
/// Questions of senders answered, by `handshake`.
pub const HANDSHAKES_TOTAL: &str = "tieline_handshakes_total";
/// Deliveries that ended, by `outcome`.
pub const DELIVERIES_TOTAL: &str = "tieline_deliveries_total";
/// Attempts made, by `outcome`.
pub const ATTEMPTS_TOTAL: &str = "tieline_attempts_total";
/// Deliveries that wait or are under way.
pub const QUEUE_DEPTH: &str = "tieline_queue_depth";
/// Age of the oldest delivery that is due.
pub const QUEUE_OLDEST_SECONDS: &str = "tieline_queue_oldest_seconds";
/// Deliveries under way.
pub const IN_FLIGHT: &str = "tieline_in_flight";
/// Bytes of deliveries held in memory.
pub const DELIVERY_MEMORY_BYTES: &str = "tieline_delivery_memory_bytes";
/// Requests that shared one commit.
pub const COMMIT_BATCH_SIZE: &str = "tieline_commit_batch_size";
/// Time of one commit.
pub const COMMIT_SECONDS: &str = "tieline_commit_seconds";
/// Time of one outgoing request.
pub const OUTBOUND_SECONDS: &str = "tieline_outbound_seconds";
/// HTTP requests answered, by `route`, `method` and `status`.
pub const HTTP_REQUESTS_TOTAL: &str = "tieline_http_requests_total";
/// Time to answer an HTTP request, by `route`.
pub const HTTP_REQUEST_SECONDS: &str = "tieline_http_request_seconds";
/// Rows that were removed because they were kept long enough, by `kind`.
pub const RETENTION_REMOVED_TOTAL: &str = "tieline_retention_removed_total";
/// Calls of tools and actions, by `outcome`: `ok`, or the kind of the error.
pub const CALLS_TOTAL: &str = "tieline_calls_total";
/// Calls whose row in the log of calls could not be written.
pub const CALLS_UNLOGGED_TOTAL: &str = "tieline_calls_unlogged_total";
/// Optional fields that the mappings of webhooks left out because their values are invalid.
pub const MAPPING_LEFT_OUT_TOTAL: &str = "tieline_mapping_left_out_total";
/// How long after its time the oldest event was removed.
pub const RETENTION_LAG_SECONDS: &str = "tieline_retention_lag_seconds";

/// What a metric is, for its description and its buckets.
#[derive(Debug, Clone, Copy)]
enum Form {
    Counter,
    Gauge(Unit),
    /// Buckets that double from the first bound.
    Histogram {
        unit: Unit,
        first: f64,
        buckets: u32,
    },
}

/// Seconds from 0.1 ms to 26 s.
const FAST_SECONDS: Form = Form::Histogram {
    unit: Unit::Seconds,
    first: 0.0001,
    buckets: 19,
};
/// Seconds from 1 ms to 524 s: a delivery may take as long as its timeout.
const SLOW_SECONDS: Form = Form::Histogram {
    unit: Unit::Seconds,
    first: 0.001,
    buckets: 20,
};
/// Sizes from 1 to 4096.
const BATCH: Form = Form::Histogram {
    unit: Unit::Count,
    first: 1.0,
    buckets: 13,
};

const METRICS: [(&str, Form, &str); 19] = [
    (
        ACCEPTED_TOTAL,
        Form::Counter,
        "Webhooks and events accepted and on disk",
    ),
    (REJECTED_TOTAL, Form::Counter, "Requests refused, by reason"),
    (
        HANDSHAKES_TOTAL,
        Form::Counter,
        "Questions of senders answered, by handshake",
    ),
    (
        DELIVERIES_TOTAL,
        Form::Counter,
        "Deliveries that ended, by outcome",
    ),
    (ATTEMPTS_TOTAL, Form::Counter, "Attempts made, by outcome"),
    (
        QUEUE_DEPTH,
        Form::Gauge(Unit::Count),
        "Deliveries that wait or are under way",
    ),
    (
        QUEUE_OLDEST_SECONDS,
        Form::Gauge(Unit::Seconds),
        "Age of the oldest delivery that is due",
    ),
    (IN_FLIGHT, Form::Gauge(Unit::Count), "Deliveries under way"),
    (
        DELIVERY_MEMORY_BYTES,
        Form::Gauge(Unit::Bytes),
        "Bytes of deliveries held in memory",
    ),
    (COMMIT_BATCH_SIZE, BATCH, "Requests that shared one commit"),
    (COMMIT_SECONDS, FAST_SECONDS, "Time of one commit"),
    (
        OUTBOUND_SECONDS,
        SLOW_SECONDS,
        "Time of one outgoing request",
    ),
    (
        HTTP_REQUESTS_TOTAL,
        Form::Counter,
        "HTTP requests answered, by route, method and status",
    ),
    (
        HTTP_REQUEST_SECONDS,
        FAST_SECONDS,
        "Time to answer an HTTP request, by route",
    ),
    (
        RETENTION_REMOVED_TOTAL,
        Form::Counter,
        "Rows removed because they were kept long enough, by kind",
    ),
    (
        CALLS_TOTAL,
        Form::Counter,
        "Calls of tools and actions, by outcome: ok, or the kind of the error",
    ),
    (
        CALLS_UNLOGGED_TOTAL,
        Form::Counter,
        "Calls of tools and actions whose row in the log of calls could not be written",
    ),
    (
        MAPPING_LEFT_OUT_TOTAL,
        Form::Counter,
        "Optional fields that mappings of webhooks left out because their values are invalid",
    ),
    (
        RETENTION_LAG_SECONDS,
        Form::Gauge(Unit::Seconds),
        "How long after its time the oldest event was removed",
    ),
];

/// The metrics of the process.
#[derive(Debug)]
pub struct Metrics {
    handle: PrometheusHandle,
}

impl Metrics {
    /// Every metric in the Prometheus text format.
    pub fn render(&self) -> String {
        self.handle.render()
    }

    /// Sorts new samples into their buckets. Call it every few seconds: samples that nobody
    /// scrapes would fill the memory otherwise.
    pub fn upkeep(&self) {
        self.handle.run_upkeep();
    }
}

/// Starts measuring, the first time it is called, and returns the metrics of the process.
pub fn metrics() -> &'static Metrics {
    static METRICS_OF_PROCESS: OnceLock<Metrics> = OnceLock::new();
    METRICS_OF_PROCESS.get_or_init(|| {
        let handle = with_buckets(PrometheusBuilder::new())
            .install_recorder()
            .expect("this is the only recorder that the program installs, once");
        describe();
        Metrics { handle }
    })
}

fn with_buckets(builder: PrometheusBuilder) -> PrometheusBuilder {
    METRICS
        .iter()
        .fold(builder, |builder, (name, form, _)| match form {
            Form::Histogram { first, buckets, .. } => {
                let bounds: Vec<f64> = (0..*buckets)
                    .map(|power| first * f64::from(1_u32 << power))
                    .collect();
                builder
                    .set_buckets_for_metric(Matcher::Full((*name).to_owned()), &bounds)
                    .expect("every histogram of the table has buckets")
            }
            Form::Counter | Form::Gauge(_) => builder,
        })
}

fn describe() {
    for (name, form, text) in METRICS {
        match form {
            Form::Counter => metrics::describe_counter!(name, Unit::Count, text),
            Form::Gauge(unit) => metrics::describe_gauge!(name, unit, text),
            Form::Histogram { unit, .. } => metrics::describe_histogram!(name, unit, text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renders_every_form_with_its_help() {
        let metrics = metrics();
        metrics::counter!(REJECTED_TOTAL, "reason" => "signature").increment(2);
        metrics::gauge!(QUEUE_DEPTH).set(7.0);
        metrics::histogram!(COMMIT_BATCH_SIZE).record(3.0);
        metrics.upkeep();
        let text = metrics.render();
        for line in [
            "# HELP tieline_rejected_total Requests refused, by reason",
            "# TYPE tieline_rejected_total counter",
            "tieline_rejected_total{reason=\"signature\"} 2",
            "tieline_queue_depth 7",
            "tieline_commit_batch_size_bucket{le=\"2\"} 0",
            "tieline_commit_batch_size_bucket{le=\"4\"} 1",
            "tieline_commit_batch_size_bucket{le=\"4096\"} 1",
            "tieline_commit_batch_size_count 1",
        ] {
            assert!(
                text.lines().any(|found| found == line),
                "{line} is not in\n{text}"
            );
        }
    }

    #[test]
    fn names_are_unique_and_say_their_unit() {
        for (index, (name, form, _)) in METRICS.iter().enumerate() {
            assert!(
                METRICS[..index].iter().all(|(other, ..)| other != name),
                "{name} twice"
            );
            let suffix = match form {
                Form::Counter => "_total",
                Form::Gauge(Unit::Seconds)
                | Form::Histogram {
                    unit: Unit::Seconds,
                    ..
                } => "_seconds",
                Form::Gauge(Unit::Bytes) => "_bytes",
                Form::Gauge(_) | Form::Histogram { .. } => "",
            };
            assert!(
                name.starts_with("tieline_") && name.ends_with(suffix),
                "{name}"
            );
        }
    }
}
