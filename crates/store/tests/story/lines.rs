//! Lines: order within an ordering key (invariant 6).

use std::{collections::BTreeMap, sync::Arc};

use tieline_domain::{DeliveryId, delivery::Status, destination::State};
use tieline_store::{
    Db,
    retries::RetryFilter,
    spine::{Claimed, InLine, Item, Settlement, Spine, SqlSpine, Start, Turn, Verdict},
};

use crate::{
    engines::on_every_engine,
    setting::at,
    spine::{Setting, lease, node, setting},
};

const DELIVERED: Verdict = Verdict::Delivered { recovery: None };
const DEAD: Verdict = Verdict::Dead {
    notice: None,
    turn: None,
};

/// Event `number`, whose delivery stands in line `key`.
fn keyed(s: &Setting, number: i64, key: &str, start: Start) -> Item {
    let mut item = s.item(number, start, None);
    item.entries[0].deliveries[0].ordering_key = Some(key.into());
    item
}

/// Accepts events with these numbers and keys, due at once.
async fn accept(s: &Setting, events: &[(i64, &str)]) {
    let items = events
        .iter()
        .map(|(number, key)| keyed(s, *number, key, Start::Due(at(0))));
    s.spine.accept(items.collect()).await.unwrap();
}

async fn statuses<const N: usize>(s: &Setting, numbers: [i64; N]) -> [Status; N] {
    let mut found = [Status::Pending; N];
    for (status, number) in found.iter_mut().zip(numbers) {
        *status = s.status(number).await;
    }
    found
}

fn numbers(claimed: &[Claimed]) -> Vec<u64> {
    let number = |one: &Claimed| {
        let data: serde_json::Value = serde_json::from_str(&one.event.data).unwrap();
        data["n"].as_u64().unwrap()
    };
    claimed.iter().map(number).collect()
}

/// Delivers them one after the other, in this order.
async fn go_one_by_one(s: &Setting, order: [u64; 3]) {
    for number in order {
        let claimed = s.due(4, 10).await;
        assert_eq!(numbers(&claimed), [number], "in the order {order:?}");
        s.settle(&claimed[0], 4, DELIVERED).await;
    }
}

/// Settles as a node whose subscription blocks.
async fn settle_blocking(s: &Setting, claimed: &Claimed, verdict: Verdict) {
    let mut settlement: Settlement = Setting::settlement(claimed, 5, verdict);
    settlement.line = Some(InLine {
        key: claimed.ordering_key.clone().unwrap(),
        blocks: true,
    });
    s.spine.settle(settlement.into()).await.unwrap();
}

#[tokio::test]
async fn one_of_a_line_is_at_work() {
    use Status::{Delivered, Pending, Queued};
    on_every_engine(async |db| {
        let s = setting(&db).await;
        accept(&s, &[(1, "a"), (2, "a"), (3, "b")]).await;
        accept(&s, &[(4, "a"), (5, "b")]).await;
        assert_eq!(s.spine.depth(1_000).await.unwrap().queued, 3);
        assert_eq!(s.spine.depth(2).await.unwrap().queued, 2);
        let claimed = s.due(1, 10).await;
        assert_eq!(numbers(&claimed), [1, 3], "one of each line");
        assert_eq!(claimed[0].ordering_key.as_deref(), Some("a"));

        let retry = Verdict::Retry { due_at: at(9) };
        assert!(!s.settle(&claimed[0], 2, retry).await.released);
        assert!(s.settle(&claimed[1], 2, DELIVERED).await.released);
        assert_eq!(
            statuses(&s, [1, 2, 3, 4, 5]).await,
            [Pending, Queued, Delivered, Queued, Pending]
        );
        assert_eq!(numbers(&s.due(3, 10).await), [5], "1 waits for its retry");
        let again = s.due(9, 10).await;
        assert_eq!(numbers(&again), [1]);
        s.settle(&again[0], 9, DELIVERED).await;
        for number in [2, 4] {
            let claimed = s.due(10, 10).await;
            assert_eq!(numbers(&claimed), [number]);
            let last = s.settle(&claimed[0], 10, DELIVERED).await;
            assert_eq!(last.released, number == 2);
        }
        // The line is empty: whoever comes is due at once.
        accept(&s, &[(6, "a")]).await;
        assert_eq!(numbers(&s.due(11, 10).await), [6]);
    })
    .await;
}

#[tokio::test]
async fn one_that_waited_in_line_keeps_its_first_delay() {
    on_every_engine(async |db| {
        let s = setting(&db).await;
        accept(&s, &[(1, "a")]).await;
        s.spine
            .accept(vec![keyed(&s, 2, "a", Start::Due(at(60)))])
            .await
            .unwrap();
        let claimed = s.due(1, 10).await;
        s.settle(&claimed[0], 2, DELIVERED).await;
        assert!(s.due(59, 10).await.is_empty());
        assert_eq!(numbers(&s.due(60, 10).await), [2]);
    })
    .await;
}

#[tokio::test]
async fn a_dead_letter_makes_way_or_blocks() {
    use Status::{Cancelled, Dead, Delivered, Pending, Queued};
    on_every_engine(async |db| {
        let s = setting(&db).await;
        accept(&s, &[(1, "a"), (2, "a"), (3, "b"), (4, "b"), (5, "b")]).await;
        let claimed = s.due(1, 10).await;
        assert!(s.settle(&claimed[0], 5, DEAD).await.released);
        settle_blocking(&s, &claimed[1], DEAD).await;
        accept(&s, &[(6, "b")]).await;
        assert_eq!(
            statuses(&s, [1, 2, 3, 4, 5, 6]).await,
            [Dead, Pending, Dead, Queued, Queued, Queued]
        );
        assert_eq!(numbers(&s.due(6, 10).await), [2]);

        // Tried again by hand, the one that blocks goes first, and with success the next one follows.
        let third = DeliveryId::new(at(3), 3);
        assert!(
            s.store
                .retry_delivery(s.tenant, third, at(7))
                .await
                .unwrap()
        );
        let claimed = s.due(7, 10).await;
        assert_eq!(numbers(&claimed), [3]);
        settle_blocking(&s, &claimed[0], DELIVERED).await;
        let claimed = s.due(8, 10).await;
        assert_eq!(numbers(&claimed), [4]);

        // Called off, it makes way too.
        settle_blocking(&s, &claimed[0], DEAD).await;
        let cancel = |number: i64| {
            let id = DeliveryId::new(at(number), number as u64);
            s.store.cancel_delivery(s.tenant, id, at(9))
        };
        assert!(cancel(4).await.unwrap());
        assert_eq!(
            statuses(&s, [3, 4, 5, 6]).await,
            [Delivered, Cancelled, Pending, Queued]
        );
        assert!(cancel(6).await.unwrap());
        assert!(!cancel(6).await.unwrap(), "it has ended");
        assert!(!cancel(3).await.unwrap(), "it was delivered");
        assert_eq!(numbers(&s.due(10, 10).await), [5]);
    })
    .await;
}

#[tokio::test]
async fn a_dead_letter_that_is_replayed_waits_for_whoever_is_at_work() {
    use Status::{Pending, Queued};
    on_every_engine(async |db| {
        let s = setting(&db).await;
        accept(&s, &[(1, "a"), (2, "a"), (3, "a")]).await;
        let claimed = s.due(1, 10).await;
        s.settle(&claimed[0], 2, DEAD).await;
        let dead = RetryFilter::dead(None);
        let replay = s.store.retry_deliveries(s.tenant, &dead, None, at(3), 10);
        assert_eq!(replay.await.unwrap(), (1, None));
        assert_eq!(
            statuses(&s, [1, 2, 3]).await,
            [Queued, Pending, Queued],
            "2 is at work"
        );
        let first = DeliveryId::new(at(1), 1);
        let retried = s.store.retry_delivery(s.tenant, first, at(3)).await;
        assert!(!retried.unwrap(), "it waits for its turn");
        go_one_by_one(&s, [2, 1, 3]).await;
    })
    .await;
}

/// A node that has lost its lease lets nobody pass.
#[tokio::test]
async fn a_lost_lease_releases_nobody() {
    on_every_engine(async |db| {
        let s = setting(&db).await;
        accept(&s, &[(1, "a"), (2, "a")]).await;
        let lost = s.due(1, 10).await;
        let other = node(&db, "node_b");
        let taken = other.claim_due(lease(40), 10).await.unwrap();
        assert_eq!(numbers(&taken), [1]);
        assert!(!s.settle(&lost[0], 41, DELIVERED).await.released);
        assert_eq!(s.status(2).await, Status::Queued);
        let (tenant, id) = (s.tenant, lost[0].id);
        assert!(!s.spine.still_holds(tenant, id, at(90)).await.unwrap());
        assert!(other.still_holds(tenant, id, at(90)).await.unwrap());
        let settled = other.settle(Setting::settlement(&taken[0], 42, DELIVERED).into());
        assert!(settled.await.unwrap().released);
    })
    .await;
}

/// What died while the destination failed goes back to its place, before those that were held meanwhile.
#[tokio::test]
async fn recovery_keeps_the_order() {
    on_every_engine(async |db| {
        let s = setting(&db).await;
        accept(&s, &[(1, "a"), (2, "a"), (3, "a"), (4, "b")]).await;
        let claimed = s.due(1, 10).await;
        let turned = Verdict::Dead {
            notice: None,
            turn: Some(Box::new(s.to_error(500, 0))),
        };
        s.settle(&claimed[0], 2, turned).await;
        // Nothing is held: the oldest of the dead is what probes, but not while 2 is at work.
        s.store.revive_oldest(s.subscription).await.unwrap();
        assert_eq!(s.status(1).await, Status::Dead);
        let recovery = Turn {
            to: State::Active,
            from: &[State::Error],
            unless_success_since: None,
            reason: String::new(),
            failing_since: None,
            probe_at: None,
            notice: Some(s.notice(600)),
        };
        let back = Verdict::Delivered {
            recovery: Some(Box::new(recovery)),
        };
        s.settle(&claimed[1], 3, back).await;
        go_one_by_one(&s, [2, 1, 3]).await;
    })
    .await;
}

#[tokio::test]
async fn the_oldest_of_the_dead_probes_from_its_place() {
    on_every_engine(async |db| {
        let s = setting(&db).await;
        accept(&s, &[(1, "a")]).await;
        let claimed = s.due(1, 10).await;
        let turned = Verdict::Dead {
            notice: None,
            turn: Some(Box::new(s.to_error(500, 0))),
        };
        s.settle(&claimed[0], 2, turned).await;
        s.store.revive_oldest(s.subscription).await.unwrap();
        accept(&s, &[(2, "a")]).await;
        assert_eq!(numbers(&s.held(3, 10).await), [1]);
        assert_eq!(s.status(2).await, Status::Queued);
    })
    .await;
}

/// What is held for too long dies one after the other, and nothing of it is sent.
#[tokio::test]
async fn a_line_is_buried_from_its_head() {
    on_every_engine(async |db| {
        let s = setting(&db).await;
        let items = [1, 2].map(|number| keyed(&s, number, "a", Start::Held));
        s.spine.accept(items.into()).await.unwrap();
        for number in [1, 2] {
            let overdue = s.spine.held_before(s.subscription, at(100), 10).await;
            let [overdue] = &overdue.unwrap()[..] else {
                panic!("one of the line at a time");
            };
            assert_eq!(overdue.id, DeliveryId::new(at(number), number as u64));
            let settlement = Settlement {
                delivery_id: overdue.id,
                tenant_id: s.tenant,
                destination_id: s.subscription,
                line: overdue
                    .ordering_key
                    .clone()
                    .map(|key| InLine { key, blocks: false }),
                first_attempt_at: at(100),
                at: at(100),
                attempts: 0,
                attempt: None,
                verdict: DEAD,
            };
            s.spine.settle(settlement.into()).await.unwrap();
        }
        assert_eq!(statuses(&s, [1, 2]).await, [Status::Dead, Status::Dead]);
    })
    .await;
}

/// What waits without a date is called off with its subscription, and also what is blocked.
#[tokio::test]
async fn what_waits_is_called_off() {
    use Status::{Cancelled, Pending};
    on_every_engine(async |db| {
        let s = setting(&db).await;
        accept(&s, &[(1, "a"), (2, "a"), (3, "a"), (4, "b")]).await;
        let held = s.item(5, Start::Held, None);
        s.spine.accept(vec![held]).await.unwrap();
        let claimed = s.due(1, 10).await;
        settle_blocking(&s, &claimed[0], DEAD).await;
        let call_off = async || {
            let called_off = s
                .store
                .call_off_waiting(s.tenant, s.subscription, at(9), 2)
                .await;
            called_off.unwrap()
        };
        assert_eq!(
            [call_off().await, call_off().await, call_off().await],
            [3, 1, 0],
            "one was held, three stood in a line"
        );
        assert_eq!(
            statuses(&s, [1, 2, 3, 4, 5]).await,
            [Cancelled, Cancelled, Cancelled, Pending, Cancelled]
        );
    })
    .await;
}

/// Two nodes accept for the same lines at once, and each delivers what it can get: in each line at most one
/// is at work, each line ends empty, and each goes out in the order in which it stands.
#[tokio::test]
async fn two_nodes_share_the_lines() {
    on_every_engine(async |db: Db| {
        let s = setting(&db).await;
        let nodes = ["node_a", "node_b"].map(|name| Arc::new(node(&db, name)));
        let accepting = (0..60_i64).map(|i| {
            let key = ["a", "b", "c"][(i % 3) as usize];
            let item = keyed(&s, i + 1, key, Start::Due(at(0)));
            let node = Arc::clone(&nodes[(i % 2) as usize]);
            async move { node.accept(vec![item]).await.unwrap() }
        });
        futures::future::join_all(accepting).await;
        let mut sent: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for round in 0.. {
            let node: &SqlSpine = &nodes[round % 2];
            let claimed = node.claim_due(lease(100), 10).await.unwrap();
            if claimed.is_empty() {
                break;
            }
            let mut keys: Vec<_> = claimed.iter().map(|one| &one.ordering_key).collect();
            keys.dedup();
            assert_eq!(keys.len(), claimed.len(), "one of each line");
            for one in &claimed {
                let key = one.ordering_key.as_deref().unwrap();
                let number = numbers(std::slice::from_ref(one));
                sent.entry(key.to_owned()).or_default().extend(number);
                let settlement = Setting::settlement(one, 100, DELIVERED);
                node.settle(settlement.into()).await.unwrap();
            }
        }
        assert_eq!(sent.values().map(Vec::len).collect::<Vec<_>>(), [20; 3]);
        assert_eq!(s.spine.depth(1_000).await.unwrap().queued, 0);
    })
    .await;
}
