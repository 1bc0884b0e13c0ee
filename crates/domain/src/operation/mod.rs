//! Operations: HTTP requests that agents and people make by name. A tool and an action are its two faces.
//!
//! ```text
//! Operation (as it is kept) ── compile ──► Recipe ── prepare(input, values) ──► Prepared (a request)
//! ```

mod body;
mod checks;
mod error;
mod output;
mod parameters;
mod recipe;
mod record;
mod status;
mod url_template;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::pace::RateLimit;

pub use checks::{MAX_DESCRIPTION, MAX_HEADERS, MAX_NAME, MAX_TAGS, MAX_TIMEOUT_SECONDS, is_name};
pub use error::{CallError, ErrorKind};
pub use output::OutputMapping;
pub use recipe::{PreparedBody, PreparedRequest, Recipe};
pub use record::{CallDetail, CallRecord, MAX_KEPT_INPUT};
pub use status::of_status;

/// How long a call may take if the operation does not say, in seconds.
pub const DEFAULT_TIMEOUT_SECONDS: u32 = 30;

/// What an operation is made from, and how it is kept (seed 000).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// Its name: letters, digits, `_` and `-`, at most [`MAX_NAME`]; unique among the tools and actions of a tenant.
    pub name: String,
    /// Its name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it does and when to use it, for the model that chooses.
    #[serde(default)]
    pub description: String,
    /// What it takes: JSON Schema 2020-12 of an object.
    #[serde(default = "no_parameters", alias = "parameters")]
    pub input_schema: Value,
    /// The request that it makes.
    pub endpoint: Endpoint,
    /// What becomes of the answer: a name and the JSONPath of its value; the whole answer if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_mapping: Option<IndexMap<String, String>>,
    /// What comes out, for clients that want to know: JSON Schema 2020-12. It is not enforced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Value>,
    /// The connection that authorises it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    /// How long a call may take, in seconds: 1 to [`MAX_TIMEOUT_SECONDS`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<u32>,
    /// Whether doing it twice is the same as doing it once; by the method if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotent: Option<bool>,
    /// What it does to the world; by the method if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<Class>,
    /// How fast it may be called, on each node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
    /// How many calls of it may run at once, on each node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_in_flight: Option<u32>,
    /// Words to find it by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

/// The request that an operation makes. Placeholders `{{name}}` stand in `url` (path and query), `query`, `headers`
/// and the strings of `body_template`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// The URL; its scheme, host and port are literal.
    pub url: String,
    /// The method.
    pub method: Method,
    /// The headers.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub headers: IndexMap<String, String>,
    /// Query parameters beside those of the URL: strings, numbers, true or false.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub query: IndexMap<String, Value>,
    /// The body; if absent, the parameters that are used nowhere else are the body, or the query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_template: Option<Value>,
    /// The header in which the service takes an idempotency key, such as `Idempotency-Key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_header: Option<String>,
}

/// The method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Reads.
    #[serde(alias = "get")]
    Get,
    /// Does whatever the service makes of it.
    #[serde(alias = "post")]
    Post,
    /// Replaces.
    #[serde(alias = "put")]
    Put,
    /// Changes.
    #[serde(alias = "patch")]
    Patch,
    /// Removes.
    #[serde(alias = "delete")]
    Delete,
}

/// What an operation does to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// It only looks.
    Read,
    /// It makes or changes something.
    Write,
    /// It may remove or overwrite what cannot be had back.
    Destructive,
}

/// How an operation is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Face {
    /// To agents.
    Tool,
    /// To agents, triggers, mappings and people.
    Action,
}

impl Method {
    /// As it is written in a request.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// Whether its requests carry what they say in a body.
    pub const fn has_body(self) -> bool {
        matches!(self, Self::Post | Self::Put | Self::Patch)
    }

    /// Whether doing it twice is the same as doing it once (RFC 9110, 9.2.2).
    pub const fn is_idempotent(self) -> bool {
        matches!(self, Self::Get | Self::Put | Self::Delete)
    }

    /// What it does to the world, as far as a method tells.
    pub const fn class(self) -> Class {
        match self {
            Self::Get => Class::Read,
            Self::Delete => Class::Destructive,
            Self::Post | Self::Put | Self::Patch => Class::Write,
        }
    }
}

impl Class {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Destructive => "destructive",
        }
    }
}

impl Face {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::Action => "action",
        }
    }

    /// What the API calls the schema of its input (seed 000).
    pub const fn schema_field(self) -> &'static str {
        match self {
            Self::Tool => "parameters",
            Self::Action => "input_schema",
        }
    }
}

impl Operation {
    /// What it does to the world: what it says, or what its method tells.
    pub fn class(&self) -> Class {
        self.class.unwrap_or(self.endpoint.method.class())
    }

    /// Whether doing it twice is the same as doing it once: what it says, or what its method tells.
    pub fn is_idempotent(&self) -> bool {
        self.idempotent
            .unwrap_or(self.endpoint.method.is_idempotent())
    }

    /// Whether a call whose outcome failed may be made again by itself: it is idempotent, or the service tells
    /// repeats by a key.
    pub fn may_repeat(&self) -> bool {
        self.is_idempotent()
            || (self.idempotent.is_none() && self.endpoint.idempotency_header.is_some())
    }

    /// How long a call may take, in seconds.
    pub fn timeout_seconds(&self) -> u32 {
        self.timeout_seconds.unwrap_or(DEFAULT_TIMEOUT_SECONDS)
    }

    /// Its name for people: its title, or its name.
    pub fn shown_name(&self) -> &str {
        self.title.as_deref().unwrap_or(&self.name)
    }
}

/// The schema of an operation that takes nothing.
pub fn no_parameters() -> Value {
    json!({"type": "object", "properties": {}})
}

#[cfg(test)]
mod tests;
