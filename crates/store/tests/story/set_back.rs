//! A clock that was an hour ahead is set back: what was written meanwhile holds nothing up for that hour.

use std::time::Duration;

use tieline_domain::{DestinationId, SubscriptionId, destination::State, pace::RateLimit};
use tieline_store::{
    Db, Store,
    spine::{Spine, Start},
};

use crate::{
    engines::on_every_engine,
    setting::{at, by},
    spine::{node, setting},
};

const HOUR: i64 = 3_600;

#[tokio::test]
async fn the_lease_of_a_dead_node_ends() {
    on_every_engine(async |db| {
        let s = setting(&db).await;
        s.accept(2, Start::Due(at(HOUR))).await;
        let taken = s.due(HOUR, 1).await;
        assert_eq!(taken.len(), 1);
        assert!(s.due(100, 10).await.is_empty(), "one is leased, one waits");
        let beyond = taken[0].lease_until;
        assert_eq!(s.store.end_leases_beyond(beyond, at(100)).await.unwrap(), 0);
        let ended = s.store.end_leases_beyond(at(300), at(100)).await;
        assert_eq!(ended.unwrap(), 1, "what only waits is left as it is");
        let other = node(&db, "node_b");
        let lease = crate::spine::lease(101);
        let again = other.claim_due(lease, 10).await.unwrap();
        assert_eq!(again.len(), 1);
        assert_eq!(again[0].id, taken[0].id);
    })
    .await;
}

#[tokio::test]
async fn a_probe_waits_no_longer_than_the_longest_wait() {
    on_every_engine(async |db| {
        let s = setting(&db).await;
        let notice = s.notice(500);
        let changed = s
            .store
            .set_destination_state(
                s.tenant,
                s.subscription,
                State::Error,
                "down",
                &notice,
                &by(HOUR),
            )
            .await;
        assert!(changed.unwrap());
        let longest = Duration::from_mins(10);
        let take = |now, next| {
            s.store
                .take_probe(s.subscription, at(now), at(next), longest)
        };
        assert!(take(HOUR, HOUR + 60).await.unwrap());
        assert!(!take(HOUR + 1, HOUR + 61).await.unwrap());
        let due = s.store.due_probes(at(10), longest).await.unwrap();
        assert_eq!(due, [(s.tenant, s.subscription)]);
        assert!(take(10, 70).await.unwrap());
        assert!(!take(11, 71).await.unwrap(), "once");
        assert!(
            s.store
                .due_probes(at(11), longest)
                .await
                .unwrap()
                .is_empty()
        );
    })
    .await;
}

/// The pace is kept by the database's clock: what it wrote an hour ahead does not count.
#[tokio::test]
async fn a_pace_from_before_begins_anew() {
    on_every_engine(async |db| {
        let Db::Postgres(pool) = &db else {
            return assert_eq!(db.engine(), "sqlite", "one node paces by its own clock");
        };
        let pace = Store::new(db.clone()).shared_pace().unwrap();
        let subscription = DestinationId::Webhook(SubscriptionId::new(at(0), 7));
        let limit = RateLimit {
            per_second: 1,
            burst: 1,
        };
        pace.take_turns(subscription, &limit, 1).await.unwrap();
        let minute = Duration::from_mins(1);
        let take = async |owner: &str| {
            let taken = pace.take_permit(subscription, 1, owner.to_owned(), minute);
            taken.await.unwrap()
        };
        assert!(take("a").await.is_some());
        assert!(take("b").await.is_none());
        for ahead in [
            "UPDATE paces SET next_at = next_at + 3600000000",
            "UPDATE permits SET taken_until = taken_until + 3600000000",
        ] {
            sqlx::query(ahead).execute(pool).await.unwrap();
        }
        let wait = pace.take_turns(subscription, &limit, 1).await.unwrap();
        assert!(wait <= 0, "{wait}");
        assert!(take("b").await.is_some());
        assert!(take("c").await.is_none());
    })
    .await;
}
