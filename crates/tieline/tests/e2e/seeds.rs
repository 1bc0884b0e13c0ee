//! The commands of seeds 000 and 001, taken from their text: only host, token and credentials are replaced.

use anyhow::Context as _;
use http::Method;
use serde_json::{Value, json};
use tieline_testkit::{
    http::{Answer, Client},
    receiver::{Receiver, Script},
    seed::{Curl, SEED_000, SEED_001, commands},
    server::Server,
};

use crate::stage::{OWNER_KEY, RECEIVED, Source, every, launch, owner, subscribe, text};

/// The hosts that the seeds name, for the API.
const HOSTS: [&str; 2] = ["https://api.engrami.com", "https://api.workflux.ai"];

/// The command of a seed whose address ends so.
fn command(seed: &str, ending: &str) -> Curl {
    let found = commands(seed)
        .into_iter()
        .find(|command| command.url.ends_with(ending));
    found.unwrap_or_else(|| panic!("no command for {ending}"))
}

/// Runs a command with these texts replaced, in its address, headers and body.
async fn run(server: &Server, command: &Curl, replaced: &[(&str, &str)]) -> anyhow::Result<Answer> {
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
