//! Agents: who answers in conversations, and what they may do there (API.md 9).

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    AgentId, Bounds, Violation,
    operation::Class,
    secret_text::SecretText,
    source::is_header_name,
    violation::{self, pointer_step},
};

/// The most tools that one agent has: models grow confused long before.
pub const MOST_TOOLS: usize = 128;

/// How many model calls a turn makes at most, if nothing is said.
pub const DEFAULT_STEPS: u32 = 10;

/// How long one model call may take, in seconds, if nothing is said.
pub const DEFAULT_TIMEOUT: u32 = 60;

/// The longest instructions, in characters.
pub const MOST_INSTRUCTIONS: usize = 32_000;

/// What an agent is made from, and how it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agent {
    /// Its name, for people: 1 to 200 characters.
    pub name: String,
    /// What it is for, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What thinks for it.
    pub runtime: Runtime,
    /// The names of the tools and actions that it may call; no others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<String>,
    /// Which of its calls wait for a person's consent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// Whether it takes messages.
    #[serde(default)]
    pub status: Status,
}

/// Whether an agent takes messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It does.
    #[default]
    Active,
    /// They wait until it does again.
    Inactive,
}

impl Status {
    /// The word the API uses for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
        }
    }
}

/// What thinks for an agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Runtime {
    /// A model behind the chat-completions protocol of OpenAI; Tieline runs the loop of tool calls.
    Openai(Openai),
    /// A service of the tenant's own, which answers with text, tool calls, or both.
    Http(Http),
    /// A person or a client, who reads the open turns and answers.
    Inbox {},
}

/// A model behind the chat-completions protocol of OpenAI.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Openai {
    /// The URL before `/chat/completions`, such as `https://api.openai.com/v1`.
    pub base_url: String,
    /// The model's name.
    pub model: String,
    /// The key, as `{{secrets.NAME}}`; none if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key: Option<SecretText>,
    /// What the agent is told before every conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// How free the model is: 0 to 2; as the model has it if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// How many times the model is asked in one turn at most: 1 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_steps: Option<u32>,
    /// How long one answer of the model may take, in seconds: 1 to 600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<u32>,
}

/// A service of the tenant's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// Where it is asked.
    pub url: String,
    /// Headers of the question; secrets as `{{secrets.NAME}}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, SecretText>,
    /// What the agent is told before every conversation; handed on as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// How many times it is asked in one turn at most: 1 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_steps: Option<u32>,
    /// How long one answer may take, in seconds: 1 to 600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<u32>,
}

/// Which calls of an agent wait for a person's consent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// Calls of these tools, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<String>,
    /// Calls of tools of these classes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<Class>,
}

impl Runtime {
    /// The word the API uses for its kind.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Openai(_) => "openai",
            Self::Http(_) => "http",
            Self::Inbox {} => "inbox",
        }
    }

    /// How many times a turn asks at most.
    pub fn max_steps(&self) -> u32 {
        let own = match self {
            Self::Openai(openai) => openai.max_steps,
            Self::Http(http) => http.max_steps,
            Self::Inbox {} => None,
        };
        own.unwrap_or(DEFAULT_STEPS)
    }

    /// How long one answer may take.
    pub fn timeout(&self) -> Duration {
        let own = match self {
            Self::Openai(openai) => openai.timeout_seconds,
            Self::Http(http) => http.timeout_seconds,
            Self::Inbox {} => None,
        };
        Duration::from_secs(own.unwrap_or(DEFAULT_TIMEOUT).into())
    }

    /// What the agent is told before every conversation.
    pub fn instructions(&self) -> Option<&str> {
        match self {
            Self::Openai(openai) => openai.instructions.as_deref(),
            Self::Http(http) => http.instructions.as_deref(),
            Self::Inbox {} => None,
        }
    }

    /// The texts that name secrets, with their pointers below the runtime.
    fn secret_texts(&self) -> Vec<(String, &SecretText)> {
        match self {
            Self::Openai(openai) => {
                let key = openai.api_key.iter();
                key.map(|key| ("/api_key".to_owned(), key)).collect()
            }
            Self::Http(http) => {
                let headers = http.headers.iter();
                headers
                    .map(|(name, text)| (format!("/headers{}", pointer_step(name)), text))
                    .collect()
            }
            Self::Inbox {} => Vec::new(),
        }
    }

    fn violations(&self, bounds: &Bounds) -> Vec<Violation> {
        let (url, steps, timeout) = match self {
            Self::Openai(openai) => {
                let url = ("/base_url", &openai.base_url);
                (url, openai.max_steps, openai.timeout_seconds)
            }
            Self::Http(http) => (("/url", &http.url), http.max_steps, http.timeout_seconds),
            Self::Inbox {} => return Vec::new(),
        };
        let mut found = Vec::new();
        if url.1.len() > bounds.url_bytes {
            let detail = format!("a URL has at most {} bytes", bounds.url_bytes);
            found.push(Violation::new(url.0, detail));
        }
        let numbers = [
            ("/max_steps", steps, 100),
            ("/timeout_seconds", timeout, 600),
        ];
        for (pointer, number, most) in numbers {
            if number.is_some_and(|number| !(1..=most).contains(&number)) {
                found.push(Violation::new(pointer, format!("give 1 to {most}")));
            }
        }
        if let Some(text) = self.instructions() {
            found.extend(violation::length(
                "/instructions",
                text,
                1,
                MOST_INSTRUCTIONS,
            ));
        }
        match self {
            Self::Openai(openai) => found.extend(openai.violations()),
            Self::Http(http) => found.extend(http.violations(bounds)),
            Self::Inbox {} => {}
        }
        found
    }
}

impl Openai {
    fn violations(&self) -> Vec<Violation> {
        let mut found = Vec::new();
        found.extend(violation::length("/model", &self.model, 1, 200));
        if self.temperature.is_some_and(|t| !(0.0..=2.0).contains(&t)) {
            found.push(Violation::new("/temperature", "give 0 to 2"));
        }
        if self
            .api_key
            .as_ref()
            .is_some_and(|key| key.names().next().is_none())
        {
            let detail = "a key is not written here in plain: keep it with POST /v1/secrets and name it as \
                          {{secrets.NAME}}";
            found.push(Violation::new("/api_key", detail));
        }
        found
    }
}

/// Headers that a question sets itself.
const OWN_HEADERS: [&str; 4] = ["content-type", "content-length", "host", "accept"];

impl Http {
    fn violations(&self, bounds: &Bounds) -> Vec<Violation> {
        let mut found = Vec::new();
        if self.headers.len() > bounds.headers {
            let detail = format!("give at most {} headers", bounds.headers);
            found.push(Violation::new("/headers", detail));
        }
        for name in self.headers.keys() {
            let lower = name.to_ascii_lowercase();
            let detail = if !is_header_name(name) {
                "this is no header name"
            } else if OWN_HEADERS.contains(&&*lower) || lower.starts_with("webhook-") {
                "this header is set by Tieline"
            } else {
                continue;
            };
            let pointer = format!("/headers{}", pointer_step(name));
            found.push(Violation::new(pointer, detail));
        }
        found
    }
}

impl Agent {
    /// Everything that is wrong with it, apart from what its URLs lead to, its secrets and its tools, which others
    /// know.
    pub fn violations(&self, bounds: &Bounds) -> Vec<Violation> {
        let mut found: Vec<_> = violation::length("/name", &self.name, 1, 200)
            .into_iter()
            .collect();
        if let Some(description) = &self.description {
            found.extend(violation::length("/description", description, 0, 500));
        }
        let runtime = self.runtime.violations(bounds);
        found.extend(runtime.into_iter().map(|v| v.under("/runtime")));
        if self.tools.len() > MOST_TOOLS {
            let detail = format!("an agent has at most {MOST_TOOLS} tools");
            found.push(Violation::new("/tools", detail));
        }
        for (i, name) in self.tools.iter().enumerate() {
            if self.tools[..i].contains(name) {
                let detail = format!("`{name}` stands here twice");
                found.push(Violation::new(format!("/tools/{i}"), detail));
            }
        }
        let approval = self.approval.iter().flat_map(|approval| &approval.tools);
        for (i, name) in approval.enumerate() {
            if !self.tools.contains(name) {
                let detail = format!("`{name}` is not among the agent's tools");
                found.push(Violation::new(format!("/approval/tools/{i}"), detail));
            }
        }
        found
    }

    /// The secrets that it names, each with the pointer to where.
    pub fn secrets(&self) -> Vec<(String, &str)> {
        let texts = self.runtime.secret_texts();
        let named = texts.into_iter().flat_map(|(pointer, text)| {
            text.names()
                .map(move |name| (format!("/runtime{pointer}"), name))
        });
        named.collect()
    }

    /// Whether a call of this tool waits for a person's consent.
    pub fn asks_before(&self, tool: &str, class: Class) -> bool {
        self.approval.as_ref().is_some_and(|approval| {
            approval.classes.contains(&class) || approval.tools.iter().any(|name| name == tool)
        })
    }
}

/// What is wrong with an id that a client chooses for its agent: it must be fit for a path, and none that Tieline
/// could have given itself.
pub fn id_violation(id: &str) -> Option<Violation> {
    let fit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let first = id.chars().next().is_some_and(|c| c.is_ascii_alphanumeric());
    if !first || !id.chars().all(fit) || id.len() > 64 {
        let detail =
            "give 1 to 64 letters, digits, `_`, `-` and `.`, beginning with a letter or digit";
        return Some(Violation::new("/id", detail));
    }
    id.parse::<AgentId>().is_ok().then(|| {
        let detail = "ids of this form are given by Tieline; choose another one, or leave it out";
        Violation::new("/id", detail)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn faults(agent: Value) -> Vec<String> {
        let agent: Agent = match serde_json::from_value(agent) {
            Ok(agent) => agent,
            Err(error) => return vec![error.to_string()],
        };
        let violations = agent.violations(&Bounds::default());
        violations.into_iter().map(|v| v.pointer).collect()
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let model =
            json!({"type": "openai", "base_url": "https://api.example.com/v1", "model": "small"});
        let with = |key: &str, value: Value| {
            let mut runtime = model.clone();
            runtime[key] = value;
            json!({"name": "Sales", "runtime": runtime})
        };
        let rows = [
            (json!({"name": "Sales", "runtime": model}), vec![]),
            (
                json!({"name": "Sales", "runtime": {"type": "inbox"}}),
                vec![],
            ),
            (
                json!({"name": "", "runtime": {"type": "inbox"}}),
                vec!["/name"],
            ),
            (with("max_steps", json!(0)), vec!["/runtime/max_steps"]),
            (
                with("timeout_seconds", json!(601)),
                vec!["/runtime/timeout_seconds"],
            ),
            (
                with("temperature", json!(2.5)),
                vec!["/runtime/temperature"],
            ),
            (with("api_key", json!("sk-plain")), vec!["/runtime/api_key"]),
            (with("api_key", json!("{{secrets.KEY}}")), vec![]),
            (
                json!({"name": "a", "runtime": {"type": "inbox"}, "tools": ["x", "x"]}),
                vec!["/tools/1"],
            ),
            (
                json!({"name": "a", "runtime": {"type": "inbox"}, "tools": ["x"], "approval": {"tools": ["y"]}}),
                vec!["/approval/tools/0"],
            ),
            (
                json!({"name": "a", "runtime": {"type": "http", "url": "https://a.example", "headers": {"Host": "b"}}}),
                vec!["/runtime/headers/Host"],
            ),
        ];
        for (agent, expected) in rows {
            let shown = agent.to_string();
            assert_eq!(faults(agent), expected, "{shown}");
        }
        let unknown = faults(with("tool_choice", json!("auto")));
        assert!(unknown[0].contains("tool_choice"), "{unknown:?}");
    }

    #[test]
    fn consent_is_asked_for_by_name_and_by_class() {
        let agent: Agent = serde_json::from_value(json!({
            "name": "a", "runtime": {"type": "inbox"}, "tools": ["look", "refund", "wipe"],
            "approval": {"tools": ["refund"], "classes": ["destructive"]}
        }))
        .unwrap();
        let rows = [
            ("look", Class::Read, false),
            ("refund", Class::Write, true),
            ("wipe", Class::Destructive, true),
        ];
        for (tool, class, asks) in rows {
            assert_eq!(agent.asks_before(tool, class), asks, "{tool}");
        }
    }

    #[test]
    fn ids_that_clients_choose() {
        let given = AgentId::new(crate::Timestamp::from_micros(1), 1).to_string();
        let rows = [
            ("agent_sales", true),
            ("7.sales-eu", true),
            ("", false),
            ("_x", false),
            ("a/b", false),
            (&"x".repeat(65), false),
            (&given, false),
        ];
        for (id, good) in rows {
            assert_eq!(id_violation(id).is_none(), good, "{id}");
        }
    }
}
