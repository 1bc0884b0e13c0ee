//! Triggers: an event, a condition, steps that follow one another, and what is seen of them.

use serde_json::{Value, json};
use tieline_testkit::receiver::{Behaviour, Script};

use crate::scene::{Scene, json_of, text};

/// A scene whose deliveries are tried twice; tickets are numbered.
async fn scene() -> Scene {
    let script = Script::new().on("/tickets", Behaviour::json(200, &json!({"id": 41})));
    Scene::with(script, &[("delivery.retry", "0,60")]).await
}

/// An action that posts its input to `path`.
async fn action(scene: &Scene, name: &str, path: &str, idempotent: bool) {
    let body = json!({
        "name": name,
        "endpoint": {"url": scene.receiver.url(path), "method": "POST"},
        "input_schema": {"type": "object", "properties": {"subject": {"type": "string"}, "total": {"type": "number"}}, "required": ["subject"]},
        "output_mapping": {"ticket_id": "$.id"},
        "idempotent": idempotent,
    });
    scene.post("/v1/integrations/actions", body, 201).await;
}

async fn make(scene: &Scene, body: Value) -> String {
    text(&scene.post("/v1/triggers", body, 201).await["id"])
}

/// The steps of an escalation: a ticket, then an event that tells of it.
fn escalation() -> Value {
    json!([
        {"name": "ticket", "action": "ticket", "input": {"subject": "Order {{event.data.id}}", "total": "{{event.data.total}}"}},
        {"event": {"type": "order.escalated", "subject": "order/{{event.data.id}}", "data": {"ticket": "{{steps.ticket.ticket_id}}", "first": "{{steps[0]}}"}}},
    ])
}

/// The only run of a trigger, once it has this status.
async fn run(scene: &Scene, trigger: &str, status: &str) -> Value {
    let path = format!("/v1/triggers/{trigger}/runs");
    let list = scene
        .when(&path, |list| list["data"][0]["status"] == status)
        .await;
    let id = text(&list["data"][0]["id"]);
    scene.get(&format!("/v1/trigger-runs/{id}")).await
}

async fn events(scene: &Scene, kind: &str) -> Vec<Value> {
    scene.list(&format!("/v1/events?type={kind}")).await
}

#[tokio::test]
async fn steps_follow_one_another_in_one_trace() {
    let scene = scene().await;
    action(&scene, "ticket", "/tickets", false).await;
    let trigger = make(
        &scene,
        json!({"name": "escalate", "event": "order.paid", "condition": "event.data.total > 100", "do": escalation()}),
    )
    .await;
    scene
        .publish("order.paid", json!({"id": 1, "total": 50}))
        .await;
    scene
        .publish("order.sent", json!({"id": 2, "total": 500}))
        .await;
    scene.publish("order.paid", json!({"id": 3})).await;
    let event = scene
        .publish("order.paid", json!({"id": 7, "total": 150}))
        .await;

    let run = run(&scene, &trigger, "completed").await;
    assert_eq!(run["event_id"], event, "{run:#}");
    let [ticket, told] = run["steps"].as_array().unwrap().as_slice() else {
        panic!("not two steps: {run:#}")
    };
    assert_eq!(
        (&ticket["input"], &ticket["output"], &ticket["kind"]),
        (
            &json!({"subject": "Order 7", "total": 150}),
            &json!({"ticket_id": 41}),
            &json!("action")
        )
    );
    let [escalated] = &*events(&scene, "order.escalated").await else {
        panic!("not one event")
    };
    assert_eq!(told["output"], json!({"event_id": escalated["id"]}));
    assert_eq!(
        escalated["data"],
        json!({"ticket": 41, "first": {"ticket_id": 41}})
    );
    assert_eq!(escalated["subject"], "order/7");
    let cause = scene.get(&format!("/v1/events/{event}")).await;
    assert_eq!(
        (
            &escalated["cause_id"],
            &escalated["trace_id"],
            &run["trace_id"]
        ),
        (&cause["id"], &cause["trace_id"], &cause["trace_id"])
    );
    let calls = scene.list("/v1/calls?via=trigger").await;
    assert_eq!((calls.len(), &calls[0]["id"]), (1, &ticket["call_id"]));
    // What the condition keeps out is owed nothing.
    assert_eq!(
        scene
            .list(&format!("/v1/deliveries?destination_id={trigger}"))
            .await
            .len(),
        1
    );
    assert_eq!(scene.list("/v1/triggers/escalate/runs").await.len(), 1);
    // An action that a trigger runs stays.
    let delete = scene
        .client
        .request(http::Method::DELETE, "/v1/integrations/actions/ticket");
    delete.send().await.unwrap().expect(409).unwrap();
}

#[tokio::test]
async fn a_step_that_fails_for_now_is_tried_again_and_those_before_it_are_not() {
    let scene = scene().await;
    action(&scene, "ticket", "/tickets", false).await;
    action(&scene, "notify", "/notify", true).await;
    scene.receiver.set("/notify", Behaviour::status(500));
    let steps = json!([
        {"name": "ticket", "action": "ticket", "input": {"subject": "a"}},
        {"action": "notify", "input": {"subject": "ticket {{steps.ticket.ticket_id}}"}},
    ]);
    let trigger = make(&scene, json!({"event": ["order.*"], "do": steps})).await;
    scene.publish("order.paid", json!({})).await;
    let waiting = run(&scene, &trigger, "waiting").await;
    assert_eq!(waiting["error"]["kind"], "upstream_error", "{waiting:#}");
    let delivery = text(&waiting["delivery_id"]);
    scene.settled(&delivery, "pending", 1).await;
    scene.wait(90);
    let failed = run(&scene, &trigger, "failed").await;
    scene.settled(&delivery, "dead", 2).await;
    assert!(
        failed["error"]["message"]
            .as_str()
            .unwrap()
            .starts_with("step 1 (step_1)"),
        "{failed:#}"
    );
    assert_eq!(events(&scene, "delivery.dead_lettered").await.len(), 1);
    // A dead letter that is retried goes on at the step that is not done.
    scene
        .receiver
        .set("/notify", Behaviour::json(200, &json!({"id": 42})));
    scene
        .post(&format!("/v1/deliveries/{delivery}/retry"), json!({}), 202)
        .await;
    let done = run(&scene, &trigger, "completed").await;
    assert_eq!(done["id"], failed["id"]);
    assert_eq!(
        (&done["steps"][0]["attempts"], &done["steps"][1]["attempts"]),
        (&json!(1), &json!(3))
    );
    let tickets = scene
        .received()
        .into_iter()
        .filter(|one| one.path == "/tickets");
    assert_eq!(tickets.count(), 1);
    let last = scene.received().pop().unwrap();
    assert_eq!(last.json().unwrap(), json!({"subject": "ticket 41"}));
}

#[tokio::test]
async fn what_no_other_try_helps_ends_the_run_at_once() {
    let scene = scene().await;
    action(&scene, "ticket", "/tickets", false).await;
    let trigger = make(
        &scene,
        json!({"event": "order.paid", "do": [{"action": "ticket", "input": {"subject": "{{event.data.none}}"}}, {"event": {"type": "never.told"}}]}),
    )
    .await;
    scene.publish("order.paid", json!({})).await;
    let failed = run(&scene, &trigger, "failed").await;
    assert_eq!(failed["error"]["kind"], "bad_input", "{failed:#}");
    assert_eq!(failed["steps"].as_array().unwrap().len(), 1);
    scene
        .settled(&text(&failed["delivery_id"]), "dead", 1)
        .await;
    assert_eq!(events(&scene, "never.told").await, Vec::<Value>::new());
    // A condition that cannot be told is seen, not passed over.
    let odd = make(
        &scene,
        json!({"event": "order.odd", "condition": "event.data.total > 100", "do": [{"event": {"type": "never.told"}}]}),
    )
    .await;
    scene.publish("order.odd", json!({"total": "many"})).await;
    let failed = run(&scene, &odd, "failed").await;
    assert_eq!(failed["error"]["kind"], "condition", "{failed:#}");
}

#[tokio::test]
async fn triggers_that_start_one_another_come_to_an_end() {
    let scene = scene().await;
    let echo = json!([{"event": {"type": "ping.sent", "data": {"n": "{{event.data.n}}"}}}]);
    let trigger = make(&scene, json!({"event": "ping.*", "do": echo})).await;
    scene.publish("ping.first", json!({"n": 1})).await;
    let failed = run(&scene, &trigger, "failed").await;
    assert_eq!(failed["error"]["kind"], "chain", "{failed:#}");
    assert_eq!(failed["chain"], 9);
    assert_eq!(events(&scene, "ping.sent").await.len(), 8);
    assert_eq!(
        scene
            .list(&format!("/v1/triggers/{trigger}/runs"))
            .await
            .len(),
        9
    );
}

#[tokio::test]
async fn an_event_goes_to_a_webhook_and_a_message_to_an_agent() {
    let scene = scene().await;
    let webhook = scene.subscribe("/hook", &["other.*"], &[]).await;
    let agent = json!({"id": "agent_desk", "name": "Desk", "runtime": {"type": "inbox"}});
    scene.post("/v1/agents", agent, 201).await;
    let steps = json!([
        {"webhook": webhook},
        {"agent": "agent_desk", "message": "Order {{event.data.id}} was paid", "conversation_key": "order-{{event.data.id}}"},
    ]);
    let trigger = make(&scene, json!({"event": "order.paid", "do": steps})).await;
    let event = scene.publish("order.paid", json!({"id": 7})).await;
    let run = run(&scene, &trigger, "completed").await;
    let delivery = scene.delivery(&event, &webhook).await;
    scene.settled(&delivery, "delivered", 1).await;
    // The agent is told a moment after the run.
    let conversation = text(&run["steps"][1]["output"]["conversation_id"]);
    scene
        .when("/v1/conversations?agent_id=agent_desk", |list| {
            list["data"][0]["id"] == json!(conversation)
        })
        .await;
    let path = format!("/v1/conversations/{conversation}/messages");
    let messages = scene.get(&path).await;
    assert_eq!(
        messages["data"][0]["content"], "Order 7 was paid",
        "{messages:#}"
    );
}

#[tokio::test]
async fn what_a_trigger_uses_cannot_be_deleted() {
    let scene = scene().await;
    action(&scene, "ticket", "/tickets", false).await;
    let webhook = scene.subscribe("/hook", &["other.*"], &[]).await;
    let agent = json!({"id": "agent_desk", "name": "Desk", "runtime": {"type": "inbox"}});
    let agent = text(&scene.post("/v1/agents", agent, 201).await["id"]);
    let steps = json!([
        {"action": "ticket", "input": {"subject": "a"}},
        {"webhook": webhook},
        {"agent": agent, "message": "Order {{event.data.id}} was paid"},
    ]);
    let trigger = json!({"name": "escalate", "event": "order.paid", "do": steps});
    let trigger = make(&scene, trigger).await;
    let used = [
        ("/v1/integrations/actions/ticket".to_owned(), "action"),
        (format!("/v1/webhooks/{webhook}"), "webhook"),
        (format!("/v1/agents/{agent}"), "agent"),
    ];
    for (path, what) in &used {
        let refused = json_of(scene.client.delete(path).await.unwrap(), 409);
        let expected = format!(
            "the {what} is used by trigger escalate ({trigger}); change or delete that first"
        );
        assert_eq!(
            (&refused["type"], &refused["detail"]),
            (&json!("/docs/errors/in-use"), &json!(expected))
        );
    }
    let path = format!("/v1/triggers/{trigger}");
    assert_eq!(scene.client.delete(&path).await.unwrap().status, 204);
    for (path, _) in &used {
        assert_eq!(scene.client.delete(path).await.unwrap().status, 204);
    }
}

#[tokio::test]
async fn a_disabled_trigger_ends_what_it_began_and_begins_nothing() {
    let scene = scene().await;
    action(&scene, "notify", "/notify", true).await;
    scene.receiver.set("/notify", Behaviour::status(500));
    let steps = json!([{"action": "notify", "input": {"subject": "{{event.data.id}}"}}]);
    let trigger = make(&scene, json!({"event": "order.paid", "do": steps})).await;
    scene.publish("order.paid", json!({"id": "1"})).await;
    let begun = run(&scene, &trigger, "waiting").await;
    let path = format!("/v1/triggers/{trigger}");
    let turn = async |status: &str| {
        let patch = json!({"status": status});
        json_of(scene.client.patch(&path, patch).await.unwrap(), 200)
    };
    turn("disabled").await;
    scene.publish("order.paid", json!({"id": "2"})).await;
    scene
        .receiver
        .set("/notify", Behaviour::json(200, &json!({"id": 42})));
    scene.wait(90);
    let done = run(&scene, &trigger, "completed").await;
    assert_eq!(done["id"], begun["id"]);
    turn("active").await;
    scene.publish("order.paid", json!({"id": "3"})).await;
    let runs = format!("/v1/triggers/{trigger}/runs?status=completed");
    let two = |list: &Value| list["data"].as_array().unwrap().len() == 2;
    scene.when(&runs, two).await;
    assert_eq!(
        scene
            .list(&format!("/v1/triggers/{trigger}/runs"))
            .await
            .len(),
        2
    );
    let last = scene.received().pop().unwrap();
    assert_eq!(last.json().unwrap(), json!({"subject": "3"}));
}

#[tokio::test]
async fn a_trigger_is_run_by_hand_and_dry() {
    let scene = scene().await;
    action(&scene, "ticket", "/tickets", false).await;
    let trigger = make(
        &scene,
        json!({"event": "order.paid", "condition": "event.data.total > 100", "do": escalation(), "status": "disabled"}),
    )
    .await;
    let path = format!("/v1/triggers/{trigger}/run");
    let dry = json!({"event": {"data": {"id": 7, "total": "many"}}, "dry_run": true});
    let shown = scene.post(&path, dry, 200).await;
    assert_eq!(shown["condition"]["holds"], Value::Null, "{shown:#}");
    assert_eq!(
        shown["steps"][0]["errors"][0]["pointer"], "/total",
        "{shown:#}"
    );
    assert_eq!(
        shown["steps"][1]["input"]["data"]["ticket"],
        "{{steps.ticket.ticket_id}}"
    );
    assert_eq!(scene.received().len(), 0);

    // Disabled: events do not start it. By hand it runs, whatever the condition says.
    let event = scene
        .publish("order.paid", json!({"id": 8, "total": 1}))
        .await;
    let asked = scene.post(&path, json!({"event": event}), 202).await;
    let done = run(&scene, &trigger, "completed").await;
    assert_eq!(done["event_id"], asked["event_id"]);
    assert_eq!(done["steps"][0]["input"]["subject"], "Order 8");
    assert_eq!(scene.list(&text(&asked["runs"])).await.len(), 1);
    scene
        .post(&path, json!({"event": {"data": {"id": 9}}}), 202)
        .await;
    scene
        .when(
            &format!("/v1/triggers/{trigger}/runs?status=completed"),
            |list| list["data"].as_array().unwrap().len() == 2,
        )
        .await;
    let refused = scene.post(&path, json!({"event": "evt_none"}), 422).await;
    assert_eq!(refused["errors"][0]["pointer"], "/event");
    // What is made up is on no log under its own type.
    assert_eq!(events(&scene, "order.paid").await.len(), 1);
}

#[tokio::test]
async fn what_is_wrong_is_refused_with_its_place() {
    let scene = scene().await;
    action(&scene, "ticket", "/tickets", false).await;
    let rows = [
        (
            json!({"event": "a", "do": [{"action": "tickt"}]}),
            "/do/0/action",
            "did you mean `ticket`?",
        ),
        (
            json!({"event": "a", "do": [{"webhook": "wh_01kb3f9z5qf8m9w2v7x4t6n0hd"}]}),
            "/do/0/webhook",
            "no webhook",
        ),
        (
            json!({"event": "a", "do": [{"agent": "agent_none", "message": "x"}]}),
            "/do/0/agent",
            "no agent",
        ),
        (
            json!({"event": "a", "do": [{"action": "ticket", "input": {"subject": "{{steps.later.id}}"}}]}),
            "/do/0/input/subject",
            "no earlier step",
        ),
        (
            json!({"event": "a", "condition": "event.", "do": [{"action": "ticket"}]}),
            "/condition",
            "",
        ),
    ];
    for (body, pointer, words) in rows {
        let refused = scene.post("/v1/triggers", body.clone(), 422).await;
        let error = &refused["errors"][0];
        assert_eq!(error["pointer"], pointer, "{body}: {refused}");
        assert!(text(&error["detail"]).contains(words), "{body}: {refused}");
    }
    scene
        .post(
            "/v1/triggers",
            json!({"event": "a", "do": [], "when": 1}),
            400,
        )
        .await;
    let id = make(
        &scene,
        json!({"name": "one", "event": "a", "do": [{"action": "ticket"}]}),
    )
    .await;
    scene
        .post(
            "/v1/triggers",
            json!({"name": "one", "event": "a", "do": [{"action": "ticket"}]}),
            409,
        )
        .await;

    // Kept as every configuration object is: by id or name, with versions and ETags.
    let path = "/v1/triggers/one";
    let patch = scene
        .client
        .request(http::Method::PATCH, path)
        .header("if-match", "\"1\"")
        .unwrap();
    let patched = patch
        .json(json!({"status": "disabled", "name": "two"}))
        .unwrap()
        .send()
        .await
        .unwrap();
    let patched: Value = patched.expect(200).unwrap().json().unwrap();
    assert_eq!(
        (&patched["id"], &patched["status"], &patched["event"]),
        (&json!(id), &json!("disabled"), &json!(["a"]))
    );
    let late = scene
        .client
        .request(http::Method::DELETE, "/v1/triggers/two")
        .header("if-match", "\"1\"")
        .unwrap();
    late.send().await.unwrap().expect(412).unwrap();
    assert_eq!(
        scene
            .list(&format!("/v1/triggers/{id}/versions"))
            .await
            .len(),
        2
    );
    let back = scene
        .post(
            &format!("/v1/triggers/{id}/rollback"),
            json!({"version": 1}),
            200,
        )
        .await;
    assert_eq!(
        (&back["name"], &back["status"]),
        (&json!("one"), &json!("active"))
    );
    // Another tenant sees nothing of it.
    let other = scene.server.tenant("*").await;
    other
        .get(&format!("/v1/triggers/{id}"))
        .await
        .unwrap()
        .expect(404)
        .unwrap();
    let gone = scene.client.request(http::Method::DELETE, path);
    gone.send().await.unwrap().expect(204).unwrap();
    scene.missing(path).await;
}
