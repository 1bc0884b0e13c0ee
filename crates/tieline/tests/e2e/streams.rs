//! Streams across nodes: a client that is torn from one node to the other while both publish.

use std::collections::HashSet;

use anyhow::Context as _;
use http::Method;
use serde_json::json;
use tieline_testkit::{
    events::EventStream,
    http::Client,
    postgres,
    server::{Launch, Server},
};

use crate::stage::{launch, owner, report, skip, text};

/// One key for all nodes of a store: "0123456789abcdef" twice, in base64.
const MASTER_KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
/// How many requests each of the publishers makes; every third is a batch.
const REQUESTS: usize = 120;
/// How many publishers each node has.
const PUBLISHERS: usize = 4;
/// After how many events the client is torn away.
const TORN_AFTER: usize = 37;

#[tokio::test(flavor = "multi_thread")]
async fn none_is_lost_or_repeated_on_sqlite() -> anyhow::Result<()> {
    torn_to_and_fro(launch(), 1).await
}

#[tokio::test(flavor = "multi_thread")]
async fn none_is_lost_or_repeated_on_two_nodes() -> anyhow::Result<()> {
    let Some(database) = postgres::fresh_database()? else {
        skip("streams on PostgreSQL", &postgres::missing_notice());
        return Ok(());
    };
    let launch = launch()
        .env("TIELINE_MASTER_KEY", MASTER_KEY)
        .database(database.url());
    torn_to_and_fro(launch, 2).await
}

async fn torn_to_and_fro(launch: Launch, nodes: usize) -> anyhow::Result<()> {
    let mut servers: Vec<Server> = Vec::new();
    for _ in 0..nodes {
        servers.push(launch.clone().start().await?);
    }
    let clients: Vec<_> = servers.iter().map(|server| owner(server.url())).collect();
    let first = clients[0]
        .post("/v1/events", json!({"type": "first"}))
        .await?;
    let first = text(&first.expect(202)?.json()?, "/id")?;

    let publishers = clients.iter().cycle().take(nodes * PUBLISHERS).cloned();
    let publishers: Vec<_> = publishers
        .map(|client| tokio::spawn(publish(client)))
        .collect();
    let total = publishers.len() * REQUESTS / 3 * 7;
    let mut seen = Vec::new();
    let mut last = first;
    for client in clients.iter().cycle() {
        let request = client.request(Method::GET, "/v1/events/stream?types=n");
        let mut stream = EventStream::open(request.header("last-event-id", &last)?).await?;
        let wanted = TORN_AFTER.min(total - seen.len());
        for _ in 0..wanted {
            let event = stream.next().await?.context("the stream goes on")?;
            seen.push(event.id);
        }
        last = seen.last().context("one at least")?.clone();
        if seen.len() == total {
            break;
        }
    }
    let mut published = HashSet::new();
    for publisher in publishers {
        published.extend(publisher.await??);
    }
    assert_eq!(published.len(), total);
    let distinct: HashSet<_> = seen.iter().cloned().collect();
    assert_eq!(distinct.len(), seen.len(), "none comes twice");
    assert_eq!(distinct, published, "and none is left out");
    let late = seen.windows(2).filter(|pair| pair[0] > pair[1]).count();
    report(&format!(
        "{total} events streamed over {} connections; {late} were committed after one with a later id",
        total.div_ceil(TORN_AFTER)
    ));
    for mut server in servers {
        server.terminate().await?;
    }
    Ok(())
}

/// Publishes one event, one event, then a batch of five, and so on; all their ids.
async fn publish(client: Client) -> anyhow::Result<Vec<String>> {
    let mut ids = Vec::new();
    for request in 0..REQUESTS {
        if request % 3 < 2 {
            let answer = client.post("/v1/events", json!({"type": "n"})).await?;
            ids.push(text(&answer.expect(202)?.json()?, "/id")?);
        } else {
            let batch = json!({"events": vec![json!({"type": "n"}); 5]});
            let answer = client
                .post("/v1/events", batch)
                .await?
                .expect(202)?
                .json()?;
            let events = answer["events"].as_array().context("a batch")?;
            for event in events {
                ids.push(text(event, "/id")?);
            }
        }
    }
    Ok(ids)
}
