//! Why a call brought no answer.

use std::time::Duration;

use super::guard::Refused;

/// Why a call brought no answer. Each text is for the person who reads the attempt; it names
/// hosts and never a path, a query or a header, which may hold secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The name did not resolve.
    #[error("the name {host} could not be resolved: {reason}; check its spelling and its DNS")]
    Dns {
        /// The name that was looked up.
        host: String,
        /// What the resolver said.
        reason: String,
    },
    /// The guard refused the address.
    #[error(transparent)]
    RefusedAddress(#[from] Refused),
    /// No connection, so nothing was sent.
    #[error("no connection to {host}: {reason}; nothing was sent")]
    Connect {
        /// The host.
        host: String,
        /// What the system said, for the last address that was tried.
        reason: String,
    },
    /// The TLS handshake failed, so nothing was sent.
    #[error("no secure connection to {host}: {reason}; nothing was sent")]
    Tls {
        /// The host.
        host: String,
        /// What is wrong with the certificate or the handshake.
        reason: String,
    },
    /// The deadline passed.
    #[error("no answer within {} ms: stopped while {phase}", after.as_millis())]
    Timeout {
        /// How long the call had.
        after: Duration,
        /// How far it came.
        phase: Phase,
    },
    /// The connection ended after the request was sent and before the answer: the receiver
    /// may have acted on it or not.
    #[error(
        "the connection ended before an answer came ({reason}); the receiver may or may not \
         have acted on the request"
    )]
    UnknownOutcome {
        /// How it ended.
        reason: String,
    },
    /// The answer is not HTTP.
    #[error("the answer is not valid HTTP: {reason}")]
    Protocol {
        /// What is wrong with it.
        reason: String,
    },
    /// The body is longer than a caller that needs it whole accepts.
    #[error("the answer's body is longer than {limit} bytes")]
    TooLarge {
        /// The most that is accepted, in bytes.
        limit: usize,
    },
}

/// How far a call came before its deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Resolving, connecting or shaking hands: nothing was sent.
    Connecting,
    /// The request was on its way or sent.
    AwaitingAnswer,
    /// The answer's head was there, its body was not complete.
    ReadingBody,
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Connecting => "connecting, nothing was sent",
            Self::AwaitingAnswer => "waiting for the answer",
            Self::ReadingBody => "reading the answer's body",
        })
    }
}

impl Error {
    /// Every code that [`kind`](Self::kind) returns.
    pub const KINDS: [&'static str; 8] = [
        "dns",
        "refused_address",
        "connect",
        "tls",
        "timeout",
        "unknown_outcome",
        "protocol",
        "too_large",
    ];

    /// The stable code of this error, for attempts, metrics and the API.
    pub fn kind(&self) -> &'static str {
        Self::KINDS[self.kind_index()]
    }

    /// Where [`kind`](Self::kind) stands in [`KINDS`](Self::KINDS).
    pub(super) fn kind_index(&self) -> usize {
        match self {
            Self::Dns { .. } => 0,
            Self::RefusedAddress(_) => 1,
            Self::Connect { .. } => 2,
            Self::Tls { .. } => 3,
            Self::Timeout { .. } => 4,
            Self::UnknownOutcome { .. } => 5,
            Self::Protocol { .. } => 6,
            Self::TooLarge { .. } => 7,
        }
    }

    /// Whether it is certain that the receiver saw nothing of the request, so that sending
    /// it again cannot do anything twice.
    pub fn nothing_was_sent(&self) -> bool {
        match self {
            Self::Dns { .. }
            | Self::RefusedAddress(_)
            | Self::Connect { .. }
            | Self::Tls { .. } => true,
            Self::Timeout { phase, .. } => *phase == Phase::Connecting,
            Self::UnknownOutcome { .. } | Self::Protocol { .. } | Self::TooLarge { .. } => false,
        }
    }
}
