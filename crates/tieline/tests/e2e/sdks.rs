//! The official packages of senders take what `tieline send` signs as them, and refuse it once a byte is changed; what
//! they sign, a source takes, and refuses once a byte is changed.

use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use http::Method;
use serde_json::{Map, Value, json};
use tieline_testkit::{
    http::Client,
    receiver::{Receiver, Script},
};
use tokio::task::spawn_blocking;

use crate::packages;
use crate::stage::{launch, owner, skip, text};

const SECRET: &str = "shh-of-the-sdks";
const PYTHON: &[&str] = &["stripe", "slack", "twilio"];
const NODE: &[&str] = &[
    "github",
    "shopify",
    "hubspot-v1",
    "hubspot-v2",
    "hubspot-v3",
];

fn python() -> Result<Command, String> {
    packages::python("sdks.py")
}

fn node() -> Result<Command, String> {
    packages::node("sdks.mjs")
}

/// Gives the jobs to the packages; what came of each.
async fn done(mut run: Command, jobs: &[Value]) -> anyhow::Result<Vec<Value>> {
    let jobs = serde_json::to_vec(jobs)?;
    spawn_blocking(move || {
        let mut child = run
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut stdin = child.stdin.take().context("stdin is a pipe")?;
        std::io::Write::write_all(&mut stdin, &jobs)?;
        drop(stdin);
        let output = child.wait_with_output()?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{run:?}: {complaint}");
        Ok(serde_json::from_slice(&output.stdout)?)
    })
    .await?
}

/// What `tieline send` sends as each of the senders, as jobs to verify it.
async fn sent(senders: &'static [&'static str]) -> anyhow::Result<Vec<Value>> {
    let receiver = Receiver::start(Script::new()).await?;
    for sender in senders {
        let mut send = Command::new(env!("CARGO_BIN_EXE_tieline"));
        send.args(["send", &receiver.url(&format!("/{sender}"))])
            .args(["--as", sender, "--secret", SECRET]);
        let output = spawn_blocking(move || send.output()).await??;
        ensure!(output.status.success(), "{output:?}");
    }
    let requests = receiver.wait_for(senders.len()).await?;
    let job = |(request, sender): (&tieline_testkit::receiver::Received, &&str)| {
        let headers: Map<String, Value> = request
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), json!(value.to_str().unwrap_or_default())))
            .collect();
        json!({"do": "verify", "sender": sender, "secret": SECRET, "headers": headers,
            "url": receiver.url(&request.path), "body": String::from_utf8_lossy(&request.body)})
    };
    Ok(requests.iter().zip(senders).map(job).collect())
}

/// The same jobs with one byte of the body changed.
fn tampered(jobs: &[Value]) -> Vec<Value> {
    let change = |job: &Value| {
        let body = job["body"].as_str().unwrap();
        let mut job = job.clone();
        job["body"] = format!("{}x", &body[..body.len() - 1]).into();
        job
    };
    jobs.iter().map(change).collect()
}

async fn packages_take_what_is_sent(
    what: &str,
    run: fn() -> Result<Command, String>,
    senders: &'static [&'static str],
) {
    if let Err(why) = run() {
        return skip(what, &why);
    }
    let jobs = sent(senders).await.unwrap();
    for (jobs, taken) in [(jobs.clone(), true), (tampered(&jobs), false)] {
        let verdicts = done(run().unwrap(), &jobs).await.unwrap();
        for (verdict, sender) in verdicts.iter().zip(senders) {
            assert_eq!(*verdict, json!(taken), "{sender}");
        }
        assert_eq!(verdicts.len(), senders.len());
    }
}

/// A source of each of the senders: where it is called, and a body for it.
async fn sources(
    owner: &Client,
    senders: &[&str],
) -> anyhow::Result<Vec<(String, String, String)>> {
    let mut sources = Vec::new();
    for sender in senders {
        let wanted = json!({"name": sender, "verification": {"scheme": sender}, "secret": SECRET});
        let created = owner.post("/v1/webhooks/incoming", wanted).await?;
        let created = created.expect(201)?.json()?;
        let body = match *sender {
            "twilio" => "MessageSid=SM1&Body=How+is+order+7%3F&Empty=".to_owned(),
            _ => json!({"id": "evt_1", "type": "order.created", "note": "Grüße"}).to_string(),
        };
        sources.push((text(&created, "/id")?, text(&created, "/url")?, body));
    }
    Ok(sources)
}

async fn sources_take_what_packages_sign(
    what: &str,
    run: fn() -> Result<Command, String>,
    senders: &'static [&'static str],
) {
    if let Err(why) = run() {
        return skip(what, &why);
    }
    let server = launch().start().await.unwrap();
    let owner = owner(server.url());
    let sources = sources(&owner, senders).await.unwrap();
    let jobs: Vec<Value> = sources
        .iter()
        .zip(senders)
        .map(|((_, url, body), sender)| {
            json!({"do": "sign", "sender": sender, "secret": SECRET, "url": url, "body": body})
        })
        .collect();
    let signed = done(run().unwrap(), &jobs).await.unwrap();
    for (((id, _, body), headers), sender) in sources.iter().zip(&signed).zip(senders) {
        let changed = format!("{}x", &body[..body.len() - 1]);
        for (body, status) in [(&changed, 401), (body, 202)] {
            let path = format!("/in/{id}");
            let media_type = match *sender {
                "twilio" => "application/x-www-form-urlencoded",
                _ => "application/json",
            };
            let mut request = owner
                .request(Method::POST, &path)
                .header("content-type", media_type)
                .unwrap();
            for (name, value) in headers.as_object().unwrap() {
                request = request.header(name, value.as_str().unwrap()).unwrap();
            }
            let answer = request.body(body.clone()).send().await.unwrap();
            assert_eq!(answer.status, status, "{sender}: {}", answer.text());
        }
    }
}

#[tokio::test]
async fn packages_of_python_take_what_is_sent_as_their_senders() {
    packages_take_what_is_sent("the senders' packages of PyPI", python, PYTHON).await;
}

#[tokio::test]
async fn packages_of_javascript_take_what_is_sent_as_their_senders() {
    packages_take_what_is_sent("the senders' packages of npm", node, NODE).await;
}

#[tokio::test]
async fn sources_take_what_packages_of_python_sign() {
    sources_take_what_packages_sign("the senders' packages of PyPI", python, PYTHON).await;
}

#[tokio::test]
async fn sources_take_what_packages_of_javascript_sign() {
    sources_take_what_packages_sign("the senders' packages of npm", node, NODE).await;
}
