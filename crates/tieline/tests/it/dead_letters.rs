//! Deliveries that came to nothing, and how they get another chance.

use serde_json::json;
use tieline_testkit::receiver::{Behaviour, Script};

use crate::scene::{Scene, text};

/// A receiver that fails each odd request and takes each even one, `times` times over, and then all.
fn every_other_fails(times: usize) -> Behaviour {
    let turns = (0..times).flat_map(|_| [Behaviour::status(500), Behaviour::status(200)]);
    Behaviour::Sequence(turns.chain([Behaviour::status(200)]).collect())
}

#[tokio::test]
async fn one_poisonous_event_among_healthy_ones_does_not_turn_its_destination() {
    let scene = Scene::open(Script::new().on("/hook", every_other_fails(3))).await;
    let webhook = scene
        .subscribe("/hook", &["poison", "healthy"], &[0, 10, 10])
        .await;
    let poison = scene.publish("poison", json!({})).await;
    let poisoned = scene.delivery(&poison, &webhook).await;
    for attempt in 1..=3 {
        let status = if attempt == 3 { "dead" } else { "pending" };
        scene.settled(&poisoned, status, attempt).await;
        scene.wait(1);
        let healthy = scene.publish("healthy", json!({})).await;
        let delivery = scene.delivery(&healthy, &webhook).await;
        scene.settled(&delivery, "delivered", 1).await;
        scene.wait(12);
    }
    let seen = scene.get(&format!("/v1/webhooks/{webhook}")).await;
    assert_eq!(seen["status"], "active");
    let changed = scene
        .list("/v1/events?type=integration.status_changed")
        .await;
    assert!(changed.is_empty(), "{changed:?}");

    let told = scene.list("/v1/events?type=delivery.dead_lettered").await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["data"]["event_id"], json!(poison));
    assert_eq!(told[0]["data"]["attempts"], 3);

    let dead = scene.list("/v1/dead-letters").await;
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0]["id"], json!(poisoned));
    scene
        .post(&format!("/v1/deliveries/{poisoned}/retry"), json!({}), 202)
        .await;
    scene.settled(&poisoned, "delivered", 4).await;
    assert!(scene.list("/v1/dead-letters").await.is_empty());
}

#[tokio::test]
async fn dead_letters_are_replayed_all_or_those_of_one_webhook() {
    let script = Script::new()
        .on("/one", Behaviour::status(500))
        .on("/two", Behaviour::status(500));
    let scene = Scene::open(script).await;
    let one = scene.subscribe("/one", &["a"], &[0]).await;
    let two = scene.subscribe("/two", &["a"], &[0]).await;
    for _ in 0..2 {
        let event = scene.publish("a", json!({})).await;
        for webhook in [&one, &two] {
            let delivery = scene.delivery(&event, webhook).await;
            // The first one turns the destination, and by hand it takes deliveries again.
            scene.settled(&delivery, "dead", 1).await;
            scene.turned(webhook, "error").await;
            scene
                .post(&format!("/v1/webhooks/{webhook}/enable"), json!({}), 200)
                .await;
        }
    }
    assert_eq!(scene.list("/v1/dead-letters").await.len(), 4);
    let of_one = format!("/v1/dead-letters?webhook_id={one}");
    assert_eq!(scene.list(&of_one).await.len(), 2);

    for path in ["/one", "/two"] {
        scene.receiver.set(path, Behaviour::status(200));
    }
    let replay = |body| scene.post("/v1/dead-letters/replay", body, 200);
    assert_eq!(
        replay(json!({"webhook_id": one})).await,
        json!({"matched": 2, "replayed": 2})
    );
    scene
        .when(
            &format!("/v1/deliveries?webhook_id={one}&status=delivered"),
            |list| list["data"].as_array().unwrap().len() == 2,
        )
        .await;
    assert_eq!(scene.list("/v1/dead-letters").await.len(), 2);
    assert_eq!(
        replay(json!({})).await,
        json!({"matched": 2, "replayed": 2})
    );
    assert_eq!(
        replay(json!({})).await,
        json!({"matched": 0, "replayed": 0})
    );
    scene
        .when("/v1/deliveries?status=delivered", |list| {
            list["data"].as_array().unwrap().len() == 4
        })
        .await;
}

#[tokio::test]
async fn what_is_held_for_too_long_becomes_a_dead_letter() {
    let scene = Scene::open(Script::new()).await;
    let body = json!({"url": scene.receiver.url("/hook"), "events": ["a"], "max_age": 600});
    let webhook = text(&scene.post("/v1/webhooks", body, 201).await["id"]);
    scene
        .post(&format!("/v1/webhooks/{webhook}/pause"), json!({}), 200)
        .await;
    let event = scene.publish("a", json!({})).await;
    let delivery = scene.delivery(&event, &webhook).await;
    scene.settled(&delivery, "held", 0).await;
    scene.wait(601);
    scene.settled(&delivery, "dead", 0).await;
    let told = scene.list("/v1/events?type=delivery.dead_lettered").await;
    let reason = text(&told[0]["data"]["reason"]);
    assert_eq!(reason, "it was held for longer than 600 seconds");
    assert!(scene.received().is_empty());
}
