//! Many copies of one provider event at once are one event (invariant 4).

use std::collections::BTreeSet;

use futures::future::try_join_all;
use serde_json::json;
use tieline_testkit::http::Client;

use crate::{
    cluster::{Cluster, Engine},
    stage::{RECEIVED, every, text},
};

const COPIES: usize = 100;

async fn check(engine: Engine, count: usize) {
    let Some(cluster) = Cluster::start(engine, count, &[]).await.unwrap() else {
        return;
    };
    let clients: Vec<_> = cluster
        .nodes
        .iter()
        .map(|node| Client::new(node.url()))
        .collect();
    let body = json!({"id": "evt_provider_1", "type": "invoice.paid"});
    let copies = (0..COPIES).map(|i| cluster.source.send(&clients[i % count], &body));
    let answers = try_join_all(copies).await.unwrap();

    let mut statuses: Vec<_> = answers
        .iter()
        .map(|answer| answer.status.as_u16())
        .collect();
    statuses.sort_unstable();
    let mut expected = vec![200; COPIES];
    expected[COPIES - 1] = 202;
    assert_eq!(statuses, expected, "one is new, the others are repeats");
    let ids: BTreeSet<_> = answers
        .iter()
        .map(|answer| text(&answer.json().unwrap(), "/event_id").unwrap())
        .collect();
    assert_eq!(ids.len(), 1, "{ids:?}");

    let events = every(&cluster.owner(), &format!("/v1/events?type={RECEIVED}"))
        .await
        .unwrap();
    let stored: BTreeSet<_> = events
        .iter()
        .map(|event| text(event, "/id").unwrap())
        .collect();
    assert_eq!((events.len(), stored), (1, ids));
    let deliveries = every(&cluster.owner(), "/v1/deliveries?").await.unwrap();
    assert_eq!(deliveries.len(), 1);
    // One more event, so that a second delivery of the first would have come before it.
    let other = json!({"id": "evt_provider_2", "type": "invoice.paid"});
    cluster
        .source
        .send(&clients[0], &other)
        .await
        .unwrap()
        .expect(202)
        .unwrap();
    let arrived = cluster.receiver.wait_for(2).await.unwrap();
    let arrived: BTreeSet<_> = arrived
        .iter()
        .map(|request| text(&request.json().unwrap(), "/data/body/id").unwrap())
        .collect();
    assert_eq!(arrived.len(), 2, "{arrived:?}");
}

#[tokio::test]
async fn copies_on_one_node() {
    for engine in Engine::ALL {
        check(engine, 1).await;
    }
}

#[tokio::test]
async fn copies_on_two_nodes() {
    check(Engine::Postgres, 2).await;
}
