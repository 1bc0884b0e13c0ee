//! More than a server can take: it says so at the door, keeps what it has promised, and stays green for those
//! who watch it.

use std::time::Duration;

use futures::future::join_all;
use serde_json::json;
use tieline_testkit::{http::Client, server::Server};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::stage::{OWNER_KEY, eventually, every, launch, owner, report};

/// How many clients ask at once, and how often each does.
const CLIENTS: usize = 64;
const REQUESTS: usize = 20;

/// How long something that must happen may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a page for watchers may take under load, on a machine that does much else.
const FAST: Duration = Duration::from_secs(5);

async fn green(server: &Server) {
    let client = Client::new(server.url());
    for path in ["/healthz", "/readyz"] {
        let answer = timeout(FAST, client.get(path))
            .await
            .expect("an answer in time");
        assert_eq!(answer.unwrap().status, 200, "{path}");
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a client that misbehaves needs the bare socket"
)]
async fn connect(server: &Server) -> TcpStream {
    let address = server.url().strip_prefix("http://").unwrap();
    TcpStream::connect(address).await.unwrap()
}

/// What comes on a connection until the other end closes it.
async fn rest(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut text));
    // A reset is an end too.
    let _ = read.await.expect("the server ends the connection");
    String::from_utf8_lossy(&text).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_finds_no_room_is_refused_and_what_is_accepted_is_kept() {
    let server = launch()
        .env("TIELINE_LIMITS_ACCEPT_QUEUE", "1")
        .env("TIELINE_LIMITS_REQUESTS_IN_FLIGHT", "8")
        .start()
        .await
        .unwrap();
    let one_client = async |_| {
        let owner = owner(server.url());
        let (mut accepted, mut refused) = (0, 0);
        for _ in 0..REQUESTS {
            let answer = owner
                .post("/v1/events", json!({"type": "order.created"}))
                .await
                .unwrap();
            match answer.status.as_u16() {
                202 => accepted += 1,
                503 => {
                    assert!(answer.header("retry-after").is_some());
                    refused += 1;
                }
                other => panic!("neither accepted nor refused: {other}"),
            }
        }
        (accepted, refused)
    };
    let watching = async {
        for _ in 0..10 {
            green(&server).await;
        }
    };
    let (counts, ()) = tokio::join!(join_all((0..CLIENTS).map(one_client)), watching);
    let (accepted, refused) = counts
        .into_iter()
        .fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1));
    assert_eq!(accepted + refused, CLIENTS * REQUESTS);
    assert!(
        accepted > 0 && refused > 0,
        "{accepted} accepted, {refused} refused"
    );

    // It is as before, and nothing that was answered with 202 is missing.
    let owner = owner(server.url());
    let after = owner
        .post("/v1/events", json!({"type": "order.created"}))
        .await
        .unwrap();
    after.expect(202).unwrap();
    let stored = every(&owner, "/v1/events?type=order.created")
        .await
        .unwrap();
    assert_eq!(stored.len(), accepted + 1);
    report(&format!(
        "overload: {accepted} accepted, {refused} refused with 503"
    ));
}

#[tokio::test]
async fn more_connections_than_there_is_room_for_are_told_so() {
    let server = launch()
        .env("TIELINE_LIMITS_CONNECTIONS", "2")
        .start()
        .await
        .unwrap();
    let idle = [connect(&server).await, connect(&server).await];
    let ask = async || Client::new(server.url()).get("/v1/me").await.unwrap();
    eventually("there is no room", async || {
        Ok((ask().await.status == 503).then_some(()))
    })
    .await
    .unwrap();
    let refused = ask().await;
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(refused.json().unwrap()["type"], "/docs/errors/unavailable");
    green(&server).await;
    drop(idle);
    eventually("there is room again", async || {
        Ok((ask().await.status == 401).then_some(()))
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn whoever_sends_too_slowly_is_cut_off() {
    let server = launch()
        .env("TIELINE_LIMITS_HEAD_TIMEOUT_SECONDS", "1")
        .env("TIELINE_LIMITS_BODY_TIMEOUT_SECONDS", "1")
        .start()
        .await
        .unwrap();
    let slow_head = "POST /v1/events HTTP/1.1\r\nhost: a\r\n";
    let slow_body = "POST /v1/auth/token HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 99\r\nconnection: close\r\n\r\n{";
    let of_source = "POST /in/wh_in_01kb3f9z5qf8m9w2v7x4t6n0hd HTTP/1.1\r\nhost: a\r\ncontent-length: 99\r\nconnection: close\r\n\r\n{";
    let rows = [
        ("", ""),
        (slow_head, ""),
        (slow_body, " 400 "),
        (of_source, " 404 "),
    ];
    let answers = join_all(rows.map(|(sent, _)| {
        let server = &server;
        async move {
            let mut stream = connect(server).await;
            stream.write_all(sent.as_bytes()).await.unwrap();
            rest(&mut stream).await
        }
    }));
    for (answer, (sent, expected)) in answers.await.iter().zip(rows) {
        let begin = answer.lines().next().unwrap_or_default();
        assert!(begin.contains(expected), "{sent:?}: {begin}");
        assert_eq!(begin.is_empty(), expected.is_empty(), "{sent:?}: {begin}");
    }
    let mut stream = connect(&server).await;
    let head = format!(
        "POST /v1/events HTTP/1.1\r\nhost: a\r\nx-api-key: {OWNER_KEY}\r\ncontent-type: application/json\r\ncontent-length: 99\r\nconnection: close\r\n\r\n{{"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("/docs/errors/request-timeout"), "{answer}");
    green(&server).await;
}
