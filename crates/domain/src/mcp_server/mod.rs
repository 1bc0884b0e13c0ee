//! Remote MCP servers as sources of tools: how one is reached, what it offers, and what of that was accepted.

mod pin;
mod remote_tool;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    Bounds, Violation,
    operation::{
        Endpoint, MAX_NAME, MAX_TIMEOUT_SECONDS, Method, Operation, Recipe, is_name, no_parameters,
    },
};

pub use pin::{Pin, PinStatus};
pub use remote_tool::{MAX_TOOLS, RemoteTool, UnusableTool};

/// How long one exchange with a server may take if it does not say, in seconds.
pub const DEFAULT_TIMEOUT_SECONDS: u32 = 30;
/// The longest prefix, in characters: it leaves room for a name.
pub const MAX_PREFIX: usize = MAX_NAME / 2;

/// A remote MCP server, as it is made and kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct McpServer {
    /// Its name: letters, digits, `_` and `-`, at most [`MAX_NAME`]; unique among the servers of a tenant.
    pub name: String,
    /// What it is for, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where it is reached over Streamable HTTP.
    pub url: String,
    /// Headers of every request; secrets stand as `{{secrets.NAME}}`.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub headers: IndexMap<String, String>,
    /// What the names of its tools begin with here; its name and `_` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// How long one exchange may take, in seconds: 1 to [`MAX_TIMEOUT_SECONDS`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<u32>,
}

impl McpServer {
    /// What the names of its tools begin with.
    pub fn prefix(&self) -> String {
        let own = || {
            let name: String = self.name.chars().take(MAX_PREFIX - 1).collect();
            format!("{name}_")
        };
        self.prefix.clone().unwrap_or_else(own)
    }

    /// How long one exchange may take, in seconds.
    pub fn timeout_seconds(&self) -> u32 {
        self.timeout_seconds.unwrap_or(DEFAULT_TIMEOUT_SECONDS)
    }

    /// The request that each exchange begins with, or everything that is wrong with the server.
    pub fn compile(&self, bounds: &Bounds) -> Result<Recipe, Vec<Violation>> {
        let compiled = Recipe::compile(&self.request(), bounds);
        let mut faults = self.own_faults();
        match compiled {
            Ok(recipe) if faults.is_empty() => Ok(recipe),
            Ok(_) => Err(faults),
            Err(wrong) => {
                faults.extend(wrong.into_iter().map(|fault| Violation {
                    pointer: fault.pointer.trim_start_matches("/endpoint").to_owned(),
                    detail: fault.detail,
                }));
                Err(faults)
            }
        }
    }

    fn own_faults(&self) -> Vec<Violation> {
        let mut found = Vec::new();
        if !is_name(&self.name) {
            let detail = format!("give 1 to {MAX_NAME} letters, digits, `_` and `-`");
            found.push(Violation::new("/name", detail));
        }
        let prefix = self.prefix.as_deref().unwrap_or_default();
        if prefix.len() > MAX_PREFIX || !(prefix.is_empty() || is_name(prefix)) {
            let detail = format!("give at most {MAX_PREFIX} letters, digits, `_` and `-`");
            found.push(Violation::new("/prefix", detail));
        }
        if !(1..=MAX_TIMEOUT_SECONDS).contains(&self.timeout_seconds()) {
            let detail = format!("give 1 to {MAX_TIMEOUT_SECONDS} seconds");
            found.push(Violation::new("/timeout_seconds", detail));
        }
        if let Some(description) = &self.description {
            found.extend(crate::violation::length(
                "/description",
                description,
                0,
                1_000,
            ));
        }
        found
    }

    /// The exchange as an operation that takes nothing: URL and headers are then checked, and the secrets in them
    /// rendered, as those of every operation.
    fn request(&self) -> Operation {
        Operation {
            // Checked here; a fault of it is told once.
            name: "server".to_owned(),
            title: None,
            description: String::new(),
            input_schema: no_parameters(),
            endpoint: Endpoint {
                url: self.url.clone(),
                method: Method::Post,
                headers: self.headers.clone(),
                query: IndexMap::new(),
                body_template: Some(json!({})),
                idempotency_header: None,
            },
            output_mapping: None,
            output_schema: None,
            connection: None,
            timeout_seconds: None,
            idempotent: None,
            class: None,
            rate_limit: None,
            max_in_flight: None,
            tags: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
