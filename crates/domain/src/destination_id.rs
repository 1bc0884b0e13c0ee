//! The id of a place where deliveries go: its prefix tells what kind of place it is.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{ActionId, AgentId, SubscriptionId, TriggerId};

/// Where a delivery goes. One queue serves all kinds: only what an attempt does differs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DestinationId {
    /// An outgoing webhook: the event is posted.
    Webhook(SubscriptionId),
    /// An agent: it is told, and takes its turn.
    Agent(AgentId),
    /// An action: it is run.
    Action(ActionId),
    /// A trigger: its steps are taken.
    Trigger(TriggerId),
}

impl DestinationId {
    /// The word for its kind.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Webhook(_) => "webhook",
            Self::Agent(_) => "agent",
            Self::Action(_) => "action",
            Self::Trigger(_) => "trigger",
        }
    }

    /// The webhook, if it is one.
    pub const fn webhook(self) -> Option<SubscriptionId> {
        match self {
            Self::Webhook(id) => Some(id),
            Self::Agent(_) | Self::Action(_) | Self::Trigger(_) => None,
        }
    }
}

impl fmt::Display for DestinationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Webhook(id) => id.fmt(f),
            Self::Agent(id) => id.fmt(f),
            Self::Action(id) => id.fmt(f),
            Self::Trigger(id) => id.fmt(f),
        }
    }
}

impl fmt::Debug for DestinationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is no id of a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected the id of a webhook (`wh_…`), an agent (`agent_…`), an action (`act_…`) or a trigger (`trg_…`)"
)]
pub struct NoDestinationId;

impl FromStr for DestinationId {
    type Err = NoDestinationId;

    fn from_str(text: &str) -> Result<Self, NoDestinationId> {
        let webhook = text.parse().map(Self::Webhook);
        webhook
            .or_else(|_| text.parse().map(Self::Agent))
            .or_else(|_| text.parse().map(Self::Action))
            .or_else(|_| text.parse().map(Self::Trigger))
            .map_err(|_| NoDestinationId)
    }
}

impl Serialize for DestinationId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DestinationId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

macro_rules! from {
    ($($id:ident => $kind:ident),*) => {$(
        impl From<$id> for DestinationId {
            fn from(id: $id) -> Self {
                Self::$kind(id)
            }
        }
    )*};
}

from!(SubscriptionId => Webhook, AgentId => Agent, ActionId => Action, TriggerId => Trigger);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;

    #[test]
    fn each_kind_reads_what_it_writes() {
        let at = Timestamp::from_micros(1_700_000_000_000_000);
        let rows: [(DestinationId, &str, &str); 4] = [
            (SubscriptionId::new(at, 1).into(), "wh_", "webhook"),
            (AgentId::new(at, 2).into(), "agent_", "agent"),
            (ActionId::new(at, 3).into(), "act_", "action"),
            (TriggerId::new(at, 4).into(), "trg_", "trigger"),
        ];
        for (id, prefix, kind) in rows {
            let text = id.to_string();
            assert!(text.starts_with(prefix), "{text}");
            assert_eq!(text.parse::<DestinationId>().unwrap(), id);
            assert_eq!(id.kind(), kind);
            assert_eq!(id.webhook().is_some(), kind == "webhook");
        }
    }

    #[test]
    fn other_ids_are_refused() {
        let event = crate::EventId::new(Timestamp::from_micros(1), 1).to_string();
        let source = crate::SourceId::new(Timestamp::from_micros(1), 1).to_string();
        for wrong in [event.as_str(), &source, "agent_sales", "wh_", ""] {
            assert_eq!(
                wrong.parse::<DestinationId>(),
                Err(NoDestinationId),
                "{wrong}"
            );
        }
    }
}
