//! The kinds of documents.

use std::{fmt, str::FromStr};

use crate::{Error, Result, sealed::SealedKind};

/// What a document configures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An incoming webhook endpoint.
    Source,
    /// An outgoing webhook subscription.
    Subscription,
    /// The Ed25519 key with which a tenant signs; its id is the tenant's.
    SigningKey,
    /// What a tenant says of an event type; its name is the type.
    EventType,
    /// An agent; its name is the id that its client chose.
    Agent,
    /// An operation that is offered to agents.
    Tool,
    /// An operation that agents, triggers, mappings and people run.
    Action,
    /// How the fields of two sides meet.
    Mapping,
    /// A remote MCP server whose tools are offered.
    McpServer,
    /// What is done when an event happens.
    Trigger,
}

/// Every kind with its word in the store.
const WORDS: [(Kind, &str); 10] = [
    (Kind::Source, "source"),
    (Kind::Subscription, "subscription"),
    (Kind::SigningKey, "signing_key"),
    (Kind::EventType, "event_type"),
    (Kind::Agent, "agent"),
    (Kind::Tool, "tool"),
    (Kind::Action, "action"),
    (Kind::Mapping, "mapping"),
    (Kind::McpServer, "mcp_server"),
    (Kind::Trigger, "trigger"),
];

impl Kind {
    /// Its word in the store.
    pub fn as_str(self) -> &'static str {
        WORDS
            .iter()
            .find(|(kind, _)| *kind == self)
            .map_or("", |(_, word)| word)
    }

    /// Whether every version that was saved is kept, to be looked at and gone back to.
    pub fn keeps_versions(self) -> bool {
        matches!(
            self,
            Self::Tool | Self::Action | Self::Mapping | Self::Trigger
        )
    }

    /// What is sealed under the id of such a document, and goes with it.
    pub fn sealed(self) -> &'static [SealedKind] {
        match self {
            Self::Source => &[SealedKind::Source],
            Self::Subscription => &[SealedKind::Subscription, SealedKind::DestinationAuth],
            Self::SigningKey => &[SealedKind::SigningKey],
            Self::EventType
            | Self::Agent
            | Self::Tool
            | Self::Action
            | Self::McpServer
            | Self::Mapping
            | Self::Trigger => &[],
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        WORDS
            .iter()
            .find(|(_, word)| *word == text)
            .map(|(kind, _)| *kind)
            .ok_or_else(|| Error::content("no kind of document"))
    }
}
