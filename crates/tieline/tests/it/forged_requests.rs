//! Forged requests: however many, they change nothing. And what a genuine one proves.

use std::sync::Arc;

use futures::{StreamExt as _, stream};
use serde_json::{Value, json};
use tieline_testkit::receiver::{Behaviour, Script};

use crate::{
    scene::{Scene, json_of, text},
    senders::{Asked, INCOMING, Source},
};

/// How many forged requests come, and how many at once.
const FLOOD: usize = 10_000;
const AT_ONCE: usize = 32;
/// How many refused requests are kept of a source.
const KEPT: usize = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_forged_requests_changes_nothing_and_lets_genuine_ones_through() {
    let settings = [("limits.rejected_log_per_source", "50")];
    let script = Script::new().otherwise(Behaviour::status(200));
    let scene = Arc::new(Scene::with(script, &settings).await);
    let hook = scene.subscribe("/hook", &["webhook.received"], &[]).await;
    let source = Arc::new(Source::scheme(&scene, "github", "genuine-secret").await);
    let before = scene.client.get(&source.path()).await.unwrap();
    let before = (before.header("etag").map(str::to_owned), before.text());

    let forged = stream::iter(0..FLOOD).map(|n| {
        let (scene, source) = (Arc::clone(&scene), Arc::clone(&source));
        async move {
            let asked = Asked::post(format!("{{\"id\":\"{n}\"}}"));
            let secret = if n % 2 == 0 {
                "guess"
            } else {
                "Genuine-secret"
            };
            let answer = source.send_signed_with(&scene, asked, secret).await;
            answer.status.as_u16()
        }
    });
    let mut forged = forged.buffer_unordered(AT_ONCE);
    let mut statuses = Vec::with_capacity(FLOOD);
    while let Some(status) = forged.next().await {
        statuses.push(status);
        if statuses.len() == FLOOD / 2 {
            let asked = Asked::post(r#"{"id":"genuine"}"#);
            let answer = source.send_signed(&scene, asked).await;
            assert_eq!(answer.status.as_u16(), 202, "in the midst of the flood");
        }
    }
    assert!(statuses.iter().all(|status| *status == 401));

    let after = scene.client.get(&source.path()).await.unwrap();
    assert_eq!(
        (after.header("etag").map(str::to_owned), after.text()),
        before
    );
    let events = scene.list("/v1/events?limit=100").await;
    assert_eq!(events.len(), 1, "the genuine one");
    let deliveries = scene
        .list(&format!("/v1/deliveries?webhook_id={hook}&limit=100"))
        .await;
    assert_eq!(deliveries.len(), 1);
    let rejected = scene
        .list(&format!("{}/rejected?limit=100", source.path()))
        .await;
    assert!(
        (1..=KEPT).contains(&rejected.len()),
        "{} are kept",
        rejected.len()
    );
}

/// What a request proved stands on both of its events, and in the metadata where the transform asks for it.
#[tokio::test]
async fn trust_is_seen_by_whoever_reads_the_event() {
    let scene = Scene::open(Script::new()).await;
    let transform = json!({"metadata": {"trust": "$trust", "key": "$key_id"}});
    let rows = [
        ("hmac-sha256", Some("shared-secret"), "verified", json!("1")),
        (
            "header-value",
            Some("shared-secret"),
            "authenticated",
            json!("1"),
        ),
        ("none", None, "unsigned", Value::Null),
    ];
    for (scheme, secret, trust, key) in rows {
        let mut wanted = json!({"name": scheme, "verification": {"scheme": scheme},
            "event_type": "lead.created", "transform": transform});
        if let Some(secret) = secret {
            wanted["secret"] = json!(secret);
        }
        let made = scene.post(INCOMING, wanted, 201).await;
        let source = Source::found(&made, scheme);
        let request = Asked::post(json!({"scheme": scheme}).to_string());
        let answer = match secret {
            Some(secret) => source.send_signed_with(&scene, request, secret).await,
            None => source.send(&scene, request).await,
        };
        let taken = json_of(answer, 202);
        let event = scene
            .get(&format!("/v1/events/{}", text(&taken["event_id"])))
            .await;
        assert_eq!(
            (&event["trust"], &event["data"]["trust"]),
            (&json!(trust), &json!(trust))
        );
        assert_eq!(
            event["data"].get("key_id").unwrap_or(&Value::Null),
            &key,
            "{scheme}"
        );
        let metadata = &event["data"]["metadata"];
        assert_eq!(metadata["trust"], trust, "{scheme}");
        assert_eq!(
            metadata.get("key").unwrap_or(&Value::Null),
            &key,
            "{scheme}"
        );
        let typed = scene.list("/v1/events?type=lead.created").await;
        assert_eq!(typed[0]["trust"], trust, "{scheme}: the event of its type");
    }
    let own = scene.publish("order.created", json!({})).await;
    let own = scene.get(&format!("/v1/events/{own}")).await;
    assert_eq!(own.get("trust"), None, "no request brought it");
}
