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
mod call;
mod http;
mod offered;
mod redaction;
mod retry;
mod values;

use std::{sync::Arc, time::Instant};

use rand::random;
use serde_json::Value;
use tieline_domain::{
    CallId, TenantId,
    clock::Clock,
    operation::{CallError, ErrorKind},
};
use tieline_store::Store;

use crate::{config::Config, outbound::Outbound, registry, registry::Registry};

pub use call::{Call, CalledBy, Output, Report, RequestView, Via};
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
}

/// Calls tools and actions; clones share it.
#[derive(Clone)]
pub struct Operator(Arc<Parts>);

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
        }
    }
}

impl Operator {
    /// An operator that works with these parts.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
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

    /// Calls an operation. Always comes back, at the latest when its time is over or it is cancelled.
    pub async fn call(&self, call: Call) -> Report {
        let call_id = CallId::new(self.0.clock.unique_now(), random());
        let started = Instant::now();
        let outcome = self.outcome(call_id, &call).await;
        let took = started.elapsed();
        let Outcome {
            result,
            status_code,
            request,
            response,
            bytes,
        } = outcome;
        Report {
            call_id,
            result: result.map(|value| Output {
                value,
                bytes,
                truncated: false,
            }),
            status_code,
            response_time_ms: took.as_millis().try_into().unwrap_or(u64::MAX),
            request,
            response,
        }
    }

    async fn outcome(&self, call_id: CallId, call: &Call) -> Outcome {
        if call.operation.tenant_id != call.tenant_id {
            // Nobody can find the operation of another tenant; this is the second lock on that door.
            let error = CallError::new(ErrorKind::NotFound, "there is no such operation");
            return Outcome::refused(error);
        }
        match &call.operation.executor {
            Executor::Http(executor) => executor.run(&self.0, call_id, call).await,
        }
    }
}
