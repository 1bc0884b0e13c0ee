//! Death in the middle of a turn: it goes on behind the last step that ended, and says what is not known.

use serde_json::{Value, json};
use tieline_testkit::{
    model::{Model, PATH},
    receiver::Receiver,
    services,
};

use crate::stage::{eventually, launch, owner, text};

/// The variable that names the place to die at, and at which pass.
const FAILPOINT: &str = "TIELINE_FAILPOINT";
const CRM_KEY: &str = "sk_live_crm_0123456789";
/// What the CRM answers to, over POST: a call that must not be made twice unasked.
const LOOK_UP: &str = "/customers/lookup";

/// A server that dies at `place` while its agent looks John up, and lives again; the turn as it ended, and how often
/// the CRM and the model were asked.
async fn survived(place: &str, idempotent: bool) -> anyhow::Result<(Value, usize, usize)> {
    let model = Model::new().calls(
        "John",
        "lookup_customer",
        &json!({"identifier": "john@acme.com"}),
    );
    let others = Receiver::start(services::crm(CRM_KEY).on(PATH, model.behaviour())).await?;
    let mut server = launch().env(FAILPOINT, place).start().await?;
    let client = owner(server.url());
    let made = async |path: &str, body: Value| client.post(path, body).await?.expect(201)?.json();
    made(
        "/v1/secrets",
        json!({"name": "CRM_API_KEY", "value": CRM_KEY}),
    )
    .await?;
    made("/v1/tools", json!({
        "name": "lookup_customer", "idempotent": idempotent,
        "parameters": {"type": "object", "properties": {"identifier": {"type": "string"}}, "required": ["identifier"]},
        "endpoint": {
            "url": others.url(LOOK_UP), "method": "POST",
            "headers": {"Authorization": "Bearer {{secrets.CRM_API_KEY}}"},
            "body_template": {"query": "{{identifier}}"}
        }
    }))
    .await?;
    made(
        "/v1/agents",
        json!({
            "id": "agent_sales", "name": "Sales", "tools": ["lookup_customer"],
            "runtime": {"type": "openai", "base_url": others.url("/v1"), "model": "small"}
        }),
    )
    .await?;
    let conversation = made("/v1/conversations", json!({"agent_id": "agent_sales"})).await?;
    let path = format!("/v1/conversations/{}", text(&conversation, "/id")?);
    let message = json!({"role": "user", "content": "Who is John?"});
    // The server may die before it has answered: the message is durable, or its author would say it again.
    client.post(&format!("{path}/messages"), message).await.ok();
    let status = server.ended().await?;
    anyhow::ensure!(!status.success(), "{place}: {status}");
    server.set_env(FAILPOINT, None);
    server.restart().await?;

    let client = owner(server.url());
    let turn = eventually("the turn ends", async || {
        let turns = client
            .get(&format!("{path}/turns"))
            .await?
            .expect(200)?
            .json()?;
        let turn = turns["data"][0].clone();
        Ok((!turn["ended_at"].is_null()).then_some(turn))
    })
    .await?;
    let received = others.requests();
    let asked = |path: &str| received.iter().filter(|one| one.path == path).count();
    Ok((turn, asked(LOOK_UP), asked(PATH)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_has_ended_is_not_made_again() {
    let (turn, looked_up, asked) = survived("tool-call:1", false).await.unwrap();
    assert_eq!((looked_up, asked), (1, 2), "{turn:#}");
    assert_eq!(
        (&turn["status"], &turn["steps"][1]["status"]),
        (&json!("completed"), &json!("completed"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_call_that_was_under_way_the_outcome_is_unknown() {
    let (turn, looked_up, asked) = survived("turn-step:1", false).await.unwrap();
    assert_eq!((looked_up, asked), (0, 2), "{turn:#}");
    assert_eq!(
        (&turn["status"], &turn["steps"][1]["status"]),
        (&json!("completed"), &json!("unknown_outcome"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_does_no_harm_twice_is_made_again() {
    let (turn, looked_up, asked) = survived("turn-step:1", true).await.unwrap();
    assert_eq!((looked_up, asked), (1, 2), "{turn:#}");
    assert_eq!(turn["steps"][1]["status"], "completed");
}
