//! Conversations go: when nothing has happened in them for long, and at once when that is asked for.

use serde_json::{Value, json};
use tieline::retention::Remover;
use tieline_testkit::{model::Model, receiver::Script};
use tokio_util::sync::CancellationToken;

use crate::{
    agents::{conversation, sales, say},
    scene::{Scene, json_of, text},
};

const DAY: u64 = 86_400;

async fn delete(scene: &Scene, id: &str, status: u16) -> Value {
    let path = format!("/v1/conversations/{id}");
    let answer = scene.client.delete(&path).await.unwrap();
    if status == 204 {
        assert_eq!(answer.status, 204, "{answer:?}");
        return Value::Null;
    }
    json_of(answer, status)
}

async fn status(scene: &Scene, path: &str) -> u16 {
    scene.client.get(path).await.unwrap().status.as_u16()
}

#[tokio::test]
async fn a_conversation_goes_when_its_days_are_over() {
    let scene = sales(Model::new(), json!({})).await;
    let me = scene.get("/v1/me").await;
    let tenant = format!("/v1/tenants/{}", text(&me["tenant"]["id"]));
    let owner = scene.server.tenant("platform:write").await;
    let own = json!({"retention": {"conversations_days": 7}});
    json_of(owner.patch(&tenant, own).await.unwrap(), 200);

    let idle = conversation(&scene).await;
    say(&scene, &idle, "hello", 200).await;
    let busy = conversation(&scene).await;
    say(&scene, &busy, "hello", 200).await;
    scene.wait(6 * DAY);
    say(&scene, &busy, "are you there?", 200).await;
    scene.wait(DAY + 1);
    let stop = CancellationToken::new();
    let mut remover = Remover::new(scene.server.app.clone(), stop);
    remover.pass().await.unwrap();
    assert_eq!(
        status(&scene, &format!("/v1/conversations/{idle}")).await,
        404
    );
    assert_eq!(
        status(&scene, &format!("/v1/conversations/{busy}")).await,
        200
    );
    say(&scene, &idle, "hello again", 404).await;
    say(&scene, &busy, "still here", 200).await;
    scene.wait(7 * DAY + 1);
    remover.pass().await.unwrap();
    assert!(scene.list("/v1/conversations").await.is_empty());
}

#[tokio::test]
async fn a_conversation_is_deleted_with_what_its_events_say() {
    let model = Model::new().calls(
        "john",
        "lookup_customer",
        &json!({"identifier": "john@acme.com"}),
    );
    let scene = sales(model, json!({})).await;
    let id = conversation(&scene).await;
    say(&scene, &id, "Who is john?", 200).await;
    let other = conversation(&scene).await;
    say(&scene, &other, "hello", 200).await;

    let of_conversation = format!("/v1/events?subject={id}");
    let events = scene.list(&of_conversation).await;
    assert!(events.iter().all(|event| event["data"].is_object()));
    assert_eq!(
        scene
            .list(&format!("/v1/calls?conversation_id={id}"))
            .await
            .len(),
        1
    );

    let stranger = scene.server.tenant("*").await;
    let path = format!("/v1/conversations/{id}");
    assert_eq!(stranger.delete(&path).await.unwrap().status, 404);
    let reader = scene.server.tenant("conversations:read").await;
    assert_eq!(reader.delete(&path).await.unwrap().status, 403);
    delete(&scene, &id, 204).await;
    delete(&scene, &id, 404).await;
    for gone in ["", "/messages", "/turns"] {
        assert_eq!(status(&scene, &format!("{path}{gone}")).await, 404);
    }
    assert!(
        scene
            .list(&format!("/v1/calls?conversation_id={id}"))
            .await
            .is_empty()
    );
    let erased = scene.list(&of_conversation).await;
    assert_eq!(erased.len(), events.len(), "the log has no hole");
    for event in erased {
        assert_eq!(event["data"], Value::Null, "{event}");
        assert!(event["data_deleted_at"].is_string(), "{event}");
    }
    let audit = scene.list(&format!("/v1/audit-log?object_id={id}")).await;
    assert_eq!(
        (&audit[0]["action"], &audit[0]["object_kind"]),
        (&json!("delete"), &json!("conversation"))
    );
    assert_eq!(
        scene
            .list(&format!("/v1/conversations/{other}/messages"))
            .await
            .len(),
        2
    );
    say(&scene, &other, "and you?", 200).await;
}

#[tokio::test]
async fn a_conversation_with_a_turn_under_way_is_not_deleted() {
    let agent = json!({"id": "agent_sales", "name": "Desk", "runtime": {"type": "inbox"}});
    let scene = Scene::open(Script::new()).await;
    scene.post("/v1/agents", agent, 201).await;
    let id = conversation(&scene).await;
    say(&scene, &id, "is anybody there?", 202).await;
    let refused = delete(&scene, &id, 409).await;
    assert!(text(&refused["detail"]).contains("cancel"), "{refused}");
    let complete = format!("/v1/conversations/{id}/complete");
    scene.post(&complete, json!({}), 200).await;
    delete(&scene, &id, 204).await;
    assert!(scene.list("/v1/agents/agent_sales/inbox").await.is_empty());
}

/// A message that came by a webhook is part of the conversation too; what is not told yet is never told.
#[tokio::test]
async fn a_message_on_its_way_is_deleted_with_its_conversation() {
    let scene = sales(Model::new(), json!({})).await;
    let source = json!({
        "name": "CRM", "agent_id": "agent_sales", "conversation_key": "$.lead",
        "transform": {"message": "$.says"}, "verification": {"scheme": "none"}
    });
    let source = scene.post("/v1/webhooks/incoming", source, 201).await;
    let path = format!("/in/{}", text(&source["id"]));
    scene
        .post(&path, json!({"lead": "l1", "says": "one"}), 202)
        .await;
    let answered = |list: &Value| list["data"][0]["messages_count"] == 2;
    let list = scene.when("/v1/conversations", answered).await;
    let id = text(&list["data"][0]["id"]);
    let pause = json!({"status": "inactive"});
    json_of(
        scene
            .client
            .patch("/v1/agents/agent_sales", pause)
            .await
            .unwrap(),
        200,
    );
    scene
        .post(&path, json!({"lead": "l1", "says": "two"}), 202)
        .await;
    delete(&scene, &id, 204).await;
    let active = json!({"status": "active"});
    json_of(
        scene
            .client
            .patch("/v1/agents/agent_sales", active)
            .await
            .unwrap(),
        200,
    );
    scene
        .post(&path, json!({"lead": "l1", "says": "three"}), 202)
        .await;
    let list = scene.when("/v1/conversations", answered).await;
    assert_ne!(list["data"][0]["id"], id);
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
    let said = scene.list("/v1/events?type=user.message").await;
    let said: Vec<_> = said
        .iter()
        .map(|event| event["data"]["content"].clone())
        .collect();
    assert_eq!(said, [json!("three"), Value::Null, Value::Null]);
}
