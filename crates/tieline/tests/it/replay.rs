//! Events that go out again: one, and many by a job.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tieline_testkit::receiver::{Behaviour, Script};

use crate::scene::{Scene, text};

/// A scene whose jobs are worked on.
async fn scene() -> Scene {
    let scene = Scene::with(Script::new(), &[("limits.jobs_per_tenant", "2")]).await;
    scene.server.app.jobs.start();
    scene
}

async fn ended(scene: &Scene, job: &Value) -> Value {
    let path = format!("/v1/jobs/{}", text(&job["id"]));
    scene.when(&path, |job| !job["ended_at"].is_null()).await
}

fn webhook_ids(scene: &Scene, path: &str) -> Vec<String> {
    let to_path = scene.received().into_iter().filter(|one| one.path == path);
    to_path
        .map(|one| one.headers["webhook-id"].to_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn one_event_goes_out_again_under_the_same_webhook_id() {
    let scene = scene().await;
    let old = scene.subscribe("/old", &["order.*"], &[]).await;
    let event = scene.publish("order.created", json!({"n": 1})).await;
    let first = scene.delivery(&event, &old).await;
    scene.settled(&first, "delivered", 1).await;
    let new = scene.subscribe("/new", &["order.*"], &[]).await;
    scene.subscribe("/other", &["invoice.*"], &[]).await;

    let path = format!("/v1/events/{event}/replay");
    let replayed = scene.post(&path, json!({}), 202).await;
    let deliveries = replayed["deliveries"].as_array().unwrap();
    assert_eq!(deliveries.len(), 2, "{replayed}");
    assert_eq!(
        deliveries[0],
        json!({"id": first, "webhook_id": old, "outcome": "again"})
    );
    assert_eq!(
        (&deliveries[1]["webhook_id"], &deliveries[1]["outcome"]),
        (&json!(new), &json!("made"))
    );
    scene.settled(&first, "delivered", 2).await;
    scene
        .settled(&text(&deliveries[1]["id"]), "delivered", 1)
        .await;
    assert_eq!(webhook_ids(&scene, "/old"), [first.clone(), first.clone()]);

    // To one webhook; again while it waits; not to one that does not want it.
    scene
        .post(&format!("/v1/webhooks/{old}/pause"), json!({}), 200)
        .await;
    let only = scene.post(&path, json!({"webhook_id": old}), 202).await;
    assert_eq!(only["deliveries"][0]["outcome"], "again");
    scene.settled(&first, "held", 2).await;
    let waits = scene.post(&path, json!({"webhook_id": old}), 202).await;
    assert_eq!(
        waits["deliveries"],
        json!([{"id": first, "webhook_id": old, "outcome": "waiting"}])
    );
    scene
        .post(&format!("/v1/webhooks/{old}/enable"), json!({}), 200)
        .await;
    scene.settled(&first, "delivered", 3).await;
}

#[tokio::test]
async fn what_is_counted_is_what_goes_out() {
    let scene = scene().await;
    let one = scene.subscribe("/one", &["order.*", "job.*"], &[]).await;
    let mut published = BTreeSet::new();
    for number in 0..30 {
        let kind = if number % 3 == 0 {
            "invoice.paid"
        } else {
            "order.created"
        };
        let event = scene.publish(kind, json!({"n": number})).await;
        if number % 3 != 0 {
            published.insert(event);
        }
    }
    scene.receiver.wait_for(20).await.unwrap();
    scene
        .when("/v1/deliveries?status=delivered&limit=100", |list| {
            list["data"].as_array().unwrap().len() == 20
        })
        .await;
    // A second webhook, which has got nothing so far.
    scene.subscribe("/two", &["order.created"], &[]).await;

    let wanted = json!({"filter": {"types": ["order.*"]}, "from": "2026-01-01T00:00:00Z", "rate_per_second": 5_000});
    let preview = scene
        .post("/v1/events/replay/preview", wanted.clone(), 200)
        .await;
    assert_eq!(
        preview,
        json!({"events": 20, "deliveries": 40, "complete": true})
    );
    let job = scene.post("/v1/events/replay", wanted, 202).await;
    assert_eq!(
        (&job["status"], &job["total"]),
        (&json!("waiting"), &json!(null))
    );
    let job = ended(&scene, &job).await;
    assert_eq!(job["status"], "completed", "{job}");
    assert_eq!(
        (&job["total"], &job["done"], &job["failed"]),
        (&json!(40), &json!(40), &json!(0))
    );
    assert_eq!(
        job["result"],
        json!({"events": 20, "made": 20, "again": 20, "waiting": 0})
    );
    // 20 at first, 40 again, and the event that tells of the end.
    scene.receiver.wait_for(61).await.unwrap();
    let two = webhook_ids(&scene, "/two");
    assert_eq!(two.len(), 20);
    assert_eq!(two.iter().collect::<BTreeSet<_>>().len(), 20);
    let first: BTreeSet<_> = webhook_ids(&scene, "/one").into_iter().collect();
    assert_eq!(
        first.len(),
        21,
        "a repeat has the webhook-id of the first time"
    );
    let told = scene.list("/v1/events?type=job.completed").await;
    assert_eq!(
        (&told[0]["data"]["job_id"], &told[0]["data"]["done"]),
        (&job["id"], &json!(40))
    );

    // Narrowed by time, source, subject and webhook.
    let empty = json!({"events": 0, "deliveries": 0, "complete": true});
    let rows = [
        (
            json!({"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"}),
            empty.clone(),
        ),
        (json!({"from": "2100-01-01T00:00:00Z"}), empty.clone()),
        (
            json!({"from": "2026-01-01T00:00:00Z", "filter": {"source": "/elsewhere"}}),
            empty.clone(),
        ),
        (
            json!({"from": "2026-01-01T00:00:00Z", "filter": {"subject": "nothing"}}),
            empty,
        ),
        (
            json!({"from": "2026-01-01T00:00:00Z", "filter": {"types": ["order.created"], "webhook_id": one}}),
            json!({"events": 20, "deliveries": 20, "complete": true}),
        ),
    ];
    for (wanted, expected) in rows {
        assert_eq!(
            scene.post("/v1/events/replay/preview", wanted, 200).await,
            expected
        );
    }
}

#[tokio::test]
async fn a_replay_is_slow_when_asked_to_and_stops_when_called_off() {
    let scene = scene().await;
    scene.subscribe("/hook", &["order.*"], &[]).await;
    for number in 0..20 {
        scene.publish("order.created", json!({"n": number})).await;
    }
    scene.receiver.wait_for(20).await.unwrap();
    let wanted = json!({"from": "2026-01-01T00:00:00Z", "rate_per_second": 1});
    let job = scene.post("/v1/events/replay", wanted.clone(), 202).await;
    let path = format!("/v1/jobs/{}", text(&job["id"]));
    let running = scene
        .when(&path, |job| job["done"].as_u64() > Some(0))
        .await;
    assert_eq!(
        (&running["status"], &running["total"]),
        (&json!("running"), &json!(20))
    );

    // One job of a tenant runs, the others wait, and there is a bound.
    let second = scene.post("/v1/events/replay", wanted.clone(), 202).await;
    scene.post("/v1/events/replay", wanted, 409).await;
    let waiting = scene
        .get(&format!("/v1/jobs/{}", text(&second["id"])))
        .await;
    assert_eq!(waiting["status"], "waiting");
    assert_eq!(
        scene
            .list("/v1/jobs?status=running&kind=events.replay")
            .await
            .len(),
        1
    );

    let cancelled = scene.post(&format!("{path}/cancel"), json!({}), 200).await;
    assert_eq!(cancelled["status"], "cancelled");
    scene.post(&format!("{path}/cancel"), json!({}), 409).await;
    // The next one begins, so the first has stopped; it did not go on.
    let next = format!("/v1/jobs/{}", text(&second["id"]));
    scene.when(&next, |job| job["status"] == "running").await;
    let after = scene.get(&path).await;
    assert_eq!(after["done"], cancelled["done"]);
    assert!(after["done"].as_u64() < Some(20), "{after}");
    assert!(scene.list("/v1/events?type=job.completed").await.is_empty());
}

#[tokio::test]
async fn bad_replays_and_foreign_things_are_refused() {
    let scene = scene().await;
    let webhook = scene.subscribe("/hook", &["order.*"], &[]).await;
    let event = scene.publish("invoice.paid", json!({})).await;
    let from = "2026-01-01T00:00:00Z";
    let missing = "wh_01kb3f9z5qf8m9w2v7x4t6n0hd";
    let one = format!("/v1/events/{event}/replay");
    let many = "/v1/events/replay";
    let long = "x".repeat(257);
    let types = vec!["a"; 101];
    let rows = [
        (many, json!({}), 400, "/from"),
        (many, json!({"from": "yesterday"}), 400, "/from"),
        (many, json!({"from": from, "form": 1}), 400, "/form"),
        (
            many,
            json!({"from": from, "filter": {"types": ["*.a"]}}),
            400,
            "/filter/types/0",
        ),
        (
            many,
            json!({"from": from, "filter": {"types": types}}),
            422,
            "/filter/types",
        ),
        (
            many,
            json!({"from": from, "filter": {"subject": long}}),
            422,
            "/filter/subject",
        ),
        (
            many,
            json!({"from": from, "filter": {"source": ""}}),
            422,
            "/filter/source",
        ),
        (
            many,
            json!({"from": from, "filter": {"webhook_id": missing}}),
            422,
            "/filter/webhook_id",
        ),
        (many, json!({"from": from, "to": from}), 422, "/to"),
        (
            many,
            json!({"from": from, "rate_per_second": 0}),
            422,
            "/rate_per_second",
        ),
        (
            many,
            json!({"from": from, "rate_per_second": 10_001}),
            422,
            "/rate_per_second",
        ),
        (&one, json!({"webhook_id": missing}), 422, "/webhook_id"),
        (&one, json!({"webhook_id": webhook}), 409, ""),
        (&one, json!({"webhook": webhook}), 400, "/webhook"),
    ];
    for (path, body, status, pointer) in rows {
        let problem = scene.post(path, body.clone(), status).await;
        let at = problem["errors"][0]["pointer"].as_str().unwrap_or_default();
        assert_eq!(at, pointer, "{body}: {problem}");
    }
    let stranger = scene.server.tenant("*").await;
    let job = scene.post(many, json!({"from": from}), 202).await;
    let job = format!("/v1/jobs/{}", text(&job["id"]));
    assert_eq!(stranger.get(&job).await.unwrap().status, 404);
    for path in [&one, &format!("{job}/cancel")] {
        assert_eq!(
            stranger.post(path, json!({})).await.unwrap().status,
            404,
            "{path}"
        );
    }
    let foreign = json!({"from": from, "filter": {"webhook_id": webhook}});
    assert_eq!(stranger.post(many, foreign).await.unwrap().status, 422);
    let weak = scene.server.tenant("events:write").await;
    assert_eq!(
        weak.post(many, json!({"from": from})).await.unwrap().status,
        403
    );
    assert_eq!(weak.get("/v1/jobs").await.unwrap().status, 403);
}

#[tokio::test]
async fn deleted_content_is_gone_and_goes_nowhere() {
    let scene = scene().await;
    scene.receiver.set("/hook", Behaviour::status(500));
    let webhook = scene.subscribe("/hook", &["order.*"], &[0, 3_600]).await;
    let event = scene
        .publish("order.created", json!({"name": "Ada Lovelace"}))
        .await;
    let delivery = scene.delivery(&event, &webhook).await;
    scene.settled(&delivery, "pending", 1).await;

    let path = format!("/v1/events/{event}/payload");
    let stranger = scene.server.tenant("*").await;
    assert_eq!(stranger.delete(&path).await.unwrap().status, 404);
    for _ in 0..2 {
        assert_eq!(scene.client.delete(&path).await.unwrap().status, 204);
    }
    let shown = scene.get(&format!("/v1/events/{event}")).await;
    assert_eq!(shown["data"], json!(null));
    assert!(shown["data_deleted_at"].is_string(), "{shown}");
    let listed = scene.list("/v1/events?type=order.created").await;
    assert_eq!(listed[0]["data_deleted_at"], shown["data_deleted_at"]);
    scene.settled(&delivery, "cancelled", 1).await;
    scene
        .post(&format!("/v1/deliveries/{delivery}/retry"), json!({}), 409)
        .await;
    scene
        .post(&format!("/v1/events/{event}/replay"), json!({}), 409)
        .await;
    scene.wait(3_600);
    let other = scene.publish("order.created", json!({"name": null})).await;
    let next = scene.delivery(&other, &webhook).await;
    scene.settled(&next, "pending", 1).await;
    assert_eq!(scene.received().len(), 2, "one attempt of each");
    let shown = scene.get(&format!("/v1/events/{other}")).await;
    assert!(shown["data_deleted_at"].is_null());
}
