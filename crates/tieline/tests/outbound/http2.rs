//! HTTP/2: where a receiver chooses it, with the same bounds.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, Response, StatusCode, Version};
use tieline::outbound::{
    AllowList, Answer, BodyEnd, BodyLimit, Error, Outbound, Request, Settings, roots_with,
};
use tieline_testkit::receiver::{Behaviour, Receiver, Reply, Script, Tls};

async fn receiver(script: Script) -> Receiver {
    let tls = Tls {
        http2: true,
        ..Tls::default()
    };
    Receiver::start_with(script, &tls).await.unwrap()
}

fn trusting(receiver: &Receiver) -> Outbound {
    Outbound::new(Settings {
        allow: AllowList::loopback(),
        roots: roots_with(receiver.certificate().unwrap().as_bytes()).unwrap(),
        ..Settings::default()
    })
}

fn request(receiver: &Receiver, path: &str) -> Request {
    let mut request = Request::new(Method::POST, receiver.url(path).parse().unwrap());
    request.body = Bytes::from_static(br#"{"id":"evt_1"}"#);
    request.deadline = Duration::from_secs(20);
    request
}

async fn call(receiver: &Receiver, path: &str) -> Result<Answer, Error> {
    trusting(receiver).send(request(receiver, path)).await
}

#[tokio::test]
async fn it_is_spoken_where_it_is_chosen_over_one_connection() {
    let receiver = receiver(Script::new().on("/hook", Reply::new(202).body("thanks"))).await;
    let outbound = trusting(&receiver);
    outbound.send(request(&receiver, "/hook")).await.unwrap();
    let calls = (0..100).map(|_| outbound.send(request(&receiver, "/hook")));
    for answer in futures::future::join_all(calls).await {
        let answer = answer.unwrap();
        assert_eq!(
            (answer.status, &*answer.body),
            (StatusCode::ACCEPTED, &b"thanks"[..])
        );
        assert_eq!(answer.body_end, BodyEnd::Complete);
        assert_eq!(answer.peer, Some(receiver.address()));
        assert_eq!(answer.timings.opening, None, "it was open already");
    }
    assert_eq!(receiver.connections(), 1);
    let received = receiver.requests();
    assert!(received.iter().all(|one| one.version == Version::HTTP_2));
    assert_eq!(received[0].body, &br#"{"id":"evt_1"}"#[..]);

    let plain = Receiver::start_tls(Script::new()).await.unwrap();
    call(&plain, "/hook").await.unwrap();
    assert_eq!(plain.requests()[0].version, Version::HTTP_11);
}

#[tokio::test]
async fn bodies_and_deadlines_are_bounded_as_with_http_1() {
    let script = Script::new()
        .on("/endless", Behaviour::Endless)
        .on("/huge", Behaviour::Huge { bytes: 10 << 20 })
        .on("/bomb", Behaviour::gzip_bomb(100 << 20))
        .on("/trickle", Behaviour::trickle(100))
        .on("/broken", Behaviour::ResetAfterHead);
    let receiver = receiver(script).await;
    let outbound = trusting(&receiver);
    for (path, end) in [
        ("/endless", BodyEnd::TooLong),
        ("/huge", BodyEnd::TooLong),
        ("/bomb", BodyEnd::TooLong),
        ("/trickle", BodyEnd::Deadline),
    ] {
        let mut request = request(&receiver, path);
        request.deadline = Duration::from_secs(1);
        let begun = Instant::now();
        let answer = outbound.send(request.clone()).await.unwrap();
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.body_end, end, "{path}");
        assert!(
            answer.body_bytes_seen <= 128 * 1024,
            "{path}: {}",
            answer.body_bytes_seen
        );
        request.body_limit = BodyLimit::Whole { at_most: 100_000 };
        let kind = outbound.send(request).await.unwrap_err().kind();
        let expected = if end == BodyEnd::TooLong {
            "too_large"
        } else {
            "timeout"
        };
        assert_eq!(kind, expected, "{path}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{path}");
    }
    let answer = outbound.send(request(&receiver, "/broken")).await.unwrap();
    assert!(matches!(answer.body_end, BodyEnd::Broken(_)), "{answer:?}");
    assert_eq!(
        receiver.connections(),
        1,
        "a stream that is given up costs no connection"
    );
}

#[tokio::test]
async fn a_stream_that_is_reset_or_silent_has_an_unknown_outcome() {
    let script = Script::new()
        .on("/reset", Behaviour::CloseBeforeHead)
        .on("/silent", Behaviour::Never);
    let receiver = receiver(script).await;
    let outbound = trusting(&receiver);
    let error = outbound
        .send(request(&receiver, "/reset"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), "unknown_outcome", "{error}");
    assert!(!error.nothing_was_sent());
    let mut silent = request(&receiver, "/silent");
    silent.deadline = Duration::from_millis(200);
    let error = outbound.send(silent).await.unwrap_err();
    assert_eq!(error.kind(), "timeout", "{error}");
    assert!(!error.nothing_was_sent());
    assert_eq!(
        receiver.requests().len(),
        2,
        "nothing was sent again by itself"
    );
    // What one exchange met does not spoil the connection for the next.
    assert_eq!(
        outbound
            .send(request(&receiver, "/good"))
            .await
            .unwrap()
            .status,
        200
    );
}

/// A server that speaks HTTP/2 by the frame.
mod frames {
    use std::sync::Arc;

    use h2::server::{Connection, SendResponse};
    use rcgen::generate_simple_self_signed;
    use rustls::{ServerConfig, crypto::aws_lc_rs, pki_types::PrivateKeyDer};
    use tokio::net::{TcpListener, TcpStream};
    use tokio_rustls::{TlsAcceptor, server::TlsStream};

    use super::*;

    pub(super) type Answering = SendResponse<Bytes>;
    pub(super) type Served = Connection<TlsStream<TcpStream>, Bytes>;

    /// Runs `serve` with each connection; answers with a way out that trusts it, and its URL.
    pub(super) async fn start<F, S>(serve: S) -> (Outbound, String)
    where
        S: Fn(Served) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let certified = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let pem = certified.cert.pem();
        let key = PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
        let mut config =
            ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(vec![certified.cert.der().clone()], key)
                .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!(
            "https://localhost:{}/hook",
            listener.local_addr().unwrap().port()
        );
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let stream = acceptor.accept(stream).await.unwrap();
                let served = h2::server::handshake(stream).await.unwrap();
                tokio::spawn(serve(served));
            }
        });
        let outbound = Outbound::new(Settings {
            allow: AllowList::loopback(),
            roots: roots_with(pem.as_bytes()).unwrap(),
            ..Settings::default()
        });
        (outbound, url)
    }
}

#[tokio::test]
async fn a_connection_that_is_going_away_is_replaced() {
    let (outbound, url) = frames::start(|mut served: frames::Served| async move {
        // One answer for each connection, and GOAWAY behind it.
        let Some(Ok((_, mut answering))) = served.accept().await else {
            return;
        };
        served.graceful_shutdown();
        answering.send_response(Response::new(()), true).unwrap();
        while served.accept().await.is_some() {}
    })
    .await;
    for _ in 0..5 {
        let request = Request::new(Method::POST, url.parse().unwrap());
        assert_eq!(outbound.send(request).await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn a_connection_that_goes_away_with_the_request_has_an_unknown_outcome() {
    let (outbound, url) = frames::start(|mut served: frames::Served| async move {
        let _request = served.accept().await;
        served.abrupt_shutdown(h2::Reason::ENHANCE_YOUR_CALM);
        while served.accept().await.is_some() {}
    })
    .await;
    let mut request = Request::new(Method::POST, url.parse().unwrap());
    request.deadline = Duration::from_secs(5);
    let error = outbound.send(request).await.unwrap_err();
    assert_eq!(error.kind(), "unknown_outcome", "{error}");
}

#[tokio::test]
async fn heads_are_bounded_and_informational_ones_end_at_the_deadline() {
    let (outbound, url) = frames::start(|mut served: frames::Served| async move {
        while let Some(Ok((request, mut answering))) = served.accept().await {
            if request.uri().path() == "/hook" {
                let head = Response::builder().header("x-long", "x".repeat(200_000));
                let _ = answering.send_response(head.body(()).unwrap(), true);
            } else {
                tokio::spawn(inform_for_ever(answering));
            }
        }
    })
    .await;
    let mut request = Request::new(Method::POST, url.parse().unwrap());
    request.deadline = Duration::from_secs(2);
    let error = outbound.send(request.clone()).await.unwrap_err();
    assert!(
        ["protocol", "unknown_outcome"].contains(&error.kind()),
        "{error:?}"
    );

    request.uri = url.replace("/hook", "/informational").parse().unwrap();
    let begun = Instant::now();
    let error = outbound.send(request).await.unwrap_err();
    assert!(
        ["timeout", "protocol", "unknown_outcome"].contains(&error.kind()),
        "{error:?}"
    );
    assert!(begun.elapsed() < Duration::from_secs(4));
}

async fn inform_for_ever(mut answering: frames::Answering) {
    loop {
        let hints = Response::builder()
            .status(103)
            .header("link", "</x>")
            .body(())
            .unwrap();
        if answering.send_informational(hints).is_err() {
            return;
        }
        tokio::task::yield_now().await;
    }
}
