//! Sources: incoming webhook endpoints. How requests are verified, deduplicated, transformed, routed.

use serde::{Deserialize, Serialize};
use tieline_mapping::{
    path::Path,
    transform::{Transform, TransformError},
};

use crate::{
    Bounds, Violation,
    pattern::EventType,
    signature::{SecretOwner, Verification},
    violation,
};

/// What a source is made from, and how it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Its name, for people: 1 to 200 characters.
    pub name: String,
    /// The agent that gets its messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// A JSONPath on the body: messages for which it finds the same stay in one conversation of the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation_key: Option<String>,
    /// What message and metadata a request carries (seed 000).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transform: Option<Transform>,
    /// How requests prove where they come from.
    #[serde(default)]
    pub verification: Verification,
    /// How repeats are told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dedupe: Option<Dedupe>,
    /// The type of a second event per request: a JSONPath on the body (`$.event`), a header
    /// (`header:X-GitHub-Event`), or the type itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_type: Option<String>,
    /// The id or the name of the mapping that makes the second event's data of the body; as it came if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapping: Option<String>,
    /// How an accepted request is answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<Response>,
    /// How fast requests are taken, on each node; as the operator has it if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<Pace>,
    /// Whether requests are taken at all.
    #[serde(default)]
    pub status: Status,
    /// Why it is disabled; kept only with that status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_reason: Option<String>,
}

/// Whether a source takes requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It does.
    #[default]
    Active,
    /// It answers 404.
    Paused,
    /// It waits for the first request of its sender, which brings the secret.
    Pending,
    /// It answers 404, because its sender ended what it was made for.
    Disabled,
}

/// How repeats of an event are told. At most one of `event_id`, `header` and `body_hash`; none means
/// the scheme's own rule, and where it has none, the hash of the body.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dedupe {
    /// A JSONPath to the sender's event id in the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// The header that carries the sender's event id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// True: two requests with the same body are one event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_hash: Option<bool>,
    /// False: every request is an event of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// For how long a repeat is told, in hours, as [`Bounds`] allow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_hours: Option<u32>,
}

/// How an accepted request is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Response {
    /// The status: 200 to 299.
    pub status: u16,
}

/// The fastest pace that a source may ask for, in requests a second.
pub const MAX_PER_SECOND: u32 = 1_000_000;

/// How fast requests are taken: what comes faster is refused before its body is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pace {
    /// How many a second, sustained: 1 to [`MAX_PER_SECOND`].
    pub per_second: u32,
    /// How many may come at once: 1 to [`MAX_PER_SECOND`]; those of one second if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst: Option<u32>,
}

/// Where the type of a source's second event comes from.
#[derive(Clone, Debug)]
pub enum TypeRule {
    /// From the body.
    Body(Path),
    /// From a header.
    Header(String),
    /// It is always the same.
    Fixed(EventType),
}

impl TypeRule {
    /// Reads the `event_type` of a source.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.starts_with('$') {
            Path::parse(text).map(Self::Body).map_err(|e| e.to_string())
        } else if let Some(header) = text.strip_prefix("header:") {
            let header = header.trim();
            is_header_name(header)
                .then(|| Self::Header(header.to_ascii_lowercase()))
                .ok_or_else(|| "`header:` must be followed by a header name".to_owned())
        } else {
            let fixed = text.parse().map(Self::Fixed);
            fixed.map_err(|e: crate::pattern::BadEventType| {
                format!(
                    "give a JSONPath (`$.event`), a header (`header:X-GitHub-Event`) or a type; {e}"
                )
            })
        }
    }
}

/// Whether `text` is a header name (RFC 9110, 5.1) of at most 128 characters.
pub fn is_header_name(text: &str) -> bool {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !text.is_empty() && text.len() <= 128 && text.bytes().all(token)
}

impl Source {
    /// A source with this name; everything else as it is by default.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            agent_id: None,
            conversation_key: None,
            transform: None,
            verification: Verification::default(),
            dedupe: None,
            event_type: None,
            mapping: None,
            response: None,
            rate_limit: None,
            status: Status::default(),
            status_reason: None,
        }
    }

    /// The same as it stands with its secret, or without: one whose sender brings the secret waits for it, and a
    /// reason goes with the status that it explains.
    pub fn settled(mut self, has_secret: bool) -> Self {
        let preset = self.verification.preset();
        let waits = !has_secret && preset.is_ok_and(|preset| preset.secret == SecretOwner::Sender);
        self.status = match self.status {
            Status::Active | Status::Pending if waits => Status::Pending,
            Status::Active | Status::Pending => Status::Active,
            status => status,
        };
        if self.status != Status::Disabled {
            self.status_reason = None;
        }
        self
    }

    /// Everything that is wrong with it, apart from the `verification`, which is checked together
    /// with the secret when the verifier is made.
    pub fn violations(&self, bounds: &Bounds) -> Vec<Violation> {
        let mut found: Vec<_> = violation::length("/name", &self.name, 1, 200)
            .into_iter()
            .collect();
        if let Some(reason) = &self.status_reason {
            found.extend(violation::length("/status_reason", reason, 0, 200));
        }
        if let Some(agent) = &self.agent_id {
            found.extend(violation::length("/agent_id", agent, 1, 64));
        }
        if let Some(path) = &self.conversation_key {
            if let Err(error) = Path::parse(path) {
                found.push(Violation::new("/conversation_key", error.to_string()));
            }
            if self.agent_id.is_none() {
                let detail =
                    "without an `agent_id` there is no conversation; give one, or leave this out";
                found.push(Violation::new("/conversation_key", detail));
            }
        }
        found.extend(self.transform_violations(bounds));
        if let Some(text) = &self.event_type
            && let Err(detail) = TypeRule::parse(text)
        {
            found.push(Violation::new("/event_type", detail));
        }
        if self.mapping.is_some() && self.event_type.is_none() {
            let detail =
                "the mapping makes the data of the event that `event_type` names; give that too";
            found.push(Violation::new("/mapping", detail));
        }
        if let Some(dedupe) = &self.dedupe {
            found.extend(
                dedupe
                    .violations(bounds)
                    .into_iter()
                    .map(|v| v.under("/dedupe")),
            );
        }
        if let Some(response) = self.response
            && !(200..300).contains(&response.status)
        {
            let detail = "an accepted request is answered with a status from 200 to 299";
            found.push(Violation::new("/response/status", detail));
        }
        let pace = self.rate_limit.iter();
        found.extend(pace.flat_map(Pace::violations));
        found
    }

    fn transform_violations(&self, bounds: &Bounds) -> Vec<Violation> {
        let Some(transform) = &self.transform else {
            return Vec::new();
        };
        let (count, most) = (transform.metadata.len(), bounds.transform_keys);
        if count > most {
            let detail = format!(
                "{count} keys, but a transform takes at most {most}; select an object that holds them"
            );
            return vec![Violation::new("/transform/metadata", detail)];
        }
        let faults = transform.compile().err().unwrap_or_default();
        faults.iter().map(transform_violation).collect()
    }
}

/// The fault, with its place as the pointer alone.
fn transform_violation(fault: &TransformError) -> Violation {
    let said = fault.to_string();
    let place = format!("{}: ", fault.pointer());
    let detail = said.strip_prefix(&place).unwrap_or(&said);
    Violation::new(fault.pointer(), detail).under("/transform")
}

impl Pace {
    fn violations(&self) -> impl Iterator<Item = Violation> {
        let rows = [
            ("/rate_limit/per_second", Some(self.per_second)),
            ("/rate_limit/burst", self.burst),
        ];
        let is_bad = |count: Option<u32>| count.is_some_and(|n| !(1..=MAX_PER_SECOND).contains(&n));
        let detail = || format!("give 1 to {MAX_PER_SECOND}");
        let bad = rows.into_iter().filter(move |(_, count)| is_bad(*count));
        bad.map(move |(pointer, _)| Violation::new(pointer, detail()))
    }
}

impl Dedupe {
    fn violations(&self, bounds: &Bounds) -> Vec<Violation> {
        let mut found = Vec::new();
        let ways = [
            self.event_id.is_some(),
            self.header.is_some(),
            self.body_hash == Some(true),
            self.enabled == Some(false),
        ];
        if ways.into_iter().filter(|way| *way).count() > 1 {
            let detail = "give only one of `event_id`, `header`, `body_hash` and `enabled: false`";
            found.push(Violation::new("", detail));
        }
        if let Some(path) = &self.event_id
            && let Err(error) = Path::parse(path)
        {
            found.push(Violation::new("/event_id", error.to_string()));
        }
        if let Some(header) = &self.header
            && !is_header_name(header)
        {
            found.push(Violation::new("/header", "this is no header name"));
        }
        if let Some(hours) = self.window_hours
            && !(1..=bounds.dedupe_hours).contains(&hours)
        {
            let detail = format!("give 1 to {} hours", bounds.dedupe_hours);
            found.push(Violation::new("/window_hours", detail));
        }
        found
    }
}
