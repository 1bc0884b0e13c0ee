//! `tieline listen`: a sink on this machine that verifies the webhooks it gets and prints them.

use std::{net::SocketAddr, process::ExitCode, sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use axum::{
    Router,
    body::to_bytes,
    extract::{Request, State},
    response::Response,
};
use bytes::Bytes;
use clap::Args;
use http::{StatusCode, header, request::Parts};
use parking_lot::Mutex;
use tieline_domain::{
    clock::Clock,
    signature::{HandshakeAnswer, Verification},
};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::Notify,
    time::sleep,
};
use url::Url;

use super::{
    Outcome, amount, scheme,
    terminal::{Terminal, say, say_error},
};

mod answers;
mod display;
mod journal;
mod judge;

use answers::Answers;
use display::{Display, Form};
use journal::Journal;
use judge::Judge;

/// The longest body that is taken in, in bytes.
const MAX_BODY: usize = 1 << 20;

/// How long requests that are under way get to finish in the end, beside their own delay.
const GRACE: Duration = Duration::from_secs(2);

#[derive(Args)]
pub(super) struct Arguments {
    /// Where to listen, as http://127.0.0.1:9100/hook; port 0 takes a free one
    url: String,
    /// Secret to verify with; several may be given
    #[arg(long = "secret", env = "TIELINE_LISTEN_SECRET", hide_env_values = true)]
    secrets: Vec<String>,
    /// Who signs: a preset, or a verification in JSON; told by the headers if not given
    #[arg(long, value_parser = scheme::parse,
        long_help = format!("Who signs: {}, or a verification in JSON as the API takes it; told by the headers of each request if not given", scheme::names()))]
    scheme: Option<Verification>,
    /// The URL that senders use, if it is another: some sign it
    #[arg(long, value_name = "URL")]
    public_url: Option<Url>,
    /// Status to answer with
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(200..=599))]
    status: u16,
    /// How long to wait before each answer, such as 2s
    #[arg(long, default_value = "0", value_parser = amount::duration)]
    delay: Duration,
    /// Share of the requests to answer with 500 instead, such as 0.3
    #[arg(long, default_value_t = 0.0, value_parser = amount::ratio)]
    fail_ratio: f64,
    /// Print one JSON object a line, and nothing else on standard output
    #[arg(long)]
    json: bool,
    /// Print bodies whole
    #[arg(long)]
    full: bool,
    /// Stop after so many webhooks
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
}

/// Prints what it receives until it has `--count` webhooks or is interrupted.
pub(super) async fn run(arguments: Arguments, terminal: Terminal) -> Outcome {
    let wanted = where_to_listen(&arguments.url)?;
    let listener = bind(&wanted).await?;
    let url = real_url(wanted, listener.local_addr()?);
    let public_url = arguments.public_url.unwrap_or_else(|| url.clone());
    let form = match (arguments.json, arguments.full) {
        (true, _) => Form::Json,
        (false, full) => Form::Text { full },
    };
    let sink = Arc::new(Sink {
        judge: Judge::new(arguments.scheme, &arguments.secrets, &public_url)?,
        answers: Answers::new(arguments.status, arguments.delay, arguments.fail_ratio),
        log: Mutex::new(Log {
            journal: Journal::default(),
            display: Display { terminal, form },
        }),
        last: arguments.count,
        is_done: Notify::new(),
        clock: Clock::system(),
    });

    let ready = format!("listening on {url}");
    match form {
        // Standard output belongs to the webhooks.
        Form::Json => say_error(&ready),
        Form::Text { .. } => say(&ready)?,
    }
    serve(listener, Arc::clone(&sink)).await?;
    if let Form::Text { .. } = form {
        say(sink.log.lock().journal.summary())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Takes webhooks in and answers them.
struct Sink {
    judge: Judge,
    answers: Answers,
    log: Mutex<Log>,
    /// After how many webhooks it is enough.
    last: Option<u64>,
    is_done: Notify,
    clock: Clock,
}

struct Log {
    journal: Journal,
    display: Display,
}

async fn serve(listener: TcpListener, sink: Arc<Sink>) -> anyhow::Result<()> {
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    let stopping = Arc::new(Notify::new());
    let router = Router::new()
        .fallback(receive)
        .with_state(Arc::clone(&sink));
    let server = axum::serve(listener, router).with_graceful_shutdown({
        let stopping = Arc::clone(&stopping);
        async move { stopping.notified().await }
    });
    let stopped = async {
        tokio::select! {
            () = sink.is_done.notified() => {}
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
        stopping.notify_one();
        sleep(sink.answers.delay() + GRACE).await;
    };
    tokio::select! {
        served = server => served?,
        // Whoever holds a request open does not hold us.
        () = stopped => {}
    }
    Ok(())
}

async fn receive(State(sink): State<Arc<Sink>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        say_error(format_args!(
            "refused {} {}: the body did not come whole, or has more than {MAX_BODY} bytes",
            parts.method,
            parts.uri.path()
        ));
        return plain(StatusCode::PAYLOAD_TOO_LARGE, "the body is too long\n");
    };
    let (answer, delay) = sink.take_in(&parts, &body);
    sleep(delay).await;
    answer
}

impl Sink {
    /// Verifies and prints one request, and decides how it is answered and when.
    fn take_in(&self, parts: &Parts, body: &Bytes) -> (Response, Duration) {
        let at = self.clock.now();
        let judged = self.judge.judge(parts, body, at);
        let mut log = self.log.lock();
        if self.last.is_some_and(|last| log.journal.count() >= last) {
            return (
                plain(StatusCode::SERVICE_UNAVAILABLE, "enough\n"),
                Duration::ZERO,
            );
        }
        let entry = log.journal.enter(&judged, at);
        let status = match &judged.handshake {
            Some(answer) => answer.status,
            None => self.answers.status_of(entry.number),
        };
        let printed = log.display.show(parts, body, &judged, &entry, at, status);
        if printed.is_err() || self.last == Some(entry.number) {
            self.is_done.notify_one();
        }
        drop(log);
        let answer = match judged.handshake {
            Some(answer) => echo(answer),
            None => plain(
                StatusCode::from_u16(status).unwrap_or(StatusCode::OK),
                "received\n",
            ),
        };
        (answer, self.answers.delay())
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    response
}

/// The answer to a sender that asks whether we are there.
fn echo(answer: HandshakeAnswer) -> Response {
    let mut response = Response::new(answer.body.into());
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let content_type = http::HeaderValue::from_static(answer.content_type);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    response
}

/// Reads `http://host:port/path`, or only `host:port`.
fn where_to_listen(text: &str) -> anyhow::Result<Url> {
    const EXAMPLE: &str = "write it as http://127.0.0.1:9100/hook";
    let whole = if text.contains("://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    let url = Url::parse(&whole).with_context(|| format!("`{text}` is no URL; {EXAMPLE}"))?;
    if url.scheme() != "http" {
        bail!("`{text}` is not plain http, which is all that listen speaks; {EXAMPLE}");
    }
    Ok(url)
}

async fn bind(url: &Url) -> anyhow::Result<TcpListener> {
    let host = url.host_str().context("the URL names no host")?;
    // Brackets belong to the URL, not to the address.
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port = url.port_or_known_default().unwrap_or(80);
    TcpListener::bind((host, port))
        .await
        .with_context(|| format!("cannot listen on {host}:{port}"))
}

/// The URL with the port that was bound.
fn real_url(mut url: Url, bound: SocketAddr) -> Url {
    if url.port() == Some(0) {
        url.set_port(Some(bound.port()))
            .expect("an http URL with a host takes a port");
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_with_and_without_scheme() {
        for (text, url) in [
            (
                "http://127.0.0.1:9100/hook",
                Some("http://127.0.0.1:9100/hook"),
            ),
            ("localhost:9100", Some("http://localhost:9100/")),
            ("[::1]:9100/a", Some("http://[::1]:9100/a")),
            ("https://127.0.0.1:9100", None),
            ("http://", None),
        ] {
            let read = where_to_listen(text).ok();
            assert_eq!(read.as_ref().map(Url::as_str), url, "{text}");
        }
    }
}
