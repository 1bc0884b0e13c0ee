//! Each behaviour as a caller sees it.

use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::*;
use crate::http::Client;

async fn start(behaviour: impl Into<Behaviour>) -> (Receiver, Client) {
    let receiver = Receiver::start(Script::new().on("/x", behaviour))
        .await
        .unwrap();
    let client = Client::new(receiver.url(""));
    (receiver, client)
}

/// Sends one request over a plain socket, for what a well-behaved client would hide.
#[expect(
    clippy::disallowed_methods,
    reason = "the receiver is on loopback, and the test plays the caller"
)]
async fn dial(receiver: &Receiver) -> TcpStream {
    let mut stream = TcpStream::connect(receiver.address()).await.unwrap();
    stream
        .write_all(b"GET /x HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    stream
}

#[tokio::test]
async fn answers_as_the_script_says() {
    let rows: [(Behaviour, Vec<u16>, &str); 6] = [
        (Behaviour::status(204), vec![204, 204], ""),
        (Behaviour::failing(2, 503), vec![503, 503, 200, 200], ""),
        (Behaviour::Sequence(vec![]), vec![200], ""),
        (
            Behaviour::retry_after(429, "7"),
            vec![429],
            "retry-after: 7",
        ),
        (
            Behaviour::redirect(307, "http://127.0.0.1:1/"),
            vec![307],
            "location: http://127.0.0.1:1/",
        ),
        (
            Reply::new(418).header("x-a", "b").into(),
            vec![418],
            "x-a: b",
        ),
    ];
    for (behaviour, statuses, header) in rows {
        let (_receiver, client) = start(behaviour.clone()).await;
        for status in statuses {
            let answer = client.get("/x?q").await.unwrap();
            assert_eq!(answer.status, status, "{behaviour:?}");
            if let Some((name, value)) = header.split_once(": ") {
                assert_eq!(answer.header(name), Some(value), "{behaviour:?}");
            }
        }
        assert_eq!(client.get("/other").await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn a_changed_script_begins_anew() {
    let (receiver, client) = start(Behaviour::failing(1, 500)).await;
    assert_eq!(client.get("/x").await.unwrap().status, 500);
    assert_eq!(client.get("/x").await.unwrap().status, 200);
    receiver.set("/x", Behaviour::failing(1, 502));
    assert_eq!(client.get("/x").await.unwrap().status, 502);
    assert_eq!(client.get("/x").await.unwrap().status, 200);
}

#[tokio::test]
async fn a_held_request_is_seen_before_it_is_answered() {
    let gate = Gate::new();
    let (receiver, client) = start(Behaviour::held(&gate, Behaviour::status(202))).await;
    let call = tokio::spawn(async move { client.get("/x").await });
    receiver.wait_for(1).await.unwrap();
    assert!(!call.is_finished());
    gate.open();
    assert_eq!(call.await.unwrap().unwrap().status, 202);
}

#[tokio::test]
async fn behaviours_combine() {
    let gate = Gate::new();
    gate.open();
    let inner = Behaviour::held(&gate, Behaviour::failing(2, 502));
    let sequence = Behaviour::Sequence(vec![Behaviour::status(500), inner]);
    let (_receiver, client) = start(sequence).await;
    for status in [500, 502, 200] {
        assert_eq!(client.get("/x").await.unwrap().status, status);
    }
}

#[tokio::test]
async fn echo_returns_headers_and_body() {
    let (_receiver, client) = start(Behaviour::Echo).await;
    let answer = client
        .bearer("canary")
        .post("/x", json!({"card": 4242}))
        .await
        .unwrap();
    assert_eq!(answer.header("x-echo-authorization"), Some("Bearer canary"));
    let body = answer.json().unwrap();
    assert_eq!(body["headers"]["authorization"], "Bearer canary");
    assert_eq!(body["body"], r#"{"card":4242}"#);
    assert_eq!(body["method"], "POST");
}

#[tokio::test]
async fn large_and_slow_bodies_arrive_whole() {
    let every = Duration::from_millis(1);
    let rows = [
        (Behaviour::Huge { bytes: 5_000_000 }, 5_000_000),
        (Behaviour::Trickle { bytes: 3, every }, 3),
    ];
    for (behaviour, length) in rows {
        let (_receiver, client) = start(behaviour.clone()).await;
        let answer = client.get("/x").await.unwrap();
        assert_eq!(answer.body.len(), length, "{behaviour:?}");
        assert_eq!(
            answer.header("content-length"),
            Some(length.to_string().as_str())
        );
    }
}

#[tokio::test]
async fn a_bomb_is_labelled_and_small() {
    let (_receiver, client) = start(Behaviour::gzip_bomb(1 << 20)).await;
    let answer = client.get("/x").await.unwrap();
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    assert!(answer.body.len() < 8_000 && answer.body.starts_with(&[0x1f, 0x8b]));
}

#[tokio::test]
async fn an_endless_body_outlasts_any_reader() {
    let (receiver, _) = start(Behaviour::Endless).await;
    let mut stream = dial(&receiver).await;
    let mut buffer = vec![0; 1 << 16];
    let mut total = 0;
    while total < 4_000_000 {
        let read = stream.read(&mut buffer).await.unwrap();
        assert_ne!(read, 0, "it ended after {total} bytes");
        total += read;
    }
}

#[tokio::test]
async fn connections_break_where_they_should() {
    let (receiver, _) = start(Behaviour::ResetAfterHead).await;
    let mut text = Vec::new();
    let error = dial(&receiver)
        .await
        .read_to_end(&mut text)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    let text = String::from_utf8_lossy(&text);
    assert!(
        text.starts_with("HTTP/1.1 200") && text.contains("content-length: 1024"),
        "{text}"
    );

    let (receiver, _) = start(Behaviour::CloseBeforeHead).await;
    let mut text = Vec::new();
    dial(&receiver).await.read_to_end(&mut text).await.unwrap();
    assert_eq!(text, b"");
}

#[tokio::test]
async fn never_means_until_the_receiver_is_gone() {
    let (receiver, _) = start(Behaviour::Never).await;
    let mut stream = dial(&receiver).await;
    receiver.wait_for(1).await.unwrap();
    let mut byte = [0];
    assert_eq!(
        stream.try_read(&mut byte).unwrap_err().kind(),
        std::io::ErrorKind::WouldBlock
    );
    drop(receiver);
    // Closed or reset: what counts is that no byte came.
    assert_eq!(stream.read(&mut byte).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn a_vain_wait_shows_what_came() {
    let (mut receiver, client) = start(Behaviour::status(200)).await;
    receiver.set_patience(Duration::from_millis(50));
    client.post("/x", json!({})).await.unwrap();
    let error = receiver.wait_for(2).await.unwrap_err().to_string();
    assert!(
        error.contains("2 requests") && error.contains("1. POST /x, 2 bytes"),
        "{error}"
    );
    let found = receiver
        .wait_until(|all| all.iter().any(|one| one.path == "/x"))
        .await
        .unwrap();
    assert_eq!(found[0].json().unwrap(), json!({}));
}

#[tokio::test]
async fn tls_with_the_certificate_it_shows() {
    let receiver = Receiver::start_tls(Script::new().on("/x", Behaviour::status(201)))
        .await
        .unwrap();
    assert!(receiver.url("/x").starts_with("https://127.0.0.1:"));
    let mut trusted = RootCertStore::empty();
    let pem = receiver.certificate().unwrap().as_bytes();
    trusted
        .add(CertificateDer::from_pem_slice(pem).unwrap())
        .unwrap();
    let connector = TlsConnector::from(Arc::new(
        ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(trusted)
            .with_no_client_auth(),
    ));
    for name in ["localhost", "127.0.0.1"] {
        #[expect(clippy::disallowed_methods, reason = "the receiver is on loopback")]
        let stream = TcpStream::connect(receiver.address()).await.unwrap();
        let mut stream = connector
            .connect(ServerName::try_from(name).unwrap(), stream)
            .await
            .unwrap();
        stream
            .write_all(b"GET /x HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            .await
            .unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).await.unwrap();
        assert_eq!(&status, b"HTTP/1.1 201", "{name}");
    }
}
