//! Requests with an idempotency key: once, however many copies come.

use tieline_domain::TenantId;
use tieline_store::{
    Store,
    idempotency::{Begun, TAKEOVER_AFTER},
};

use crate::{
    engines::on_every_engine,
    setting::{at, tenant},
};

const DAY: i64 = 86_400;

async fn begin(store: &Store, tenant: TenantId, request: u8, now: i64) -> Begun {
    store
        .begin_idempotent(tenant, "key", &[request; 32], at(now), at(now + DAY))
        .await
        .unwrap()
}

#[tokio::test]
async fn a_repeat_gets_the_first_answer_for_a_day() {
    on_every_engine(async |db| {
        let store = Store::new(db);
        let replay = Begun::Replay {
            status: 201,
            answer: b"made".to_vec(),
        };
        assert_eq!(begin(&store, tenant(1), 1, 0).await, Begun::Fresh);
        assert_eq!(begin(&store, tenant(1), 1, 1).await, Begun::InProgress);
        assert_eq!(begin(&store, tenant(1), 2, 1).await, Begun::Mismatch);
        assert_eq!(begin(&store, tenant(2), 2, 1).await, Begun::Fresh);
        store
            .finish_idempotent(tenant(1), "key", 201, b"made")
            .await
            .unwrap();
        assert_eq!(begin(&store, tenant(1), 1, DAY - 1).await, replay);
        assert_eq!(begin(&store, tenant(1), 2, DAY - 1).await, Begun::Mismatch);
        // What is answered stays answered.
        store
            .finish_idempotent(tenant(1), "key", 500, b"late")
            .await
            .unwrap();
        store.abandon_idempotent(tenant(1), "key").await.unwrap();
        assert_eq!(begin(&store, tenant(1), 1, DAY - 1).await, replay);
        assert_eq!(begin(&store, tenant(1), 2, DAY).await, Begun::Fresh);
    })
    .await;
}

#[tokio::test]
async fn of_copies_at_once_one_goes_on() {
    on_every_engine(async |db| {
        let store = Store::new(db);
        let copies = (0..16).map(|_| begin(&store, tenant(1), 1, 0));
        let begun = futures::future::join_all(copies).await;
        assert_eq!(
            begun.iter().filter(|begun| **begun == Begun::Fresh).count(),
            1
        );
        assert_eq!(
            begun
                .iter()
                .filter(|begun| **begun == Begun::InProgress)
                .count(),
            15
        );
    })
    .await;
}

#[tokio::test]
async fn a_request_that_came_to_nothing_may_be_repeated() {
    on_every_engine(async |db| {
        let store = Store::new(db);
        assert_eq!(begin(&store, tenant(1), 1, 0).await, Begun::Fresh);
        store.abandon_idempotent(tenant(1), "key").await.unwrap();
        assert_eq!(begin(&store, tenant(1), 2, 1).await, Begun::Fresh);
        // Its node died: a minute later a repeat takes over, another request does not.
        let minute = TAKEOVER_AFTER.as_secs() as i64;
        assert_eq!(begin(&store, tenant(1), 2, minute).await, Begun::InProgress);
        assert_eq!(
            begin(&store, tenant(1), 1, minute + 1).await,
            Begun::Mismatch
        );
        assert_eq!(begin(&store, tenant(1), 2, minute + 1).await, Begun::Fresh);
        assert_eq!(
            begin(&store, tenant(1), 2, minute + 2).await,
            Begun::InProgress
        );
        // Meanwhile the clock was set back by an hour: nobody waits for that hour.
        let back = minute + 2 - 3_600;
        assert_eq!(begin(&store, tenant(1), 1, back).await, Begun::Mismatch);
        assert_eq!(begin(&store, tenant(1), 2, back).await, Begun::Fresh);
        assert_eq!(
            begin(&store, tenant(1), 2, back + 1).await,
            Begun::InProgress
        );
    })
    .await;
}

#[tokio::test]
async fn expired_keys_are_removed_in_chunks() {
    on_every_engine(async |db| {
        let store = Store::new(db);
        for number in 1..=4 {
            assert_eq!(
                begin(&store, tenant(number), 1, number as i64).await,
                Begun::Fresh
            );
        }
        assert_eq!(
            store
                .delete_expired_idempotent(at(DAY + 3), 2)
                .await
                .unwrap(),
            2
        );
        assert_eq!(
            store
                .delete_expired_idempotent(at(DAY + 3), 2)
                .await
                .unwrap(),
            1
        );
        assert_eq!(begin(&store, tenant(4), 1, 5).await, Begun::InProgress);
    })
    .await;
}
