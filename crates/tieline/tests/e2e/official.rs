//! The official Standard Webhooks packages verify a delivery, and refuse it once a byte of it is changed.

use std::process::{Command, Stdio};

use serde_json::{Map, Value, json};
use tieline_testkit::receiver::{Receiver, Script};

use crate::packages;
use crate::stage::{launch, owner, skip, subscribe};

fn python() -> Result<Command, String> {
    packages::python("verify.py")
}

fn node() -> Result<Command, String> {
    packages::node("verify.mjs")
}

/// A delivery as its receiver got it, with the secret that the subscription showed.
async fn captured() -> anyhow::Result<Value> {
    let server = launch().start().await?;
    let receiver = Receiver::start(Script::new()).await?;
    let owner = owner(server.url());
    let subscription = subscribe(&owner, &receiver.url("/hook"), &["order.*"]).await?;
    let event = json!({"type": "order.created", "data": {"order": 1042, "note": "Grüße, 世界 🌍"}});
    owner.post("/v1/events", event).await?.expect(202)?;
    let received = receiver.wait_for(1).await?.remove(0);
    let headers: Map<_, _> = ["webhook-id", "webhook-timestamp", "webhook-signature"]
        .iter()
        .map(|name| ((*name).to_owned(), json!(received.header(name))))
        .collect();
    let body = std::str::from_utf8(&received.body)?;
    Ok(json!({"secret": subscription["secret"], "headers": headers, "body": body}))
}

/// Gives the delivery to the verifier; says what it says.
fn verdict(mut verify: Command, delivery: &Value) -> anyhow::Result<String> {
    let mut child = verify
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    serde_json::to_writer(child.stdin.take().expect("stdin is a pipe"), delivery)?;
    let output = child.wait_with_output()?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "{verify:?}: {complaint}");
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

async fn check(what: &str, verifier: fn() -> Result<Command, String>) {
    if let Err(why) = verifier() {
        return skip(what, &why);
    }
    let delivery = captured().await.unwrap();
    assert_eq!(verdict(verifier().unwrap(), &delivery).unwrap(), "verified");
    let rows = [
        (
            "/body",
            delivery["body"].as_str().unwrap().replace("1042", "1043"),
        ),
        ("/headers/webhook-id", "dlv_another".to_owned()),
        (
            "/secret",
            "whsec_YW5vdGhlciBzZWNyZXQgb2YgMjQgYi4=".to_owned(),
        ),
    ];
    for (pointer, forged) in rows {
        let mut tampered = delivery.clone();
        *tampered.pointer_mut(pointer).unwrap() = json!(forged);
        assert_ne!(tampered, delivery, "{pointer}");
        assert_eq!(
            verdict(verifier().unwrap(), &tampered).unwrap(),
            "refused",
            "{pointer}"
        );
    }
}

#[tokio::test]
async fn the_python_package_verifies_a_delivery() {
    check("the official package of PyPI", python).await;
}

#[tokio::test]
async fn the_javascript_package_verifies_a_delivery() {
    check("the official package of npm", node).await;
}
