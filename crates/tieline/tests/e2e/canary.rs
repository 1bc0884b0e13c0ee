//! Secrets are planted, the program is used in every way that could tell them on, and everything that it shows, logs
//! and stores is searched for them (invariant 9).

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose};
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use tieline_testkit::{
    http::{Answer, Client},
    receiver::{Behaviour, Receiver, Reply, Script},
    server::Server,
};

use crate::stage::{OWNER_KEY, Source, eventually, launch, owner, report, text};

const SOURCE_SECRET: &str = "canary/source+secret=7d1f";
const WEBHOOK_SECRETS: [&str; 2] = [
    "canary/webhook+secret=93b2",
    "whsec_Y2FuYXJ5IG9mIGEgc3RhbmRhcmQgd2ViaG9vaw==",
];
/// The passwords with which the deliveries of the two webhooks authenticate.
const AUTH_SECRETS: [&str; 2] = ["canary/a+password=51c7", "canary/a+token=8e0d"];
const NAMED_SECRET: &str = "canary/named+secret=c60e";
const NEXT_SECRET: &str = "canary/rotated+secret=e81a";

/// Everything planted, by name.
type Canaries = Vec<(&'static str, String)>;

/// The ways in which a text may be written by whoever echoes it.
fn spellings(secret: &str) -> Vec<String> {
    let base64 = general_purpose::STANDARD_NO_PAD.encode(secret);
    let base64url = general_purpose::URL_SAFE_NO_PAD.encode(secret);
    let percent = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
    let json = json!(secret).to_string().trim_matches('"').to_owned();
    // The last letter of unpadded base64 depends on what follows.
    let cut = |text: String| text[..text.len() - 1].to_owned();
    vec![
        secret.to_owned(),
        json,
        cut(base64),
        cut(base64url),
        percent,
        hex::encode(secret),
    ]
}

/// A receiver that knows the secret of each of its webhooks, `/0` and `/1`, and tells it back in all spellings.
async fn echoing() -> anyhow::Result<Receiver> {
    let mut script = Script::new();
    for (i, secrets) in WEBHOOK_SECRETS.iter().zip(AUTH_SECRETS).enumerate() {
        let mut reply = Reply::new(500);
        let mut body = String::new();
        let all = spellings(secrets.0).into_iter().chain(spellings(secrets.1));
        for (j, spelling) in all.enumerate() {
            reply = reply.header(&format!("x-echo-{j}"), &spelling);
            write!(body, "secret {j}: {spelling}; ")?;
        }
        script = script.on(&format!("/{i}"), reply.body(body));
    }
    let mut told = Reply::new(200).header("content-type", "application/json");
    let mut fields = serde_json::Map::new();
    for (j, spelling) in spellings(NEXT_SECRET).into_iter().enumerate() {
        told = told.header(&format!("x-echo-{j}"), &spelling);
        fields.insert(spelling.clone(), json!([{"told": spelling}]));
    }
    let refused = Reply::new(403).body(spellings(NEXT_SECRET).join("; "));
    script = script
        .on("/told", told.body(Value::Object(fields).to_string()))
        .on("/refused", refused)
        .on("/echo", Behaviour::Echo)
        .on("/gone", Behaviour::CloseBeforeHead);
    Receiver::start(script).await
}

/// Makes one of everything that has a secret.
async fn plant(
    server: &Server,
    receiver: &Receiver,
) -> anyhow::Result<(Canaries, Source, Vec<String>)> {
    let owner = owner(server.url());
    let created = async |path: &str, body: Value| owner.post(path, body).await?.expect(201)?.json();
    let wanted = json!({"name": "Source", "secret": SOURCE_SECRET});
    let mut source = created("/v1/webhooks/incoming", wanted).await?;
    source["secret"] = json!(SOURCE_SECRET);
    let mut webhooks = Vec::new();
    for (i, secret) in WEBHOOK_SECRETS.iter().enumerate() {
        let url = receiver.url(&format!("/{i}"));
        let auth = match i {
            0 => json!({"type": "basic", "username": "tieline", "password": AUTH_SECRETS[0]}),
            _ => json!({"type": "bearer", "token": AUTH_SECRETS[1]}),
        };
        let wanted = json!({"url": url, "events": ["*"], "secret": secret, "auth": auth});
        webhooks.push(text(&created("/v1/webhooks", wanted).await?, "/id")?);
    }
    created(
        "/v1/secrets",
        json!({"name": "NAMED", "value": NAMED_SECRET}),
    )
    .await?;
    owner
        .put("/v1/secrets/NAMED", json!({"value": NEXT_SECRET}))
        .await?
        .expect(200)?;
    let key = created("/v1/api-keys", json!({"name": "Key", "scopes": ["*"]})).await?;
    let client = created(
        "/v1/oauth-clients",
        json!({"name": "Client", "scopes": ["*"]}),
    )
    .await?;
    let credentials = json!({"grant_type": "client_credentials", "client_id": client["id"], "client_secret": client["client_secret"]});
    let nobody = Client::new(server.url());
    let token = nobody
        .post("/v1/auth/token", credentials)
        .await?
        .expect(200)?
        .json()?;
    let canaries = vec![
        ("owner key", OWNER_KEY.to_owned()),
        ("API key", text(&key, "/key")?),
        ("client secret", text(&client, "/client_secret")?),
        ("access token", text(&token, "/access_token")?),
        ("source secret", SOURCE_SECRET.to_owned()),
        ("webhook secret", WEBHOOK_SECRETS[0].to_owned()),
        ("standard webhook secret", WEBHOOK_SECRETS[1].to_owned()),
        ("password", AUTH_SECRETS[0].to_owned()),
        ("token", AUTH_SECRETS[1].to_owned()),
        ("named secret", NAMED_SECRET.to_owned()),
        ("rotated secret", NEXT_SECRET.to_owned()),
    ];
    Ok((canaries, Source::of(&source)?, webhooks))
}

/// Calls tools that carry the named secret everywhere to services that tell it back: the answers.
async fn call_tools(owner: &Client, receiver: &Receiver) -> anyhow::Result<Vec<Answer>> {
    let mut answers = Vec::new();
    for path in ["told", "refused", "echo", "gone"] {
        let url = receiver.url(&format!("/{path}?key={{{{secrets.NAMED}}}}"));
        let tool = json!({
            "name": path,
            "parameters": {"type": "object", "properties": {"guess": {}}},
            "endpoint": {
                "url": url, "method": "POST",
                "headers": {"authorization": "Bearer {{secrets.NAMED}}", "x-basic": "{{secrets.NAMED | base64}}"},
                "body_template": {"key": "{{secrets.NAMED}}", "text": "<{{secrets.NAMED | urlencode}}>", "guess": "{{guess}}"}
            }
        });
        owner.post("/v1/tools", tool).await?.expect(201)?;
        let body = json!({"parameters": {"guess": NEXT_SECRET}});
        for way in ["test", "call"] {
            let answer = owner
                .post(&format!("/v1/tools/{path}/{way}"), &body)
                .await?;
            answers.push(answer.expect(200)?);
        }
    }
    Ok(answers)
}

/// Requests that carry secrets and are refused: the answers.
async fn provoke(
    server: &Server,
    canaries: &Canaries,
    source: &Source,
) -> anyhow::Result<Vec<Answer>> {
    let owner = owner(server.url());
    let nobody = Client::new(server.url());
    let mut answers = Vec::new();
    for (_, secret) in canaries {
        let bodies = [
            json!({"name": "no name!", "value": secret}),
            json!({"name": "NAME", "valeu": secret}),
            json!({"name": ["NAME"], "value": secret}),
            json!({"name": "NAME", "value": {"is": secret}}),
            json!({"name": "N", "url": 7, "secret": secret, "events": ["*"], "grant_type": secret, "client_id": "cl_x", "client_secret": secret}),
        ];
        for path in [
            "/v1/secrets",
            "/v1/webhooks",
            "/v1/webhooks/incoming",
            "/v1/api-keys",
            "/v1/auth/token",
        ] {
            for body in &bodies {
                answers.push(owner.post(path, body).await?);
            }
            let malformed = format!("{{\"value\": \"{secret}\",, \"secret\": \"{secret}\"}}");
            let request = owner
                .request(Method::POST, path)
                .header("content-type", "application/json")?;
            answers.push(request.body(malformed).send().await?);
        }
        let header = format!("Bearer {secret}x");
        let request = nobody
            .request(Method::GET, "/v1/me")
            .header("authorization", header)?;
        answers.push(request.send().await?);
        let query = utf8_percent_encode(secret, NON_ALPHANUMERIC);
        let forged = nobody
            .request(Method::POST, &format!("/in/{}?token={query}", source.id))
            .header("authorization", format!("Bearer {secret}"))?
            .header("x-api-key", secret)?
            .header("x-webhook-signature", secret)?
            .body(json!({"secret": "not a canary"}).to_string());
        answers.push(forged.send().await?.expect(401)?);
    }
    anyhow::ensure!(
        answers.iter().all(|answer| !answer.status.is_success()),
        "{answers:?}"
    );
    Ok(answers)
}

/// Everything that the API shows: a name and the text.
async fn shown(
    owner: &Client,
    source: &Source,
    webhooks: &[String],
) -> anyhow::Result<Vec<(String, String)>> {
    let mut paths = [
        "api-keys",
        "oauth-clients",
        "secrets",
        "webhooks",
        "webhooks/incoming",
        "events",
        "deliveries",
        "audit-log",
        "tools",
        "calls",
    ]
    .map(|list| format!("/v1/{list}?limit=100"))
    .to_vec();
    paths.push(format!("/v1/webhooks/incoming/{}/rejected", source.id));
    paths.extend(["/v1/me", "/metrics"].map(str::to_owned));
    for webhook in webhooks {
        paths.push(format!("/v1/webhooks/{webhook}"));
        let list = owner
            .get(&format!("/v1/webhooks/{webhook}/deliveries"))
            .await?
            .json()?;
        for delivery in list["data"].as_array().into_iter().flatten() {
            paths.push(format!("/v1/deliveries/{}", text(delivery, "/id")?));
            paths.push(format!("/v1/events/{}", text(delivery, "/event_id")?));
        }
    }
    let mut texts = Vec::new();
    for path in paths {
        let answer = owner.get(&path).await?.expect(200)?;
        texts.push((path, format!("{answer:?}")));
    }
    Ok(texts)
}

/// Fails if a canary stands in `bytes`, in whatever spelling.
fn search(place: &str, bytes: &[u8], canaries: &Canaries) {
    for (name, secret) in canaries {
        for spelling in spellings(secret) {
            let found = bytes
                .windows(spelling.len())
                .position(|window| window == spelling.as_bytes());
            if let Some(at) = found {
                let around = &bytes[at.saturating_sub(200)..(at + 100).min(bytes.len())];
                panic!(
                    "{place} has the {name} as {spelling}: …{}…",
                    String::from_utf8_lossy(around)
                );
            }
        }
    }
}

#[tokio::test]
async fn no_secret_gets_out() {
    let launch = launch()
        .env("TIELINE_LOG_LEVEL", "debug")
        .env("TIELINE_DELIVERY_RETRY", "0,1");
    let mut server = launch.start().await.unwrap();
    let receiver = echoing().await.unwrap();
    let (canaries, source, webhooks) = plant(&server, &receiver).await.unwrap();
    let owner = owner(server.url());

    let client = Client::new(server.url());
    source
        .send(&client, &json!({"id": 1}))
        .await
        .unwrap()
        .expect(202)
        .unwrap();
    for webhook in &webhooks {
        let tested = owner
            .post(&format!("/v1/webhooks/{webhook}/test"), json!({}))
            .await
            .unwrap();
        search("the answer to a test", tested.text().as_bytes(), &canaries);
    }
    for answer in call_tools(&owner, &receiver).await.unwrap() {
        search("a call", format!("{answer:?}").as_bytes(), &canaries);
    }
    let refused = provoke(&server, &canaries, &source).await.unwrap();
    for answer in &refused {
        search("a refusal", format!("{answer:?}").as_bytes(), &canaries);
    }
    eventually(
        "the attempts are over and the refusals are written",
        async || {
            let dead = owner.get("/v1/dead-letters").await?.json()?;
            let rejected = owner
                .get(&format!("/v1/webhooks/incoming/{}/rejected", source.id))
                .await?
                .json()?;
            let count = |list: &Value| list["data"].as_array().map_or(0, Vec::len);
            Ok((count(&dead) >= 2 && count(&rejected) > 0).then_some(()))
        },
    )
    .await
    .unwrap();
    let shown = shown(&owner, &source, &webhooks).await.unwrap();
    for (path, text) in &shown {
        search(path, text.as_bytes(), &canaries);
    }
    let attempts = shown.iter().filter(|(_, text)| text.contains("[redacted]"));
    assert!(attempts.count() >= 2, "the echoes were seen and redacted");

    server.terminate().await.unwrap();
    assert_eq!(server.lost_lines(), 0);
    assert!(server.logs().contains("DEBUG"), "the log tells all it can");
    search("the log", server.logs().as_bytes(), &canaries);
    let mut files = 0;
    for file in std::fs::read_dir(server.data()).unwrap() {
        let path = file.unwrap().path();
        search(
            &path.display().to_string(),
            &std::fs::read(&path).unwrap(),
            &canaries,
        );
        files += 1;
    }
    report(&format!(
        "canaries: {} secrets in no log line, in none of {} refusals, {} pages and {files} files",
        canaries.len(),
        refused.len(),
        shown.len()
    ));
}
