//! Calls without an answer: each has its kind, and says whether anything was sent.

use std::{sync::Arc, time::Duration};

use http::Method;
use tieline::outbound::{AllowList, Error, Outbound, Phase, Request, Resolve, Resolving, Settings};
use tokio::{io::AsyncWriteExt, net::TcpListener};

use crate::receiver::{Receiver, Script, loopback, read_request, way_out};

#[tokio::test]
async fn a_name_that_does_not_resolve() {
    for resolver in [Script::new(&[]), Script::new(&[&[]])] {
        let uri = "http://nowhere.example.com/secret-path".parse().unwrap();
        let error = way_out("", &resolver)
            .send(Request::new(Method::POST, uri))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), "dns");
        assert!(error.nothing_was_sent());
        let text = error.to_string();
        assert!(
            text.contains("nowhere.example.com") && !text.contains("secret-path"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_closed_port() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let request = Request::new(Method::POST, uri.parse().unwrap());
    let error = loopback().send(request).await.unwrap_err();
    assert_eq!(error.kind(), "connect");
    assert!(error.nothing_was_sent());
}

#[tokio::test]
async fn the_next_address_is_tried_when_one_does_not_answer() {
    let receiver = Receiver::answering("HTTP/1.1 204 No Content\r\n\r\n").await;
    let resolver = Script::new(&[&["127.0.0.2", "127.0.0.1"]]);
    let uri = receiver.uri("http", "two.example.com");
    let answer = way_out("127.0.0.0/8", &resolver)
        .send(Request::new(Method::POST, uri))
        .await
        .unwrap();
    assert_eq!(answer.peer, Some(receiver.address));
}

/// A resolver that never answers.
struct Silent;

impl Resolve for Silent {
    fn resolve(&self, _: &str) -> Resolving {
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn the_deadline_and_the_connect_timeout_cover_the_resolver() {
    let (short, long) = (Duration::from_millis(50), Duration::from_mins(1));
    for (deadline, connect_timeout) in [(short, long), (long, short)] {
        let outbound = Outbound::new(Settings {
            resolver: Arc::new(Silent),
            connect_timeout,
            ..Settings::default()
        });
        let mut request = Request::new(Method::GET, "http://example.com/".parse().unwrap());
        request.deadline = deadline;
        let error = outbound.send(request).await.unwrap_err();
        let phase = Phase::Connecting;
        assert_eq!(
            error,
            Error::Timeout {
                after: short,
                phase
            }
        );
        assert!(error.nothing_was_sent());
    }
}

#[tokio::test]
async fn a_head_that_does_not_come_or_trickles() {
    for start in ["", "HTTP/1.1 2", "HTTP/1.1 100 Continue\r\n\r\n"] {
        for (method, body) in [(Method::POST, "{}"), (Method::GET, "")] {
            let receiver = Receiver::stalling_after(start).await;
            let after = Duration::from_millis(100);
            let mut request = receiver.request();
            (request.method, request.body, request.deadline) = (method, body.into(), after);
            let error = loopback().send(request).await.unwrap_err();
            let phase = Phase::AwaitingAnswer;
            assert_eq!(error, Error::Timeout { after, phase }, "{start:?}");
            assert!(!error.nothing_was_sent());
        }
    }
}

#[tokio::test]
async fn a_connection_that_ends_before_the_head_has_an_unknown_outcome() {
    for reset in [false, true] {
        let receiver = Receiver::start(move |mut stream| async move {
            read_request(&mut stream).await;
            if reset {
                stream.set_zero_linger().unwrap();
            }
        })
        .await;
        let error = receiver.call().await.unwrap_err();
        assert_eq!(error.kind(), "unknown_outcome", "reset: {reset}: {error}");
        assert!(!error.nothing_was_sent());
        assert_eq!(receiver.connections(), 1, "it was not sent again by itself");
    }
}

#[tokio::test]
async fn answers_that_are_not_http() {
    let long_head = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "x".repeat(200_000));
    let many_headers = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(200));
    for answer in [
        "SSH-2.0-OpenSSH_9.2\r\n\r\n",
        "hello\r\n\r\n",
        "HTTP/1.1 banana\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        &long_head,
        &many_headers,
    ] {
        let receiver = Receiver::answering(answer).await;
        let kind = receiver
            .call()
            .await
            .map_or_else(|error| error.kind(), |_| "answered");
        assert_eq!(kind, "protocol", "{:?}", &answer[..20]);
    }
}

#[tokio::test]
async fn informational_heads_are_skipped_but_not_without_end() {
    let hints = "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n".repeat(5);
    let receiver = Receiver::answering(format!(
        "{hints}HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
    ))
    .await;
    assert_eq!(receiver.call().await.unwrap().status, 200);

    let endless = Receiver::start(|mut stream| async move {
        read_request(&mut stream).await;
        while stream
            .write_all(b"HTTP/1.1 100 Continue\r\n\r\n")
            .await
            .is_ok()
        {}
    })
    .await;
    let error = endless.call().await.unwrap_err();
    assert_eq!(error.kind(), "protocol", "{error}");
}

#[tokio::test]
async fn kinds_are_stable_codes() {
    assert_eq!(
        Error::KINDS,
        [
            "dns",
            "refused_address",
            "connect",
            "tls",
            "timeout",
            "unknown_outcome",
            "protocol",
            "too_large",
        ]
    );
    let check = Outbound::new(Settings {
        allow: AllowList::loopback(),
        ..Settings::default()
    });
    assert!(check.check_url("http://localhost:9/").is_ok());
    assert!(check.check_url("http://10.0.0.1/").is_err());
}
