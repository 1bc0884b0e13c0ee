//! The other end of a webhook or a tool call: a server on a loopback port that records what it receives and
//! behaves, path by path, as a [`Script`] says.

mod behaviour;
mod body;
mod bomb;
mod serve;
#[cfg(test)]
mod tests;
mod tls;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bytes::Bytes;
use http::{HeaderMap, Method, Version};
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

pub use behaviour::{Behaviour, Gate, Reply, Script};
pub use tls::Tls;

/// How long [`Receiver::wait_for`] waits, unless told otherwise.
const PATIENCE: Duration = Duration::from_mins(1);

/// How many requests the error of a vain wait lists.
const SHOWN: usize = 20;

/// A request, read to its end.
#[derive(Clone, Debug)]
pub struct Received {
    /// The method.
    pub method: Method,
    /// The path, without the query.
    pub path: String,
    /// What stands after the question mark.
    pub query: Option<String>,
    /// The version of HTTP.
    pub version: Version,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, byte for byte.
    pub body: Bytes,
    /// When it was there whole.
    pub at: Instant,
}

impl Received {
    /// A header's value, when there is one and it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON.
    pub fn json(&self) -> anyhow::Result<serde_json::Value> {
        serde_json::from_slice(&self.body)
            .with_context(|| format!("{} {}: the body is not JSON", self.method, self.path))
    }
}

/// A running receiver; dropping it closes its port and its connections.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    certificate: Option<String>,
    patience: Duration,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

impl Receiver {
    /// Listens on a free loopback port, over plain HTTP/1.1.
    pub async fn start(script: Script) -> anyhow::Result<Self> {
        Self::listen(script, None, None).await
    }

    /// Listens over TLS with a new self-signed certificate for `localhost` and 127.0.0.1.
    pub async fn start_tls(script: Script) -> anyhow::Result<Self> {
        Self::start_with(script, &Tls::default()).await
    }

    /// The same, as `tls` says.
    pub async fn start_with(script: Script, tls: &Tls) -> anyhow::Result<Self> {
        let (acceptor, certificate) = tls.acceptor()?;
        Self::listen(script, Some(acceptor), Some(certificate)).await
    }

    /// Plays a service for as long as it is wanted: at `address`, or on a free loopback port if that is taken, and without
    /// keeping what it receives.
    pub async fn serve(script: Script, address: &str) -> anyhow::Result<Self> {
        let listener = match TcpListener::bind(address).await {
            Ok(listener) => listener,
            Err(_) => any_port().await?,
        };
        let state = State {
            keeps: false,
            ..State::new(script)
        };
        Self::on(listener, state, None, None)
    }

    async fn listen(
        script: Script,
        tls: Option<TlsAcceptor>,
        certificate: Option<String>,
    ) -> anyhow::Result<Self> {
        Self::on(any_port().await?, State::new(script), tls, certificate)
    }

    fn on(
        listener: TcpListener,
        state: State,
        tls: Option<TlsAcceptor>,
        certificate: Option<String>,
    ) -> anyhow::Result<Self> {
        let state = Arc::new(state);
        Ok(Self {
            address: listener.local_addr()?,
            certificate,
            patience: PATIENCE,
            accepting: tokio::spawn(serve::accept(listener, tls, state.clone())),
            state,
        })
    }

    /// The address of a path, which begins with a slash.
    pub fn url(&self, path: &str) -> String {
        let scheme = if self.certificate.is_some() {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://{}{path}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its certificate in PEM, when it speaks TLS: what a caller must trust.
    pub fn certificate(&self) -> Option<&str> {
        self.certificate.as_deref()
    }

    /// Changes what happens at a path from the next request on; a sequence begins anew.
    pub fn set(&self, path: &str, behaviour: impl Into<Behaviour>) {
        let mut record = self.state.record.lock();
        record.script.set(path, behaviour.into());
        record.counts.remove(path);
    }

    /// How long waits last at most, from now on.
    pub fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// What was received so far, in the order of arrival.
    pub fn requests(&self) -> Vec<Received> {
        self.state.record.lock().requests.clone()
    }

    /// How many connections were made to it so far.
    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::Relaxed)
    }

    /// Waits until at least `count` requests were received, and returns all; fails after a minute with a list
    /// of what came instead.
    pub async fn wait_for(&self, count: usize) -> anyhow::Result<Vec<Received>> {
        self.wait(
            |requests| requests.len() >= count,
            || format!("{count} requests"),
        )
        .await
    }

    /// Waits until `enough` holds of what was received, and returns all; fails as
    /// [`wait_for`](Self::wait_for) does.
    pub async fn wait_until(
        &self,
        enough: impl Fn(&[Received]) -> bool,
    ) -> anyhow::Result<Vec<Received>> {
        self.wait(enough, || "a condition".to_owned()).await
    }

    async fn wait(
        &self,
        enough: impl Fn(&[Received]) -> bool,
        what: impl Fn() -> String,
    ) -> anyhow::Result<Vec<Received>> {
        let mut arrivals = self.state.arrivals.subscribe();
        let arrived = arrivals.wait_for(|_| enough(&self.state.record.lock().requests));
        let outcome = tokio::time::timeout(self.patience, arrived).await.map(drop);
        outcome.with_context(|| {
            format!(
                "waited {:?} in vain for {}; {}",
                self.patience,
                what(),
                self.summary()
            )
        })?;
        Ok(self.requests())
    }

    fn summary(&self) -> String {
        let record = self.state.record.lock();
        let total = record.requests.len();
        let mut text = format!("received {total}:");
        for (index, request) in record
            .requests
            .iter()
            .enumerate()
            .skip(total.saturating_sub(SHOWN))
        {
            let Received {
                method, path, body, ..
            } = request;
            // Writing to a string does not fail.
            let _ = write!(
                text,
                "\n  {}. {method} {path}, {} bytes",
                index + 1,
                body.len()
            );
        }
        text
    }
}

async fn any_port() -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await;
    listener.context("no free loopback port")
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// What the connections share.
#[derive(Debug)]
struct State {
    /// Whether requests are kept.
    keeps: bool,
    record: Mutex<Record>,
    connections: AtomicUsize,
    arrivals: watch::Sender<usize>,
}

#[derive(Debug)]
struct Record {
    script: Script,
    requests: Vec<Received>,
    /// Requests so far on each path, for [`Behaviour::Sequence`].
    counts: HashMap<String, usize>,
}

impl State {
    fn new(script: Script) -> Self {
        Self {
            keeps: true,
            record: Mutex::new(Record {
                script,
                requests: Vec::new(),
                counts: HashMap::new(),
            }),
            connections: AtomicUsize::new(0),
            arrivals: watch::Sender::new(0),
        }
    }

    /// Keeps a request; returns its number on its path, from 0, and what to do with it.
    fn record(&self, received: Received) -> (usize, Behaviour) {
        let mut record = self.record.lock();
        let count = record.counts.entry(received.path.clone()).or_default();
        let number = *count;
        *count += 1;
        let behaviour = record.script.at(&received.path).clone();
        if self.keeps {
            record.requests.push(received);
        }
        let total = record.requests.len();
        // Released first: whoever is woken looks at the record.
        drop(record);
        self.arrivals.send_replace(total);
        (number, behaviour)
    }
}
