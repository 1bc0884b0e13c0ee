//! What leaves, over how many connections, and what is measured of it.

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::{io::AsyncWriteExt, sync::mpsc};

use crate::receiver::{Receiver, loopback, read_request};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// A receiver that hands on the heads of the requests it gets.
async fn listening() -> (Receiver, mpsc::Receiver<String>) {
    let (heads, received) = mpsc::channel(8);
    let receiver = Receiver::start(move |mut stream| {
        let heads = heads.clone();
        async move {
            while let Some(head) = read_request(&mut stream).await {
                heads.send(head).await.unwrap();
                stream.write_all(OK.as_bytes()).await.unwrap();
            }
        }
    })
    .await;
    (receiver, received)
}

#[tokio::test]
async fn headers_that_belong_to_the_connection_are_ours() {
    let (receiver, mut received) = listening().await;
    let mut request = receiver.request();
    for (name, value) in [
        ("host", "internal.example.com"),
        ("content-length", "3"),
        ("transfer-encoding", "chunked"),
        ("connection", "close"),
        ("upgrade", "websocket"),
        ("te", "trailers"),
        ("trailer", "x"),
        ("expect", "100-continue"),
        ("keep-alive", "timeout=1"),
        ("proxy-connection", "close"),
        ("x-custom", "kept"),
    ] {
        let value = HeaderValue::from_static(value);
        request.headers.insert(HeaderName::from_static(name), value);
    }
    loopback().send(request).await.unwrap();

    let head = received.recv().await.unwrap();
    let (line, headers) = head.trim_end().split_once("\r\n").unwrap();
    assert_eq!(line, "POST /hooks?a=1 HTTP/1.1");
    let mut headers: Vec<&str> = headers.lines().collect();
    headers.sort_unstable();
    let agent = concat!("user-agent: Tieline/", env!("CARGO_PKG_VERSION"));
    let host = format!("host: {}", receiver.address);
    let expected = [
        "accept-encoding: identity",
        "content-length: 14",
        &host,
        agent,
        "x-custom: kept",
    ];
    assert_eq!(headers, expected);
}

#[tokio::test]
async fn a_caller_may_choose_the_agent_and_the_codings() {
    let (receiver, mut received) = listening().await;
    let mut request = receiver.request();
    (request.method, request.body) = (Method::GET, "".into());
    request.deadline = Duration::MAX;
    request.headers = HeaderMap::from_iter([
        (http::header::USER_AGENT, HeaderValue::from_static("Mine/1")),
        (
            http::header::ACCEPT_ENCODING,
            HeaderValue::from_static("gzip"),
        ),
    ]);
    loopback().send(request).await.unwrap();
    let head = received.recv().await.unwrap();
    assert!(head.contains("user-agent: Mine/1\r\n") && head.contains("accept-encoding: gzip\r\n"));
    assert!(!head.contains("identity") && !head.contains("content-length"));
}

#[tokio::test]
async fn a_hundred_requests_share_one_connection() {
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
    let long = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: 60000\r\n\r\n{}",
        "x".repeat(60_000)
    );
    for answer in [OK, chunked, &long, "HTTP/1.1 204 No Content\r\n\r\n"] {
        let receiver = Receiver::answering(answer).await;
        let outbound = loopback();
        for sent in 0..100 {
            let answer = outbound.send(receiver.request()).await.unwrap();
            assert_eq!(answer.timings.opening.is_some(), sent == 0);
            assert_eq!(answer.peer, Some(receiver.address));
            // Lets the connection return to the pool.
            tokio::task::yield_now().await;
        }
        assert_eq!(
            receiver.connections(),
            1,
            "{}",
            &answer[..40.min(answer.len())]
        );
    }
}

#[tokio::test]
async fn durations_are_recorded_by_outcome() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let outbound = metrics::with_local_recorder(&recorder, loopback);
    let good = Receiver::answering(OK).await;
    let bad = Receiver::answering("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n").await;
    let slow = Receiver::stalling_after("").await;
    for receiver in [&good, &good, &bad] {
        outbound.send(receiver.request()).await.unwrap();
    }
    let mut request = slow.request();
    request.deadline = Duration::from_millis(20);
    outbound.send(request).await.unwrap_err();

    let text = recorder.handle().render();
    for (outcome, count) in [("2xx", 2), ("5xx", 1), ("timeout", 1)] {
        let line = format!("tieline_outbound_seconds_count{{outcome=\"{outcome}\"}} {count}");
        assert!(text.contains(&line), "{line} is not in\n{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_are_all_answered() {
    let receiver = Arc::new(Receiver::answering(OK).await);
    let outbound = loopback();
    let calls = (0..200).map(|_| {
        let (receiver, outbound) = (Arc::clone(&receiver), outbound.clone());
        tokio::spawn(async move { outbound.send(receiver.request()).await })
    });
    for call in calls.collect::<Vec<_>>() {
        assert_eq!(&*call.await.unwrap().unwrap().body, b"ok");
    }
}
