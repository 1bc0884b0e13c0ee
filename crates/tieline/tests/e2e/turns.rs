//! How many turns run at once, and what they cost: a measurement, to be run by hand.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures::future::join_all;
use serde_json::json;
use tieline_testkit::{http::Client, model::Model, receiver::Receiver};

use crate::stage::{launch, owner, report, text};

/// Conversations that are held side by side.
const AT_ONCE: usize = 200;
/// Messages of each.
const MESSAGES: usize = 5;
/// How long the model takes for an answer.
const LATENCY: Duration = Duration::from_millis(500);

/// The memory of a process, in MiB.
fn memory(id: u32) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: u64 = line
        .context("no VmRSS")?
        .trim()
        .trim_end_matches(" kB")
        .parse()?;
    Ok(kib / 1_024)
}

async fn talk(client: &Client) -> anyhow::Result<Vec<Duration>> {
    let conversation = client
        .post("/v1/conversations", json!({"agent_id": "agent_slow"}))
        .await?;
    let id = text(&conversation.expect(201)?.json()?, "/id")?;
    let mut took = Vec::with_capacity(MESSAGES);
    for number in 0..MESSAGES {
        let begun = Instant::now();
        let message = json!({"role": "user", "content": format!("message {number}")});
        let path = format!("/v1/conversations/{id}/messages");
        client.post(&path, message).await?.expect(200)?;
        took.push(begun.elapsed());
    }
    Ok(took)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement: cargo nextest run --release --run-ignored only -E 'test(turns_at_once)'"]
async fn turns_at_once() {
    let model = Receiver::start(Model::new().after(LATENCY).script())
        .await
        .unwrap();
    let server = launch().start().await.unwrap();
    let client = owner(server.url());
    let agent = json!({
        "id": "agent_slow", "name": "Slow",
        "runtime": {"type": "openai", "base_url": model.url("/v1"), "model": "small"}
    });
    client
        .post("/v1/agents", agent)
        .await
        .unwrap()
        .expect(201)
        .unwrap();
    let before = memory(server.id().unwrap()).unwrap();
    let begun = Instant::now();
    let talks = join_all((0..AT_ONCE).map(|_| talk(&client)));
    let mut took: Vec<_> = talks.await.into_iter().flat_map(Result::unwrap).collect();
    let elapsed = begun.elapsed();
    took.sort_unstable();
    let at = |percent: usize| took[(took.len() - 1) * percent / 100].as_millis();
    let after = memory(server.id().unwrap()).unwrap();
    let rate = took.len() as f64 / elapsed.as_secs_f64();
    report(&format!(
        "{AT_ONCE} conversations, {} turns, a model that takes {} ms: {rate:.0} turns/s; a turn p50 {} ms, p99 {} ms; \
         memory {before} MiB before, {after} MiB after",
        took.len(),
        LATENCY.as_millis(),
        at(50),
        at(99),
    ));
    assert_eq!(took.len(), AT_ONCE * MESSAGES);
}
