//! The closing of the books: what was promised against what arrived and what the store says.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use anyhow::{Context as _, ensure};
use tieline_testkit::{http::Client, receiver::Received};

use crate::{
    cluster::{Cluster, Engine},
    stage::{RECEIVED, eventually, every, text},
    traffic::Promises,
};

/// What the books say when they are in order.
#[derive(Debug)]
pub(crate) struct Balance {
    pub(crate) accepted: usize,
    pub(crate) delivered: usize,
    /// Deliveries that arrived more often than once.
    pub(crate) repeats: usize,
    /// The most times that one of them arrived.
    pub(crate) most: usize,
}

impl Balance {
    /// One line for whoever watches.
    pub(crate) fn line(&self, what: &str, promises: &Promises) -> String {
        format!(
            "{what}: accepted {}, delivered {}, lost 0, repeats {}, answered 503 {}, unanswered {}",
            self.accepted, self.delivered, self.repeats, promises.refused, promises.unanswered
        )
    }
}

/// Waits until everything promised was delivered and nothing is owed any more, then checks that
/// - each event has its delivery and each delivery its event (invariant 2),
/// - each message is one event, however often it was sent (invariant 4),
/// - each event has one `webhook-id` however often it arrived (invariant 3),
/// - what was recorded as delivered was not sent again (invariant 3).
pub(crate) async fn close(cluster: &Cluster, promises: &Promises) -> anyhow::Result<Balance> {
    all_arrived(cluster, &promises.accepted).await?;
    let owner = cluster.owner();
    nothing_owed(&owner).await?;
    let arrived = by_event(&cluster.receiver.requests())?;
    let deliveries = owed_together(&owner).await?;
    let mut balance = Balance {
        accepted: promises.accepted.len(),
        delivered: arrived.len(),
        repeats: 0,
        most: 1,
    };
    for (event, arrivals) in &arrived {
        let (delivery, _) = deliveries
            .get(event)
            .with_context(|| format!("{event} arrived and is not in the store"))?;
        let ids: BTreeSet<_> = arrivals.iter().collect();
        ensure!(
            ids.len() == 1 && ids.contains(delivery),
            "{event} arrived as {ids:?}, its delivery is {delivery}"
        );
        balance.repeats += arrivals.len() - 1;
        balance.most = balance.most.max(arrivals.len());
    }
    for (event, (delivery, attempts)) in &deliveries {
        ensure!(arrived.contains_key(event), "{event} did not arrive");
        if *attempts > 1 {
            delivered_once(&owner, delivery).await?;
        }
    }
    Ok(balance)
}

/// Waits until each promised event arrived.
async fn all_arrived(cluster: &Cluster, promised: &BTreeSet<String>) -> anyhow::Result<()> {
    let read = RefCell::new((0, BTreeSet::new()));
    let enough = |requests: &[Received]| {
        let (seen, events) = &mut *read.borrow_mut();
        for request in &requests[*seen..] {
            events.extend(event_of(request).ok());
        }
        *seen = requests.len();
        promised.is_subset(events)
    };
    let waited = cluster.receiver.wait_until(enough).await;
    waited.map(drop).with_context(|| {
        let (_, events) = &*read.borrow();
        let lost: Vec<_> = promised.difference(events).take(10).collect();
        format!("accepted and not delivered, among others: {lost:?}")
    })
}

fn event_of(request: &Received) -> anyhow::Result<String> {
    text(&request.json()?, "/id")
}

/// The `webhook-id`s with which each event arrived.
fn by_event(requests: &[Received]) -> anyhow::Result<BTreeMap<String, Vec<String>>> {
    let mut arrived: BTreeMap<_, Vec<_>> = BTreeMap::new();
    let mut messages = BTreeMap::new();
    for request in requests {
        let (event, message) = (event_of(request)?, text(&request.json()?, "/data/body/id")?);
        let first = messages.entry(message).or_insert_with(|| event.clone());
        ensure!(
            *first == event,
            "one message is two events: {first}, {event}"
        );
        let id = request.header("webhook-id").context("no webhook-id")?;
        arrived.entry(event).or_default().push(id.to_owned());
    }
    Ok(arrived)
}

/// Waits until every delivery has come to its end.
async fn nothing_owed(owner: &Client) -> anyhow::Result<()> {
    for status in ["pending", "held"] {
        let path = format!("/v1/deliveries?status={status}&limit=1");
        eventually(&format!("no delivery is {status}"), async || {
            let left = owner.get(&path).await?.expect(200)?.json()?;
            Ok((left["data"] == serde_json::json!([])).then_some(()))
        })
        .await?;
    }
    Ok(())
}

/// The delivery of each event, with the number of its attempts; all delivered, one for each event.
async fn owed_together(owner: &Client) -> anyhow::Result<BTreeMap<String, (String, u64)>> {
    let mut deliveries = BTreeMap::new();
    for delivery in every(owner, "/v1/deliveries?").await? {
        ensure!(delivery["status"] == "delivered", "{delivery}");
        let attempts = delivery["attempt_count"].as_u64().context("a number")?;
        let known = (text(&delivery, "/id")?, attempts);
        let twin = deliveries.insert(text(&delivery, "/event_id")?, known);
        ensure!(twin.is_none(), "two deliveries of one event: {delivery}");
    }
    let events = every(owner, &format!("/v1/events?type={RECEIVED}")).await?;
    let events: BTreeSet<_> = events
        .iter()
        .map(|event| text(event, "/id"))
        .collect::<Result<_, _>>()?;
    let owed: BTreeSet<_> = deliveries.keys().cloned().collect();
    ensure!(
        events == owed,
        "events and deliveries do not match: {events:?} {owed:?}"
    );
    Ok(deliveries)
}

/// Whether only the last attempt on record was a success: nothing is sent again after one.
async fn delivered_once(owner: &Client, delivery: &str) -> anyhow::Result<()> {
    let detail = owner.get(&format!("/v1/deliveries/{delivery}")).await?;
    let detail = detail.expect(200)?.json()?;
    let attempts = detail["attempts"].as_array().context("attempts")?;
    let successes = attempts
        .iter()
        .filter(|attempt| attempt["error_kind"].is_null());
    ensure!(
        successes.count() == 1,
        "sent again after a success: {detail}"
    );
    Ok(())
}

/// The books would tell a loss: an event that never was is missed.
#[tokio::test]
async fn a_loss_is_told() {
    let started = Cluster::start(Engine::Sqlite, 1, &[]).await;
    let mut cluster = started.unwrap().expect("SQLite is always there");
    cluster.receiver.set_patience(Duration::from_millis(100));
    let promises = Promises {
        accepted: ["evt_lost".to_owned()].into(),
        refused: 0,
        unanswered: 0,
    };
    let error = close(&cluster, &promises).await.unwrap_err();
    assert!(format!("{error:#}").contains("evt_lost"), "{error:#}");
}
