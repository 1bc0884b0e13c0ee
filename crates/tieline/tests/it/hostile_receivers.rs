//! Receivers that behave badly: each is a typed attempt error within the deadline, or costs no more
//! than an excerpt (facts: webhooks 1.2).

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tieline_testkit::receiver::{Behaviour, Receiver, Script};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::scene::{Scene, text};

/// What one attempt may take.
const DEADLINE: Duration = Duration::from_secs(2);

/// How a row ends: the status and the kind of error of the attempt, and whether the excerpt was cut.
struct Expected {
    status_code: Value,
    error_kind: Value,
    truncated: bool,
}

fn answered(status: u16, truncated: bool) -> Expected {
    Expected {
        status_code: json!(status),
        error_kind: json!(null),
        truncated,
    }
}

fn failed(kind: &str) -> Expected {
    Expected {
        status_code: json!(null),
        error_kind: json!(kind),
        truncated: false,
    }
}

/// Delivers one event to `url` and looks at the attempt.
async fn check(scene: &Scene, what: &str, url: &str, expected: Expected) {
    let body = json!({"url": url, "events": ["a"], "retry": [0, 3600], "timeout_seconds": DEADLINE.as_secs()});
    let webhook = text(&scene.post("/v1/webhooks", body, 201).await["id"]);
    let begun = Instant::now();
    let event = scene.publish("a", json!({})).await;
    let delivery = scene.delivery(&event, &webhook).await;
    let status = if expected.error_kind.is_null() {
        "delivered"
    } else {
        "pending"
    };
    let seen = scene.settled(&delivery, status, 1).await;
    let took = begun.elapsed();
    let attempt = &seen["attempts"][0];
    assert_eq!(
        attempt["status_code"], expected.status_code,
        "{what}: {attempt:#}"
    );
    assert_eq!(
        attempt["error_kind"], expected.error_kind,
        "{what}: {attempt:#}"
    );
    assert_eq!(
        attempt["response_truncated"], expected.truncated,
        "{what}: {attempt:#}"
    );
    let excerpt = attempt["response_excerpt"].as_str().unwrap_or_default();
    assert!(excerpt.chars().count() <= 16 * 1024, "{what}");
    assert_eq!(
        attempt["error"].is_null(),
        expected.error_kind.is_null(),
        "{what}"
    );
    assert!(
        took < DEADLINE + Duration::from_secs(10),
        "{what} took {took:?}"
    );
    let path = format!("/v1/webhooks/{webhook}");
    scene.delete(&path).await;
}

#[tokio::test]
async fn what_a_receiver_answers_costs_a_bounded_excerpt_or_a_typed_error() {
    let rows = [
        (
            "10 MB",
            Behaviour::Huge { bytes: 10 << 20 },
            answered(200, true),
        ),
        ("without end", Behaviour::Endless, answered(200, true)),
        (
            "a gzip bomb of 32 MB",
            Behaviour::gzip_bomb(32 << 20),
            answered(200, true),
        ),
        (
            "a byte a second",
            Behaviour::trickle(1_000),
            answered(200, true),
        ),
        (
            "a reset after the head",
            Behaviour::ResetAfterHead,
            answered(200, true),
        ),
        (
            "an early close",
            Behaviour::CloseBeforeHead,
            failed("unknown_outcome"),
        ),
        ("no answer", Behaviour::Never, failed("timeout")),
    ];
    let mut script = Script::new();
    for (index, (_, behaviour, _)) in rows.iter().enumerate() {
        script = script.on(&format!("/{index}"), behaviour.clone());
    }
    let scene = Scene::open(script).await;
    for (index, (what, _, expected)) in rows.into_iter().enumerate() {
        let url = scene.receiver.url(&format!("/{index}"));
        check(&scene, what, &url, expected).await;
    }
}

/// A socket that answers each request with `pieces`, the last of them without end.
async fn raw(pieces: &'static [&'static [u8]]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer_raw(stream, pieces));
        }
    });
    url
}

async fn answer_raw(mut stream: TcpStream, pieces: &[&[u8]]) {
    let mut request = [0; 4096];
    let _ = stream.read(&mut request).await;
    let (endless, once) = pieces.split_last().unwrap();
    for piece in once {
        let _ = stream.write_all(piece).await;
    }
    while !endless.is_empty() && stream.write_all(endless).await.is_ok() {
        tokio::task::yield_now().await;
    }
    // Holds the connection until the other side gives it up.
    let _ = stream.read_to_end(&mut Vec::new()).await;
}

#[tokio::test]
async fn what_is_not_http_is_told_and_bounded() {
    let scene = Scene::open(Script::new()).await;
    let rows: [(&str, &'static [&'static [u8]], Expected); 6] = [
        (
            "1xx without end",
            &[b"HTTP/1.1 103 Early Hints\r\n\r\n"],
            failed("protocol"),
        ),
        (
            "a head without end",
            &[b"HTTP/1.1 200 OK\r\n", b"x-a: b\r\n"],
            failed("protocol"),
        ),
        (
            "a line without end",
            &[b"HTTP/1.1 200 OK\r\nx-a: ", b"bbbb"],
            failed("protocol"),
        ),
        (
            "another protocol",
            &[b"SSH-2.0-OpenSSH_9.2\r\n\r\n", b""],
            failed("protocol"),
        ),
        ("half a head", &[b"HTTP/1.1 2", b""], failed("timeout")),
        (
            "a chunk that never ends",
            &[
                b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffff\r\n",
                b"xxxxxxxx",
            ],
            answered(200, true),
        ),
    ];
    for (what, pieces, expected) in rows {
        check(&scene, what, &raw(pieces).await, expected).await;
    }
}

#[tokio::test]
async fn bad_certificates_are_tls_errors() {
    let scene = Scene::open(Script::new()).await;
    let untrusted = Receiver::start_tls(Script::new()).await.unwrap();
    check(
        &scene,
        "its own authority",
        &untrusted.url("/hook"),
        failed("tls"),
    )
    .await;
    let plain = scene.receiver.url("/hook").replace("http://", "https://");
    check(&scene, "no TLS at all", &plain, failed("tls")).await;
    assert!(untrusted.requests().is_empty());
}
