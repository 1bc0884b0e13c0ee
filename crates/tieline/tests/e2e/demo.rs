//! `serve --demo`: what it prints can be pasted into a shell, and does what it says, after a restart too.

use std::process::Output;

use anyhow::{Context as _, ensure};
use serde_json::Value;
use tieline_testkit::server::Server;
use tokio::process::Command;

use crate::stage::{eventually, every, launch, owner, text};

/// The printed commands, in the order of their numbers; those of the last start.
fn commands(server: &Server) -> Vec<String> {
    let logs = server.logs();
    let (_, last) = logs
        .rsplit_once("\nDemo: ")
        .expect("the demo tells of itself");
    let commands = last.lines().filter_map(|line| line.strip_prefix("   "));
    commands.map(str::to_owned).collect()
}

/// Pasted into a shell.
async fn pasted(command: &str) -> anyhow::Result<String> {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new("sh").args(["-c", command]).output().await?;
    let (stdout, stderr) = (String::from_utf8(stdout)?, String::from_utf8(stderr)?);
    ensure!(status.success(), "{command}\n{stdout}{stderr}");
    Ok(stdout)
}

/// What the agent has said last to the lead.
async fn answers(server: &Server) -> anyhow::Result<Vec<String>> {
    let client = owner(server.url());
    let mut said = Vec::new();
    for conversation in every(&client, "/v1/conversations?agent_id=agent_sales").await? {
        let path = format!(
            "/v1/conversations/{}/messages?",
            text(&conversation, "/id")?
        );
        for message in every(&client, &path).await? {
            if message["role"] == "assistant" {
                said.push(text(&message, "/content")?);
            }
        }
    }
    Ok(said)
}

/// The answers, once there are so many.
async fn answered(server: &Server, count: usize) -> anyhow::Result<Vec<String>> {
    let look = async || Ok(Some(answers(server).await?).filter(|said| said.len() >= count));
    eventually("the agent has answered", look).await
}

#[tokio::test]
async fn the_printed_commands_can_be_pasted() {
    let mut server = launch().arg("--demo").start().await.unwrap();
    let printed = commands(&server);
    let [_listen, contact, events, lead, conversations] = &printed[..] else {
        panic!("{printed:#?}");
    };
    let sent = pasted(contact).await.unwrap();
    assert!(sent.contains("202 Accepted: 1"), "{sent}");
    let listed: Value = serde_json::from_str(&pasted(events).await.unwrap()).unwrap();
    let types: Vec<_> = listed["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| &event["type"])
        .collect();
    assert_eq!(types[..2], ["contact.created", "webhook.received"]);

    let sent = pasted(lead).await.unwrap();
    assert!(sent.contains("202 Accepted: 1"), "{sent}");
    let said = answered(&server, 1).await.unwrap();
    assert!(said[0].contains("John Smith"), "{said:?}");
    let shown: Value = serde_json::from_str(&pasted(conversations).await.unwrap()).unwrap();
    assert_eq!(shown["data"][0]["agent_id"], "agent_sales", "{shown:#}");

    // Another start finds what there is, with the same ids and secrets.
    server.restart().await.unwrap();
    let again = commands(&server);
    assert_eq!((&again[1], &again[3]), (contact, lead));
    pasted(&again[3]).await.context("the lead").unwrap();
    answered(&server, 2).await.unwrap();
}
