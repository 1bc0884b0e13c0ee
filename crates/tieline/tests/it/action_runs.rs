//! Actions that run in the background: a job that shows how far it is, a delivery that does the work.

use serde_json::{Value, json};
use tieline_testkit::receiver::{Behaviour, Gate, Reply, Script};

use crate::scene::{Scene, text};

/// The retries of these tests: a second try after a minute, and no more.
const RETRY: (&str, &str) = ("delivery.retry", "0,60");

async fn scene(script: Script) -> Scene {
    Scene::with(script, &[RETRY]).await
}

/// An action that posts its input to `path` of the receiver.
async fn action(scene: &Scene, name: &str, path: &str, more: Value) -> String {
    let mut body = json!({
        "name": name,
        "description": "Posts what it is given",
        "endpoint": {"url": scene.receiver.url(path), "method": "POST"},
        "input_schema": {"type": "object", "properties": {"subject": {"type": "string"}}, "required": ["subject"]},
    });
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    text(&scene.post("/v1/integrations/actions", body, 201).await["id"])
}

async fn run(scene: &Scene, name: &str, input: Value, status: u16) -> Value {
    let path = format!("/v1/integrations/actions/{name}/run");
    let request = scene.client.request(http::Method::POST, &path);
    let request = request.header("prefer", "respond-async").unwrap();
    let answer = request
        .json(json!({"input": input}))
        .unwrap()
        .send()
        .await
        .unwrap();
    let answer = answer.expect(status).unwrap();
    let body: Value = answer.json().unwrap();
    if status == 202 {
        let location = format!("/v1/jobs/{}", text(&body["id"]));
        assert_eq!(answer.header("location"), Some(&*location));
    }
    body
}

async fn job(scene: &Scene, id: &Value, status: &str) -> Value {
    let path = format!("/v1/jobs/{}", text(id));
    scene.when(&path, |job| job["status"] == status).await
}

async fn told(scene: &Scene, kind: &str) -> Vec<Value> {
    scene.list(&format!("/v1/events?type={kind}")).await
}

#[tokio::test]
async fn a_run_is_answered_at_once_and_its_job_shows_the_result() {
    let script = Script::new().on("/tickets", Behaviour::json(200, &json!({"id": "TKT-1"})));
    let scene = scene(script).await;
    let mapping = json!({"output_mapping": {"ticket_id": "$.id"}});
    let id = action(&scene, "ticket", "/tickets", mapping).await;
    let asked = run(&scene, "ticket", json!({"subject": "Printer"}), 202).await;
    assert_eq!(
        (&asked["kind"], &asked["status"], &asked["total"]),
        (&json!("action.run"), &json!("waiting"), &json!(1))
    );
    let done = job(&scene, &asked["id"], "completed").await;
    assert_eq!(
        done["result"]["output"],
        json!({"ticket_id": "TKT-1"}),
        "{done:#}"
    );
    assert_eq!(
        (&done["done"], &done["failed"], &done["errors"]),
        (&json!(1), &json!(0), &json!([]))
    );
    let [sent] = &*scene.received() else {
        panic!("not one request")
    };
    assert_eq!(sent.json().unwrap(), json!({"subject": "Printer"}));

    // The whole of it hangs together: the event that asked, the delivery, the event that tells.
    let [requested] = &*told(&scene, "action.requested").await else {
        panic!("not one request for a run")
    };
    assert_eq!(requested["data"]["job_id"], asked["id"]);
    let delivery = scene
        .settled(&text(&asked["delivery_id"]), "delivered", 1)
        .await;
    assert_eq!(
        (&delivery["destination_id"], &delivery["event_id"]),
        (&json!(id), &requested["id"])
    );
    let [completed] = &*told(&scene, "job.completed").await else {
        panic!("not one end")
    };
    assert_eq!(
        (
            &completed["subject"],
            &completed["cause_id"],
            &completed["trace_id"]
        ),
        (&asked["id"], &requested["id"], &requested["trace_id"])
    );
    let calls = scene.list("/v1/calls?via=job").await;
    assert_eq!(calls.len(), 1, "{calls:?}");
}

#[tokio::test]
async fn what_is_safe_is_tried_again_and_the_rest_fails_at_once() {
    let limited = Behaviour::retry_after(429, "90");
    let script = Script::new()
        .on("/limited", limited)
        .on("/broken", Behaviour::status(500))
        .on("/refused", Behaviour::status(403))
        .on("/lost", Behaviour::status(500));
    let scene = scene(script).await;
    action(&scene, "limited", "/limited", json!({"idempotent": false})).await;
    action(&scene, "broken", "/broken", json!({"idempotent": false})).await;
    action(&scene, "refused", "/refused", json!({})).await;
    action(&scene, "again", "/lost", json!({"idempotent": true})).await;
    let input = json!({"subject": "x"});

    // Not done twice: a 500 to what is not idempotent, and what is refused.
    for (name, kind) in [("broken", "upstream_error"), ("refused", "forbidden")] {
        let asked = run(&scene, name, input.clone(), 202).await;
        let failed = job(&scene, &asked["id"], "failed").await;
        assert_eq!(failed["errors"][0]["item"], kind, "{failed:#}");
        assert_eq!(failed["result"]["error"]["kind"], kind, "{failed:#}");
        scene.settled(&text(&asked["delivery_id"]), "dead", 1).await;
    }
    assert_eq!(told(&scene, "job.failed").await.len(), 2);
    // One failure says nothing about the next run.
    assert_eq!(told(&scene, "integration.status_changed").await.len(), 0);

    // Rate limited: as late as the service asks.
    let asked = run(&scene, "limited", input.clone(), 202).await;
    let waits = scene
        .when(&format!("/v1/jobs/{}", text(&asked["id"])), |job| {
            !job["errors"].as_array().unwrap().is_empty()
        })
        .await;
    assert_eq!(
        (&waits["status"], &waits["errors"][0]["item"]),
        (&json!("waiting"), &json!("rate_limited"))
    );
    let delivery = text(&asked["delivery_id"]);
    scene.settled(&delivery, "pending", 1).await;
    scene.receiver.set("/limited", Behaviour::status(200));
    scene.wait(80);
    scene.settled(&delivery, "pending", 1).await;
    scene.wait(20);
    let done = job(&scene, &asked["id"], "completed").await;
    assert_eq!(done["errors"], json!([]));
    scene.settled(&delivery, "delivered", 2).await;

    // An idempotent one is tried until its last attempt; a retry by hand opens the job again.
    let asked = run(&scene, "again", input, 202).await;
    let delivery = text(&asked["delivery_id"]);
    scene.settled(&delivery, "pending", 1).await;
    scene.wait(90);
    let failed = job(&scene, &asked["id"], "failed").await;
    assert_eq!(failed["errors"][0]["item"], "upstream_error", "{failed:#}");
    scene.settled(&delivery, "dead", 2).await;
    scene.receiver.set("/lost", Behaviour::status(200));
    scene
        .post(&format!("/v1/deliveries/{delivery}/retry"), json!({}), 202)
        .await;
    job(&scene, &asked["id"], "completed").await;
}

#[tokio::test]
async fn bad_input_is_refused_before_there_is_a_job() {
    let scene = scene(Script::new()).await;
    action(&scene, "ticket", "/", json!({})).await;
    let refused = run(&scene, "ticket", json!({"subject": 7}), 422).await;
    assert_eq!(
        refused["errors"][0]["pointer"], "/input/subject",
        "{refused}"
    );
    run(&scene, "nothing", json!({}), 404).await;
    assert_eq!(scene.list("/v1/jobs").await, Vec::<Value>::new());
    assert_eq!(told(&scene, "action.requested").await, Vec::<Value>::new());
}

#[tokio::test]
async fn the_same_idempotency_key_is_one_run() {
    let scene = scene(Script::new()).await;
    action(&scene, "ticket", "/", json!({"idempotent": true})).await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let request = scene
            .client
            .request(http::Method::POST, "/v1/integrations/actions/ticket/run");
        let request = request.header("prefer", "respond-async").unwrap();
        let request = request.header("idempotency-key", "order-1042").unwrap();
        let answer = request
            .json(json!({"input": {"subject": "x"}}))
            .unwrap()
            .send()
            .await
            .unwrap();
        let body: Value = answer.expect(202).unwrap().json().unwrap();
        ids.push(body["id"].clone());
    }
    assert_eq!(ids[0], ids[1]);
    job(&scene, &ids[0], "completed").await;
    assert_eq!(scene.received().len(), 1);
}

#[tokio::test]
async fn a_run_that_waits_can_be_cancelled() {
    let scene = scene(Script::new().on("/", Behaviour::retry_after(429, "60"))).await;
    action(&scene, "ticket", "/", json!({})).await;
    let asked = run(&scene, "ticket", json!({"subject": "x"}), 202).await;
    let (path, delivery) = (
        format!("/v1/jobs/{}", text(&asked["id"])),
        text(&asked["delivery_id"]),
    );
    scene.settled(&delivery, "pending", 1).await;
    let cancelled = scene.post(&format!("{path}/cancel"), json!({}), 200).await;
    assert_eq!(cancelled["status"], "cancelled");
    scene.settled(&delivery, "cancelled", 1).await;
    scene.post(&format!("{path}/cancel"), json!({}), 409).await;
    // And the other way round: who calls off the delivery calls off the job.
    let asked = run(&scene, "ticket", json!({"subject": "x"}), 202).await;
    let delivery = text(&asked["delivery_id"]);
    scene.settled(&delivery, "pending", 1).await;
    scene
        .post(&format!("/v1/deliveries/{delivery}/cancel"), json!({}), 200)
        .await;
    scene.server.app.action_runs.end_orphans().await.unwrap();
    job(&scene, &asked["id"], "cancelled").await;
}

#[tokio::test]
async fn a_run_that_is_at_work_ends_with_its_outcome() {
    let gate = Gate::new();
    let held = Behaviour::held(&gate, Behaviour::json(200, &json!({"id": 41})));
    let scene = scene(Script::new().on("/", held)).await;
    action(&scene, "ticket", "/", json!({})).await;
    let asked = run(&scene, "ticket", json!({"subject": "x"}), 202).await;
    let path = format!("/v1/jobs/{}", text(&asked["id"]));
    job(&scene, &asked["id"], "running").await;
    let refused = scene.post(&format!("{path}/cancel"), json!({}), 409).await;
    assert!(
        text(&refused["detail"]).contains("being called"),
        "{refused}"
    );
    gate.open();
    let done = job(&scene, &asked["id"], "completed").await;
    assert_eq!(done["done"], 1, "{done:#}");
    scene
        .settled(&text(&asked["delivery_id"]), "delivered", 1)
        .await;
}

#[tokio::test]
async fn what_waits_for_an_action_that_is_deleted_fails() {
    let scene = scene(Script::new().on("/", Reply::new(429).header("retry-after", "60"))).await;
    action(&scene, "ticket", "/", json!({})).await;
    let asked = run(&scene, "ticket", json!({"subject": "x"}), 202).await;
    let delivery = text(&asked["delivery_id"]);
    scene.settled(&delivery, "pending", 1).await;
    let gone = scene
        .client
        .request(http::Method::DELETE, "/v1/integrations/actions/ticket");
    gone.send().await.unwrap().expect(204).unwrap();
    scene.wait(90);
    let failed = job(&scene, &asked["id"], "failed").await;
    let detail = text(&failed["errors"][0]["detail"]);
    assert!(detail.contains("deleted"), "{failed:#}");
    scene.settled(&delivery, "dead", 2).await;
}
