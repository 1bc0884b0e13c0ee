//! The pace that several nodes keep together.

use std::time::Duration;

use tieline_domain::{DestinationId, SubscriptionId, pace::RateLimit};
use tieline_store::Store;

use crate::{engines::on_every_engine, setting::at};

const MINUTE: Duration = Duration::from_mins(1);

fn subscription() -> DestinationId {
    DestinationId::Webhook(SubscriptionId::new(at(0), 7))
}

/// Turns of two nodes follow one another; a pause leaves the burst, and no more.
#[tokio::test]
async fn turns_are_one_interval_apart() {
    on_every_engine(async |db| {
        let embedded = db.engine() == "sqlite";
        let Some(pace) = Store::new(db).shared_pace() else {
            return assert!(embedded, "one node needs to agree with no other");
        };
        let slow = RateLimit {
            per_second: 1,
            burst: 3,
        };
        let interval = i64::try_from(slow.interval().as_micros()).unwrap();
        let take = |count| pace.take_turns(subscription(), &slow, count);
        let first = take(2).await.unwrap();
        assert!(
            (-2 * interval - interval / 2..=-2 * interval).contains(&first),
            "the burst is there at the beginning: {first}"
        );
        let (second, third) = tokio::join!(take(2), take(2));
        let (second, third) = (second.unwrap(), third.unwrap());
        let (second, third) = (second.min(third), second.max(third));
        let near = |wait: i64, turns: i64| {
            let due = first + turns * interval;
            (due - interval / 2..=due).contains(&wait)
        };
        assert!(near(second, 2), "{first} {second}");
        assert!(near(third, 4), "{first} {third}");
    })
    .await;
}

#[tokio::test]
async fn permits_are_held_by_one() {
    on_every_engine(async |db| {
        let Some(pace) = Store::new(db).shared_pace() else {
            return;
        };
        let take = |owner: &str, time| pace.take_permit(subscription(), 2, owner.to_owned(), time);
        let a = take("a", MINUTE).await.unwrap().unwrap();
        let over = take("b", Duration::ZERO).await.unwrap().unwrap();
        let b = take("c", MINUTE).await.unwrap().unwrap();
        assert_ne!(a, b);
        assert_eq!(take("d", MINUTE).await.unwrap(), None, "both are taken");
        assert!(pace.keep_permit(&a, MINUTE).await.unwrap());
        assert!(!pace.keep_permit(&over, MINUTE).await.unwrap());
        pace.give_permit_back(&over).await.unwrap();
        assert_eq!(take("d", MINUTE).await.unwrap(), None, "it was not its own");
        pace.give_permit_back(&a).await.unwrap();
        assert!(take("d", MINUTE).await.unwrap().is_some());
    })
    .await;
}
