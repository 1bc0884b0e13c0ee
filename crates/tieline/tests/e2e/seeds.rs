//! The commands of seeds 000 and 001, taken from their text: only host, token and credentials are replaced.

use anyhow::Context as _;
use http::Method;
use serde_json::{Value, json};
use tieline_testkit::{
    http::{Answer, Client},
    receiver::{Receiver, Script},
    seed::{Curl, SEED_000, SEED_001, commands},
    server::Server,
    services,
};

use crate::stage::{OWNER_KEY, RECEIVED, Source, every, launch, owner, subscribe, text};

/// The hosts that the seeds name, for the API.
const HOSTS: [&str; 2] = ["https://api.engrami.com", "https://api.workflux.ai"];

/// The command of a seed whose address ends so.
pub(crate) fn command(seed: &str, ending: &str) -> Curl {
    let found = commands(seed)
        .into_iter()
        .find(|command| command.url.ends_with(ending));
    found.unwrap_or_else(|| panic!("no command for {ending}"))
}

/// Runs a command with these texts replaced, in its address, headers and body.
pub(crate) async fn run(
    server: &Server,
    command: &Curl,
    replaced: &[(&str, &str)],
) -> anyhow::Result<Answer> {
    let replace = |text: &str| {
        let hosts = HOSTS.map(|host| (host, server.url()));
        let all = hosts.iter().chain(replaced);
        all.fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
    };
    let client = Client::new(server.url());
    let method = Method::from_bytes(command.method.as_bytes())?;
    let url = replace(&command.url);
    let mut request = client.request(method, &url);
    for (name, value) in &command.headers {
        request = request.header(name, replace(value))?;
    }
    if let Some(body) = &command.body {
        request = request.body(replace(body));
    }
    request.send().await
}

#[tokio::test]
async fn seed_000_a_webhook_comes_in() {
    let server = launch().start().await.unwrap();
    let token = [("YOUR_TOKEN", OWNER_KEY)];
    let agent = json!({"id": "agent_sales", "name": "Sales", "runtime": {"type": "inbox"}});
    let made = owner(server.url()).post("/v1/agents", agent).await.unwrap();
    made.expect(201).unwrap();
    let create = command(SEED_000, "/webhooks/incoming");
    let created = run(&server, &create, &token).await.unwrap();
    let created = created.expect(201).unwrap().json().unwrap();
    let id = text(&created, "/id").unwrap();
    let url = text(&created, "/url").unwrap();
    assert!(id.starts_with("wh_in_"), "{created}");
    assert_eq!(url, format!("{}/in/{id}", server.url()));
    assert!(
        text(&created, "/secret").unwrap().starts_with("whsec_"),
        "{created}"
    );

    let send = command(SEED_000, "/in/wh_in_abc123");
    let source = Source::of(&created).unwrap();
    let signature = source.signature(send.body.as_deref().unwrap().as_bytes());
    let signed = [
        (send.url.as_str(), url.as_str()),
        ("sha256=...", &signature),
    ];
    let answer = run(&server, &send, &signed).await.unwrap();
    let accepted = answer.expect(202).unwrap().json().unwrap();
    assert_eq!(accepted["status"], "accepted");

    let event = text(&accepted, "/event_id").unwrap();
    let event = owner(server.url())
        .get(&format!("/v1/events/{event}"))
        .await
        .unwrap();
    let event = event.expect(200).unwrap().json().unwrap();
    assert_eq!(event["type"], RECEIVED);
    assert_eq!(event["data"]["message"], "Interested in enterprise plan");
    let metadata = json!({"lead_id": "lead_123", "company": "Acme Corp"});
    assert_eq!(event["data"]["metadata"], metadata);

    // The same command with the three dots that stand in the text proves nothing.
    let forged = run(&server, &send, &[(&send.url, &url)]).await.unwrap();
    assert_eq!(forged.status, 401, "{forged:?}");
}

#[tokio::test]
async fn seed_000_a_secret_is_kept() {
    let server = launch().start().await.unwrap();
    let token = [("YOUR_TOKEN", OWNER_KEY)];
    let keep = command(SEED_000, "/v1/secrets");
    let kept = run(&server, &keep, &token)
        .await
        .unwrap()
        .expect(201)
        .unwrap();
    assert_eq!(kept.json().unwrap()["name"], "CRM_API_KEY");
    assert!(!kept.text().contains("sk_live"), "{kept:?}");
    let listed = every(&owner(server.url()), "/v1/secrets?").await.unwrap();
    assert_eq!(listed.len(), 1, "{listed:?}");
}

#[tokio::test]
async fn seed_000_a_tool_is_made_tested_and_called() {
    let server = launch().start().await.unwrap();
    let crm = Receiver::start(services::crm("sk_live_abc123..."))
        .await
        .unwrap();
    let crm_url = crm.url("");
    let replaced = [
        ("YOUR_TOKEN", OWNER_KEY),
        ("https://your-api.com", crm_url.trim_end_matches('/')),
    ];
    let keep = command(SEED_000, "/v1/secrets");
    run(&server, &keep, &replaced)
        .await
        .unwrap()
        .expect(201)
        .unwrap();
    let define = command(SEED_000, "/v1/tools");
    let made = run(&server, &define, &replaced)
        .await
        .unwrap()
        .expect(201)
        .unwrap();
    let made = made.json().unwrap();
    assert!(text(&made, "/id").unwrap().starts_with("tool_"), "{made}");

    let test = command(SEED_000, "/v1/tools/lookup_customer/test");
    let tested = run(&server, &test, &replaced)
        .await
        .unwrap()
        .expect(200)
        .unwrap();
    assert!(!tested.text().contains("sk_live"), "{tested:?}");
    let tested = tested.json().unwrap();
    assert_eq!(tested["success"], true, "{tested}");
    assert_eq!(tested["response"]["name"], "Test User");
    assert_eq!(tested["response"]["status"], "active");
    assert!(tested["response_time_ms"].is_u64(), "{tested}");

    // What the seed's agent calls the tool with, and what comes back.
    let fields = ["name", "status", "subscription", "last_contact"];
    let asked = json!({"parameters": {"identifier": "john@acme.com", "fields": fields}});
    let owner = owner(server.url());
    let called = owner.post("/v1/tools/lookup_customer/call", asked).await;
    let called = called.unwrap().expect(200).unwrap().json().unwrap();
    let customer = json!({
        "name": "John Smith", "status": "active", "subscription": "enterprise", "last_contact": "2024-01-15"
    });
    assert_eq!(called["output"], customer);
    let nobody = json!({"parameters": {"identifier": "nobody@acme.com"}});
    let called = owner.post("/v1/tools/lookup_customer/call", nobody).await;
    let called = called.unwrap().expect(200).unwrap().json().unwrap();
    assert_eq!(called["error"]["kind"], "not_found", "{called}");
}

#[tokio::test]
async fn seed_000_an_action_is_defined_and_run() {
    let server = launch().start().await.unwrap();
    let desk = Receiver::start(services::helpdesk("hd_key")).await.unwrap();
    let desk_url = desk.url("");
    let replaced = [
        ("YOUR_TOKEN", OWNER_KEY),
        (
            "https://helpdesk.example.com",
            desk_url.trim_end_matches('/'),
        ),
    ];
    let owner = owner(server.url());
    let key = json!({"name": "HELPDESK_KEY", "value": "hd_key"});
    owner
        .post("/v1/secrets", key)
        .await
        .unwrap()
        .expect(201)
        .unwrap();
    let define = command(SEED_000, "/v1/integrations/actions");
    run(&server, &define, &replaced)
        .await
        .unwrap()
        .expect(201)
        .unwrap();

    let run = "/v1/integrations/actions/create_support_ticket/run";
    let ticket = json!({"input": {
        "subject": "Printer on fire", "description": "Second floor", "priority": "high", "customer_email": "john@acme.com"
    }});
    let ran = owner.post(run, ticket).await.unwrap().expect(200).unwrap();
    let ran = ran.json().unwrap();
    let output = json!({"ticket_id": 1, "ticket_url": format!("{}/tickets/1", desk_url.trim_end_matches('/'))});
    assert_eq!(ran["output"], output, "{ran}");
    let wrong = json!({"input": {"subject": "x", "priority": "urgent"}});
    let refused = owner.post(run, wrong).await.unwrap().expect(422).unwrap();
    assert_eq!(
        refused.json().unwrap()["errors"].as_array().unwrap().len(),
        3,
        "{refused:?}"
    );
    assert_eq!(desk.requests().len(), 1);
}

/// A token, as the command of seed 001 gets it for a new OAuth client.
async fn token(server: &Server) -> anyhow::Result<String> {
    let wanted = json!({"name": "Seed", "scopes": ["*"]});
    let client = owner(server.url())
        .post("/v1/oauth-clients", wanted)
        .await?;
    let client = client.expect(201)?.json()?;
    let (id, secret) = (text(&client, "/id")?, text(&client, "/client_secret")?);
    let credentials = [
        ("your_client_id", id.as_str()),
        ("your_client_secret", &secret),
    ];
    let answer = run(server, &command(SEED_001, "/auth/token"), &credentials).await?;
    let answer = answer.expect(200)?.json()?;
    assert_eq!(answer["token_type"], "Bearer");
    text(&answer, "/access_token")
}

/// A request of seed 001 that is written as method and path: below the base URL, with the token.
fn below_base(path: &str, token: &str) -> Curl {
    let mut command = command(SEED_001, path);
    let base = SEED_001.split('`').find(|word| word.starts_with(HOSTS[1]));
    command.url = format!(
        "{}{}",
        base.expect("the text names its base URL"),
        command.url
    );
    command
        .headers
        .push(("Authorization".to_owned(), format!("Bearer {token}")));
    command
}

#[tokio::test]
async fn seed_001_a_subscription_is_made_and_tested() {
    let server = launch().start().await.unwrap();
    let token = token(&server).await.unwrap();
    let me = Client::new(server.url()).bearer(&token).get("/v1/me").await;
    me.unwrap().expect(200).unwrap();

    let create = below_base("/webhooks", &token);
    let created = run(&server, &create, &[])
        .await
        .unwrap()
        .expect(201)
        .unwrap();
    let created = created.json().unwrap();
    let asked: Value = serde_json::from_str(create.body.as_deref().unwrap()).unwrap();
    assert_eq!(created["events"], asked["events"], "all three come back");
    assert_eq!(
        (&created["url"], &created["status"]),
        (&asked["url"], &json!("active"))
    );
    assert!(
        text(&created, "/id").unwrap().starts_with("wh_"),
        "{created}"
    );
    text(&created, "/created_at").unwrap();
    assert_eq!(
        created.get("secret"),
        None,
        "a secret that was given is not shown"
    );

    // The test goes to a receiver that is here.
    let receiver = Receiver::start(Script::new()).await.unwrap();
    let local = subscribe(&owner(server.url()), &receiver.url("/hook"), &["*"])
        .await
        .unwrap();
    let id = [("{webhook_id}", local["id"].as_str().unwrap())];
    let test = below_base("/webhooks/{webhook_id}/test", &token);
    let tested = run(&server, &test, &id).await.unwrap().expect(200).unwrap();
    let tested = tested.json().unwrap();
    assert_eq!(
        (&tested["success"], &tested["status_code"]),
        (&json!(true), &json!(200))
    );
    let received = receiver.wait_for(1).await.unwrap();
    let event = received[0].json().context("the test event").unwrap();
    assert_eq!(event["event"], "webhook.test");
}
