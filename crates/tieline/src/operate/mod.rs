//! Calling tools and actions: the one engine behind the API, agents, MCP and triggers.
//!
//! ```text
//! Call ─► limits ─► schema ─► render (secrets opened here) ─► outbound ─► read, redact, map ─► cut ─► Report
//!                                                                                           └─► a row per call
//! ```
//!
//! Whatever goes wrong is a [`CallError`] in the [`Report`]: a kind that a program can act on, and advice that a
//! model can.

mod answer;
mod artifacts;
mod call;
pub mod formats;
mod http;
pub mod import;
mod keep;
mod limits;
mod log;
mod offered;
mod record;
mod redaction;
pub mod remote;
mod retry;
mod values;

use std::{ops::Deref, sync::Arc, time::Instant};

use rand::random;
use serde_json::Value;
use tieline_domain::{
    CallId, TenantId,
    clock::Clock,
    operation::{CallError, ErrorKind},
};
use tieline_store::Store;
use tokio::task::JoinError;
use url::Url;

use self::{limits::Limits, log::Log, redaction::Redaction};
use crate::{config::Config, outbound::Outbound, registry, registry::Registry, telemetry};

pub use call::{Call, CalledBy, Output, Report, RequestView, Via};
pub use keep::{KeepError, kind_of};
pub use offered::{Executor, Offered, Origin};

/// What the operator works with.
pub struct Parts {
    /// The one clock.
    pub clock: Clock,
    /// What the operator of the installation chose.
    pub config: Arc<Config>,
    /// What lasts.
    pub store: Store,
    /// Configuration in memory.
    pub registry: Registry,
    /// The only way out.
    pub outbound: Outbound,
    /// Base of the links to artifacts.
    pub public_url: Url,
}

/// Calls tools and actions; clones share it.
#[derive(Clone)]
pub struct Operator(Arc<Inner>);

/// What an operator works with, and what it remembers.
struct Inner {
    parts: Parts,
    limits: Limits,
    log: Log,
}

impl Deref for Inner {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

/// What an executor brought back.
pub(crate) struct Outcome {
    /// What came out, or why nothing did.
    pub(crate) result: Result<Value, CallError>,
    /// The status of the answer, if there was one over HTTP.
    pub(crate) status_code: Option<u16>,
    /// What was sent, without secrets.
    pub(crate) request: Option<RequestView>,
    /// What came back, without secrets, before it was mapped.
    pub(crate) response: Option<Value>,
    /// How many bytes came back.
    pub(crate) bytes: usize,
    /// What takes the secrets of the call out of whatever is shown of it.
    pub(crate) redaction: Redaction,
}

impl Outcome {
    /// Nothing was sent, because of this.
    pub(crate) fn refused(error: CallError) -> Self {
        Self {
            result: Err(error),
            status_code: None,
            request: None,
            response: None,
            bytes: 0,
            redaction: Redaction::default(),
        }
    }
}

impl Operator {
    /// An operator that works with these parts. Starts the task that writes the log of calls.
    pub fn new(parts: Parts) -> Self {
        let limits = Limits::new(parts.config.limits.calls.clone());
        let log = Log::start(parts.store.clone());
        Self(Arc::new(Inner { parts, limits, log }))
    }

    /// The tools and actions of a tenant, sorted by name; the same at each call until one is changed.
    pub async fn list(&self, tenant: TenantId) -> Result<Vec<Arc<Offered>>, registry::Error> {
        let operations = self.0.registry.operations(tenant).await?;
        Ok(operations.all().to_vec())
    }

    /// The tool or action of a tenant with this id or this name.
    pub async fn find(
        &self,
        tenant: TenantId,
        id_or_name: &str,
    ) -> Result<Option<Arc<Offered>>, registry::Error> {
        let operations = self.0.registry.operations(tenant).await?;
        Ok(operations.get(id_or_name).cloned())
    }

    /// Calls an operation. Always comes back, at the latest when its time is over or it is cancelled. Who no longer
    /// waits has cancelled it; it is logged all the same.
    pub async fn call(&self, call: Call) -> Report {
        let cancel = call.cancel.child_token();
        let given_up = cancel.clone().drop_guard();
        let operator = self.clone();
        let task = tokio::spawn(async move { operator.run(Call { cancel, ..call }).await });
        match task.await.map_err(JoinError::try_into_panic) {
            Ok(report) => {
                given_up.disarm();
                report
            }
            Err(Ok(panic)) => std::panic::resume_unwind(panic),
            // The runtime is ending, and this task with it.
            Err(Err(_)) => std::future::pending().await,
        }
    }

    async fn run(&self, call: Call) -> Report {
        let call_id = CallId::new(self.0.clock.unique_now(), random());
        let started = Instant::now();
        let outcome = self.outcome(call_id, &call).await;
        let took = started.elapsed();
        let label = outcome
            .result
            .as_ref()
            .map_or_else(|error| error.kind.as_str(), |_| "ok");
        metrics::counter!(telemetry::CALLS_TOTAL, "outcome" => label).increment(1);
        self.0
            .log
            .note(record::of(call_id, &call, &outcome, took))
            .await;
        let Outcome {
            result,
            status_code,
            request,
            response,
            ..
        } = outcome;
        let result = match result {
            Ok(value) => Ok(artifacts::cut(&self.0, call.tenant_id, value).await),
            Err(error) => Err(error),
        };
        Report {
            call_id,
            result,
            status_code,
            response_time_ms: took.as_millis().try_into().unwrap_or(u64::MAX),
            request,
            response,
        }
    }

    /// Waits until the calls that have ended are in the log.
    pub async fn logged(&self) {
        self.0.log.written().await;
    }

    /// Writes the log of calls to its end; calls after this are not logged.
    pub async fn shut_down(&self) {
        self.0.log.close().await;
    }

    async fn outcome(&self, call_id: CallId, call: &Call) -> Outcome {
        if call.operation.tenant_id != call.tenant_id {
            // Nobody can find the operation of another tenant; this is the second lock on that door.
            let error = CallError::new(ErrorKind::NotFound, "there is no such operation");
            return Outcome::refused(error);
        }
        let _leave = match self.0.limits.enter(call.tenant_id, &call.operation) {
            Ok(leave) => leave,
            Err(error) => return Outcome::refused(error),
        };
        match &call.operation.executor {
            Executor::Http(executor) => executor.run(&self.0, call_id, call).await,
            Executor::Mcp(executor) => executor.run(&self.0, call).await,
        }
    }
}
