//! The receiver's connections: accept, read, record, behave.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Map, Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::behaviour::{Behaviour, Reply};
use super::body::ReplyBody;
use super::{Received, State};

/// Accepts connections until the task is dropped, and drops them with itself.
pub(super) async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, most likely: let those who hold some finish.
            tokio::task::yield_now().await;
            continue;
        };
        while connections.try_join_next().is_some() {}
        state.connections.fetch_add(1, Ordering::Relaxed);
        // Failing only costs speed.
        let _ = stream.set_nodelay(true);
        let (state, tls) = (state.clone(), tls.clone());
        connections.spawn(async move {
            match tls {
                None => serve(stream, |stream| stream, state).await,
                Some(acceptor) => {
                    // A handshake that fails is the caller's story to tell.
                    if let Ok(stream) = acceptor.accept(stream).await {
                        if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
                            return serve_http2(stream, state).await;
                        }
                        serve(
                            stream,
                            |stream: &TlsStream<TcpStream>| stream.get_ref().0,
                            state,
                        )
                        .await;
                    }
                }
            }
        });
    }
}

/// Serves one connection; `socket` finds the TCP stream in it.
async fn serve<I>(stream: I, socket: impl Fn(&I) -> &TcpStream, state: Arc<State>)
where
    I: AsyncRead + AsyncWrite + Unpin,
{
    let reset = Arc::new(AtomicBool::new(false));
    let service = service_fn(|request| Box::pin(answer(request, state.clone(), reset.clone())));
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // Broken on purpose, or by the caller: the caller sees it, and the tests look there.
    let _ = std::future::poll_fn(|context| connection.poll_without_shutdown(context)).await;
    let stream = connection.into_parts().io.into_inner();
    if reset.load(Ordering::Relaxed) {
        let _ = socket(&stream).set_zero_linger();
    }
}

/// Serves one connection that speaks HTTP/2. Where HTTP/1.1 breaks the connection, a stream is reset.
async fn serve_http2(stream: TlsStream<TcpStream>, state: Arc<State>) {
    let never = Arc::new(AtomicBool::new(false));
    let service = service_fn(|request| Box::pin(answer(request, state.clone(), never.clone())));
    let server = http2::Builder::new(TokioExecutor::new());
    // Broken on purpose, or by the caller.
    let _ = server.serve_connection(TokioIo::new(stream), service).await;
}

/// Records a request and does what the script says.
async fn answer(
    request: Request<Incoming>,
    state: Arc<State>,
    reset: Arc<AtomicBool>,
) -> io::Result<Response<ReplyBody>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let received = Received {
        method: head.method,
        path: head.uri.path().to_owned(),
        query: head.uri.query().map(str::to_owned),
        version: head.version,
        headers: head.headers,
        body,
        at: Instant::now(),
    };
    let (number, mut behaviour) = state.record(received.clone());
    let body = loop {
        behaviour = match behaviour {
            Behaviour::Sequence(steps) => Behaviour::step(steps, number),
            Behaviour::Held { gate, then } => {
                gate.opened().await;
                *then
            }
            Behaviour::Later { after, then } => {
                tokio::time::sleep(after).await;
                *then
            }
            Behaviour::Answer(reply) => return respond(reply),
            Behaviour::Computed(computed) => return respond(computed.answer(&received)),
            Behaviour::Echo => return respond(echo(&received)),
            Behaviour::Never => std::future::pending().await,
            Behaviour::CloseBeforeHead => return Err(io::ErrorKind::ConnectionAborted.into()),
            Behaviour::ResetAfterHead => {
                reset.store(true, Ordering::Relaxed);
                break ReplyBody::Broken { step: 0 };
            }
            Behaviour::Trickle { bytes, every } => break ReplyBody::trickle(bytes, every),
            Behaviour::Endless => break ReplyBody::Stream { left: None },
            Behaviour::Huge { bytes } => break ReplyBody::Stream { left: Some(bytes) },
        };
    };
    Ok(Response::new(body))
}

fn respond(reply: Reply) -> io::Result<Response<ReplyBody>> {
    let mut response = Response::builder().status(reply.status);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    response
        .body(ReplyBody::whole(reply.body))
        .map_err(io::Error::other)
}

/// The request, as an answer.
fn echo(received: &Received) -> Reply {
    let mut reply = Reply::new(200).header("content-type", "application/json");
    let mut headers = Map::new();
    for (name, value) in &received.headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        reply = reply.header(&format!("x-echo-{name}"), &value);
        headers.insert(name.to_string(), Value::String(value));
    }
    let body = json!({
        "method": received.method.as_str(),
        "path": received.path,
        "headers": headers,
        "body": String::from_utf8_lossy(&received.body),
    });
    reply.body(Bytes::from(body.to_string()))
}
