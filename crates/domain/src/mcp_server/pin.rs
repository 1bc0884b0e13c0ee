//! What of a remote tool was accepted, beside what its server says now.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::RemoteTool;

/// A tool of a remote server as it was accepted, and as it was seen last.
#[derive(Clone, Debug, PartialEq)]
pub struct Pin {
    /// Its name over there.
    pub name: String,
    /// What somebody has accepted; nothing yet if absent.
    pub accepted: Option<RemoteTool>,
    /// What the server said last; it offers no such tool (any more) if absent.
    pub seen: Option<RemoteTool>,
}

/// How the two stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PinStatus {
    /// As it was accepted: offered.
    Accepted,
    /// Not accepted yet: not offered.
    New,
    /// Not what was accepted any more: not offered until it is accepted again.
    Changed,
    /// The server has none of this name any more: not offered.
    Gone,
}

impl Pin {
    /// How what was accepted stands to what was seen.
    pub fn status(&self) -> PinStatus {
        match (&self.accepted, &self.seen) {
            (Some(accepted), Some(seen)) if accepted.hash() == seen.hash() => PinStatus::Accepted,
            (Some(_), Some(_)) => PinStatus::Changed,
            (None, _) => PinStatus::New,
            (Some(_), None) => PinStatus::Gone,
        }
    }

    /// The tool, if it may be offered.
    pub fn offered(&self) -> Option<&RemoteTool> {
        let is_accepted = self.status() == PinStatus::Accepted;
        self.accepted.as_ref().filter(|_| is_accepted)
    }

    /// Accepts what was seen last. What the server does not offer any more is forgotten by that: `None`.
    pub fn accept(self) -> Option<Self> {
        let accepted = Some(self.seen?);
        Some(Self {
            name: self.name,
            seen: accepted.clone(),
            accepted,
        })
    }

    /// What is kept of a server's tools after it has said what it offers: what was accepted stays beside it. By name.
    pub fn updated(kept: Vec<Self>, seen: Vec<RemoteTool>) -> Vec<Self> {
        let mut all: BTreeMap<String, Self> = kept
            .into_iter()
            .filter(|pin| pin.accepted.is_some())
            .map(|pin| (pin.name.clone(), Self { seen: None, ..pin }))
            .collect();
        for tool in seen {
            let name = tool.name.clone();
            let fresh = Self {
                name: name.clone(),
                accepted: None,
                seen: None,
            };
            all.entry(name).or_insert(fresh).seen = Some(tool);
        }
        all.into_values().collect()
    }

    /// What there is to show: what was seen, or else what was accepted.
    pub fn shown(&self) -> Option<&RemoteTool> {
        self.seen.as_ref().or(self.accepted.as_ref())
    }
}

impl PinStatus {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::New => "new",
            Self::Changed => "changed",
            Self::Gone => "gone",
        }
    }
}
