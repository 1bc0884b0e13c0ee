//! What a receiver does with a request, as data.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::watch;

use super::{Received, bomb};

/// What a receiver does with a request once it has read it.
#[derive(Clone, Debug)]
pub enum Behaviour {
    /// Answers.
    Answer(Reply),
    /// Answers 200 with what it received: each header again as `x-echo-<name>`, and in the body, as JSON, the
    /// `method`, `path`, `headers` and `body`.
    Echo,
    /// Answers what a function makes of the request: a service in few lines.
    Computed(Computed),
    /// The first request gets the first behaviour, and so on; the last one repeats. Counted per path.
    Sequence(Vec<Behaviour>),
    /// Waits until the gate opens, then goes on.
    Held {
        /// What opens.
        gate: Gate,
        /// What follows.
        then: Box<Behaviour>,
    },
    /// Waits so long, then goes on.
    Later {
        /// How long.
        after: Duration,
        /// What follows.
        then: Box<Behaviour>,
    },
    /// Holds the connection and never answers.
    Never,
    /// Answers 200 and sends the announced body byte by byte.
    Trickle {
        /// Length of the body.
        bytes: usize,
        /// Time before each byte.
        every: Duration,
    },
    /// Answers 200 with a body of unannounced length that never ends.
    Endless,
    /// Answers 200 with a body of this announced length.
    Huge {
        /// Length of the body.
        bytes: usize,
    },
    /// Answers 200, sends a part of the announced body, and resets the connection.
    ResetAfterHead,
    /// Closes the connection without an answer.
    CloseBeforeHead,
}

impl Behaviour {
    /// Answers this status with an empty body.
    pub fn status(status: u16) -> Self {
        Reply::new(status).into()
    }

    /// Answers this status with a JSON body.
    pub fn json(status: u16, body: &Value) -> Self {
        Reply::new(status)
            .header("content-type", "application/json")
            .body(body.to_string())
            .into()
    }

    /// Answers what `answer` makes of the request.
    pub fn computed(answer: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        Self::Computed(Computed(Arc::new(answer)))
    }

    /// Fails the first `times` requests with `status`, then answers 200.
    pub fn failing(times: usize, status: u16) -> Self {
        let failures = std::iter::repeat_n(Self::status(status), times);
        Self::Sequence(failures.chain([Self::status(200)]).collect())
    }

    /// Answers this status with a `Retry-After` header, in seconds or as a date.
    pub fn retry_after(status: u16, value: &str) -> Self {
        Reply::new(status).header("retry-after", value).into()
    }

    /// Redirects.
    pub fn redirect(status: u16, location: &str) -> Self {
        Reply::new(status).header("location", location).into()
    }

    /// Answers 200 with a small gzip body that unpacks to so many zero bytes.
    pub fn gzip_bomb(bytes: usize) -> Self {
        Reply::new(200)
            .header("content-encoding", "gzip")
            .body(bomb::zeros(bytes))
            .into()
    }

    /// Waits for the gate, then does `then`.
    pub fn held(gate: &Gate, then: Self) -> Self {
        Self::Held {
            gate: gate.clone(),
            then: Box::new(then),
        }
    }

    /// Answers 200 with a body of one byte a second.
    pub fn trickle(bytes: usize) -> Self {
        Self::Trickle {
            bytes,
            every: Duration::from_secs(1),
        }
    }

    /// The step of a sequence for the request with this number, from 0, on its path. No steps answer 200.
    pub(super) fn step(mut steps: Vec<Self>, number: usize) -> Self {
        match steps.len().checked_sub(1) {
            Some(last) => steps.swap_remove(number.min(last)),
            None => Self::status(200),
        }
    }
}

/// What makes an answer of a request.
#[derive(Clone)]
pub struct Computed(Arc<dyn Fn(&Received) -> Reply + Send + Sync>);

impl Computed {
    /// The answer to a request.
    pub(super) fn answer(&self, received: &Received) -> Reply {
        (self.0)(received)
    }
}

impl fmt::Debug for Computed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Computed")
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Bytes,
}

impl Reply {
    /// An answer with this status, no headers and no body.
    pub fn new(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }
}

impl From<Reply> for Behaviour {
    fn from(reply: Reply) -> Self {
        Self::Answer(reply)
    }
}

/// Holds requests back until it is opened; once open, it stays open.
#[derive(Clone, Debug)]
pub struct Gate(watch::Sender<bool>);

impl Gate {
    /// A closed gate.
    pub fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Lets everything through, now and later.
    pub fn open(&self) {
        self.0.send_replace(true);
    }

    /// Waits until it is open.
    pub async fn opened(&self) {
        self.0
            .subscribe()
            .wait_for(|open| *open)
            .await
            .expect("the sender lives in `self`");
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

/// Which behaviour each path has.
#[derive(Clone, Debug)]
pub struct Script {
    paths: HashMap<String, Behaviour>,
    otherwise: Behaviour,
}

impl Script {
    /// Every path answers 200.
    pub fn new() -> Self {
        Self {
            paths: HashMap::new(),
            otherwise: Behaviour::status(200),
        }
    }

    /// What happens at this path, without its query.
    pub fn on(mut self, path: &str, behaviour: impl Into<Behaviour>) -> Self {
        self.set(path, behaviour.into());
        self
    }

    /// What happens at every other path.
    pub fn otherwise(mut self, behaviour: impl Into<Behaviour>) -> Self {
        self.otherwise = behaviour.into();
        self
    }

    pub(super) fn set(&mut self, path: &str, behaviour: Behaviour) {
        self.paths.insert(path.to_owned(), behaviour);
    }

    pub(super) fn at(&self, path: &str) -> &Behaviour {
        self.paths.get(path).unwrap_or(&self.otherwise)
    }
}

impl Default for Script {
    fn default() -> Self {
        Self::new()
    }
}
