//! Sending a request and reading its answer under one deadline.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{
        ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, EXPECT, HOST, TE, TRAILER, TRANSFER_ENCODING,
        UPGRADE, USER_AGENT,
    },
};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper_util::{
    client::legacy,
    rt::{TokioExecutor, TokioTimer},
};
use rustls::RootCertStore;
use tokio::time::{Instant, timeout_at};

use super::{
    allow::AllowList,
    body::{BodyEnd, Coding, Collected, collect},
    certificate::ClientCertificate,
    classify::classify,
    connect::{self, Connector},
    destination::{BadUrl, Destination, check_url},
    error::{Error, Phase},
    guard::Guard,
    meter::Meter,
    proxy::Proxy,
    request::{Answer, BodyLimit, Request, Timings},
    resolve::{Resolve, SystemResolver},
    tls::{self, public_roots},
    wire::Line,
};

/// How the way out is set up.
#[derive(Clone)]
pub struct Settings {
    /// What the operator allows beside the public internet. Default: nothing.
    pub allow: AllowList,
    /// Who resolves names. Default: the operating system.
    pub resolver: Arc<dyn Resolve>,
    /// The certificate authorities to trust. Default: [`public_roots`].
    pub roots: RootCertStore,
    /// The proxy that opens connections. Default: none.
    pub proxy: Option<Proxy>,
    /// The addresses and names that are reached without the proxy. Default: none.
    pub no_proxy: AllowList,
    /// How long resolving, connecting and the TLS handshake may take together; a request's
    /// own deadline may end them earlier. Default: 10 seconds.
    pub connect_timeout: Duration,
    /// How many idle connections are kept for each scheme, host and port. Default: 64.
    pub idle_per_host: usize,
    /// How long an idle connection is kept. Default: 60 seconds.
    pub idle_timeout: Duration,
    /// The `user-agent` of requests that bring none. Default: `Tieline/` and the version.
    pub user_agent: HeaderValue,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            allow: AllowList::default(),
            resolver: Arc::new(SystemResolver),
            roots: public_roots(),
            proxy: None,
            no_proxy: AllowList::default(),
            connect_timeout: Duration::from_secs(10),
            idle_per_host: 64,
            idle_timeout: Duration::from_mins(1),
            user_agent: HeaderValue::from_static(concat!("Tieline/", env!("CARGO_PKG_VERSION"))),
        }
    }
}

/// The way out. Cloning shares its pool of connections.
#[derive(Clone)]
pub struct Outbound(pub(super) Arc<Shared>);

pub(super) struct Shared {
    client: legacy::Client<Connector, Payload>,
    settings: Settings,
    pub(super) meter: Meter,
}

/// The longest head of an answer, in bytes; hyper looks between two reads, so up to twice as
/// much may pass. Its default of 100 headers stays: to set it costs an allocation per answer.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// How many bytes one HTTP/2 answer may send ahead of its reader, and all of one connection
/// together. They bound the memory that a receiver can fill.
const HTTP2_WINDOWS: (u32, u32) = (64 * 1024, 1024 * 1024);

/// How long an HTTP/2 connection may be silent before it is asked whether it lives, and how long
/// its answer may take: it carries many exchanges, and would fail them all, one after the other.
const HTTP2_PING: (Duration, Duration) = (Duration::from_secs(15), Duration::from_secs(10));

/// The longest deadline, so that no setting can overflow the clock.
pub(super) const LONGEST: Duration = Duration::from_hours(24);

/// Headers that belong to the connection. A caller's would contradict what is really sent,
/// and `host` must be the host whose address was vetted.
const OWNED_HEADERS: [HeaderName; 10] = [
    HOST,
    CONTENT_LENGTH,
    TRANSFER_ENCODING,
    CONNECTION,
    UPGRADE,
    TE,
    TRAILER,
    EXPECT,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

impl Outbound {
    /// Sets up the way out; to be called after the metrics recorder is installed and once
    /// for each allow-list.
    pub fn new(settings: Settings) -> Self {
        Self::built(settings, None)
    }

    /// The same way out, which shows `certificate` to receivers that ask for one. It has
    /// connections of its own: those with a certificate serve no request without it.
    pub fn with_certificate(&self, certificate: &ClientCertificate) -> Self {
        Self::built(self.0.settings.clone(), Some(certificate))
    }

    fn built(settings: Settings, certificate: Option<&ClientCertificate>) -> Self {
        let connector = Connector::new(connect::Shared {
            guard: Guard::new(settings.allow.clone()),
            resolver: Arc::clone(&settings.resolver),
            tls: tls::connector(settings.roots.clone(), certificate),
            proxy: settings.proxy.clone(),
            no_proxy: settings.no_proxy.clone(),
            timeout: settings.connect_timeout.min(LONGEST),
        });
        let client = legacy::Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(settings.idle_timeout)
            .pool_max_idle_per_host(settings.idle_per_host)
            .http1_max_buf_size(MAX_HEAD_BYTES)
            .http2_max_header_list_size(MAX_HEAD_BYTES as u32)
            .http2_initial_stream_window_size(HTTP2_WINDOWS.0)
            .http2_initial_connection_window_size(HTTP2_WINDOWS.1)
            .http2_keep_alive_interval(HTTP2_PING.0)
            .http2_keep_alive_timeout(HTTP2_PING.1)
            // Only for requests that a closed idle connection never took up, so nothing is
            // sent twice. One that died after the request was written is `unknown_outcome`.
            .retry_canceled_requests(true)
            .build(connector);
        Self(Arc::new(Shared {
            client,
            settings,
            meter: Meter::new(),
        }))
    }

    /// [`check_url`] with this way's own list.
    pub fn check_url(&self, text: &str) -> Result<Destination, BadUrl> {
        check_url(text, &self.0.settings.allow)
    }

    /// Sends `request` and reads the answer. Whatever status it has, an answer is no error.
    ///
    /// After the deadline the connection is closed, or with HTTP/2 the stream. If the head had come by then, an
    /// [`Excerpt`](BodyLimit::Excerpt) is only cut short.
    pub async fn send(&self, request: Request) -> Result<Answer, Error> {
        let started = Instant::now();
        let outcome = self.exchange(request, started).await;
        let seen = outcome.as_ref().map(|answer| answer.status);
        self.0.meter.record(seen, started.elapsed());
        outcome
    }

    async fn exchange(&self, request: Request, started: Instant) -> Result<Answer, Error> {
        let (after, limit) = (request.deadline.min(LONGEST), request.body_limit);
        let deadline = started + after;
        let accepts_brotli = accepts_brotli(&request.headers);
        let response = self.head(request, after, deadline).await?;
        let first_byte = started.elapsed();
        let (head, body) = response.into_parts();
        let line = head.extensions.get::<Arc<Line>>();
        let coding = Coding::of(&head.headers, accepts_brotli);
        let collected = read_body(line, body, coding, limit, deadline).await;
        let (body, body_bytes_seen, body_end) = judge_body(collected, limit, after)?;
        Ok(Answer {
            status: head.status,
            body,
            body_end,
            body_bytes_seen,
            timings: Timings {
                first_byte,
                total: started.elapsed(),
                opening: line.and_then(|line| line.opened_for_this_exchange()),
            },
            peer: line.map(|line| line.peer),
            headers: head.headers,
        })
    }

    /// Sends `request` and waits for the head of the answer.
    pub(super) async fn head(
        &self,
        request: Request,
        after: Duration,
        deadline: Instant,
    ) -> Result<http::Response<Incoming>, Error> {
        let uri = request.uri.clone();
        let taken_up = Arc::new(AtomicBool::new(false));
        let request = self.0.prepare(request, Arc::clone(&taken_up));

        match timeout_at(deadline, self.0.client.request(request)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => {
                let host = uri.host().unwrap_or_default();
                Err(classify(&error, host, taken_up.load(Relaxed)))
            }
            Err(_) => {
                let phase = if taken_up.load(Relaxed) {
                    Phase::AwaitingAnswer
                } else {
                    Phase::Connecting
                };
                Err(Error::Timeout { after, phase })
            }
        }
    }
}

impl Shared {
    fn prepare(&self, request: Request, taken_up: Arc<AtomicBool>) -> http::Request<Payload> {
        let mut headers = request.headers;
        for name in &OWNED_HEADERS {
            headers.remove(name);
        }
        headers
            .entry(ACCEPT_ENCODING)
            .or_insert(HeaderValue::from_static("identity"));
        headers
            .entry(USER_AGENT)
            .or_insert_with(|| self.settings.user_agent.clone());
        let mut prepared = http::Request::new(Payload {
            bytes: request.body,
            taken_up,
        });
        *prepared.method_mut() = request.method;
        *prepared.uri_mut() = request.uri;
        *prepared.headers_mut() = headers;
        prepared
    }
}

fn accepts_brotli(headers: &HeaderMap) -> bool {
    headers
        .get(ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.split([',', ';', ' ']).any(|coding| coding == "br"))
}

async fn read_body(
    line: Option<&Arc<Line>>,
    body: Incoming,
    coding: Option<Coding>,
    limit: BodyLimit,
    deadline: Instant,
) -> Collected {
    // Without a body the connection may already serve the next request, whose bound must stay.
    if let Some(line) = line.filter(|_| !body.is_end_stream()) {
        line.head_is_complete();
    }
    collect(body, coding, limit, deadline).await
}

/// Whether what was read of the body is good enough under `limit`.
fn judge_body(
    collected: Collected,
    limit: BodyLimit,
    after: Duration,
) -> Result<(Bytes, usize, BodyEnd), Error> {
    let Collected { bytes, seen, end } = collected;
    let BodyLimit::Whole { at_most } = limit else {
        return Ok((bytes, seen, end));
    };
    match end {
        BodyEnd::Complete => Ok((bytes, seen, end)),
        BodyEnd::TooLong => Err(Error::TooLarge { limit: at_most }),
        BodyEnd::Deadline => Err(Error::Timeout {
            after,
            phase: Phase::ReadingBody,
        }),
        BodyEnd::Broken(reason) => Err(Error::UnknownOutcome { reason }),
    }
}

/// A request's body, which also remembers whether it came to be written.
struct Payload {
    bytes: Bytes,
    taken_up: Arc<AtomicBool>,
}

impl Body for Payload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = std::mem::take(&mut self.bytes);
        Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        // hyper asks this when it takes the request up for writing, for an empty body too:
        // from here on bytes may have left.
        self.taken_up.store(true, Relaxed);
        self.bytes.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.len() as u64)
    }
}
