//! What becomes of a request.

use tieline_domain::{
    EventId,
    signature::{HandshakeAnswer, Rejection},
};

use crate::{publish, registry, webhooks};

/// What became of a request that was taken.
#[derive(Debug)]
pub enum Receipt {
    /// It is an event now, on disk.
    Accepted {
        /// The event.
        event_id: EventId,
        /// The status that the source answers with.
        status: u16,
    },
    /// It was taken before.
    Duplicate {
        /// The event of the first copy.
        event_id: EventId,
    },
    /// It was a question of the sender, and no event.
    Handshake(HandshakeAnswer),
}

/// Why a request was not taken.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// There is no such source, or it takes no requests.
    #[error("there is no such webhook, or it is paused")]
    NotFound,
    /// Requests to the source come faster than it takes them.
    #[error("requests to this webhook come faster than its rate limit; wait {seconds} second(s)")]
    TooFast {
        /// After how many seconds the next is taken.
        seconds: u64,
    },
    /// The request does not prove where it comes from.
    #[error("{0}")]
    Rejected(Rejection),
    /// The body is not what the source needs.
    #[error("{0}")]
    Body(String),
    /// It could not be stored: nothing was written.
    #[error(transparent)]
    Publish(#[from] publish::Error),
    /// What a question asks for could not be done.
    #[error(transparent)]
    Change(#[from] webhooks::Error),
    /// The key that it must be checked with cannot be had now.
    #[error("{0}")]
    NoKey(Rejection),
}

impl From<registry::Error> for Refusal {
    fn from(error: registry::Error) -> Self {
        Self::Publish(error.into())
    }
}
