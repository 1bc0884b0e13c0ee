//! `v1a` signatures, verified by others with nothing but what is published: by OpenSSL, and by `tieline listen`.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use anyhow::Context as _;
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};
use tieline_testkit::{
    http::Client,
    receiver::{Received, Receiver, Script},
    server::Server,
};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::stage::{launch, owner, skip, text};

/// The start of a public Ed25519 key in DER (RFC 8410 4).
const SPKI: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// The only key that a stranger finds.
async fn published(server: &Server, owner: &Client) -> anyhow::Result<Value> {
    let me = owner.get("/v1/me").await?.expect(200)?.json()?;
    let path = format!(
        "/.well-known/webhooks/{}/keys.json",
        text(&me, "/tenant/id")?
    );
    let keys = Client::new(server.url())
        .get(&path)
        .await?
        .expect(200)?
        .json()?;
    Ok(keys["keys"][0].clone())
}

/// Whether OpenSSL takes `signature` for one of `message`.
fn openssl(
    directory: &Path,
    jwk: &Value,
    message: &[u8],
    signature: &[u8],
) -> anyhow::Result<bool> {
    let key = [&SPKI[..], &URL_SAFE_NO_PAD.decode(text(jwk, "/x")?)?].concat();
    for (name, bytes) in [
        ("key", &key[..]),
        ("message", message),
        ("signature", signature),
    ] {
        std::fs::write(directory.join(name), bytes)?;
    }
    let arguments =
        "pkeyutl -verify -pubin -keyform DER -inkey key -rawin -in message -sigfile signature";
    let output = Command::new("openssl")
        .args(arguments.split(' '))
        .current_dir(directory)
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    anyhow::ensure!(said.contains("Signature Verif"), "{output:?}");
    Ok(output.status.success())
}

fn signed(request: &Received) -> anyhow::Result<(Vec<u8>, Vec<u8>)> {
    let header = |name: &str| request.header(name).with_context(|| name.to_owned());
    let start = format!(
        "{}.{}.",
        header("webhook-id")?,
        header("webhook-timestamp")?
    );
    let signature = header("webhook-signature")?
        .strip_prefix("v1a,")
        .context("v1a alone")?;
    Ok((
        [start.as_bytes(), &request.body].concat(),
        STANDARD.decode(signature)?,
    ))
}

#[tokio::test]
async fn openssl_verifies_a_delivery_with_the_published_key() {
    if let Err(why) = Command::new("openssl")
        .arg("version")
        .stdout(Stdio::null())
        .status()
    {
        return skip("openssl", &why.to_string());
    }
    let server = launch().start().await.unwrap();
    let receiver = Receiver::start(Script::new()).await.unwrap();
    let owner = owner(server.url());
    let wanted = json!({"url": receiver.url("/hook"), "events": ["*"], "signatures": ["v1a"]});
    owner
        .post("/v1/webhooks", wanted)
        .await
        .unwrap()
        .expect(201)
        .unwrap();
    let event = json!({"type": "order.created", "data": {"note": "Grüße, 世界 🌍"}});
    owner
        .post("/v1/events", event)
        .await
        .unwrap()
        .expect(202)
        .unwrap();
    let request = receiver.wait_for(1).await.unwrap().remove(0);
    let (message, signature) = signed(&request).unwrap();
    let key = published(&server, &owner).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    assert!(openssl(directory.path(), &key, &message, &signature).unwrap());
    for at in [0, message.len() / 2, message.len() - 1] {
        let mut forged = message.clone();
        forged[at] ^= 1;
        assert!(
            !openssl(directory.path(), &key, &forged, &signature).unwrap(),
            "{at}"
        );
    }
}

#[tokio::test]
async fn listen_verifies_with_the_published_key() {
    let server = launch().start().await.unwrap();
    let owner = owner(server.url());
    owner
        .post("/v1/signing-keys/rotate", json!({}))
        .await
        .unwrap()
        .expect(200)
        .unwrap();
    let key = published(&server, &owner).await.unwrap();
    let key = text(&key, "/key").unwrap();
    let mut listen = tokio::process::Command::new(env!("CARGO_BIN_EXE_tieline"))
        .args([
            "listen",
            "http://127.0.0.1:0/hook",
            "--json",
            "--count",
            "3",
            "--secret",
            &key,
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut said = BufReader::new(listen.stderr.take().unwrap()).lines();
    let ready = said.next_line().await.unwrap().unwrap();
    let url = ready.strip_prefix("listening on ").unwrap();
    for signatures in [json!(["v1a"]), json!(["v1", "v1a"]), json!(["v1"])] {
        let wanted = json!({"url": url, "events": ["*"], "signatures": signatures, "retry": [0]});
        owner
            .post("/v1/webhooks", wanted)
            .await
            .unwrap()
            .expect(201)
            .unwrap();
    }
    let event = json!({"type": "order.created", "data": {}});
    owner
        .post("/v1/events", event)
        .await
        .unwrap()
        .expect(202)
        .unwrap();
    let mut printed = BufReader::new(listen.stdout.take().unwrap()).lines();
    let mut verdicts = Vec::new();
    while let Some(line) = printed.next_line().await.unwrap() {
        let seen: Value = serde_json::from_str(&line).unwrap();
        verdicts.push(seen["verified"].as_bool().unwrap());
    }
    verdicts.sort_unstable();
    assert_eq!(
        verdicts,
        [false, true, true],
        "the one with a secret of its own is not"
    );
}
