//! Agents and their conversations: a model that calls tools, a service, a person; bounds, consent, failures.

use http::Method;
use serde_json::{Value, json};
use tieline_testkit::{
    model::{Model, PATH},
    receiver::{Behaviour, Gate, Reply, Script},
    services,
};

use crate::{
    scene::{Scene, json_of, text},
    tools::{lookup_customer, secret},
};

const CRM_KEY: &str = "sk_live_crm_0123456789";
const MODEL_KEY: &str = "sk-model-0123456789";

/// A scene with a CRM at `/customers/lookup` and this model, the tool `lookup_customer`, and the agent `agent_sales`.
pub(crate) async fn sales(model: Model, more: Value) -> Scene {
    let script = services::crm(CRM_KEY).on(PATH, model.key(MODEL_KEY).behaviour());
    let scene = Scene::open(script.on("/hook", Behaviour::status(200))).await;
    secret(&scene, "CRM_API_KEY", CRM_KEY).await;
    secret(&scene, "MODEL_KEY", MODEL_KEY).await;
    let tool = lookup_customer(&scene.receiver.url("/customers/lookup"));
    scene.post("/v1/tools", tool, 201).await;
    let mut agent = json!({
        "id": "agent_sales", "name": "Sales", "tools": ["lookup_customer"],
        "runtime": {
            "type": "openai", "base_url": scene.receiver.url("/v1"), "model": "small",
            "api_key": "{{secrets.MODEL_KEY}}", "instructions": "Look customers up."
        }
    });
    if let (Some(agent), Value::Object(more)) = (agent.as_object_mut(), more) {
        agent.extend(more);
    }
    scene.post("/v1/agents", agent, 201).await;
    scene
}

pub(crate) async fn conversation(scene: &Scene) -> String {
    let new = json!({"agent_id": "agent_sales", "channel": "web", "user_id": "u_7"});
    text(&scene.post("/v1/conversations", new, 201).await["id"])
}

pub(crate) async fn say(scene: &Scene, conversation: &str, content: &str, status: u16) -> Value {
    let path = format!("/v1/conversations/{conversation}/messages");
    let message = json!({"role": "user", "content": content});
    scene.post(&path, message, status).await
}

/// What became of each tool call: its status and its error.
fn calls(turn: &Value) -> Vec<(String, String)> {
    let steps = turn["steps"].as_array().unwrap().iter();
    let calls = steps.filter(|step| step["kind"] == "tool");
    calls
        .map(|step| {
            (
                text(&step["status"]),
                step["error"].as_str().unwrap_or_default().to_owned(),
            )
        })
        .collect()
}

#[tokio::test]
async fn an_agent_calls_a_tool_and_answers() {
    let model = Model::new().calls(
        "john@acme.com",
        "lookup_customer",
        &json!({"identifier": "john@acme.com"}),
    );
    let scene = sales(model, json!({})).await;
    let webhook = scene
        .subscribe(
            "/hook",
            &["agent.response", "user.message", "conversation.started"],
            &[],
        )
        .await;
    let id = conversation(&scene).await;
    let done = say(&scene, &id, "Who is john@acme.com?", 200).await;
    let reply = text(&done["reply"]["content"]);
    assert!(reply.contains("John Smith"), "{reply}");
    assert_eq!(
        calls(&done["turn"]),
        [("completed".to_owned(), String::new())]
    );
    assert_eq!(done["turn"]["status"], "completed");

    // The CRM got its key, the model its own; neither is shown anywhere.
    let received = scene.receiver.requests();
    let crm = received
        .iter()
        .find(|one| one.path == "/customers/lookup")
        .unwrap();
    assert_eq!(
        crm.header("authorization"),
        Some(&*format!("Bearer {CRM_KEY}"))
    );
    let path = format!("/v1/conversations/{id}/turns");
    let turns = scene.get(&path).await;
    let turn = &turns["data"][0];
    let one = format!("{path}/{}", turn["id"].as_str().unwrap());
    assert_eq!(&scene.get(&one).await, turn, "with every step");
    let turns = turns.to_string();
    let deliveries = scene.get("/v1/deliveries").await.to_string();
    assert!(
        !turns.contains(CRM_KEY) && !turns.contains(MODEL_KEY) && !deliveries.contains(MODEL_KEY)
    );
    let told = received.iter().filter(|one| one.path == PATH);
    assert!(
        told.clone()
            .all(|one| !String::from_utf8_lossy(&one.body).contains(CRM_KEY))
    );
    assert_eq!(told.count(), 2);

    let path = format!("/v1/deliveries?webhook_id={webhook}&status=delivered");
    let delivered = |list: &Value| list["data"].as_array().is_some_and(|list| list.len() == 3);
    scene.when(&path, delivered).await;
    let hooks = scene.receiver.requests();
    let response = hooks
        .iter()
        .filter(|one| one.path == "/hook")
        .find_map(|one| {
            let body = one.json().unwrap();
            (body["event"] == "agent.response").then(|| body["data"].clone())
        });
    let response = response.unwrap();
    assert_eq!(
        (&response["content"], &response["agent_id"]),
        (&json!(reply), &json!("agent_sales"))
    );

    // What was said before is told with the next message.
    let done = say(&scene, &id, "thank you", 200).await;
    assert_eq!(done["reply"]["content"], "You said: thank you");
    let messages = scene
        .list(&format!("/v1/conversations/{id}/messages"))
        .await;
    let roles: Vec<_> = messages
        .iter()
        .map(|message| text(&message["role"]))
        .collect();
    assert_eq!(roles, ["assistant", "user", "assistant", "user"]);
    let shown = scene.get(&format!("/v1/conversations/{id}")).await;
    assert_eq!(
        (&shown["messages_count"], &shown["agent_id"]),
        (&json!(4), &json!("agent_sales"))
    );
    let log = scene.list("/v1/calls").await;
    assert_eq!(
        (&log[0]["conversation_id"], &log[0]["agent_id"]),
        (&json!(id), &json!("agent_sales"))
    );
}

#[tokio::test]
async fn a_model_that_errs_is_told_and_ends_at_its_bound() {
    let model = Model::new()
        .calls("nobody", "delete_everything", &json!({}))
        .calls_with("broken", "lookup_customer", "{\"identifier\": ")
        .calls("wrong", "lookup_customer", &json!({"identifier": 7}))
        .loops(
            "again",
            "lookup_customer",
            &json!({"identifier": "john@acme.com"}),
        );
    let scene = sales(model, json!({})).await;
    let patch = json!({"runtime": {"max_steps": 6}});
    scene.patch("/v1/agents/agent_sales", patch, 200).await;
    let id = conversation(&scene).await;
    let rows = [
        (
            "nobody",
            "there is no tool `delete_everything`; those that there are: lookup_customer",
        ),
        ("broken", "the arguments are no JSON"),
        ("wrong", "the input does not fit"),
    ];
    for (said, error) in rows {
        let done = say(&scene, &id, said, 200).await;
        assert_eq!(done["turn"]["status"], "completed", "{done}");
        let [(status, told)] = &calls(&done["turn"])[..] else {
            panic!("one call: {done}");
        };
        assert_eq!(status, "failed", "{said}");
        assert!(told.contains(error), "{told}");
    }
    let done = say(&scene, &id, "again", 200).await;
    assert_eq!(
        (&done["turn"]["status"], &done["reply"]),
        (&json!("failed"), &Value::Null)
    );
    assert_eq!(
        done["turn"]["reason"],
        "it asked 6 times without an answer (`max_steps`)"
    );
    let calls = calls(&done["turn"]);
    assert_eq!(
        calls
            .iter()
            .filter(|(status, _)| status == "completed")
            .count(),
        3
    );
    assert!(
        calls[4].1.contains("3 times with the same input"),
        "{calls:?}"
    );
    let failed = scene.list("/v1/events?type=turn.failed").await;
    assert_eq!(failed.len(), 1);
}

#[tokio::test]
async fn a_busy_model_is_asked_again_and_a_broken_one_fails_the_turn() {
    let scene = sales(Model::new(), json!({})).await;
    let id = conversation(&scene).await;
    let model = Model::new().behaviour();
    let busy = [
        Behaviour::retry_after(429, "0"),
        Behaviour::status(500),
        model.clone(),
    ];
    scene.receiver.set(PATH, Behaviour::Sequence(busy.into()));
    let done = say(&scene, &id, "hello", 200).await;
    assert_eq!(done["reply"]["content"], "You said: hello");

    // What is wrong with the question is wrong every time.
    scene.receiver.set(
        PATH,
        Behaviour::json(400, &json!({"error": {"message": "too long"}})),
    );
    let done = say(&scene, &id, "hello", 200).await;
    assert_eq!(done["turn"]["status"], "failed");
    assert_eq!(done["turn"]["reason"], "it answered 400: too long");

    // A key that is refused is tried again later, and the reason is seen meanwhile.
    scene.receiver.set(
        PATH,
        Behaviour::json(401, &json!({"error": {"message": "no such key"}})),
    );
    let path = format!("/v1/conversations/{id}/messages");
    let message = json!({"role": "user", "content": "hello?"});
    let asked = scene
        .client
        .request(Method::POST, &path)
        .header("prefer", "respond-async")
        .unwrap();
    let later = json_of(asked.json(&message).unwrap().send().await.unwrap(), 202);
    let turn = text(&later["turn"]["id"]);
    let path = format!("/v1/conversations/{id}/turns");
    let reason = |list: &Value| list["data"][0]["reason"] == "it answered 401: no such key";
    let seen = scene.when(&path, reason).await;
    assert_eq!(
        (&seen["data"][0]["id"], &seen["data"][0]["status"]),
        (&json!(turn), &json!("queued"))
    );
    scene.receiver.set(PATH, model);
    scene
        .server
        .app
        .clock
        .advance(std::time::Duration::from_secs(10));
    scene
        .when(&path, |list| list["data"][0]["status"] == "completed")
        .await;
}

#[tokio::test]
async fn a_call_waits_for_consent() {
    let model = Model::new().calls(
        "john",
        "lookup_customer",
        &json!({"identifier": "john@acme.com"}),
    );
    let scene = sales(model, json!({"approval": {"tools": ["lookup_customer"]}})).await;
    let id = conversation(&scene).await;
    for (verdict, decision, status, says) in [
        ("approve", "approved", "completed", "John Smith"),
        (
            "deny",
            "denied",
            "denied",
            "a person did not allow this call: not now",
        ),
    ] {
        let waiting = say(&scene, &id, "look john up", 202).await;
        assert_eq!(waiting["turn"]["waits_for"], "approval", "{waiting}");
        // The next message waits behind it.
        let path = format!("/v1/conversations/{id}/messages");
        let behind = scene.client.request(Method::POST, &path);
        let behind = behind.header("prefer", "respond-async").unwrap();
        let message = json!({"role": "user", "content": "are you there?"});
        json_of(behind.json(&message).unwrap().send().await.unwrap(), 202);

        let approvals = scene.list("/v1/approvals?decision=pending").await;
        assert_eq!(approvals.len(), 1);
        assert_eq!(
            approvals[0]["input"],
            json!({"identifier": "john@acme.com"})
        );
        let path = format!("/v1/approvals/{}/{verdict}", text(&approvals[0]["id"]));
        let decided = scene.post(&path, json!({"reason": "not now"}), 200).await;
        assert_eq!(decided["decision"], decision);
        scene.post(&path, json!({}), 409).await;

        let path = format!("/v1/conversations/{id}/turns");
        let both = |list: &Value| {
            list["data"][0]["status"] == "completed" && list["data"][1]["status"] == "completed"
        };
        let turns = scene.when(&path, both).await;
        assert_eq!(turns["data"][1]["steps"][1]["status"], status);
        let reply = scene
            .list(&format!("/v1/conversations/{id}/messages"))
            .await;
        let reply = reply
            .iter()
            .find(|message| message["id"] == turns["data"][1]["reply_id"]);
        assert!(text(&reply.unwrap()["content"]).contains(says), "{reply:?}");
    }
}

#[tokio::test]
async fn a_turn_is_called_off_while_the_model_thinks() {
    let scene = sales(Model::new(), json!({})).await;
    let id = conversation(&scene).await;
    let gate = Gate::new();
    scene
        .receiver
        .set(PATH, Behaviour::held(&gate, Model::new().behaviour()));
    let path = format!("/v1/conversations/{id}/messages");
    let asked = scene.client.request(Method::POST, &path);
    let asked = asked.header("prefer", "respond-async").unwrap();
    let message = json!({"role": "user", "content": "think hard"});
    let later = json_of(asked.json(&message).unwrap().send().await.unwrap(), 202);
    let turns = format!("/v1/conversations/{id}/turns");
    scene
        .when(&turns, |list| list["data"][0]["status"] == "running")
        .await;
    let cancel = format!("{turns}/{}/cancel", text(&later["turn"]["id"]));
    scene.post(&cancel, json!({}), 200).await;
    scene
        .when(&turns, |list| list["data"][0]["status"] == "cancelled")
        .await;
    gate.open();
    scene.post(&cancel, json!({}), 409).await;
}

#[tokio::test]
async fn an_answer_is_streamed() {
    let model = Model::new().calls(
        "john",
        "lookup_customer",
        &json!({"identifier": "john@acme.com"}),
    );
    let scene = sales(model, json!({})).await;
    let id = conversation(&scene).await;
    let path = format!("/v1/conversations/{id}/messages");
    let message = json!({"role": "user", "content": "look john up"});
    let asked = scene.client.request(Method::POST, &path);
    let asked = asked.header("accept", "text/event-stream").unwrap();
    let answer = asked.json(&message).unwrap().send().await.unwrap();
    let body = String::from_utf8_lossy(&answer.body).into_owned();
    let events: Vec<_> = body
        .lines()
        .filter_map(|line| line.strip_prefix("event: "))
        .collect();
    assert_eq!(
        (events.first(), events.last()),
        (Some(&"turn"), Some(&"done")),
        "{body}"
    );
    assert!(events.contains(&"step"), "{events:?}");
    let data = body.lines().filter_map(|line| line.strip_prefix("data: "));
    let data: Vec<Value> = data
        .map(|data| serde_json::from_str(data).unwrap())
        .collect();
    let deltas: String = events
        .iter()
        .zip(&data)
        .filter(|(event, _)| **event == "delta")
        .map(|(_, data)| text(&data["content"]))
        .collect();
    assert_eq!(json!(deltas), data.last().unwrap()["reply"]["content"]);
}

#[tokio::test]
async fn a_service_answers_in_the_place_of_a_model() {
    let service = Behaviour::computed(|request| {
        let asked = request.json().unwrap();
        let last = asked["messages"]
            .as_array()
            .unwrap()
            .last()
            .unwrap()
            .clone();
        let answer = if last["role"] == "tool" {
            json!({"content": format!("it is {}", last["content"]["name"])})
        } else {
            json!({"tool_calls": [{"name": "lookup_customer", "arguments": {"identifier": "john@acme.com"}}]})
        };
        Reply::new(200)
            .header("content-type", "application/json")
            .body(answer.to_string())
    });
    let scene = sales(Model::new(), json!({})).await;
    scene.receiver.set("/think", service);
    let patch = json!({"runtime": {
        "type": "http", "url": scene.receiver.url("/think"), "base_url": null, "model": null, "api_key": null,
        "headers": {"x-key": "{{secrets.MODEL_KEY}}"}
    }});
    scene.patch("/v1/agents/agent_sales", patch, 200).await;
    let id = conversation(&scene).await;
    let done = say(&scene, &id, "who is it?", 200).await;
    assert_eq!(done["reply"]["content"], "it is \"John Smith\"");
    let received = scene.receiver.requests();
    let asked = received.iter().find(|one| one.path == "/think").unwrap();
    assert_eq!(asked.header("x-key"), Some(MODEL_KEY));
    let body = asked.json().unwrap();
    assert_eq!(
        (&body["agent_id"], &body["conversation"]["user_id"]),
        (&json!("agent_sales"), &json!("u_7"))
    );
    assert_eq!(body["tools"][0]["name"], "lookup_customer");
}

#[tokio::test]
async fn a_person_answers_from_the_inbox_and_after_an_escalation() {
    let scene = Scene::open(Script::new()).await;
    let agent = json!({"id": "agent_sales", "name": "People", "runtime": {"type": "inbox"}});
    scene.post("/v1/agents", agent, 201).await;
    let id = conversation(&scene).await;
    let waiting = say(&scene, &id, "anyone there?", 202).await;
    assert_eq!(waiting["turn"]["waits_for"], "reply");
    say(&scene, &id, "hello?", 202).await;
    let inbox = scene.list("/v1/agents/agent_sales/inbox").await;
    assert_eq!(
        (inbox.len(), &inbox[1]["message"]["content"]),
        (2, &json!("anyone there?"))
    );
    let path = format!("/v1/conversations/{id}/messages");
    scene
        .post(&path, json!({"role": "assistant", "content": "yes"}), 200)
        .await;
    assert!(scene.list("/v1/agents/agent_sales/inbox").await.is_empty());
    let turns = scene.list(&format!("/v1/conversations/{id}/turns")).await;
    assert!(
        turns.iter().all(|turn| turn["status"] == "completed"),
        "{turns:?}"
    );

    let escalate = format!("/v1/conversations/{id}/escalate");
    let shown = scene
        .post(
            &escalate,
            json!({"reason": "hard", "priority": "high"}),
            200,
        )
        .await;
    assert_eq!(
        (&shown["status"], &shown["was_escalated"]),
        (&json!("escalated"), &json!(true))
    );
    scene.post(&escalate, json!({}), 409).await;
    let complete = format!("/v1/conversations/{id}/complete");
    let shown = scene
        .post(&complete, json!({"satisfaction_score": 4.5}), 200)
        .await;
    assert_eq!(shown["status"], "completed");
    say(&scene, &id, "one more thing", 409).await;
    for kind in [
        "conversation.escalated",
        "escalation.triggered",
        "conversation.completed",
    ] {
        let events = scene.list(&format!("/v1/events?type={kind}")).await;
        assert_eq!(events.len(), 1, "{kind}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_an_agent_is_told() {
    let scene = Scene::open(Script::new()).await;
    let model = |key: &str, value: Value| {
        let mut runtime =
            json!({"type": "openai", "base_url": "https://api.example.com/v1", "model": "m"});
        runtime[key] = value;
        json!({"name": "a", "runtime": runtime})
    };
    let rows = [
        (
            json!({"name": "a", "runtime": {"type": "inbox"}, "tools": ["nothing"]}),
            "/tools/0",
        ),
        (
            json!({"id": "a b", "name": "a", "runtime": {"type": "inbox"}}),
            "/id",
        ),
        (
            model("api_key", json!("{{secrets.NONE}}")),
            "/runtime/api_key",
        ),
        (model("api_key", json!("sk-plain")), "/runtime/api_key"),
        (
            model("base_url", json!("http://169.254.169.254/v1")),
            "/runtime/base_url",
        ),
    ];
    for (agent, pointer) in rows {
        let problem = scene.post("/v1/agents", agent.clone(), 422).await;
        assert_eq!(
            problem["errors"][0]["pointer"], pointer,
            "{agent}: {problem}"
        );
    }
    for agent in [
        json!({"name": "a", "runtime": {"type": "robot"}}),
        json!({"name": "a", "runtime": {"type": "inbox", "model": "m"}}),
        json!({"name": "a", "runtime": {"type": "inbox"}, "tool": []}),
    ] {
        scene.post("/v1/agents", agent, 400).await;
    }
    let good = json!({"id": "agent_sales", "name": "a", "runtime": {"type": "inbox"}});
    scene.post("/v1/agents", good.clone(), 201).await;
    let taken = scene.post("/v1/agents", good, 422).await;
    assert_eq!(taken["errors"][0]["pointer"], "/id");
    let unknown = json!({"agent_id": "nobody"});
    let problem = scene.post("/v1/conversations", unknown, 422).await;
    assert_eq!(problem["errors"][0]["pointer"], "/agent_id");
    let source = json!({"name": "s", "agent_id": "nobody"});
    let problem = scene.post("/v1/webhooks/incoming", source, 422).await;
    assert_eq!(problem["errors"][0]["pointer"], "/agent_id");
}

#[tokio::test]
async fn an_inactive_agent_is_told_when_it_is_active_again() {
    let scene = sales(Model::new(), json!({"status": "inactive"})).await;
    let shown = scene.get("/v1/agents/agent_sales").await;
    assert_eq!(
        (&shown["status"], &shown["health"]["status"]),
        (&json!("inactive"), &json!("paused"))
    );
    let id = conversation(&scene).await;
    let path = format!("/v1/conversations/{id}/messages");
    let asked = scene.client.request(Method::POST, &path);
    let asked = asked.header("prefer", "respond-async").unwrap();
    let message = json!({"role": "user", "content": "hello"});
    json_of(asked.json(&message).unwrap().send().await.unwrap(), 202);
    let agent = text(&shown["destination_id"]);
    let held = scene
        .list(&format!(
            "/v1/deliveries?destination_id={agent}&status=held"
        ))
        .await;
    assert_eq!((held.len(), &held[0]["webhook_id"]), (1, &Value::Null));
    let patch = json!({"status": "active"});
    scene.patch("/v1/agents/agent_sales", patch, 200).await;
    let turns = format!("/v1/conversations/{id}/turns");
    scene
        .when(&turns, |list| list["data"][0]["status"] == "completed")
        .await;

    let deleted = scene.client.delete("/v1/agents/agent_sales").await.unwrap();
    assert_eq!(deleted.status, 204);
    say(&scene, &id, "hello?", 409).await;
    scene
        .post("/v1/conversations", json!({"agent_id": "agent_sales"}), 422)
        .await;
}

#[tokio::test]
async fn webhooks_tell_an_agent_in_the_conversation_of_their_key() {
    let scene = sales(Model::new(), json!({})).await;
    let source = json!({
        "name": "CRM Lead Webhook", "agent_id": "agent_sales", "conversation_key": "$.data.id",
        "transform": {"message": "$.data.description", "metadata": {"company": "$.data.company_name"}},
        "verification": {"scheme": "none"}, "dedupe": {"event_id": "$.id"}
    });
    let source = scene.post("/v1/webhooks/incoming", source, 201).await;
    let path = format!("/in/{}", text(&source["id"]));
    let lead = |id: &str, lead: &str, says: Value| json!({"id": id, "data": {"id": lead, "company_name": "Acme", "description": says}});
    scene
        .post(
            &path,
            lead("1", "lead_1", json!("Interested in enterprise plan")),
            202,
        )
        .await;
    let first = |list: &Value| list["data"][0]["messages_count"] == 2;
    let list = scene.when("/v1/conversations", first).await;
    let id = text(&list["data"][0]["id"]);
    assert_eq!(
        (&list["data"][0]["channel"], &list["data"][0]["key"]),
        (&json!("webhook"), &json!("lead_1"))
    );

    // A repeat is nothing new, a follow-up stays in the conversation, another lead has its own.
    scene
        .post(
            &path,
            lead("1", "lead_1", json!("Interested in enterprise plan")),
            200,
        )
        .await;
    scene
        .post(&path, lead("2", "lead_1", json!("Still interested")), 202)
        .await;
    // A character that no text in PostgreSQL can have keeps nobody from being told.
    scene
        .post(&path, lead("3", "lead\u{0}2", json!("Hel\u{0}lo")), 202)
        .await;
    // Without a message nobody is told, and that is seen.
    let nothing = [
        (json!({"id": "lead_3"}), "nothing in the body"),
        (
            json!({"id": "lead_3", "description": null}),
            "`null`, which says nothing to an agent",
        ),
        (
            json!({"id": "lead_3", "description": " "}),
            "an empty text, which says nothing to an agent",
        ),
    ];
    for (number, (data, _)) in nothing.iter().enumerate() {
        let body = json!({"id": format!("nothing {number}"), "data": data});
        scene.post(&path, body, 202).await;
    }
    let shown = |list: &Value| {
        let list = list["data"].as_array().unwrap();
        list.len() == 2
            && list
                .iter()
                .all(|one| one["messages_count"] == if one["id"] == *id { 4 } else { 2 })
    };
    scene.when("/v1/conversations", shown).await;
    let messages = scene
        .list(&format!("/v1/conversations/{id}/messages"))
        .await;
    assert_eq!(messages[0]["content"], "You said: Still interested");
    let list = scene.list("/v1/conversations").await;
    let odd = list.iter().find(|one| one["id"] != *id).unwrap();
    assert_eq!(odd["key"], "lead\u{fffd}2");
    let odd = format!("/v1/conversations/{}/messages", text(&odd["id"]));
    assert_eq!(scene.list(&odd).await[1]["content"], "Hel\u{fffd}lo");
    assert_eq!(messages[1]["metadata"], json!({"company": "Acme"}));
    let failed = scene.list("/v1/events?type=transform.failed").await;
    let reasons: Vec<_> = failed
        .iter()
        .rev()
        .map(|event| text(&event["data"]["reason"]))
        .collect();
    let path = "the transform's message path $.data.description matches";
    let expected = nothing.map(|(_, matched)| format!("{path} {matched}"));
    assert_eq!(reasons, expected);
    let kept = scene.client.delete("/v1/agents/agent_sales").await.unwrap();
    assert!(text(&json_of(kept, 409)["detail"]).contains(&text(&source["id"])));
}

#[tokio::test]
async fn nothing_of_another_tenant_is_seen() {
    let model = Model::new().calls(
        "john",
        "lookup_customer",
        &json!({"identifier": "john@acme.com"}),
    );
    let scene = sales(model, json!({"approval": {"classes": ["write"]}})).await;
    let id = conversation(&scene).await;
    let waiting = say(&scene, &id, "john", 202).await;
    let approval = text(&scene.list("/v1/approvals").await[0]["id"]);
    let other = scene.server.tenant("*").await;
    let turn = text(&waiting["turn"]["id"]);
    for path in [
        "/v1/agents/agent_sales".to_owned(),
        "/v1/agents/agent_sales/inbox".to_owned(),
        format!("/v1/conversations/{id}"),
        format!("/v1/conversations/{id}/messages"),
        format!("/v1/conversations/{id}/turns"),
        format!("/v1/conversations/{id}/turns/{turn}"),
    ] {
        assert_eq!(other.get(&path).await.unwrap().status, 404, "{path}");
    }
    for path in [
        format!("/v1/conversations/{id}/turns/{turn}/cancel"),
        format!("/v1/conversations/{id}/escalate"),
        format!("/v1/approvals/{approval}/approve"),
    ] {
        let answer = other.post(&path, json!({})).await.unwrap();
        assert_eq!(answer.status, 404, "{path}");
    }
    for path in ["/v1/agents", "/v1/conversations", "/v1/approvals"] {
        let list = json_of(other.get(path).await.unwrap(), 200);
        assert_eq!(list["data"], json!([]), "{path}");
    }
}
