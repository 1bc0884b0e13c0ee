//! The door: how many connections come in, and how long each may take to say what it wants.
//!
//! Behind the last ordinary connection a few more are let in, whose requests are answered at once: health
//! pages as always, everything else with 503 and `Retry-After`. So a server that has more than it can take
//! still says so, and stays green for those who watch it. Beyond these, connections wait in the kernel.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{ConnectInfo, Request},
};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::sync::CancellationToken;
use tower::Service as _;

use crate::{api::Front, config::Limits};

/// How many connections are let in to be told that there is no room.
const RESERVE: usize = 64;

/// How long such a connection may take to send the head of its request.
const RESERVE_HEAD: Duration = Duration::from_secs(2);

/// How long to wait when the system lets in no more connections, as when there are too many open files.
const PAUSE: Duration = Duration::from_millis(500);

/// What a client says first that speaks HTTP/2 (RFC 9113, 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How long to wait for the rest of a preface that has begun.
const REST_OF_PREFACE: Duration = Duration::from_millis(5);

/// Lets connections in.
pub struct Door {
    front: Front,
    ordinary: Arc<Semaphore>,
    reserve: Arc<Semaphore>,
    head: Duration,
    /// How many requests of one HTTP/2 connection run at once.
    streams: u32,
}

/// How a connection is let in.
enum Entry {
    Ordinary(OwnedSemaphorePermit),
    Reserve(OwnedSemaphorePermit),
}

impl Door {
    /// A door before `front`.
    pub fn new(front: Front, limits: &Limits) -> Self {
        Self {
            front,
            ordinary: Arc::new(Semaphore::new(limits.connections)),
            reserve: Arc::new(Semaphore::new(RESERVE)),
            head: limits.head_timeout,
            streams: limits.http2_streams,
        }
    }

    /// Lets connections in until `stop`; then finishes the requests under way, within `grace`. False if some
    /// did not end in time.
    pub async fn open(
        self,
        listener: TcpListener,
        stop: CancellationToken,
        grace: Duration,
    ) -> bool {
        let open = GracefulShutdown::new();
        loop {
            let entry = tokio::select! {
                () = stop.cancelled() => break,
                entry = self.entry() => entry,
            };
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => self.let_in(stream, peer, entry, &open),
                // The client was quicker to leave than we to greet it.
                Err(error) if is_of_connection(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "no more connections can be let in for a moment");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
        drop(listener);
        tokio::time::timeout(grace, open.shutdown()).await.is_ok()
    }

    /// Waits for room.
    async fn entry(&self) -> Entry {
        if let Ok(room) = Arc::clone(&self.ordinary).try_acquire_owned() {
            return Entry::Ordinary(room);
        }
        let ordinary = Arc::clone(&self.ordinary).acquire_owned();
        let reserve = Arc::clone(&self.reserve).acquire_owned();
        tokio::select! {
            biased;
            Ok(room) = ordinary => Entry::Ordinary(room),
            Ok(room) = reserve => Entry::Reserve(room),
            else => unreachable!("the semaphores are never closed"),
        }
    }

    fn let_in(&self, stream: TcpStream, peer: SocketAddr, entry: Entry, open: &GracefulShutdown) {
        // Answers are small; waiting to fill a packet would only delay them.
        let _ = stream.set_nodelay(true);
        let (room, full) = match entry {
            Entry::Ordinary(room) => (room, false),
            Entry::Reserve(room) => (room, true),
        };
        let head = if full { RESERVE_HEAD } else { self.head };
        let server = builder(head, self.streams, full);
        let front = self.front.clone();
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let mut request: Request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            let mut front = front.clone();
            async move {
                if full {
                    front.call_when_full(request).await
                } else {
                    front.call(request).await
                }
            }
        });
        let watcher = open.watcher();
        tokio::spawn(async move {
            let _room = room;
            let Ok(version) = tokio::time::timeout(head, version(&stream)).await else {
                return;
            };
            let server = match version {
                Version::One => server.http1_only(),
                Version::Two => server.http2_only(),
            };
            let connection = server.serve_connection(TokioIo::new(stream), service);
            if let Err(error) = watcher.watch(connection.into_owned()).await {
                tracing::debug!(error, "a connection ended early");
            }
        });
    }
}

fn builder(head: Duration, streams: u32, full: bool) -> auto::Builder<TokioExecutor> {
    let mut server = auto::Builder::new(TokioExecutor::new());
    server
        .http1()
        .timer(TokioTimer::new())
        .keep_alive(!full)
        .header_read_timeout(head);
    server
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(streams)
        .keep_alive_interval(head)
        .keep_alive_timeout(head);
    server
}

/// What a client speaks.
enum Version {
    One,
    Two,
}

/// Looks at the first bytes. hyper-util does so too, but waits for them without end.
async fn version(stream: &TcpStream) -> Version {
    let mut first = [0; PREFACE.len()];
    loop {
        let read = stream.peek(&mut first).await.unwrap_or_default();
        if read == 0 || first[..read] != PREFACE[..read] {
            return Version::One;
        }
        if read == PREFACE.len() {
            return Version::Two;
        }
        // What was looked at stays, so there is nothing to wait for but time.
        tokio::time::sleep(REST_OF_PREFACE).await;
    }
}

/// Whether only this connection failed, and not the listening socket.
fn is_of_connection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}
