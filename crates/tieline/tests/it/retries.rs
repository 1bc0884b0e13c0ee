//! When a failed delivery is tried again, and by whom.

use serde_json::{Value, json};
use tieline_domain::Timestamp;
use tieline_testkit::receiver::{Behaviour, Script};

use crate::scene::{Scene, text};

/// Seconds from one instant of a view to another.
fn seconds(from: &Value, to: &Value) -> f64 {
    let [from, to] = [from, to].map(|at| text(at).parse::<Timestamp>().unwrap());
    (to.as_micros() - from.as_micros()) as f64 / 1e6
}

#[tokio::test]
async fn a_failing_receiver_gets_the_same_delivery_again() {
    let scene = Scene::open(Script::new().on("/hook", Behaviour::failing(2, 503))).await;
    let webhook = scene.subscribe("/hook", &["a"], &[0, 5, 30]).await;
    let event = scene.publish("a", json!({})).await;
    let delivery = scene.delivery(&event, &webhook).await;
    for (made, delay) in [(1, 5.0), (2, 30.0)] {
        let seen = scene.settled(&delivery, "pending", made).await;
        let last = &seen["attempts"][made as usize - 1]["at"];
        let wait = seconds(last, &seen["due_at"]);
        assert!((delay * 0.8..=delay * 1.2).contains(&wait), "{wait}");
        scene.wait((delay * 1.2) as u64 + 1);
    }
    let seen = scene.settled(&delivery, "delivered", 3).await;
    let codes: Vec<_> = seen["attempts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|attempt| attempt["status_code"].as_u64().unwrap())
        .collect();
    assert_eq!(codes, [503, 503, 200]);
    let received = scene.received();
    assert!(
        received
            .iter()
            .all(|request| request.header("webhook-id") == Some(&*delivery)),
        "a receiver tells repeats by the id"
    );
    assert_eq!(
        scene.get(&format!("/v1/webhooks/{webhook}")).await["status"],
        "active"
    );
}

#[tokio::test]
async fn a_receiver_that_asks_for_time_gets_it() {
    // status, Retry-After, the wait that follows with a delay of 5 s
    let rows = [
        (429, "120", 120.0..=120.1),
        (503, "600", 600.0..=600.1),
        (503, "0", 4.0..=6.0),
        (503, "soon", 4.0..=6.0),
        (500, "120", 4.0..=6.0),
    ];
    for (status, header, expected) in rows {
        let answers = vec![
            Behaviour::retry_after(status, header),
            Behaviour::status(200),
        ];
        let scene = Scene::open(Script::new().on("/hook", Behaviour::Sequence(answers))).await;
        let webhook = scene.subscribe("/hook", &["a"], &[0, 5]).await;
        let event = scene.publish("a", json!({})).await;
        let delivery = scene.delivery(&event, &webhook).await;
        let seen = scene.settled(&delivery, "pending", 1).await;
        let wait = seconds(&seen["attempts"][0]["at"], &seen["due_at"]);
        assert!(expected.contains(&wait), "{status} {header}: {wait}");
        scene.wait(wait as u64 + 1);
        scene.settled(&delivery, "delivered", 2).await;
    }
}

#[tokio::test]
async fn a_receiver_that_wants_no_more_ends_its_webhook() {
    let scene = Scene::open(Script::new().on("/gone", Behaviour::status(410))).await;
    let gone = scene.subscribe("/gone", &["a"], &[]).await;
    let watcher = scene
        .subscribe("/watch", &["subscription.disabled"], &[])
        .await;
    let event = scene.publish("a", json!({})).await;
    let delivery = scene.delivery(&event, &gone).await;
    scene.settled(&delivery, "dead", 1).await;
    let webhook = scene.turned(&gone, "disabled").await;
    assert_eq!(webhook["status_reason"], "the receiver answered 410 Gone");
    let told = scene.list("/v1/events?type=subscription.disabled").await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["data"]["webhook_id"], json!(gone));
    let notice = scene.delivery(&text(&told[0]["id"]), &watcher).await;
    scene.settled(&notice, "delivered", 1).await;

    // Nothing is owed to it any longer.
    let later = scene.publish("a", json!({})).await;
    let owed = scene
        .list(&format!("/v1/deliveries?event_id={later}"))
        .await;
    assert!(owed.is_empty(), "{owed:?}");
}

#[tokio::test]
async fn redirects_are_failures() {
    let script = Script::new().on("/hook", Behaviour::redirect(307, "/elsewhere"));
    let scene = Scene::open(script).await;
    let webhook = scene.subscribe("/hook", &["a"], &[0, 60]).await;
    let event = scene.publish("a", json!({})).await;
    let delivery = scene.delivery(&event, &webhook).await;
    let seen = scene.settled(&delivery, "pending", 1).await;
    assert_eq!(seen["attempts"][0]["status_code"], 307);
    assert!(
        scene
            .received()
            .iter()
            .all(|request| request.path == "/hook")
    );
}

#[tokio::test]
async fn a_waiting_delivery_can_be_retried_at_once() {
    let scene = Scene::open(Script::new().on("/hook", Behaviour::failing(1, 500))).await;
    let webhook = scene.subscribe("/hook", &["a"], &[0, 3_600]).await;
    let event = scene.publish("a", json!({})).await;
    let delivery = scene.delivery(&event, &webhook).await;
    scene.settled(&delivery, "pending", 1).await;
    let path = format!("/v1/deliveries/{delivery}/retry");
    scene.post(&path, json!({}), 202).await;
    scene.settled(&delivery, "delivered", 2).await;
    let refused = scene.post(&path, json!({}), 409).await;
    assert_eq!(refused["type"], "/docs/errors/conflict");
    assert!(
        text(&refused["detail"]).contains("has succeeded"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_schedule_may_begin_with_a_delay() {
    let scene = Scene::open(Script::new()).await;
    let webhook = scene.subscribe("/hook", &["a"], &[10]).await;
    let event = scene.publish("a", json!({})).await;
    let delivery = scene.delivery(&event, &webhook).await;
    let waiting = scene.settled(&delivery, "pending", 0).await;
    let wait = seconds(&waiting["created_at"], &waiting["due_at"]);
    assert!((9.9..=10.1).contains(&wait), "{wait}");
    assert!(scene.received().is_empty());
    scene.wait(11);
    scene.settled(&delivery, "delivered", 1).await;
}
