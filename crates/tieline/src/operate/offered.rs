//! A tool or an action, ready to be called.

use std::time::Duration;

use serde_json::{Map, Value, json};
use tieline_domain::{
    Bounds, TenantId, Violation,
    operation::{Class, Operation, Recipe},
    pace::RateLimit,
};
use tieline_store::documents::{Document, Kind};

use super::{http::HttpExecutor, remote::McpExecutor};
use crate::registry::Error;

/// A tool or an action, ready to be called: what it is for whoever chooses, and what calls it.
pub struct Offered {
    /// Its id.
    pub id: String,
    /// The tenant it belongs to.
    pub tenant_id: TenantId,
    /// What it comes from.
    pub origin: Origin,
    /// Counts its changes.
    pub version: i64,
    /// Its name.
    pub name: String,
    /// Its name for people.
    pub title: Option<String>,
    /// What it does and when to use it.
    pub description: String,
    /// What it takes: JSON Schema 2020-12 of an object.
    pub input_schema: Value,
    /// What comes out, where that is said: JSON Schema 2020-12.
    pub output_schema: Option<Value>,
    /// What it does to the world.
    pub class: Class,
    /// Whether doing it twice is the same as doing it once.
    pub idempotent: bool,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// How long a call may take.
    pub timeout: Duration,
    /// How fast it may be called, on each node.
    pub rate_limit: Option<RateLimit>,
    /// How many calls of it may run at once, on each node.
    pub max_in_flight: Option<u32>,
    /// What calls it.
    pub executor: Executor,
}

/// What an operation comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A tool of the tenant.
    Tool,
    /// An action of the tenant.
    Action,
    /// A remote MCP server of the tenant.
    McpServer,
}

impl Origin {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::Action => "action",
            Self::McpServer => "mcp_server",
        }
    }
}

/// What calls an operation: one variant for each protocol.
pub enum Executor {
    /// An HTTP request made from a template.
    Http(Box<HttpExecutor>),
    /// A tool of a remote MCP server.
    Mcp(McpExecutor),
}

impl Executor {
    /// What is wrong with an input, with pointers into it.
    pub fn faults(&self, input: &Value) -> Vec<Violation> {
        match self {
            Self::Http(executor) => executor.faults(input),
            Self::Mcp(executor) => executor.faults(input),
        }
    }
}

impl Offered {
    /// Whether a call may be made again by itself, although the one before may have been carried out: doing it twice
    /// is the same as doing it once, or the service tells repeats by a key.
    pub fn may_repeat(&self) -> bool {
        let by_key = matches!(&self.executor, Executor::Http(http) if http.may_repeat());
        self.idempotent || by_key
    }

    /// The operation that a document holds. One that today's rules refuse stays in the list, and says so when it
    /// is called.
    pub(crate) fn open(document: &Document, bounds: &Bounds) -> Result<Self, Error> {
        let operation: Operation =
            serde_json::from_str(&document.body).map_err(|error| Error::Unusable {
                kind: "operation",
                id: document.id.clone(),
                detail: error.to_string(),
            })?;
        let recipe = Recipe::compile(&operation, bounds).map_err(|faults| {
            let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
            faults.join("; ")
        });
        let origin = match document.kind {
            Kind::Action => Origin::Action,
            _ => Origin::Tool,
        };
        Ok(Self {
            id: document.id.clone(),
            tenant_id: document.tenant_id,
            origin,
            version: document.version,
            class: operation.class(),
            idempotent: operation.is_idempotent(),
            timeout: Duration::from_secs(operation.timeout_seconds().into()),
            executor: Executor::Http(Box::new(HttpExecutor::new(recipe, &operation))),
            output_schema: output_schema(&operation),
            name: operation.name,
            title: operation.title,
            description: operation.description,
            input_schema: operation.input_schema,
            tags: operation.tags,
            rate_limit: operation.rate_limit,
            max_in_flight: operation.max_in_flight,
        })
    }
}

/// What comes out: what the operation says, or else the names that its output mapping gives.
fn output_schema(operation: &Operation) -> Option<Value> {
    let mapped = || {
        let names = operation.output_mapping.as_ref()?.keys();
        let properties: Map<_, _> = names.map(|name| (name.clone(), json!({}))).collect();
        Some(json!({"type": "object", "properties": properties}))
    };
    operation.output_schema.clone().or_else(mapped)
}
