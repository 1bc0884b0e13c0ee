//! What the black-box tests of the real program share: how it is started, how its owner talks to it, how a
//! sender signs, and what is said when a test cannot run here.

use std::time::Duration;

use anyhow::{Context as _, bail};
use aws_lc_rs::hmac;
use http::Method;
use serde_json::{Value, json};
use tieline_testkit::{
    http::{Answer, Client},
    postgres,
    server::Launch,
};

/// The key of the first tenant's owner.
pub(crate) const OWNER_KEY: &str = "owner-key-of-the-black-box-tests";

/// The type of the event that every accepted webhook is.
pub(crate) const RECEIVED: &str = "webhook.received";

/// How long a wait may take before the test fails.
const PATIENCE: Duration = Duration::from_mins(1);

/// The time between two looks at something that the program tells nobody.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// The program with an owner, allowed to call loopback, and without limits on how fast it may be asked.
pub(crate) fn launch() -> Launch {
    Launch::new(env!("CARGO_BIN_EXE_tieline"))
        .env("TIELINE_OWNER_KEY", OWNER_KEY)
        .env("TIELINE_OUTBOUND_ALLOW", "127.0.0.0/8,::1/128")
        .env("TIELINE_LIMITS_REQUESTS_PER_SECOND", "1000000")
        .env("TIELINE_LIMITS_REQUESTS_BURST", "1000000")
}

/// The owner of the first tenant at the server at `url`.
pub(crate) fn owner(url: &str) -> Client {
    Client::new(url).bearer(OWNER_KEY)
}

/// An incoming webhook, as its sender knows it.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) id: String,
    secret: String,
}

impl Source {
    /// Makes one whose requests carry their id in `$.id`.
    pub(crate) async fn create(owner: &Client) -> anyhow::Result<Self> {
        let wanted = json!({"name": "Sender", "dedupe": {"event_id": "$.id"}});
        let answer = owner.post("/v1/webhooks/incoming", wanted).await?;
        Self::of(&answer.expect(201)?.json()?)
    }

    /// The one that was created with this answer.
    pub(crate) fn of(created: &Value) -> anyhow::Result<Self> {
        Ok(Self {
            id: text(created, "/id")?,
            secret: text(created, "/secret")?,
        })
    }

    /// The value of `X-Webhook-Signature` for a body.
    pub(crate) fn signature(&self, body: &[u8]) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.secret.as_bytes());
        format!("sha256={}", hex::encode(hmac::sign(&key, body)))
    }

    /// Sends a signed body.
    pub(crate) async fn send(&self, client: &Client, body: &Value) -> anyhow::Result<Answer> {
        let body = body.to_string();
        let request = client.request(Method::POST, &format!("/in/{}", self.id));
        let request = request.header("content-type", "application/json")?;
        let signature = self.signature(body.as_bytes());
        request
            .header("x-webhook-signature", signature)?
            .body(body)
            .send()
            .await
    }
}

/// Makes a subscription to these types of events; answers with it.
pub(crate) async fn subscribe(owner: &Client, url: &str, events: &[&str]) -> anyhow::Result<Value> {
    let wanted = json!({"url": url, "events": events});
    owner
        .post("/v1/webhooks", wanted)
        .await?
        .expect(201)?
        .json()
}

/// Every item of a list, page by page; `path` has a query already.
pub(crate) async fn every(client: &Client, path: &str) -> anyhow::Result<Vec<Value>> {
    let mut items = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = client.get(&format!("{path}&limit=100{cursor}")).await?;
        let page = page.expect(200)?.json()?;
        items.extend(page["data"].as_array().context("a list")?.iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(items),
        }
    }
}

/// The text at a pointer.
pub(crate) fn text(value: &Value, pointer: &str) -> anyhow::Result<String> {
    let found = value.pointer(pointer).and_then(Value::as_str);
    let found = found.with_context(|| format!("no text at {pointer} in {value}"))?;
    Ok(found.to_owned())
}

/// Looks again until `look` finds something; fails after a minute. Errors of `look` are looked over.
pub(crate) async fn eventually<T>(
    what: &str,
    look: impl AsyncFn() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let begun = tokio::time::Instant::now();
    loop {
        let seen = look().await;
        if let Ok(Some(found)) = seen {
            return Ok(found);
        }
        if begun.elapsed() > PATIENCE {
            let last = seen.err().map(|error| format!(": {error:#}"));
            bail!(
                "waited {PATIENCE:?} in vain until {what}{}",
                last.unwrap_or_default()
            );
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Says what was found out, on the screen when the test is shown.
#[expect(
    clippy::print_stderr,
    reason = "a figure of a test is for whoever watches it"
)]
pub(crate) fn report(what: &str) {
    eprintln!("{what}");
}

/// Says loudly that a test did not run; fails where nothing may be left out.
pub(crate) fn skip(what: &str, why: &str) {
    assert!(!postgres::required(), "CI=true wants {what}: {why}");
    report(&format!("\n*** SKIPPED {what}: {why} ***\n"));
}
