//! What is asked and what is answered.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri};

use super::{body::BodyEnd, wire::Opening};

/// A request to send.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method; all but `CONNECT`.
    pub method: Method,
    /// The absolute URI, as from [`Destination::uri`](super::Destination::uri).
    pub uri: Uri,
    /// The headers. Those that belong to the connection (`host`, `content-length`,
    /// `transfer-encoding`, `connection`, …) are dropped and set by Tieline; `user-agent`
    /// and `accept-encoding: identity` are added when they are absent.
    pub headers: HeaderMap,
    /// The body; empty for none.
    pub body: Bytes,
    /// How long everything may take: resolving, connecting, TLS, writing, head and body; at
    /// most a day.
    pub deadline: Duration,
    /// How much of the answer's body is wanted.
    pub body_limit: BodyLimit,
}

/// How much of an answer's body is wanted. Bytes are counted after decompression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyLimit {
    /// The first `keep` bytes, to show what was said. A longer, slower or broken body is no
    /// error: the head already tells the outcome (facts: webhooks 1.2).
    Excerpt {
        /// The most that is kept, in bytes.
        keep: usize,
    },
    /// All of it, to work with. A body that is longer, slower or broken is an error.
    Whole {
        /// The most that is accepted, in bytes.
        at_most: usize,
    },
}

impl BodyLimit {
    /// What of a body is read although it is not kept, so that the connection can be used
    /// again, in bytes. A body beyond it costs its connection.
    const READ_CAP: usize = 64 * 1024;

    /// The most that is kept, in bytes.
    pub(super) fn keep(self) -> usize {
        match self {
            Self::Excerpt { keep } => keep,
            Self::Whole { at_most } => at_most,
        }
    }

    /// The most that is read, in bytes.
    pub(super) fn read(self) -> usize {
        match self {
            Self::Excerpt { keep } => keep.max(Self::READ_CAP),
            Self::Whole { at_most } => at_most,
        }
    }
}

impl Default for BodyLimit {
    /// The first 16 KiB.
    fn default() -> Self {
        Self::Excerpt { keep: 16 * 1024 }
    }
}

impl Request {
    /// A request with an empty body, no headers, 15 seconds and the default [`BodyLimit`].
    pub fn new(method: Method, uri: Uri) -> Self {
        Self {
            method,
            uri,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            deadline: Duration::from_secs(15),
            body_limit: BodyLimit::default(),
        }
    }
}

/// An answer, of whatever status.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status. Redirects are not followed: a 3xx is an answer like others.
    pub status: StatusCode,
    /// The headers as they came.
    pub headers: HeaderMap,
    /// What was kept of the body, decompressed.
    pub body: Bytes,
    /// How the body ended.
    pub body_end: BodyEnd,
    /// How many bytes of the decompressed body were read.
    pub body_bytes_seen: usize,
    /// How long it took.
    pub timings: Timings,
    /// The address that was called.
    pub peer: Option<SocketAddr>,
}

impl Answer {
    /// Whether the body had more than [`body`](Self::body) holds.
    pub fn body_truncated(&self) -> bool {
        self.body_end != BodyEnd::Complete || self.body_bytes_seen > self.body.len()
    }
}

/// How long the parts of a call took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timings {
    /// From the start until the head of the answer was there.
    pub first_byte: Duration,
    /// From the start to the end of the body.
    pub total: Duration,
    /// Opening the connection; `None` when it was open already.
    pub opening: Option<Opening>,
}
