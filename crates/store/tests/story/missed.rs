//! A subscription that was off catches up with what it has missed.

use tieline_domain::{
    DeliveryId, EventId,
    delivery::Status,
    destination::{CatchingUp, Destination, State},
    event::Event,
};
use tieline_store::{
    missed::Step,
    spine::{Item, NewDelivery, Spine, Start, Verdict},
};

use crate::{
    engines::on_every_engine,
    setting::{at, by},
    spine::{Setting, setting},
};

/// Event `number`, of which nothing is owed, as while the subscription is off.
fn only_recorded(s: &Setting, number: i64) -> Item {
    let mut item = s.item(number, Start::Held, None);
    item.entries[0].deliveries.clear();
    item
}

/// What the subscription is owed for an event: in line `line`, if that is given.
fn owed(s: &Setting, event: &Event, line: Option<&str>) -> NewDelivery {
    NewDelivery {
        id: DeliveryId::new(event.time, 1),
        destination_id: s.subscription,
        ordering_key: line.map(Into::into),
        start: Start::Held,
    }
}

async fn begin(s: &Setting, from: i64, to: i64, notice: i64) {
    let wanted = CatchingUp {
        after: EventId::new(at(from), 0),
        before: at(to),
        found: 0,
    };
    let begun = s
        .store
        .begin_catching_up(
            s.tenant,
            s.subscription,
            &wanted,
            "it catches up",
            &s.notice(notice),
            &by(50),
        )
        .await;
    assert!(begun.unwrap());
}

async fn destination(s: &Setting) -> Destination {
    let found = s.store.find_destination(s.tenant, s.subscription).await;
    found.unwrap().unwrap()
}

/// Takes one step of two events in the given line.
async fn step(s: &Setting, from: &CatchingUp, line: Option<&str>) -> Step {
    let wanted = |event: &Event| Some(owed(s, event, line));
    let step = s
        .store
        .catch_up(s.tenant, s.subscription, from, wanted, at(60), 2);
    step.await.unwrap()
}

/// Exactly the events of the time that nothing was owed for, once each, in order, in steps that survive
/// whoever takes them.
#[tokio::test]
async fn what_was_missed_is_made_up_for_once() {
    on_every_engine(async |db| {
        let s = setting(&db).await;
        let mut items: Vec<_> = (1..=7).map(|number| only_recorded(&s, number)).collect();
        items[3] = s.item(4, Start::Held, None);
        s.spine.accept(items).await.unwrap();
        begin(&s, 2, 7, 900).await;
        assert_eq!(s.state().await, State::Paused);
        assert!(s.store.catching_up(at(6)).await.unwrap().is_empty());
        let catching_up = s.store.catching_up(at(7)).await.unwrap();
        assert_eq!(catching_up, [(s.tenant, s.subscription)]);

        let first = destination(&s).await.catching_up.unwrap();
        assert_eq!(step(&s, &first, None).await, Step::Further);
        assert_eq!(step(&s, &first, None).await, Step::Lost, "it was taken");
        let mut steps = 1;
        let last = loop {
            let from = destination(&s).await.catching_up.unwrap();
            match step(&s, &from, None).await {
                Step::Further => steps += 1,
                Step::Done => break from,
                Step::Lost => panic!("nobody else takes steps"),
            }
        };
        assert_eq!((steps, last.found), (3, 4), "2, 3, 5 and 6; 4 was owed");
        let ended = s
            .store
            .end_catching_up(s.subscription, &last, &s.notice(901), at(61))
            .await;
        assert!(ended.unwrap());
        assert_eq!(s.state().await, State::Active);
        assert!(destination(&s).await.catching_up.is_none());
        let held = s.held(62, 100).await;
        let events: Vec<_> = held.iter().map(|one| one.event.time).collect();
        assert_eq!(
            events,
            [2, 3, 4, 5, 6].map(at),
            "in the order of the events"
        );
        assert_eq!(held[0].created_at, at(60), "it does not look overdue");
    })
    .await;
}

#[tokio::test]
async fn what_was_missed_takes_its_place_in_line() {
    on_every_engine(async |db| {
        let s = setting(&db).await;
        s.spine
            .accept((1..=3).map(|n| only_recorded(&s, n)).collect())
            .await
            .unwrap();
        begin(&s, 0, 4, 900).await;
        // New ones come while it catches up.
        for number in [5, 6] {
            let mut item = s.item(number, Start::Held, None);
            item.entries[0].deliveries[0].ordering_key = Some("a".into());
            s.spine.accept(vec![item]).await.unwrap();
        }
        loop {
            let from = destination(&s).await.catching_up.unwrap();
            if step(&s, &from, Some("a")).await == Step::Done {
                break;
            }
        }
        for number in [1, 2, 3, 5, 6] {
            let mut claimed = s.held(70, 10).await;
            claimed.extend(s.due(70, 10).await);
            let [one] = &claimed[..] else {
                panic!("one at a time: {claimed:?}");
            };
            assert_eq!(one.event.time, at(number));
            s.settle(one, 70, Verdict::Delivered { recovery: None })
                .await;
        }
    })
    .await;
}

/// Whoever turns it by hand calls it off.
#[tokio::test]
async fn catching_up_is_called_off_by_hand() {
    on_every_engine(async |db| {
        let s = setting(&db).await;
        s.spine.accept(vec![only_recorded(&s, 1)]).await.unwrap();
        for to in [State::Paused, State::Disabled] {
            begin(&s, 0, 4, 910 + to as i64).await;
            let from = destination(&s).await.catching_up.unwrap();
            let turned = s
                .store
                .set_destination_state(
                    s.tenant,
                    s.subscription,
                    to,
                    "by hand",
                    &s.notice(800 + to as i64),
                    &by(51),
                )
                .await;
            assert!(turned.unwrap(), "{to}");
            assert_eq!(step(&s, &from, None).await, Step::Lost);
            let ended = s
                .store
                .end_catching_up(s.subscription, &from, &s.notice(920 + to as i64), at(61))
                .await;
            assert!(!ended.unwrap());
            assert_eq!(s.state().await, to);
        }
        let none = s.store.find_delivery(s.tenant, DeliveryId::new(at(1), 1));
        assert!(
            none.await
                .unwrap()
                .is_none_or(|one| one.status == Status::Held)
        );
    })
    .await;
}
