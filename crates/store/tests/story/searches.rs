//! Finding deliveries and attempts by what they are, and the statistics of destinations.

use std::time::Duration;

use tieline_domain::{
    DeliveryId, DestinationId, SubscriptionId, delivery::Status, destination::State, tally::Tally,
};
use tieline_store::{
    attempts::{AttemptFilter, Place},
    retries::RetryFilter,
    spine::{Spine, Start, Verdict},
    statistics::{Minute, PastTurn},
};

use crate::{
    engines::on_every_engine,
    setting::{at, by, tenant},
    spine::{Setting, setting},
};

const DEAD: Verdict = Verdict::Dead {
    notice: None,
    turn: None,
};

/// Four deliveries: 1 was delivered, 2 and 3 are dead, 3 after two attempts, 4 waits for its second.
async fn lived(s: &Setting) {
    let items = (1..=4).map(|n| s.item(n, Start::Due(at(0)), None));
    s.spine.accept(items.collect()).await.unwrap();
    let claimed = s.due(10, 10).await;
    let retry = |seconds| Verdict::Retry {
        due_at: at(seconds),
    };
    let delivered = Verdict::Delivered { recovery: None };
    let verdicts = [delivered, DEAD, retry(20), retry(20)];
    for (one, verdict) in claimed.iter().zip(verdicts) {
        s.settle(one, 10, verdict).await;
    }
    let again = s.due(20, 10).await;
    for (one, verdict) in again.iter().zip([DEAD, retry(900)]) {
        s.settle(one, 20, verdict).await;
    }
}

#[tokio::test]
async fn attempts_are_found() {
    on_every_engine(async |db| {
        let s = setting(&db).await;
        lived(&s).await;
        let none = AttemptFilter::default();
        let rows = [
            (
                none.clone(),
                vec![(4, 2), (4, 1), (3, 2), (3, 1), (2, 1), (1, 1)],
            ),
            (
                AttemptFilter {
                    delivery_id: Some(DeliveryId::new(at(3), 3)),
                    ..none.clone()
                },
                vec![(3, 2), (3, 1)],
            ),
            (
                AttemptFilter {
                    from: Some(at(20)),
                    ..none.clone()
                },
                vec![(4, 2), (3, 2)],
            ),
            (
                AttemptFilter {
                    to: Some(at(4)),
                    ..none.clone()
                },
                vec![],
            ),
            (
                AttemptFilter {
                    to: Some(at(20)),
                    error_kind: Some("status".into()),
                    status_code: Some(500),
                    ..none.clone()
                },
                vec![(4, 1), (3, 1), (2, 1), (1, 1)],
            ),
            (
                AttemptFilter {
                    error_kind: Some("dns".into()),
                    ..none.clone()
                },
                vec![],
            ),
            (
                AttemptFilter {
                    status_code: Some(200),
                    ..none.clone()
                },
                vec![],
            ),
            (
                AttemptFilter {
                    destination_id: Some(DestinationId::Webhook(SubscriptionId::new(at(9), 9))),
                    ..none.clone()
                },
                vec![],
            ),
        ];
        for (filter, expected) in rows {
            for limit in [1, 3, 100] {
                let mut found = Vec::new();
                let mut after: Option<Place> = None;
                loop {
                    let page = s.store.search_attempts(s.tenant, &filter, after, limit);
                    let (attempts, next) = page.await.unwrap();
                    assert!(attempts.len() <= limit);
                    found.extend(attempts.into_iter().map(|(subscription, attempt)| {
                        assert_eq!(subscription, s.subscription);
                        let made = attempt.delivery_id.made_at().since(at(0)).as_secs();
                        (made, attempt.number)
                    }));
                    match next {
                        Some(next) => after = Some(next),
                        None => break,
                    }
                }
                assert_eq!(found, expected, "{filter:?}, {limit} at a time");
            }
        }
        let foreign = s.store.search_attempts(tenant(2), &none, None, 100).await;
        assert_eq!(foreign.unwrap(), (vec![], None));
    })
    .await;
}

#[tokio::test]
async fn deliveries_are_found_to_be_tried_again() {
    on_every_engine(async |db| {
        let s = setting(&db).await;
        lived(&s).await;
        let dead = RetryFilter::dead(None);
        let pending = RetryFilter {
            status: Status::Pending,
            ..dead.clone()
        };
        let rows = [
            (dead.clone(), 2),
            (pending.clone(), 1),
            (
                RetryFilter {
                    status: Status::Held,
                    ..dead.clone()
                },
                0,
            ),
            (RetryFilter::dead(Some(s.subscription)), 2),
            (
                RetryFilter::dead(Some(DestinationId::Webhook(SubscriptionId::new(at(9), 9)))),
                0,
            ),
            (
                RetryFilter {
                    event_type: Some("order.created".into()),
                    ..dead.clone()
                },
                2,
            ),
            (
                RetryFilter {
                    event_type: Some("other".into()),
                    ..dead.clone()
                },
                0,
            ),
            (
                RetryFilter {
                    error_kind: Some("status".into()),
                    ..dead.clone()
                },
                2,
            ),
            (
                RetryFilter {
                    error_kind: Some("dns".into()),
                    ..dead.clone()
                },
                0,
            ),
            (
                RetryFilter {
                    from: Some(at(3)),
                    ..dead.clone()
                },
                1,
            ),
            (
                RetryFilter {
                    to: Some(at(3)),
                    ..dead.clone()
                },
                1,
            ),
            (
                RetryFilter {
                    from: Some(at(2)),
                    to: Some(at(4)),
                    ..dead.clone()
                },
                2,
            ),
        ];
        for (filter, expected) in rows {
            let count = s.store.count_to_retry(s.tenant, &filter, 100).await;
            assert_eq!(count.unwrap(), expected, "{filter:?}");
            let foreign = s.store.count_to_retry(tenant(2), &filter, 100).await;
            assert_eq!(foreign.unwrap(), 0);
        }
        let most = s.store.count_to_retry(s.tenant, &dead, 1).await;
        assert_eq!(most.unwrap(), 1);
        let retry = |filter: RetryFilter, after: Option<String>| {
            let store = s.store.clone();
            let tenant = s.tenant;
            async move {
                let retried = store.retry_deliveries(tenant, &filter, after.as_deref(), at(30), 1);
                retried.await.unwrap()
            }
        };
        let (first, next) = retry(pending.clone(), None).await;
        assert_eq!(first, 1);
        assert_eq!(retry(pending, next).await, (0, None), "each once");
        let (_, next) = retry(dead.clone(), None).await;
        let (_, next) = retry(dead.clone(), next).await;
        assert_eq!(retry(dead, next).await, (0, None));
        assert_eq!(s.due(30, 10).await.len(), 3);
    })
    .await;
}

#[tokio::test]
async fn statistics_of_a_destination() {
    on_every_engine(async |db| {
        let s = setting(&db).await;
        let mut tally = Tally::default();
        tally.note(None, Duration::from_millis(5));
        let minute = |seconds, tally: &Tally| Minute {
            destination_id: s.subscription,
            tenant_id: s.tenant,
            at: at(seconds),
            tally: tally.clone(),
        };
        s.store.put_minutes("a", &[]).await.unwrap();
        s.store
            .put_minutes("a", &[minute(0, &tally), minute(60, &tally)])
            .await
            .unwrap();
        s.store
            .put_minutes("b", &[minute(0, &tally)])
            .await
            .unwrap();
        tally.note(Some("dns"), Duration::ZERO);
        s.store
            .put_minutes("a", &[minute(0, &tally)])
            .await
            .unwrap();
        let minutes = async |of, from, to| {
            let minutes = s.store.minutes(of, s.subscription, at(from), at(to)).await;
            let counted = minutes.unwrap().into_iter();
            let mut counted: Vec<_> = counted.map(|(at, tally)| (at, tally.attempts)).collect();
            counted.sort_unstable();
            counted
        };
        assert_eq!(
            minutes(s.tenant, 0, 61).await,
            [(at(0), 1), (at(0), 2), (at(60), 1)],
            "what a node counts anew replaces what it counted"
        );
        assert_eq!(minutes(s.tenant, 1, 60).await, []);
        assert_eq!(minutes(tenant(2), 0, 61).await, []);
        assert_eq!(s.store.delete_old_minutes(at(60), 1).await.unwrap(), 1);
        assert_eq!(s.store.delete_old_minutes(at(60), 9).await.unwrap(), 1);
        assert_eq!(minutes(s.tenant, 0, 61).await, [(at(60), 1)]);

        let turned = s
            .store
            .set_destination_state(
                s.tenant,
                s.subscription,
                State::Paused,
                "by hand",
                &s.notice(800),
                &by(70),
            )
            .await;
        assert!(turned.unwrap());
        let turns = s.store.turns(s.subscription, 10).await.unwrap();
        let paused = PastTurn {
            at: at(70),
            state: State::Paused,
            reason: "by hand".into(),
        };
        assert_eq!(turns, [paused]);

        let mut items = vec![
            s.item(1, Start::Due(at(0)), None),
            s.item(2, Start::Held, None),
            s.item(3, Start::Held, None),
            s.item(4, Start::Held, None),
        ];
        for item in &mut items[2..] {
            item.entries[0].deliveries[0].ordering_key = Some("a".into());
        }
        s.spine.accept(items).await.unwrap();
        let waiting = s.store.waiting(s.tenant, s.subscription).await.unwrap();
        let counts: Vec<_> = waiting
            .iter()
            .map(|one| (one.status, one.count, one.oldest))
            .collect();
        assert_eq!(
            counts,
            [
                (Status::Pending, 1, Some(at(1))),
                (Status::Held, 2, Some(at(2))),
                (Status::Queued, 1, Some(at(4))),
            ]
        );
        let foreign = s.store.waiting(tenant(2), s.subscription).await.unwrap();
        assert!(foreign.iter().all(|one| one.count == 0));
    })
    .await;
}
