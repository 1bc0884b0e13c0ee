//! The spine: acceptance, leases, outcomes, the health of destinations.

use std::{sync::Arc, time::Duration};

use tieline_domain::{
    AttemptId, DeliveryId, DestinationId, EventId, SubscriptionId, TenantId, Timestamp,
    attempt::{Attempt, Seen},
    clock::Clock,
    delivery::Status,
    destination::State,
    event::Event,
    signature::Trust,
};
use tieline_store::{
    Db, PageRequest, Store,
    audit::AuditFilter,
    bell::Bell,
    deliveries::DeliveryFilter,
    documents::{Kind, NewDocument},
    events::EventFilter,
    retries::RetryFilter,
    spine::{
        Accepted, Claimed, Entry, InLine, Item, Lease, NewDelivery, Once, Release, Settled,
        Settlement, Spine, SqlSpine, Start, Tuning, Turn, Verdict,
    },
};

use tokio::sync::Notify;

use crate::{
    engines::on_every_engine,
    setting::{at, by, tenant, two_tenants},
};

/// A spine with one subscription per tenant.
pub(crate) struct Setting {
    pub(crate) store: Store,
    pub(crate) spine: SqlSpine,
    pub(crate) tenant: TenantId,
    pub(crate) subscription: DestinationId,
}

pub(crate) async fn setting(db: &Db) -> Setting {
    setting_with(db, &Clock::test(at(0))).await
}

async fn setting_with(db: &Db, clock: &Clock) -> Setting {
    let store = two_tenants(db.clone()).await;
    let tenant = tenant(1);
    let subscription = DestinationId::Webhook(SubscriptionId::new(at(0), 7));
    let new = NewDocument {
        tenant_id: tenant,
        kind: Kind::Subscription,
        id: subscription.to_string(),
        name: None,
        body: "{}".to_owned(),
        sealed: vec![],
        destination: true,
    };
    store.create_document(new, &by(0)).await.unwrap();
    Setting {
        spine: node_with(db, "node_a", clock),
        store,
        tenant,
        subscription,
    }
}

pub(crate) fn node(db: &Db, name: &str) -> SqlSpine {
    node_with(db, name, &Clock::test(at(0)))
}

fn node_with(db: &Db, name: &str, clock: &Clock) -> SqlSpine {
    let tuning = Tuning {
        queue: 1_000,
        writers: 2,
    };
    SqlSpine::start(db.clone(), name, clock, &tuning).unwrap()
}

impl Setting {
    pub(crate) fn event(&self, number: i64) -> Arc<Event> {
        Arc::new(Event {
            id: EventId::new(at(number), number as u64),
            tenant_id: self.tenant,
            event_type: "order.created".parse().unwrap(),
            source: "/v1/events".into(),
            subject: Some("order 1".into()),
            time: at(number),
            data: format!("{{\"n\":{number}}}").into(),
            cause_id: None,
            trace_id: "0".repeat(32).into(),
            trust: Some(Trust::Verified),
        })
    }

    pub(crate) fn item(&self, number: i64, start: Start, once: Option<u8>) -> Item {
        let delivery = NewDelivery {
            id: DeliveryId::new(at(number), number as u64),
            destination_id: self.subscription,
            ordering_key: None,
            start,
        };
        Item {
            once: once.map(|key| Once {
                key: [key; 16],
                expires_at: at(100),
            }),
            entries: vec![Entry {
                event: self.event(number),
                deliveries: vec![delivery],
            }],
        }
    }

    /// Accepts `count` events whose deliveries begin as `start`.
    pub(crate) async fn accept(&self, count: i64, start: Start) {
        let items = (1..=count)
            .map(|number| self.item(number, start, None))
            .collect();
        self.spine.accept(items).await.unwrap();
    }

    pub(crate) async fn due(&self, seconds: i64, limit: usize) -> Vec<Claimed> {
        self.spine.claim_due(lease(seconds), limit).await.unwrap()
    }

    pub(crate) async fn held(&self, seconds: i64, limit: usize) -> Vec<Claimed> {
        let claimed = self
            .spine
            .claim_held(self.subscription, lease(seconds), limit)
            .await;
        claimed.unwrap()
    }

    pub(crate) async fn settle(
        &self,
        claimed: &Claimed,
        seconds: i64,
        verdict: Verdict,
    ) -> Settled {
        let settled = self
            .spine
            .settle(Self::settlement(claimed, seconds, verdict).into())
            .await;
        settled.unwrap()
    }

    pub(crate) fn settlement(claimed: &Claimed, seconds: i64, verdict: Verdict) -> Settlement {
        let attempts = claimed.attempts + 1;
        Settlement {
            delivery_id: claimed.id,
            tenant_id: claimed.tenant_id,
            destination_id: claimed.destination_id,
            line: claimed
                .ordering_key
                .clone()
                .map(|key| InLine { key, blocks: false }),
            first_attempt_at: claimed.first_attempt_at.unwrap_or(at(seconds)),
            at: at(seconds),
            attempts,
            attempt: Some(Attempt {
                id: AttemptId::new(at(seconds), attempts.into()),
                delivery_id: claimed.id,
                tenant_id: claimed.tenant_id,
                number: attempts,
                started_at: at(seconds),
                duration: Duration::from_millis(12),
                status_code: Some(500),
                error_kind: Some("status".to_owned()),
                seen: Seen {
                    url: "https://example.com".to_owned(),
                    ..Seen::default()
                },
            }),
            verdict,
        }
    }

    pub(crate) async fn status(&self, number: i64) -> Status {
        let id = DeliveryId::new(at(number), number as u64);
        let found = self.store.find_delivery(self.tenant, id).await.unwrap();
        found.unwrap().status
    }

    pub(crate) async fn state(&self) -> State {
        let found = self
            .store
            .find_destination(self.tenant, self.subscription)
            .await
            .unwrap();
        found.unwrap().state
    }

    pub(crate) fn notice(&self, number: i64) -> Entry {
        Entry {
            event: self.event(number),
            deliveries: vec![],
        }
    }

    /// The turn to `error`, told of by event `number`.
    pub(crate) fn to_error(&self, number: i64, since: i64) -> Turn {
        Turn {
            to: State::Error,
            from: &[State::Active],
            unless_success_since: Some(at(since)),
            reason: "it failed".to_owned(),
            failing_since: Some(at(since)),
            probe_at: Some(at(60)),
            notice: Some(self.notice(number)),
        }
    }

    async fn events(&self) -> usize {
        let page = PageRequest::first(100);
        let listed = self
            .store
            .list_events(self.tenant, &EventFilter::default(), &page)
            .await;
        listed.unwrap().items.len()
    }
}

pub(crate) fn lease(seconds: i64) -> Lease {
    Lease {
        now: at(seconds),
        until: at(seconds + 30),
    }
}

fn ids(claimed: &[Claimed]) -> Vec<DeliveryId> {
    claimed.iter().map(|delivery| delivery.id).collect()
}

/// Invariant 2: an event and its deliveries exist together.
#[tokio::test]
async fn what_is_accepted_can_be_read() {
    on_every_engine(async |db| {
        let s = setting(&db).await;
        s.accept(300, Start::Due(at(5))).await;
        let event = s
            .store
            .find_event(s.tenant, s.event(7).id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(event, *s.event(7));
        let filter = DeliveryFilter {
            event_id: Some(event.id),
            status: Some(Status::Pending),
            destination_id: Some(s.subscription),
        };
        let page = PageRequest::first(10);
        let found = s
            .store
            .list_deliveries(s.tenant, &filter, &page)
            .await
            .unwrap()
            .items;
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].due_at, Some(at(5)));
        let listed = s
            .store
            .list_events(s.tenant, &EventFilter::default(), &page)
            .await
            .unwrap();
        assert_eq!(listed.items[0].id, s.event(300).id);
        assert!(listed.next.is_some());
        let stranger = TenantId::new(at(9), 9);
        assert!(
            s.store
                .find_event(stranger, event.id)
                .await
                .unwrap()
                .is_none()
        );
    })
    .await;
}

/// Invariant 4: the same key is accepted once, also within one commit and from two writers at once.
#[tokio::test]
async fn a_key_is_accepted_once() {
    on_every_engine(async |db| {
        let s = setting(&db).await;
        let item = |number| s.item(number, Start::Held, Some(1));
        let first = s.spine.accept(vec![item(1), item(2)]).await.unwrap();
        let original = Accepted::Duplicate(s.event(1).id);
        assert_eq!(first, [Accepted::Stored, original]);
        let later =
            futures::future::join_all((3..40).map(|number| s.spine.accept(vec![item(number)])))
                .await;
        assert!(
            later
                .into_iter()
                .all(|answer| answer.unwrap() == [original])
        );
        assert_eq!(s.events().await, 1);

        let again = s.spine.accept(vec![item(50)]).await.unwrap();
        assert_eq!(again, [original]);
    })
    .await;
}

/// When the window is over, the key stands for a new event, and then for that one.
#[tokio::test]
async fn a_key_is_free_again_when_its_window_is_over() {
    on_every_engine(async |db| {
        let clock = Clock::test(at(0));
        let s = setting_with(&db, &clock).await;
        let item = |number| s.item(number, Start::Held, Some(1));
        s.spine.accept(vec![item(1)]).await.unwrap();
        clock.advance(Duration::from_secs(101));
        let mut later = item(2);
        later.once.as_mut().unwrap().expires_at = at(300);
        assert_eq!(
            s.spine.accept(vec![later]).await.unwrap(),
            [Accepted::Stored]
        );
        let repeat = s.spine.accept(vec![item(3)]).await.unwrap();
        assert_eq!(repeat, [Accepted::Duplicate(s.event(2).id)]);
        let mut after = Vec::new();
        while let Some(last) = s.spine.forget_seen(at(200), after, 1).await.unwrap() {
            after = last;
        }
        let repeat = s.spine.accept(vec![item(4)]).await.unwrap();
        assert_eq!(repeat, [Accepted::Duplicate(s.event(2).id)]);
    })
    .await;
}

/// Enough keys that they move from where they are noted to where they stay; repeats are told throughout,
/// also by a later life of the program.
#[tokio::test]
async fn repeats_are_told_among_very_many() {
    on_every_engine(async |db| {
        let s = setting(&db).await;
        let item = |number: u64, key: u64| {
            let mut item = s.item(number as i64, Start::Held, Some(0));
            let hash = key.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let once = item.once.as_mut().unwrap();
            once.key[..8].copy_from_slice(&hash.to_be_bytes());
            item.entries[0].deliveries.clear();
            item
        };
        let (many, chunk) = if db.engine() == "sqlite" {
            (260_000, 2_000)
        } else {
            (4_000, 500)
        };
        for first in (1..many).step_by(chunk) {
            let numbers = first..first + chunk as u64;
            let items = numbers.map(|number| item(number, number)).collect();
            let answers = s.spine.accept(items).await.unwrap();
            assert!(answers.iter().all(|answer| *answer == Accepted::Stored));
        }
        let told = async |spine: &SqlSpine| {
            for number in [1, 2_000, 99_999, 100_001, 150_000, 250_000] {
                if number >= many {
                    continue;
                }
                let copy = item(number + 1_000_000, number);
                let answers = spine.accept(vec![copy]).await.unwrap();
                assert_eq!(
                    answers,
                    [Accepted::Duplicate(s.event(number as i64).id)],
                    "{number}"
                );
            }
        };
        told(&s.spine).await;
        told(&node(&db, "node_a")).await;
    })
    .await;
}

/// A hundred copies at once on two nodes are one event.
#[tokio::test]
async fn copies_at_once_on_two_nodes_are_one_event() {
    on_every_engine(async |db| {
        let s = setting(&db).await;
        let other = node(&db, "node_b");
        let copies = (0..100).map(|number| {
            // The embedded engine serves one node only.
            let one_node = db.engine() == "sqlite" || number % 2 == 0;
            let spine = if one_node { &s.spine } else { &other };
            spine.accept(vec![
                s.item(number, Start::Held, Some(1)),
                s.item(1_000 + number, Start::Held, Some(2)),
            ])
        });
        let answers = futures::future::join_all(copies).await;
        let stored = answers
            .iter()
            .flatten()
            .flatten()
            .filter(|answer| **answer == Accepted::Stored);
        assert_eq!(stored.count(), 2);
        assert_eq!(s.events().await, 2);
    })
    .await;
}

#[tokio::test]
async fn a_lease_keeps_others_away_until_it_ends() {
    on_every_engine(async |db| {
        let s = setting(&db).await;
        s.accept(3, Start::Leased(at(30))).await;
        assert!(s.due(29, 10).await.is_empty());
        let claimed = s.due(30, 2).await;
        assert_eq!(claimed.len(), 2);
        assert_eq!(claimed[0].event, s.event(1));
        assert_eq!(s.due(31, 10).await.len(), 1);

        let keys = claimed
            .iter()
            .map(|delivery| (s.tenant, delivery.id))
            .collect();
        s.spine
            .release(keys, Release::Prolong(at(500)))
            .await
            .unwrap();
        assert_eq!(s.due(100, 10).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn what_is_let_go_of_can_be_claimed_again() {
    on_every_engine(async |db| {
        let s = setting(&db).await;
        s.accept(2, Start::Due(at(0))).await;
        let claimed = s.due(1, 10).await;
        let key = |i: usize| vec![(s.tenant, ids(&claimed)[i])];
        s.spine.release(key(0), Release::Due(at(5))).await.unwrap();
        s.spine.release(key(1), Release::Hold).await.unwrap();
        assert!(s.due(4, 10).await.is_empty());
        assert_eq!(ids(&s.due(5, 10).await), [claimed[0].id]);
        assert_eq!(
            s.spine.holding().await.unwrap(),
            [(s.tenant, s.subscription)]
        );
        assert_eq!(ids(&s.held(5, 10).await), [claimed[1].id]);
        assert!(s.spine.holding().await.unwrap().is_empty());
    })
    .await;
}

/// Two nodes that claim at once never get the same delivery.
#[tokio::test]
async fn claims_do_not_overlap() {
    on_every_engine(async |db| {
        let s = setting(&db).await;
        let other = node(&db, "node_b");
        s.accept(200, Start::Due(at(0))).await;
        let claims = (0..20).map(|i| {
            let spine = if i % 2 == 0 { &s.spine } else { &other };
            spine.claim_due(lease(1), 10)
        });
        let mut seen = Vec::new();
        for claimed in futures::future::join_all(claims).await {
            seen.extend(ids(&claimed.unwrap()));
        }
        seen.extend(ids(&s.due(1, 200).await));
        let all = seen.len();
        seen.sort();
        seen.dedup();
        assert_eq!((all, seen.len()), (200, 200));
    })
    .await;
}

#[tokio::test]
async fn outcomes_are_written() {
    on_every_engine(async |db| {
        let s = setting(&db).await;
        s.accept(4, Start::Due(at(0))).await;
        let claimed = s.due(1, 10).await;
        s.settle(&claimed[0], 2, Verdict::Delivered { recovery: None })
            .await;
        s.settle(&claimed[1], 2, Verdict::Retry { due_at: at(9) })
            .await;
        s.settle(&claimed[2], 2, Verdict::Hold { probe_at: at(9) })
            .await;
        s.settle(&claimed[3], 2, Verdict::Cancelled).await;
        let expected = [
            Status::Delivered,
            Status::Pending,
            Status::Held,
            Status::Cancelled,
        ];
        for (number, status) in (1..).zip(expected) {
            assert_eq!(s.status(number).await, status);
        }
        let attempts = s
            .store
            .list_attempts(s.tenant, claimed[0].id)
            .await
            .unwrap();
        assert_eq!(attempts.len(), 1);
        assert_eq!(
            (attempts[0].number, attempts[0].status_code),
            (1, Some(500))
        );
        let retried = s.due(9, 10).await;
        assert_eq!((retried[0].id, retried[0].attempts), (claimed[1].id, 1));
        assert_eq!(retried[0].first_attempt_at, Some(at(2)));
        let health = s
            .store
            .find_destination(s.tenant, s.subscription)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(health.last_success_at, Some(at(2)));
    })
    .await;
}

/// A commit whose answer got lost is written again: that must end, and change nothing.
#[tokio::test]
async fn an_outcome_written_twice_is_one() {
    on_every_engine(async |db| {
        let s = setting(&db).await;
        s.accept(1, Start::Due(at(0))).await;
        let claimed = s.due(1, 10).await.remove(0);
        for _ in 0..2 {
            s.settle(&claimed, 2, Verdict::Delivered { recovery: None })
                .await;
        }
        assert_eq!(s.status(1).await, Status::Delivered);
        let attempts = s.store.list_attempts(s.tenant, claimed.id).await.unwrap();
        assert_eq!(attempts.len(), 1);
    })
    .await;
}

/// Invariant 3: an outcome counts only while the lease holds; what another node took is its own.
#[tokio::test]
async fn a_lost_lease_changes_nothing() {
    on_every_engine(async |db| {
        let s = setting(&db).await;
        s.accept(2, Start::Due(at(0))).await;
        let mine = s.due(1, 10).await;
        let other = node(&db, "node_b");
        let theirs = other.claim_due(lease(40), 10).await.unwrap();
        assert_eq!(ids(&mine), ids(&theirs));
        s.settle(&mine[0], 41, Verdict::Delivered { recovery: None })
            .await;
        let dead = Verdict::Dead {
            notice: Some(Box::new(s.notice(500))),
            turn: Some(Box::new(s.to_error(501, 1))),
        };
        assert_eq!(s.settle(&mine[1], 41, dead).await, Settled::default());
        assert_eq!(
            (s.status(1).await, s.status(2).await),
            (Status::Pending, Status::Pending)
        );
        assert_eq!(s.events().await, 2);
        assert_eq!(s.state().await, State::Active);
    })
    .await;
}

/// Seed 002's rule: one turn, one notice, however many deliveries die.
#[tokio::test]
async fn a_destination_turns_once() {
    on_every_engine(async |db| {
        let s = setting(&db).await;
        s.accept(3, Start::Due(at(0))).await;
        let claimed = s.due(1, 10).await;
        let dead = |number| Verdict::Dead {
            notice: Some(Box::new(s.notice(number))),
            turn: Some(Box::new(s.to_error(number + 1, 1))),
        };
        let settlements = (0..3).map(|i| {
            s.spine
                .settle(Setting::settlement(&claimed[i], 2, dead(500 + 10 * i as i64)).into())
        });
        let settled: Vec<_> = futures::future::join_all(settlements).await;
        let turned = settled
            .into_iter()
            .filter(|s| s.as_ref().unwrap().turned == Some(State::Error));
        assert_eq!(turned.count(), 1);
        assert_eq!(s.state().await, State::Error);
        assert_eq!(s.events().await, 3 + 3 + 1);

        assert!(
            !s.store
                .take_probe(s.subscription, at(59), at(120), Duration::from_hours(1))
                .await
                .unwrap()
        );
        assert!(
            s.store
                .take_probe(s.subscription, at(60), at(120), Duration::from_hours(1))
                .await
                .unwrap()
        );
        assert!(
            !s.store
                .take_probe(s.subscription, at(60), at(120), Duration::from_hours(1))
                .await
                .unwrap()
        );
    })
    .await;
}

/// One poisonous event among healthy ones does not turn the destination.
#[tokio::test]
async fn a_success_meanwhile_prevents_the_turn() {
    on_every_engine(async |db| {
        let s = setting(&db).await;
        s.accept(2, Start::Due(at(0))).await;
        let claimed = s.due(1, 10).await;
        s.settle(&claimed[0], 5, Verdict::Delivered { recovery: None })
            .await;
        let dead = Verdict::Dead {
            notice: None,
            turn: Some(Box::new(s.to_error(500, 4))),
        };
        assert_eq!(s.settle(&claimed[1], 9, dead).await.turned, None);
        assert_eq!(s.state().await, State::Active);
        assert_eq!(s.status(2).await, Status::Dead);
    })
    .await;
}

/// The first success brings back what died during the failure, and nothing that died before.
#[tokio::test]
async fn recovery_brings_back_what_died() {
    on_every_engine(async |db| {
        let s = setting(&db).await;
        s.accept(3, Start::Due(at(0))).await;
        let claimed = s.due(1, 10).await;
        let dead = |turn| Verdict::Dead { notice: None, turn };
        s.settle(&claimed[0], 2, dead(None)).await;
        s.settle(&claimed[1], 9, dead(Some(Box::new(s.to_error(500, 5)))))
            .await;
        let recovery = Box::new(Turn {
            to: State::Active,
            from: &[State::Error],
            unless_success_since: None,
            reason: String::new(),
            failing_since: None,
            probe_at: None,
            notice: Some(s.notice(600)),
        });
        let back = Verdict::Delivered {
            recovery: Some(recovery),
        };
        assert_eq!(
            s.settle(&claimed[2], 70, back).await.turned,
            Some(State::Active)
        );
        assert_eq!(s.state().await, State::Active);
        assert_eq!(
            (s.status(1).await, s.status(2).await),
            (Status::Dead, Status::Held)
        );
        let again = s.held(71, 10).await;
        assert_eq!((again[0].attempts, again[0].earlier_attempts), (1, 1));
        assert_eq!(again[0].first_attempt_at, None);
    })
    .await;
}

#[tokio::test]
async fn dead_letters_are_replayed() {
    on_every_engine(async |db| {
        let s = setting(&db).await;
        s.accept(3, Start::Due(at(0))).await;
        for claimed in s.due(1, 10).await {
            let dead = Verdict::Dead {
                notice: None,
                turn: None,
            };
            s.settle(&claimed, 2, dead).await;
        }
        let first = DeliveryId::new(at(1), 1);
        assert!(
            s.store
                .retry_delivery(s.tenant, first, at(3))
                .await
                .unwrap()
        );
        assert_eq!(ids(&s.due(3, 10).await), [first]);
        assert!(
            !s.store
                .retry_delivery(s.tenant, first, at(4))
                .await
                .unwrap()
        );
        let replay = async |subscription| {
            let filter = RetryFilter::dead(subscription);
            let retried = s
                .store
                .retry_deliveries(s.tenant, &filter, None, at(5), 100);
            retried.await.map(|(count, _)| count)
        };
        assert_eq!(
            replay(Some(DestinationId::Webhook(SubscriptionId::new(at(9), 9))))
                .await
                .unwrap(),
            0
        );
        assert_eq!(replay(Some(s.subscription)).await.unwrap(), 2);
        assert_eq!(replay(None).await.unwrap(), 0);
        assert_eq!(s.due(5, 10).await.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn what_is_held_for_too_long_is_found_and_buried() {
    on_every_engine(async |db| {
        let s = setting(&db).await;
        s.accept(5, Start::Held).await;
        let overdue = s
            .spine
            .held_before(s.subscription, at(3), 10)
            .await
            .unwrap();
        let found: Vec<_> = overdue.iter().map(|delivery| delivery.event_id).collect();
        assert_eq!(found, [s.event(1).id, s.event(2).id]);
        let claimed = s.held(4, 1).await;
        let mut burial = Setting::settlement(
            &claimed[0],
            4,
            Verdict::Dead {
                notice: None,
                turn: None,
            },
        );
        s.spine
            .release(vec![(s.tenant, claimed[0].id)], Release::Hold)
            .await
            .unwrap();
        burial.attempt = None;
        s.spine.settle(burial.into()).await.unwrap();
        assert_eq!(s.status(1).await, Status::Dead);
    })
    .await;
}

#[tokio::test]
async fn an_earlier_life_of_the_only_node_is_recovered() {
    on_every_engine(async |db| {
        let s = setting(&db).await;
        s.accept(2, Start::Leased(at(30))).await;
        let only_node = db.engine() == "sqlite";
        assert_eq!(
            s.spine.recover(at(1)).await.unwrap(),
            if only_node { 2 } else { 0 }
        );
        assert_eq!(s.due(1, 10).await.len(), if only_node { 2 } else { 0 });
    })
    .await;
}

#[tokio::test]
async fn the_depth_tells_what_waits() {
    on_every_engine(async |db| {
        let s = setting(&db).await;
        s.accept(3, Start::Due(at(5))).await;
        let held = (10..12)
            .map(|number| s.item(number, Start::Held, None))
            .collect();
        s.spine.accept(held).await.unwrap();
        let depth = s.spine.depth(1_000).await.unwrap();
        assert_eq!(
            (depth.pending, depth.held, depth.oldest_due),
            (3, 2, Some(at(5)))
        );
        let bounded = s.spine.depth(2).await.unwrap();
        assert_eq!(
            (bounded.pending, bounded.held, bounded.oldest_due),
            (2, 2, Some(at(5)))
        );
        assert_eq!(s.spine.depth(1).await.unwrap().held, 1);
    })
    .await;
}

#[tokio::test]
async fn states_set_by_hand_are_noticed_elsewhere() {
    on_every_engine(async |db| {
        let s = setting(&db).await;
        let set = |to, seconds| {
            let notice = s.notice(500 + seconds);
            let (store, tenant, id) = (s.store.clone(), s.tenant, s.subscription);
            async move {
                let by = by(seconds);
                store
                    .set_destination_state(tenant, id, to, "by hand", &notice, &by)
                    .await
            }
        };
        assert!(set(State::Paused, 10).await.unwrap());
        assert!(!set(State::Paused, 11).await.unwrap());
        assert_eq!(s.events().await, 1);
        let log = s
            .store
            .list_audit(s.tenant, &AuditFilter::default(), &PageRequest::first(1))
            .await;
        assert_eq!(
            log.unwrap().items[0].after.as_deref(),
            Some("{\"status\":\"paused\"}")
        );
        let changed = s.store.destinations_changed_since(at(10)).await.unwrap();
        assert_eq!(changed, [(s.tenant, s.subscription, at(10))]);
        let all: Vec<Timestamp> = s
            .store
            .destinations(s.tenant)
            .await
            .unwrap()
            .iter()
            .map(|d| d.since)
            .collect();
        assert_eq!(all, [at(10)]);
        assert!(
            s.store
                .destinations_changed_since(at(11))
                .await
                .unwrap()
                .is_empty()
        );
    })
    .await;
}

/// A node that leaves work for others is heard.
#[tokio::test]
async fn the_bell_is_heard() {
    on_every_engine(async |db| {
        let bell = Bell::new(db.clone());
        let elsewhere = if db.engine() == "sqlite" {
            bell.clone()
        } else {
            Bell::new(db.clone())
        };
        let heard = Notify::new();
        let listening = bell.listen(|| heard.notify_one());
        // Rung until it is heard: a bell that nobody listens to yet is not.
        let ringing = async {
            loop {
                elsewhere.ring();
                tokio::select! {
                    () = heard.notified() => return,
                    () = tokio::time::sleep(Duration::from_millis(50)) => {}
                }
            }
        };
        tokio::select! {
            lost = listening => panic!("{lost:?}"),
            () = ringing => {}
        }
    })
    .await;
}
