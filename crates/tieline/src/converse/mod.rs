//! Conversing: what is said to agents, the turns they take about it, and what they answer.
//!
//! ```text
//! a message ─► `user.message`, owed to the agent ─► a delivery ─► begin ─┬─► ask ─► call tools ─┐
//!              (one commit with the message)                             │    ▲─────────────────┘
//!                                                                        └─► `agent.response` (one commit with the reply)
//! ```
//!
//! A turn is the work of a delivery: order within the conversation, retries, leases and dead letters are those of the
//! spine. Each step is written down as it ends, so that a turn that is taken up again repeats none.

mod agents;
mod calls;
mod checks;
mod erase;
mod events;
mod live;
mod model;
mod note;
mod openai;
mod prompt;
mod run;
mod service;
mod setback;
mod speak;
mod sse;
mod steer;
mod tools;
mod turns;

use std::sync::Arc;

use tieline_domain::clock::Clock;
use tieline_store::Store;

use crate::{
    config::Config, operate::Operator, outbound::Outbound, publish, registry, registry::Registry,
};

pub use agents::Agents;
pub use events::{About, Teller};
use events::{owed, user_message};
pub use live::{Listener, Live, Update};
pub(crate) use note::Note;
pub use setback::Setback;
pub use speak::{Asked, Conversations, NewConversation, rests};
pub use turns::Turns;

/// What conversing works with.
#[derive(Clone)]
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
    /// Calls tools and actions.
    pub operator: Operator,
}

/// Why something in a conversation was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something is wrong with what was asked for.
    #[error("what was asked for is not valid")]
    Invalid(Vec<tieline_domain::Violation>),
    /// There is no such conversation, turn or agent.
    #[error("there is no such {0}")]
    Missing(&'static str),
    /// It cannot be done as things stand.
    #[error("{0}")]
    Conflict(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] tieline_store::Error),
    /// What is known of the agents could not be loaded.
    #[error(transparent)]
    Registry(#[from] registry::Error),
    /// An event could not be published.
    #[error(transparent)]
    Publish(#[from] publish::Error),
}
