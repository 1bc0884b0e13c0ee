//! The conversation of seed 000, for real: a webhook announces a lead, the agent is told, looks the customer up with a
//! key that it never sees, answers, and a subscriber receives the answer.

use serde_json::json;
use tieline_testkit::{
    model::{Model, PATH},
    receiver::{Behaviour, Receiver},
    seed::SEED_000,
    services,
};

use crate::{
    seeds::{command, run},
    stage::{OWNER_KEY, Source, launch, owner, subscribe, text},
};

/// The key of the CRM, as the seed has it.
const CRM_KEY: &str = "sk_live_abc123...";
/// What the lead says, as the seed has it.
const LEAD: &str = "Interested in enterprise plan";

#[tokio::test]
async fn a_lead_is_answered() {
    let asked = json!({"identifier": "john@acme.com", "fields": ["name", "subscription"]});
    let model = Model::new()
        .key("sk-model-0123456789")
        .calls(LEAD, "lookup_customer", &asked);
    let script = services::crm(CRM_KEY).on(PATH, model.behaviour());
    let others = Receiver::start(script.on("/hook", Behaviour::status(200)))
        .await
        .unwrap();
    let server = launch().start().await.unwrap();
    let client = owner(server.url());
    let host = others.url("");
    let replaced = [
        ("YOUR_TOKEN", OWNER_KEY),
        ("https://your-api.com", host.trim_end_matches('/')),
    ];
    for ending in ["/v1/secrets", "/v1/tools"] {
        let made = run(&server, &command(SEED_000, ending), &replaced)
            .await
            .unwrap();
        made.expect(201).unwrap();
    }
    let key = json!({"name": "MODEL_KEY", "value": "sk-model-0123456789"});
    client
        .post("/v1/secrets", key)
        .await
        .unwrap()
        .expect(201)
        .unwrap();
    let agent = json!({
        "id": "agent_sales", "name": "Sales", "tools": ["lookup_customer"],
        "runtime": {
            "type": "openai", "base_url": others.url("/v1"), "model": "small", "api_key": "{{secrets.MODEL_KEY}}"
        }
    });
    client
        .post("/v1/agents", agent)
        .await
        .unwrap()
        .expect(201)
        .unwrap();
    subscribe(&client, &others.url("/hook"), &["agent.response"])
        .await
        .unwrap();
    let create = command(SEED_000, "/webhooks/incoming");
    let created = run(&server, &create, &replaced).await.unwrap();
    let created = created.expect(201).unwrap().json().unwrap();

    let send = command(SEED_000, "/in/wh_in_abc123");
    let source = Source::of(&created).unwrap();
    let signature = source.signature(send.body.as_deref().unwrap().as_bytes());
    let url = text(&created, "/url").unwrap();
    let signed = [
        (send.url.as_str(), url.as_str()),
        ("sha256=...", &signature),
    ];
    run(&server, &send, &signed)
        .await
        .unwrap()
        .expect(202)
        .unwrap();

    // The model, the CRM, the model again, and the subscriber.
    let received = others.wait_for(4).await.unwrap();
    let paths: Vec<_> = received.iter().map(|one| one.path.as_str()).collect();
    assert_eq!(paths, [PATH, "/customers/lookup", PATH, "/hook"]);
    let told = received.iter().filter(|one| one.path == PATH);
    for one in told {
        assert!(
            !String::from_utf8_lossy(&one.body).contains("sk_live"),
            "the agent never sees the key"
        );
    }
    let bearer = format!("Bearer {CRM_KEY}");
    assert_eq!(received[1].header("authorization"), Some(bearer.as_str()));
    let response = received[3].json().unwrap();
    assert_eq!(
        (&response["event"], &response["data"]["agent_id"]),
        (&json!("agent.response"), &json!("agent_sales"))
    );
    let content = text(&response, "/data/content").unwrap();
    assert!(
        content.contains("John Smith") && content.contains("enterprise"),
        "{content}"
    );
}
