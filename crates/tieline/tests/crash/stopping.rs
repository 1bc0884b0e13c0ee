//! A graceful stop under load: it ends in time, loses nothing, and leaves nothing leased.

use serde_json::json;
use tieline_testkit::{
    http::Client,
    receiver::{Behaviour, Gate},
};

use crate::{
    books,
    cluster::{Cluster, Engine},
    stage::{report, text},
    traffic::{Promises, Traffic},
};

/// More than wait in memory while the receiver is busy.
const WAITING: usize = 100;

async fn stopped_under_load(engine: Engine) {
    let Some(mut cluster) = Cluster::start(engine, 1, &[]).await.unwrap() else {
        return;
    };
    let traffic = Traffic::start(&cluster);
    for _ in 0..3 {
        traffic.accepts(50).await.unwrap();
        let status = cluster.nodes[0].terminate().await.unwrap();
        assert!(status.success(), "{status}: {}", cluster.nodes[0].logs());
        cluster.nodes[0].restart().await.unwrap();
        traffic.up(0);
    }
    traffic.accepts(50).await.unwrap();
    let promises = traffic.finish().await.unwrap();
    let balance = books::close(&cluster, &promises).await.unwrap();
    assert_eq!(balance.repeats, 0, "a graceful stop repeats nothing");
    report(&balance.line(&format!("graceful stops on {engine:?}"), &promises));
}

/// What waits at the stop is delivered by the next life at once: its leases would last for an hour.
async fn what_waits_is_given_back(engine: Engine) {
    let settings = [
        ("TIELINE_DELIVERY_LEASE_SECONDS", "3600"),
        ("TIELINE_DELIVERY_TIMEOUT_SECONDS", "2"),
        ("TIELINE_LIMITS_IN_FLIGHT_PER_DESTINATION", "4"),
    ];
    let Some(mut cluster) = Cluster::start(engine, 1, &settings).await.unwrap() else {
        return;
    };
    let gate = Gate::new();
    cluster
        .receiver
        .set("/", Behaviour::held(&gate, Behaviour::status(200)));
    let client = Client::new(cluster.nodes[0].url());
    let mut promises = Promises {
        accepted: [].into(),
        refused: 0,
        unanswered: 0,
    };
    for number in 0..WAITING {
        let body = json!({"id": format!("waiting-{number}")});
        let answer = cluster
            .source
            .send(&client, &body)
            .await
            .unwrap()
            .expect(202)
            .unwrap();
        promises
            .accepted
            .insert(text(&answer.json().unwrap(), "/event_id").unwrap());
    }
    cluster.receiver.wait_for(1).await.unwrap();
    let status = cluster.nodes[0].terminate().await.unwrap();
    assert!(status.success(), "{status}: {}", cluster.nodes[0].logs());
    let before = cluster.receiver.requests().len();
    assert!(before < WAITING, "{before} did not wait");
    gate.open();
    cluster.nodes[0].restart().await.unwrap();
    let balance = books::close(&cluster, &promises).await.unwrap();
    report(&balance.line(&format!("given back at a stop on {engine:?}"), &promises));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_under_load_loses_and_repeats_nothing() {
    for engine in Engine::ALL {
        stopped_under_load(engine).await;
    }
}

#[tokio::test]
async fn what_waits_at_a_stop_is_delivered_after_it() {
    for engine in Engine::ALL {
        what_waits_is_given_back(engine).await;
    }
}
