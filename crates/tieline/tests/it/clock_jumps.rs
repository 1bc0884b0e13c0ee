//! The clock jumps by an hour, either way, while the server works: nothing is lost, ids and orders hold, and what
//! waits goes on by itself within the time that docs/operations.md names.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use tieline_testkit::receiver::{Behaviour, Gate, Script};

use crate::scene::{Scene, json_of, text};

const HOUR: u64 = 3_600;

/// The two ways in which a clock jumps.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Jump {
    Ahead,
    Back,
}

const JUMPS: [Jump; 2] = [Jump::Ahead, Jump::Back];

impl Jump {
    fn make(self, scene: &Scene) {
        match self {
            Self::Ahead => scene.wait(HOUR),
            Self::Back => scene.server.app.clock.set_back(Duration::from_secs(HOUR)),
        }
    }
}

#[tokio::test]
async fn what_is_under_way_is_delivered_and_ids_rise() {
    for jump in JUMPS {
        let gate = Gate::new();
        let slow = Behaviour::held(&gate, Behaviour::status(200));
        let scene = Scene::open(Script::new().on("/hook", slow)).await;
        let webhook = scene.subscribe("/hook", &["a"], &[]).await;
        let mut events = Vec::new();
        for n in 0..3 {
            events.push(scene.publish("a", json!({"n": n})).await);
        }
        scene.receiver.wait_for(1).await.unwrap();
        jump.make(&scene);
        for n in 3..6 {
            events.push(scene.publish("a", json!({"n": n})).await);
        }
        gate.open();
        for event in &events {
            let delivery = scene.delivery(event, &webhook).await;
            scene.settled(&delivery, "delivered", 1).await;
        }
        assert!(events.is_sorted(), "{jump:?}: {events:?}");
        assert_eq!(scene.received().len(), 6, "{jump:?}: nothing is sent twice");
    }
}

#[tokio::test]
async fn a_line_keeps_its_order() {
    for jump in JUMPS {
        let answers = vec![Behaviour::status(503), Behaviour::status(200)];
        let scene = Scene::open(Script::new().on("/hook", Behaviour::Sequence(answers))).await;
        let body = json!({
            "url": scene.receiver.url("/hook"), "events": ["a"], "ordering_key": "$.data.k", "retry": [0, 5],
        });
        scene.post("/v1/webhooks", body, 201).await;
        let mut last = String::new();
        for n in 0..6 {
            last = scene.publish("a", json!({"k": 1, "n": n})).await;
            if n == 2 {
                scene.receiver.wait_for(1).await.unwrap();
                jump.make(&scene);
            }
        }
        // The retry of the head comes later by as much as the clock was set back, and no more.
        if jump == Jump::Back {
            scene.wait(HOUR + 7);
        }
        let path = format!("/v1/deliveries?event_id={last}");
        scene
            .when(&path, |list| list["data"][0]["status"] == "delivered")
            .await;
        let sent: Vec<_> = scene.received().iter().map(number).collect();
        assert_eq!(sent, [0, 0, 1, 2, 3, 4, 5], "{jump:?}");
    }
}

fn number(request: &tieline_testkit::receiver::Received) -> u64 {
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    body["data"]["n"].as_u64().unwrap()
}

#[tokio::test]
async fn repeats_are_told() {
    for jump in JUMPS {
        let scene = Scene::open(Script::new()).await;
        let own = json!({"type": "a", "id": "own-1"});
        let first = scene.post("/v1/events", own.clone(), 202).await;
        let idempotent = async || {
            let request = scene.client.request(Method::POST, "/v1/events");
            let request = request.header("idempotency-key", "k-1").unwrap();
            let answer = request.json(json!({"type": "a"})).unwrap().send().await;
            json_of(answer.unwrap(), 202)
        };
        let answered = idempotent().await;
        jump.make(&scene);
        let again = scene.post("/v1/events", own, 202).await;
        assert_eq!(again["status"], "duplicate", "{jump:?}");
        assert_eq!(again["id"], first["id"], "{jump:?}");
        assert_eq!(idempotent().await, answered, "{jump:?}");
    }
}

/// An hour is the life of a token: it ends with a jump ahead. After a jump back it lives longer by the jump.
#[tokio::test]
async fn access_tokens_end_by_the_clock() {
    for (jump, status) in [(Jump::Ahead, 401), (Jump::Back, 200)] {
        let scene = Scene::open(Script::new()).await;
        let asked = json!({"name": "CRM", "scopes": ["events:read"]});
        let client = scene.post("/v1/oauth-clients", asked, 201).await;
        let fresh = async || {
            let body = json!({
                "grant_type": "client_credentials",
                "client_id": client["id"], "client_secret": client["client_secret"],
            });
            let answer = scene.server.client().post("/v1/auth/token", body).await;
            text(&json_of(answer.unwrap(), 200)["access_token"])
        };
        let token = fresh().await;
        jump.make(&scene);
        let seen = async |token: String| {
            let bearer = scene.server.client().bearer(token);
            bearer.get("/v1/events").await.unwrap().status.as_u16()
        };
        assert_eq!(seen(token).await, status, "{jump:?}");
        assert_eq!(seen(fresh().await).await, 200, "{jump:?}");
    }
}

#[tokio::test]
async fn a_failing_destination_is_probed_in_time() {
    for jump in JUMPS {
        let settings = [("delivery.probe_max_seconds", "600")];
        let scene = Scene::with(Script::new().on("/hook", Behaviour::status(500)), &settings).await;
        let webhook = scene.subscribe("/hook", &["a"], &[0]).await;
        let event = scene.publish("a", json!({})).await;
        let delivery = scene.delivery(&event, &webhook).await;
        scene.settled(&delivery, "dead", 1).await;
        scene.turned(&webhook, "error").await;
        scene.receiver.set("/hook", Behaviour::status(200));
        jump.make(&scene);
        scene.turned(&webhook, "active").await;
        scene.settled(&delivery, "delivered", 2).await;
    }
}
