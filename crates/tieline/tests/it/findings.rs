//! What can be found out about deliveries: attempts, searched; statistics.

use serde_json::json;
use tieline_testkit::{
    http::Client,
    receiver::{Behaviour, Script},
};

use crate::{
    flow::{publish, subscribe, turn},
    scene::{Scene, json_of, text},
};

#[tokio::test]
async fn attempts_are_searched() {
    let answers = vec![Behaviour::status(503), Behaviour::status(200)];
    let scene = Scene::open(Script::new().on("/hook", Behaviour::Sequence(answers))).await;
    let webhook = subscribe(&scene, json!({"retry": [0, 10]})).await;
    publish(&scene, 0..2).await;
    scene.receiver.wait_for(2).await.unwrap();
    scene.wait(13);
    let delivered = format!("/v1/deliveries?webhook_id={webhook}&status=delivered");
    scene
        .when(&delivered, |list| {
            list["data"].as_array().unwrap().len() == 2
        })
        .await;
    let rows = [
        (String::new(), 3),
        (format!("?webhook_id={webhook}"), 3),
        ("?status_code=503".to_owned(), 1),
        ("?error_kind=status".to_owned(), 1),
        ("?error_kind=timeout".to_owned(), 0),
        ("?to=2026-11-18T00:00:00Z".to_owned(), 0),
    ];
    for (query, expected) in rows {
        let found = scene.list(&format!("/v1/attempts{query}")).await;
        assert_eq!(found.len(), expected, "{query}");
        assert!(found.iter().all(|one| one["webhook_id"] == json!(webhook)));
    }
    let first = scene.get("/v1/attempts?limit=2").await;
    let cursor = text(&first["next_cursor"]);
    let rest = scene
        .get(&format!("/v1/attempts?limit=2&cursor={cursor}"))
        .await;
    assert_eq!(rest["data"].as_array().unwrap().len(), 1);
    assert_eq!(rest["next_cursor"], json!(null));
    for bad in ["cursor=x", "status_code=many", "since=1", "delivery_id=1"] {
        let answer = scene.client.get(&format!("/v1/attempts?{bad}")).await;
        json_of(answer.unwrap(), 400);
    }
    nothing_is_found(&scene.server.tenant("*").await).await;
}

async fn nothing_is_found(other: &Client) {
    let found = json_of(other.get("/v1/attempts").await.unwrap(), 200);
    assert_eq!(found["data"], json!([]));
}

#[tokio::test]
async fn statistics_tell_what_happened() {
    let answers = vec![Behaviour::status(503), Behaviour::status(200)];
    let scene = Scene::open(Script::new().on("/hook", Behaviour::Sequence(answers))).await;
    let webhook = subscribe(&scene, json!({"retry": [0, 3_600]})).await;
    publish(&scene, 0..4).await;
    let delivered = format!("/v1/deliveries?webhook_id={webhook}&status=delivered");
    scene
        .when(&delivered, |list| {
            list["data"].as_array().unwrap().len() == 3
        })
        .await;
    turn(&scene, &webhook, "pause", json!({})).await;
    scene.server.app.dispatcher.write_tallies_down().await;
    scene.wait(60);
    let path = format!("/v1/webhooks/{webhook}/statistics");
    let seen = scene.get(&format!("{path}?interval=hour")).await;
    let totals = &seen["totals"];
    assert_eq!(totals["attempts"], 4, "{seen}");
    assert_eq!(totals["succeeded"], 3);
    assert_eq!(totals["success_rate"], 0.75);
    assert_eq!(totals["errors"], json!({"status": 1}));
    let [p50, p99] = ["p50", "p99"].map(|p| totals["latency_ms"][p].as_f64().unwrap());
    assert!(p50 > 0.0 && p50 <= p99, "{totals}");
    assert_eq!(seen["series"].as_array().unwrap().len(), 1);
    assert_eq!(seen["series"][0]["attempts"], 4);
    assert_eq!(seen["states"][0]["status"], "paused");
    assert_eq!(seen["queue"]["pending"], 1);
    assert!(seen["queue"]["oldest_age_seconds"].as_f64().unwrap() >= 60.0);
    let before = scene.get(&format!("{path}?to=2026-11-01T00:00:00Z")).await;
    assert_eq!(before["totals"]["attempts"], 0);
    assert_eq!(before["totals"]["success_rate"], json!(null));
    for (bad, status) in [
        ("from=2026-11-02T00:00:00Z&to=2026-11-01T00:00:00Z", 422),
        ("from=2026-01-01T00:00:00Z&to=2026-11-01T00:00:00Z", 422),
        (
            "from=2026-11-01T00:00:00Z&to=2026-11-09T00:00:00Z&interval=minute",
            422,
        ),
        ("interval=year", 400),
    ] {
        let answer = scene.client.get(&format!("{path}?{bad}")).await.unwrap();
        json_of(answer, status);
    }
    let other = scene.server.tenant("*").await;
    json_of(other.get(&path).await.unwrap(), 404);
}
