//! Configuration: flag > environment > `tieline.toml` > default.
//!
//! One table ([`SETTINGS`]) names every setting with its type, range, default and sentence. It feeds
//! the flags, the environment, the file, `tieline.default.toml`, the manual and `doctor`; to add a
//! setting, add a field below and a row there. The rest of the program sees only [`Config`].

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tieline_domain::{Bounds, retention::Periods};
use url::Url;

mod command_line;
mod document;
mod error;
mod kind;
mod load;
mod outbound;
mod secret;
mod setting;
mod table;
#[cfg(test)]
mod tests;

pub use command_line::{args, flags};
pub use document::{default_toml, describe, markdown_table};
pub use error::{ConfigError, ConfigErrors};
pub use load::{Effective, Loaded, Origin, Settings, Sources, load};
pub use outbound::OutboundConfig;
pub use secret::{MasterKey, MasterKeys, Secret, SecretHeaders};
pub use setting::{Fallback, Setting};
pub use table::SETTINGS;

/// Everything that can be set, checked and typed.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Base of public links, if it differs from the address listened on; see [`Config::public_url_at`].
    pub public_url: Option<Url>,
    /// Directory of the embedded database and of the generated master key.
    pub data: PathBuf,
    /// The store; without a setting, `tieline.db` in [`Config::data`].
    pub database: Database,
    /// What this process does.
    pub roles: Roles,
    /// Runs the built-in simulators and allows calls to loopback.
    pub demo: bool,
    /// Owner key of the first tenant; generated when absent.
    pub owner_key: Option<Secret>,
    /// Keys that seal what is secret; generated into the data directory when absent.
    pub master_key: Option<MasterKeys>,
    /// Private networks (CIDR), addresses and hosts that outgoing calls may reach, with loopback
    /// added by [`Config::demo`].
    pub outbound_allow: Vec<String>,
    /// The server that is asked in place of senders' hosts, where they publish keys or want to be called back.
    pub senders_mirror: Option<Url>,
    /// How outgoing calls are made.
    pub outbound: OutboundConfig,
    /// Time that open requests and deliveries get to finish at shutdown.
    pub shutdown_grace: Duration,
    /// What is logged and how.
    pub log: LogConfig,
    /// What is measured.
    pub metrics: MetricsConfig,
    /// Where traces go.
    pub telemetry: TelemetryConfig,
    /// Bounds on what comes in and what is held.
    pub limits: Limits,
    /// How deliveries are tried.
    pub delivery: DeliveryConfig,
    /// How long data is kept.
    pub retention: RetentionConfig,
    /// Connections to the database.
    pub database_pool: DatabasePool,
}

/// Where data lasts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// An SQLite file.
    Sqlite(PathBuf),
    /// A `postgres://` URL, which may hold a password.
    Postgres(Secret),
}

/// The parts of the server that a process runs; at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Roles {
    /// Answers HTTP requests.
    pub api: bool,
    /// Sends deliveries and runs jobs.
    pub worker: bool,
}

/// What is logged and how.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogConfig {
    /// A level, or levels by target such as `info,tieline=debug`.
    pub level: String,
    /// The form of a line.
    pub format: LogFormat,
}

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    #[default]
    Auto,
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What is measured.
#[derive(Debug, Clone, Default)]
pub struct MetricsConfig {
    /// Labels metrics with the tenant: one time series per tenant.
    pub tenant_labels: bool,
    /// Up to how many deliveries of each status are counted for the depth of the queue.
    pub queue_count_max: u64,
}

/// Where traces go.
#[derive(Debug, Clone, Default)]
pub struct TelemetryConfig {
    /// The collector's base; spans go to `/v1/traces` below it. Nothing is exported without one.
    pub otlp_endpoint: Option<Url>,
    /// What is sent along to the collector.
    pub otlp_headers: Option<SecretHeaders>,
    /// How many of a hundred traces are exported.
    pub trace_sample_percent: u8,
}

/// Bounds on what comes in and what is held.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    /// Body of a received webhook, in bytes.
    pub body_max_bytes: usize,
    /// Body of an API request, in bytes.
    pub api_body_max_bytes: usize,
    /// Events in one publish request.
    pub event_batch_max: usize,
    /// Nesting of JSON.
    pub json_depth_max: usize,
    /// Sustained requests per second and tenant.
    pub requests_per_second: u32,
    /// Requests a tenant may make at once before the rate applies.
    pub requests_burst: u32,
    /// Sustained requests per second to a source that asks for no limit of its own; 0 for none.
    pub incoming_per_second: u32,
    /// Streams of events that a tenant may have open on one node.
    pub streams_per_tenant: usize,
    /// Rejected requests kept for inspection per source.
    pub rejected_log_per_source: usize,
    /// Requests that may wait for the store before more are answered 503.
    pub accept_queue: usize,
    /// Requests under way at once, before more are answered 503.
    pub requests_in_flight: usize,
    /// Connections open at once, before more are answered 503.
    pub connections: usize,
    /// Time that the head of a request may take to arrive.
    pub head_timeout: Duration,
    /// Time that the body of a request may take to arrive.
    pub body_timeout: Duration,
    /// Deliveries held in memory per destination; the rest waits on disk.
    pub delivery_memory_per_destination: usize,
    /// Bytes of deliveries held in memory altogether.
    pub delivery_memory_bytes: usize,
    /// Deliveries under way at once to one destination.
    pub in_flight_per_destination: usize,
    /// Deliveries under way at once for one tenant.
    pub in_flight_per_tenant: usize,
    /// Deliveries under way at once.
    pub in_flight_total: usize,
    /// How long an `Idempotency-Key` is remembered.
    pub idempotency: Duration,
    /// How long an incoming event id is remembered.
    pub dedupe_window: Duration,
    /// Jobs that this node works on at once.
    pub jobs_at_once: usize,
    /// Jobs of one tenant that have not ended, at most.
    pub jobs_per_tenant: usize,
    /// Deliveries per second of a replay that does not ask for another rate.
    pub replay_per_second: u32,
    /// The most that a replay may ask for.
    pub replay_per_second_max: u32,
    /// Events that the preview of a replay looks at.
    pub preview_events: u64,
    /// Time that the preview of a replay takes.
    pub preview_time: Duration,
    /// Deliveries that one request tries again.
    pub retried_at_once: u64,
    /// The longest time that statistics are asked for.
    pub statistics: Duration,
    /// Agents and their turns.
    pub turns: Turns,
    /// Value of a named secret, in bytes.
    pub secret_bytes: usize,
    /// Requests under way at once on one HTTP/2 connection.
    pub http2_streams: u32,
    /// The longest wait that a receiver's `Retry-After` can ask for.
    pub retry_after: Duration,
    /// What tenants may ask for their webhooks.
    pub bounds: Bounds,
    /// Calls of tools and actions.
    pub calls: CallLimits,
}

/// Bounds on calls of tools and actions.
#[derive(Debug, Clone, Default)]
pub struct CallLimits {
    /// Sustained calls per second and tenant, on each node.
    pub per_second: u32,
    /// Calls that a tenant may make at once before the rate applies.
    pub burst: u32,
    /// Calls under way at once for one tenant, on each node.
    pub in_flight: usize,
    /// Output that is handed over, in bytes.
    pub output_bytes: usize,
    /// Answer of a service that is taken, in bytes.
    pub answer_bytes: usize,
    /// How long an output that was too large is kept.
    pub artifact_age: Duration,
    /// Such outputs of one tenant that are kept.
    pub artifacts: usize,
}

/// Bounds of agents and their turns.
#[derive(Debug, Clone, Default)]
pub struct Turns {
    /// Turns of one agent under way at once.
    pub per_agent: usize,
    /// Turns of one tenant's agents under way at once.
    pub per_tenant: usize,
    /// Turns under way at once.
    pub total: usize,
    /// Time for which an agent may work on one turn.
    pub time: Duration,
    /// Answer of a model, in bytes.
    pub answer_bytes: usize,
    /// Content of a message, in bytes.
    pub message_bytes: usize,
    /// Messages of a conversation that a model is shown.
    pub history: usize,
    /// Time for which a request waits for the reply to its message.
    pub reply_wait: Duration,
}

/// How deliveries are tried.
#[derive(Debug, Clone, Default)]
pub struct DeliveryConfig {
    /// Time one attempt may take, from connecting to the last byte.
    pub timeout: Duration,
    /// Delay before each attempt; its length is the number of attempts.
    pub retry: Vec<Duration>,
    /// How far a delay may stray either way, in percent.
    pub jitter_percent: u8,
    /// How long a delivery is held before it is dead.
    pub max_age: Duration,
    /// First interval at which a failing destination is probed.
    pub probe_first: Duration,
    /// Longest interval between probes.
    pub probe_max: Duration,
    /// How long a claimed delivery belongs to a node that says nothing.
    pub lease: Duration,
    /// Bytes of a response kept with the attempt.
    pub response_excerpt_bytes: usize,
}

/// How long data is kept.
#[derive(Debug, Clone, Default)]
pub struct RetentionConfig {
    /// Days that events and deliveries are kept, unless a tenant says otherwise.
    pub days: u32,
    /// Days that attempts are kept, at most as long as their event.
    pub attempts_days: u32,
    /// Days that refused requests are kept.
    pub rejected_days: u32,
    /// Days that the audit log is kept.
    pub audit_days: u32,
    /// Days that jobs are kept after they were asked for.
    pub jobs_days: u32,
    /// Days that the log of calls is kept.
    pub calls_days: u32,
    /// Days that conversations are kept after something happened in them.
    pub conversations_days: u32,
}

impl RetentionConfig {
    /// How long each kind of data is kept where a tenant says nothing.
    pub fn periods(&self) -> Periods {
        let period = |days: u32| Duration::from_hours(24) * days;
        Periods {
            events: period(self.days),
            attempts: period(self.attempts_days),
            rejected: period(self.rejected_days),
            audit: period(self.audit_days),
            jobs: period(self.jobs_days),
            calls: period(self.calls_days),
            conversations: period(self.conversations_days),
        }
    }
}

/// Connections to the database.
#[derive(Debug, Clone, Default)]
pub struct DatabasePool {
    /// Connections that read (SQLite), or all but those of the writers (Postgres).
    pub connections: u32,
    /// Batches written at once on Postgres, each over its own connection; SQLite has one writer.
    pub writers: u32,
}

impl Config {
    /// Configuration from the defaults and `(key, value)` pairs, as if these were flags; reads
    /// neither the environment nor a file.
    pub fn from_overrides(overrides: &[(&str, &str)]) -> Result<Self, ConfigErrors> {
        let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        let flags = overrides.iter().map(own).collect();
        load(&Sources {
            flags,
            ..Sources::default()
        })
        .map(|loaded| loaded.config)
    }

    /// The base of public links: the one set, or `http://` and the address that was bound.
    pub fn public_url_at(&self, bound: SocketAddr) -> Url {
        let derived = || {
            Url::parse(&format!("http://{bound}"))
                .expect("a socket address is the authority of a URL")
        };
        self.public_url.clone().unwrap_or_else(derived)
    }

    /// The value that the table fills in; every field is named so that a new one is noticed here.
    fn unset() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            public_url: None,
            data: PathBuf::new(),
            database: Database::Sqlite(PathBuf::new()),
            roles: Roles::default(),
            demo: false,
            owner_key: None,
            master_key: None,
            outbound_allow: Vec::new(),
            senders_mirror: None,
            outbound: OutboundConfig::default(),
            shutdown_grace: Duration::ZERO,
            log: LogConfig::default(),
            metrics: MetricsConfig::default(),
            telemetry: TelemetryConfig::default(),
            limits: Limits::default(),
            delivery: DeliveryConfig::default(),
            retention: RetentionConfig::default(),
            database_pool: DatabasePool::default(),
        }
    }
}
