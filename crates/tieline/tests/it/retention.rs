//! What has been kept long enough is removed, for each tenant by what it says.

use std::time::Duration;

use serde_json::{Value, json};
use tieline::retention::Remover;
use tieline_testkit::{http::Client, receiver::Script};
use tokio_util::sync::CancellationToken;

use crate::scene::{Scene, json_of, text};

const DAY: u64 = 86_400;

/// The platform's owner, and the path of the tenant that `client` belongs to.
async fn platform(scene: &Scene) -> (Client, String) {
    let me = scene.get("/v1/me").await;
    let path = format!("/v1/tenants/{}", text(&me["tenant"]["id"]));
    (scene.server.tenant("platform:write").await, path)
}

async fn patch(owner: &Client, path: &str, body: Value, status: u16) -> Value {
    json_of(owner.patch(path, body).await.unwrap(), status)
}

#[tokio::test]
async fn data_goes_when_its_days_are_over() {
    let scene = Scene::open(Script::new()).await;
    let (owner, path) = platform(&scene).await;
    let own = json!({"retention": {"events_days": 7, "attempts_days": 2}});
    patch(&owner, &path, own, 200).await;
    let webhook = scene.subscribe("/hook", &["order.*"], &[]).await;
    let patient = json!({"max_age": 30 * DAY});
    patch(
        &scene.client,
        &format!("/v1/webhooks/{webhook}"),
        patient,
        200,
    )
    .await;
    let old = scene.publish("order.created", json!({})).await;
    let delivery = scene.delivery(&old, &webhook).await;
    scene.settled(&delivery, "delivered", 1).await;
    scene
        .post(&format!("/v1/webhooks/{webhook}/pause"), json!({}), 200)
        .await;
    let waits = scene.publish("order.created", json!({})).await;

    let mut remover = Remover::new(scene.server.app.clone(), CancellationToken::new());
    let detail = format!("/v1/deliveries/{delivery}");
    let attempts = async || {
        scene.get(&detail).await["attempts"]
            .as_array()
            .unwrap()
            .len()
    };
    remover.pass().await.unwrap();
    assert_eq!(attempts().await, 1);
    scene.wait(2 * DAY + 1);
    remover.pass().await.unwrap();
    assert_eq!(attempts().await, 0);

    let other = scene.server.tenant("*").await;
    let theirs = other
        .post("/v1/events", json!({"type": "order.created"}))
        .await
        .unwrap();
    let theirs = text(&json_of(theirs, 202)["id"]);
    scene.wait(5 * DAY);
    let new = scene.publish("invoice.paid", json!({})).await;
    remover.pass().await.unwrap();
    let status = async |client: &Client, event: &str| {
        client
            .get(&format!("/v1/events/{event}"))
            .await
            .unwrap()
            .status
            .as_u16()
    };
    assert_eq!(status(&scene.client, &old).await, 404);
    assert_eq!(scene.client.get(&detail).await.unwrap().status, 404);
    assert_eq!(
        status(&scene.client, &waits).await,
        200,
        "a delivery still needs it"
    );
    assert_eq!(status(&scene.client, &new).await, 200);
    scene.server.wait(Duration::from_secs(29 * DAY));
    assert_eq!(status(&other, &theirs).await, 200);
    remover.pass().await.unwrap();
    assert_eq!(
        status(&other, &theirs).await,
        404,
        "the settings hold for a tenant that says nothing"
    );
}

#[tokio::test]
async fn a_tenant_s_retention_is_patched() {
    let scene = Scene::open(Script::new()).await;
    let (owner, path) = platform(&scene).await;
    let days = |events: Value, jobs: Value| json!({"events_days": events, "attempts_days": null, "rejected_days": null, "audit_days": null, "jobs_days": jobs, "calls_days": null, "conversations_days": null});
    let rows = [
        (json!({"name": "Acme"}), days(json!(null), json!(null))),
        (
            json!({"retention": {"events_days": 7, "jobs_days": 9}}),
            days(json!(7), json!(9)),
        ),
        (
            json!({"retention": {"events_days": null}}),
            days(json!(null), json!(9)),
        ),
        (json!({"retention": null}), days(json!(null), json!(null))),
    ];
    for (body, expected) in rows {
        let after = patch(&owner, &path, body.clone(), 200).await;
        assert_eq!(after["retention"], expected, "{body}");
    }
    let bad = [
        (
            json!({"retention": {"events_days": 0}}),
            422,
            "/retention/events_days",
        ),
        (
            json!({"retention": {"jobs_days": 36_501}}),
            422,
            "/retention/jobs_days",
        ),
        (json!({"retention": {"days": 1}}), 400, "/retention/days"),
        (
            json!({"retention": {"events_days": "7"}}),
            400,
            "/retention/events_days",
        ),
    ];
    for (body, status, pointer) in bad {
        let problem = patch(&owner, &path, body.clone(), status).await;
        assert_eq!(
            problem["errors"][0]["pointer"], pointer,
            "{body}: {problem}"
        );
    }
}
