//! The table of settings: one row each, in the order in which they are documented.

mod background;
mod contract;
mod operations;
mod turns;

use std::sync::LazyLock;
use std::time::Duration;

use super::kind::Kind;
use super::setting::{Fallback, Setting};
use super::{Config, outbound};

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const GIB: u64 = 1024 * MIB;
const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

fn amount(unit: &'static str, (min, max): (u64, u64), set: fn(&mut Config, u64)) -> Kind {
    Kind::Amount {
        unit,
        min,
        max,
        set,
    }
}

/// Every setting.
pub static SETTINGS: LazyLock<Vec<Setting>> = LazyLock::new(|| {
    let sections = [
        process(),
        outbound::settings(),
        observability(),
        limits(),
        background::limits(),
        contract::limits(),
        turns::limits(),
        operations::limits(),
        delivery(),
        background::retention(),
        storage(),
    ];
    sections.into_iter().flatten().collect()
});

fn process() -> Vec<Setting> {
    use Fallback::{Unset, Value};
    vec![
        Setting::new(
            "listen",
            Kind::Address(|c, v| c.listen = v),
            Value("127.0.0.1:8080"),
            "Address to listen on.",
        ),
        Setting::new(
            "public_url",
            Kind::PublicUrl(|c, v| c.public_url = Some(v)),
            Unset {
                meaning: "http:// and the address listened on",
                example: "https://tieline.example.com",
            },
            "Base of the links that others are given.",
        ),
        Setting::new(
            "data",
            Kind::Directory(|c, v| c.data = v),
            Value("./data"),
            "Directory of the embedded database and of the generated master key.",
        ),
        Setting::new(
            "database",
            Kind::Database(|c, v| c.database = v),
            Unset {
                meaning: "tieline.db in the data directory",
                example: "postgres://tieline@localhost/tieline",
            },
            "Where data is kept.",
        ),
        Setting::new(
            "roles",
            Kind::Roles(|c, v| c.roles = v),
            Value("api,worker"),
            "What this process does: answer requests, send deliveries, or both.",
        ),
        Setting::new(
            "demo",
            Kind::Switch(|c, v| c.demo = v),
            Value("false"),
            "Runs simulated services and a sample setup, and allows calls to loopback.",
        ),
        Setting::new(
            "owner_key",
            Kind::OwnerKey(|c, v| c.owner_key = Some(v)),
            Unset {
                meaning: "one is generated and printed once",
                example: "<long and random: openssl rand -hex 32>",
            },
            "API key of the first tenant's owner. Other users of the machine can see flags: prefer the environment.",
        ),
        Setting::new(
            "master_key",
            Kind::MasterKeys(|c, v| c.master_key = Some(v)),
            Unset {
                meaning: "one is generated into the data directory",
                example: "<32 random bytes: openssl rand -base64 32>",
            },
            "Keys that seal secrets: the first seals, all open. Other users of the machine can see flags: prefer the environment.",
        ),
        Setting::new(
            "outbound_allow",
            Kind::Destinations(|c, v| c.outbound_allow = v),
            Value(""),
            "Private destinations that outgoing calls may reach; public ones always may.",
        ),
        Setting::new(
            "senders_mirror",
            Kind::PublicUrl(|c, v| c.senders_mirror = Some(v)),
            Unset {
                meaning: "senders are asked at their own hosts",
                example: "https://mirror.example.com/senders",
            },
            "Server that is asked for keys in place of the senders' hosts, as <mirror>/<host>/<path>; where there is no way out.",
        ),
        Setting::new(
            "shutdown_grace_seconds",
            amount("seconds", (0, HOUR), |c, v| {
                c.shutdown_grace = Duration::from_secs(v);
            }),
            Value("30"),
            "Time that open requests and deliveries get to finish at shutdown.",
        ),
    ]
}

fn observability() -> Vec<Setting> {
    use Fallback::{Unset, Value};
    vec![
        Setting::new(
            "log.level",
            Kind::LogLevel(|c, v| c.log.level = v),
            Value("info"),
            "What is logged.",
        ),
        Setting::new(
            "log.format",
            Kind::LogFormat(|c, v| c.log.format = v),
            Value("auto"),
            "Form of a log line; auto is text on a terminal and JSON otherwise.",
        ),
        Setting::new(
            "metrics.tenant_labels",
            Kind::Switch(|c, v| c.metrics.tenant_labels = v),
            Value("false"),
            "Labels metrics with the tenant; costs one time series per tenant and metric.",
        ),
        Setting::new(
            "metrics.queue_count_max",
            amount("deliveries", (1, 10_000_000), |c, v| {
                c.metrics.queue_count_max = v;
            }),
            Value("100_000"),
            "Deliveries of each status that are counted for tieline_queue_depth; at this number there may be more.",
        ),
        Setting::new(
            "telemetry.otlp_endpoint",
            Kind::PublicUrl(|c, v| c.telemetry.otlp_endpoint = Some(v)),
            Unset {
                meaning: "traces are handed on but not exported",
                example: "http://127.0.0.1:4318",
            },
            "OpenTelemetry collector that traces are exported to: OTLP over HTTP, protobuf, at /v1/traces below this.",
        ),
        Setting::new(
            "telemetry.otlp_headers",
            Kind::SecretHeaders(|c, v| c.telemetry.otlp_headers = Some(v)),
            Unset {
                meaning: "none",
                example: "<name=value,name=value>",
            },
            "Headers for the collector, such as a key. Other users of the machine can see flags: prefer the environment.",
        ),
        Setting::new(
            "telemetry.trace_sample_percent",
            amount("percent", (0, 100), |c, v| {
                c.telemetry.trace_sample_percent = v as u8;
            }),
            Value("100"),
            "How many of a hundred traces are exported; a trace is exported whole or not at all.",
        ),
    ]
}

fn limits() -> Vec<Setting> {
    use Fallback::Value;
    let row = |key, unit, range, set, default, doc| {
        Setting::new(key, amount(unit, range, set), Value(default), doc)
    };
    vec![
        row(
            "limits.body_max_bytes",
            "bytes",
            (KIB, 100 * MIB),
            |c, v| c.limits.body_max_bytes = v as usize,
            "1_048_576",
            "Largest body of a received webhook (1 MiB).",
        ),
        row(
            "limits.api_body_max_bytes",
            "bytes",
            (KIB, 100 * MIB),
            |c, v| c.limits.api_body_max_bytes = v as usize,
            "1_048_576",
            "Largest body of an API request (1 MiB).",
        ),
        row(
            "limits.event_batch_max",
            "events",
            (1, 10_000),
            |c, v| c.limits.event_batch_max = v as usize,
            "1000",
            "Most events in one publish request.",
        ),
        row(
            "limits.json_depth_max",
            "levels",
            (1, 100),
            |c, v| c.limits.json_depth_max = v as usize,
            "64",
            "Deepest nesting of JSON taken in.",
        ),
        row(
            "limits.requests_per_second",
            "requests",
            (1, 1_000_000),
            |c, v| c.limits.requests_per_second = v as u32,
            "1000",
            "Sustained requests per second and tenant.",
        ),
        row(
            "limits.requests_burst",
            "requests",
            (1, 1_000_000),
            |c, v| c.limits.requests_burst = v as u32,
            "2000",
            "Requests that a tenant may make at once before the rate applies.",
        ),
        row(
            "limits.incoming_per_second",
            "requests",
            (0, 1_000_000),
            |c, v| c.limits.incoming_per_second = v as u32,
            "0",
            "Sustained requests per second to an incoming webhook without a `rate_limit` of its own, on each node; 0 for no limit.",
        ),
        row(
            "limits.streams_per_tenant",
            "streams",
            (0, 10_000),
            |c, v| c.limits.streams_per_tenant = v as usize,
            "20",
            "Streams of events that a tenant may have open on one node.",
        ),
        row(
            "limits.rejected_log_per_source",
            "requests",
            (0, 10_000),
            |c, v| c.limits.rejected_log_per_source = v as usize,
            "100",
            "Rejected requests kept for inspection per source.",
        ),
        row(
            "limits.accept_queue",
            "requests",
            (1, 1_000_000),
            |c, v| c.limits.accept_queue = v as usize,
            "8192",
            "Requests that may wait for the store before more are answered 503.",
        ),
        row(
            "limits.delivery_memory_per_destination",
            "deliveries",
            (1, 1_000_000),
            |c, v| c.limits.delivery_memory_per_destination = v as usize,
            "4096",
            "Deliveries held in memory per destination; the rest waits on disk.",
        ),
        row(
            "limits.delivery_memory_bytes",
            "bytes",
            (MIB, 64 * GIB),
            |c, v| c.limits.delivery_memory_bytes = v as usize,
            "67_108_864",
            "Bytes of deliveries held in memory altogether (64 MiB).",
        ),
        row(
            "limits.in_flight_per_destination",
            "deliveries",
            (1, 65_535),
            |c, v| c.limits.in_flight_per_destination = v as usize,
            "64",
            "Deliveries under way at once to one destination.",
        ),
        row(
            "limits.in_flight_per_tenant",
            "deliveries",
            (1, 65_535),
            |c, v| c.limits.in_flight_per_tenant = v as usize,
            "512",
            "Deliveries under way at once for one tenant.",
        ),
        row(
            "limits.in_flight_total",
            "deliveries",
            (1, 65_535),
            |c, v| c.limits.in_flight_total = v as usize,
            "2048",
            "Deliveries under way at once.",
        ),
        row(
            "limits.idempotency_hours",
            "hours",
            (1, 8760),
            |c, v| c.limits.idempotency = Duration::from_secs(v * HOUR),
            "24",
            "How long an Idempotency-Key is remembered.",
        ),
        row(
            "limits.dedupe_window_hours",
            "hours",
            (1, 8760),
            |c, v| c.limits.dedupe_window = Duration::from_secs(v * HOUR),
            "24",
            "How long an incoming event id is remembered.",
        ),
    ]
}

fn delivery() -> Vec<Setting> {
    use Fallback::Value;
    let row = |key, unit, range, set, default, doc| {
        Setting::new(key, amount(unit, range, set), Value(default), doc)
    };
    let retry = Setting::new(
        "delivery.retry",
        Kind::Delays(|c, v| c.delivery.retry = v),
        Value("0,5,30,300,1800"),
        "Delay before each attempt; their number is the number of attempts.",
    );
    vec![
        row(
            "delivery.timeout_seconds",
            "seconds",
            (1, 300),
            |c, v| c.delivery.timeout = Duration::from_secs(v),
            "15",
            "Time one attempt may take, from connecting to the last byte.",
        ),
        retry,
        row(
            "delivery.jitter_percent",
            "percent",
            (0, 100),
            |c, v| c.delivery.jitter_percent = v as u8,
            "20",
            "How far a delay may stray either way.",
        ),
        row(
            "delivery.max_age_hours",
            "hours",
            (1, 8760),
            |c, v| c.delivery.max_age = Duration::from_secs(v * HOUR),
            "72",
            "How long a delivery is held before it is dead.",
        ),
        row(
            "delivery.probe_first_seconds",
            "seconds",
            (1, DAY),
            |c, v| c.delivery.probe_first = Duration::from_secs(v),
            "60",
            "First interval at which a failing destination is probed.",
        ),
        row(
            "delivery.probe_max_seconds",
            "seconds",
            (1, DAY),
            |c, v| c.delivery.probe_max = Duration::from_secs(v),
            "3600",
            "Longest interval between probes.",
        ),
        row(
            "delivery.lease_seconds",
            "seconds",
            (2, HOUR),
            |c, v| c.delivery.lease = Duration::from_secs(v),
            "60",
            "How long a claimed delivery belongs to a node that says nothing.",
        ),
        row(
            "delivery.response_excerpt_bytes",
            "bytes",
            (0, MIB),
            |c, v| c.delivery.response_excerpt_bytes = v as usize,
            "16_384",
            "Bytes of a response kept with the attempt (16 KiB).",
        ),
    ]
}

fn storage() -> Vec<Setting> {
    use Fallback::Value;
    let row = |key, unit, range, set, default, doc| {
        Setting::new(key, amount(unit, range, set), Value(default), doc)
    };
    vec![
        row(
            "database_pool.connections",
            "connections",
            (1, 1000),
            |c, v| c.database_pool.connections = v as u32,
            "8",
            "Connections to the database, beside those of the writers; on SQLite, those that read.",
        ),
        row(
            "database_pool.writers",
            "connections",
            (1, 64),
            |c, v| c.database_pool.writers = v as u32,
            "2",
            "Batches written at once on Postgres, each over a connection of its own; SQLite has one writer.",
        ),
    ]
}
