//! Idempotency keys and rate limits.

use http::Method;
use serde_json::{Value, json};

use crate::api_frame_server::Server;

#[tokio::test]
async fn a_repeat_with_an_idempotency_key_gives_the_first_answer() {
    let server = Server::start().await;
    let client = server.tenant("*").await;
    let send = async |path: &str, key: &str, body: Value| {
        let request = client
            .request(Method::POST, path)
            .header("idempotency-key", key)
            .unwrap();
        request.json(body).unwrap().send().await.unwrap()
    };
    let body = json!({"name": "CRM", "scopes": ["events:read"]});
    let first = send("/v1/api-keys", "k-1", body.clone())
        .await
        .expect(201)
        .unwrap();
    assert_eq!(first.header("idempotency-replayed"), None);
    let second = send("/api/v1/api-keys", "k-1", body.clone())
        .await
        .expect(201)
        .unwrap();
    assert_eq!(second.header("idempotency-replayed"), Some("true"));
    assert_eq!(second.body, first.body);
    for name in ["location", "content-type"] {
        assert_eq!(second.header(name), first.header(name), "{name}");
    }
    let keys = client.get("/v1/api-keys").await.unwrap().json().unwrap();
    assert_eq!(
        keys["data"].as_array().unwrap().len(),
        2,
        "the caller's own and one more: {keys}"
    );

    // The same key for something else.
    let other = json!({"name": "other", "scopes": ["events:read"]});
    for (path, body) in [("/v1/api-keys", other), ("/v1/oauth-clients", body.clone())] {
        let answer = send(path, "k-1", body).await.expect(422).unwrap();
        assert_eq!(
            answer.json().unwrap()["type"],
            "/docs/errors/idempotency-key-reused"
        );
    }
    // A refusal is an answer too, and has one request id for good.
    let refused = send("/v1/api-keys", "k-2", json!({}))
        .await
        .expect(400)
        .unwrap();
    let again = send("/v1/api-keys", "k-2", json!({}))
        .await
        .expect(400)
        .unwrap();
    assert_eq!(again.body, refused.body);
    // Keys are each tenant's own, and end.
    let stranger = server.tenant("*").await;
    let request = stranger
        .request(Method::POST, "/v1/api-keys")
        .header("idempotency-key", "k-1")
        .unwrap();
    let answer = request
        .json(&body)
        .unwrap()
        .send()
        .await
        .unwrap()
        .expect(201)
        .unwrap();
    assert_eq!(answer.header("idempotency-replayed"), None);
    server.wait(std::time::Duration::from_hours(25));
    let later = send("/v1/api-keys", "k-1", body).await.expect(201).unwrap();
    assert_ne!(later.body, first.body);
    send("/v1/api-keys", "a b", json!({}))
        .await
        .expect(400)
        .unwrap();
}

#[tokio::test]
async fn copies_sent_at_once_with_one_key_are_done_once() {
    let server = Server::start().await;
    let client = server.tenant("*").await;
    let copies = (0..8).map(|_| {
        let request = client
            .request(Method::POST, "/v1/api-keys")
            .header("idempotency-key", "same")
            .unwrap();
        request
            .json(json!({"name": "CRM", "scopes": ["events:read"]}))
            .unwrap()
            .send()
    });
    for answer in futures::future::join_all(copies).await {
        let answer = answer.unwrap();
        let running = answer.status == 409 && answer.header("retry-after") == Some("1");
        assert!(answer.status == 201 || running, "{answer:?}");
    }
    let keys = client.get("/v1/api-keys").await.unwrap().json().unwrap();
    assert_eq!(keys["data"].as_array().unwrap().len(), 2, "{keys}");
}

#[tokio::test]
async fn requests_beyond_the_rate_wait() {
    let settings = [
        ("limits.requests_per_second", "1"),
        ("limits.requests_burst", "3"),
    ];
    let server = Server::with(&settings).await;
    let client = server.tenant("*").await;
    for left in ["2", "1", "0"] {
        let answer = client.get("/v1/me").await.unwrap().expect(200).unwrap();
        for prefix in ["", "x-"] {
            assert_eq!(
                answer.header(&format!("{prefix}ratelimit-limit")),
                Some("3")
            );
            assert_eq!(
                answer.header(&format!("{prefix}ratelimit-remaining")),
                Some(left)
            );
        }
        assert!(answer.header("ratelimit-reset").is_some());
    }
    let refused = client.get("/v1/me").await.unwrap().expect(429).unwrap();
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(refused.header("ratelimit-remaining"), Some("0"));
    assert_eq!(refused.json().unwrap()["type"], "/docs/errors/rate-limited");
    // Others have buckets of their own; what machines ask has none.
    server
        .tenant("*")
        .await
        .get("/v1/me")
        .await
        .unwrap()
        .expect(200)
        .unwrap();
    let answer = client.get("/healthz").await.unwrap().expect(200).unwrap();
    assert_eq!(answer.header("ratelimit-limit"), None);
}
