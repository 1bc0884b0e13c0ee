//! Jobs: one node at a time, no gap after a crash, nothing written after the end.

use std::{sync::Arc, time::Duration};

use futures::future::join_all;
use tieline_domain::{
    JobId, TenantId, Timestamp,
    delivery::Status as DeliveryStatus,
    job::{Fault, Job, Kind, Progress, Status},
};
use tieline_store::{
    PageRequest, Store,
    jobs::{Advance, Ending, Hold, JobFilter},
    spine::{
        Spine as _, Start, Verdict,
        replay::{Again, Fate, Replayed, Step, Stretch},
    },
};

use crate::{
    engines::on_every_engine,
    events_log::{Log, event_id},
    setting::{at, by, tenant, two_tenants},
    spine::{Setting, node},
};

const LEASE: Duration = Duration::from_secs(10);

/// More jobs than a story asks for.
const MANY: usize = 100;

fn job(of: TenantId, number: i64) -> Job {
    Job {
        id: JobId::new(at(number), number as u64),
        tenant_id: of,
        kind: Kind::Replay,
        status: Status::Waiting,
        asked: "{}".to_owned(),
        place: None,
        progress: Progress::default(),
        created_by: "key_owner".to_owned(),
        created_at: at(number),
        started_at: None,
        ended_at: None,
        delivery_id: None,
    }
}

fn step(hold: &Hold, now: Timestamp, again: &[Again], place: &str, done: u64) -> Arc<Step> {
    let place = place.to_owned();
    let advance = move |_: &[Again], _: &Replayed| Advance {
        place: place.clone(),
        progress: Progress {
            total: Some(9),
            done,
            ..Progress::default()
        },
    };
    Arc::new(Step {
        hold: hold.clone(),
        now,
        again: again.to_vec(),
        advance: Box::new(advance),
    })
}

async fn find(store: &Store, job: &Job) -> Job {
    let found = store.find_job(job.tenant_id, job.id).await.unwrap();
    found.unwrap()
}

#[tokio::test]
async fn a_job_is_worked_on_by_one_node_and_taken_up_by_another() {
    on_every_engine(async |db| {
        let store = two_tenants(db.clone()).await;
        let spine = node(&db, "a");
        let (one, two, other) = (job(tenant(1), 1), job(tenant(1), 2), job(tenant(2), 3));
        for job in [&one, &two, &other] {
            assert!(store.create_job(job, 2, &by(3)).await.unwrap());
        }
        let third = job(tenant(1), 4);
        assert!(!store.create_job(&third, 2, &by(3)).await.unwrap());
        let claim = async |node: &str, second| {
            let claimed = store.claim_job(node, at(second), LEASE).await.unwrap();
            claimed.map(|(job, hold)| (job.id, hold))
        };
        let (id, hold) = claim("a", 4).await.unwrap();
        assert_eq!(id, one.id);
        assert_eq!(find(&store, &one).await.started_at, Some(at(4)));
        // The second job of the tenant waits for the first; another tenant's does not.
        assert_eq!(claim("b", 4).await.unwrap().0, other.id);
        assert!(claim("b", 4).await.is_none());

        let written = spine.replay(step(&hold, at(5), &[], "{\"n\":1}", 3)).await;
        assert!(written.unwrap().is_some());
        assert!(store.prolong_job(&hold, at(6)).await.unwrap());
        assert!(
            claim("b", 15).await.unwrap().0 == other.id,
            "its lease is over"
        );
        // Node a says nothing more: b goes on where it was, and a can write no longer.
        let (id, taken) = claim("b", 16).await.unwrap();
        assert_eq!(id, one.id);
        let seen = find(&store, &one).await;
        assert_eq!(
            (seen.place.as_deref(), seen.progress.done),
            (Some("{\"n\":1}"), 3)
        );
        let late = spine.replay(step(&hold, at(17), &[], "{\"n\":2}", 4)).await;
        assert!(late.unwrap().is_none());
        assert!(!store.prolong_job(&hold, at(17)).await.unwrap());

        // While the clock is ahead by an hour and is set back, the lease lasts no longer for it.
        assert!(store.prolong_job(&taken, at(3_616)).await.unwrap());
        let (id, taken) = claim("d", 17).await.unwrap();
        assert_eq!(id, one.id);
        store.give_job_back(&taken, at(18)).await.unwrap();
        let (id, hold) = claim("c", 18).await.unwrap();
        assert_eq!(id, one.id, "the oldest that is due");
        let ending = Ending {
            status: Status::Failed,
            progress: Progress {
                total: Some(9),
                done: 9,
                failed: 1,
                errors: vec![Fault {
                    item: Some("x".to_owned()),
                    detail: "y".to_owned(),
                }],
            },
            notice: None,
        };
        assert!(store.end_job(&hold, at(20), &ending).await.unwrap());
        assert!(!store.end_job(&hold, at(21), &ending).await.unwrap());
        let ended = find(&store, &one).await;
        assert_eq!(
            (ended.status, ended.ended_at),
            (Status::Failed, Some(at(20)))
        );
        assert_eq!(ended.progress, ending.progress);
        assert_eq!(claim("c", 20).await.unwrap().0, two.id);
    })
    .await;
}

#[tokio::test]
async fn a_cancelled_job_writes_nothing_more() {
    on_every_engine(async |db| {
        let log = Log::open(&db).await;
        log.accept(1..=1, None).await;
        let store = &log.store;
        let job = job(log.tenant, 1);
        store.create_job(&job, MANY, &by(1)).await.unwrap();
        let (_, hold) = store.claim_job("a", at(2), LEASE).await.unwrap().unwrap();
        assert!(
            !store.cancel_job(tenant(2), job.id, &by(3)).await.unwrap(),
            "of another tenant"
        );
        assert!(store.cancel_job(log.tenant, job.id, &by(3)).await.unwrap());
        assert!(!store.cancel_job(log.tenant, job.id, &by(4)).await.unwrap());
        let late = log
            .spine
            .replay(step(&hold, at(4), &[log.again(1)], "{}", 1))
            .await;
        assert!(late.unwrap().is_none());
        assert!(log.deliveries(None).await.is_empty(), "one commit or none");
        let seen = find(store, &job).await;
        assert_eq!(
            (seen.status, seen.ended_at),
            (Status::Cancelled, Some(at(3)))
        );
        assert_eq!(store.find_job(tenant(2), job.id).await.unwrap(), None);

        let list = async |status| {
            let filter = JobFilter {
                status,
                kind: Some(Kind::Replay),
            };
            let page = store
                .list_jobs(log.tenant, &filter, &PageRequest::first(9))
                .await;
            page.unwrap().items.len()
        };
        assert_eq!(list(None).await, 1);
        assert_eq!(list(Some(Status::Cancelled)).await, 1);
        assert_eq!(list(Some(Status::Running)).await, 0);
        // An earlier life's jobs are taken up at once by the only node; Postgres waits for their leases.
        let other = self::job(log.tenant, 5);
        store.create_job(&other, MANY, &by(5)).await.unwrap();
        store.claim_job("a", at(6), LEASE).await.unwrap().unwrap();
        store.recover_jobs(at(7)).await.unwrap();
        let taken = store.claim_job("b", at(7), LEASE).await.unwrap();
        assert_eq!(taken.is_some(), db.engine() == "sqlite");
    })
    .await;
}

#[tokio::test]
async fn a_replay_keeps_the_delivery_of_each_event_and_subscription() {
    use Fate::{Again, Gone, Made, Waiting};
    on_every_engine(async |db| {
        let log = Log::open(&db).await;
        log.accept(1..=2, Some(Start::Due(at(2)))).await;
        assert_eq!(log.deliver(3).await, 2);
        log.accept(3..=3, Some(Start::Held)).await;
        log.accept(4..=4, None).await;
        let before = log.deliveries(None).await;

        let mut again: Vec<_> = (1..=5).map(|number| log.again(number)).collect();
        again[1].start = Start::Held;
        let replayed = log.store.replay_event(&again, at(50)).await.unwrap();
        let fates: Vec<_> = replayed.fates.iter().map(|(fate, _)| *fate).collect();
        assert_eq!(fates, [Again, Again, Waiting, Made, Gone]);
        let after = log.deliveries(None).await;
        assert_eq!(after.len(), before.len() + 1);
        assert!(
            before
                .iter()
                .all(|old| after.iter().any(|new| new.id == old.id))
        );
        let pending = log.deliveries(Some(DeliveryStatus::Pending)).await;
        let held = log.deliveries(Some(DeliveryStatus::Held)).await;
        assert_eq!((pending.len(), held.len()), (2, 2));
        assert!(
            pending.iter().all(|one| one.created_at == at(50)),
            "they begin anew: {pending:?}"
        );

        let ids: Vec<_> = after.iter().map(|one| one.id).collect();
        assert_eq!(
            log.store
                .not_tried_yet(log.tenant, &ids)
                .await
                .unwrap()
                .len(),
            2
        );
        assert_eq!(log.store.not_tried_yet(log.tenant, &[]).await.unwrap(), []);
        assert_eq!(log.deliver(51).await, 2);
        assert_eq!(log.store.not_tried_yet(log.tenant, &ids).await.unwrap(), []);
        let first = replayed.fates[0].1;
        let attempts = log.attempts(first).await;
        assert_eq!(
            attempts.iter().map(|one| one.number).collect::<Vec<_>>(),
            [1, 2]
        );
        // Once more: nothing is made a second time.
        let twice = log.store.replay_event(&again[3..4], at(60)).await.unwrap();
        assert_eq!(twice.fates, [(Again, replayed.fates[3].1)]);
    })
    .await;
}

#[tokio::test]
async fn a_stretch_of_the_log_is_read_in_its_order() {
    on_every_engine(async |db| {
        let log = Log::open(&db).await;
        log.accept(1..=6, None).await;
        log.store
            .erase_event(log.tenant, event_id(4), &by(9))
            .await
            .unwrap();
        let stretch = |after, before, subject: Option<&str>| Stretch {
            tenant_id: log.tenant,
            after: event_id(after),
            before: event_id(before),
            source: Some("/v1/events".to_owned()),
            subject: subject.map(str::to_owned),
        };
        let rows: [(Stretch, usize, &[i64]); 5] = [
            (stretch(1, 6, None), 9, &[2, 3, 5]),
            (stretch(1, 6, None), 2, &[2, 3]),
            (stretch(0, 9, Some("order/3")), 9, &[3]),
            (stretch(6, 9, None), 9, &[]),
            (
                Stretch {
                    tenant_id: tenant(2),
                    ..stretch(0, 9, None)
                },
                9,
                &[],
            ),
        ];
        for (stretch, limit, expected) in rows {
            let read = log.store.events_in(&stretch, limit).await.unwrap();
            let ids: Vec<_> = read.iter().map(|event| event.id).collect();
            let expected: Vec<_> = expected.iter().map(|number| event_id(*number)).collect();
            assert_eq!(ids, expected, "{stretch:?}");
        }
    })
    .await;
}

/// What several nodes do at the same moment: bounds that are looked at before something is written hold all the same.
#[tokio::test]
async fn jobs_at_once_are_asked_for_and_taken_within_their_bounds() {
    on_every_engine(async |db| {
        let store = two_tenants(db).await;
        for round in 0..20 {
            let jobs: Vec<_> = (1..=6).map(|n| job(tenant(1), round * 10 + n)).collect();
            let owner = by(3);
            let asked = jobs.iter().map(|job| store.create_job(job, 3, &owner));
            let asked: Result<Vec<_>, _> = join_all(asked).await.into_iter().collect();
            let made = asked.unwrap().into_iter().filter(|made| *made);
            assert_eq!(made.count(), 3, "round {round}");

            let claims = ["a", "b", "c"].map(|node| store.claim_job(node, at(4), LEASE));
            let claims: Result<Vec<_>, _> = join_all(claims).await.into_iter().collect();
            let taken = claims.unwrap().into_iter().flatten();
            assert_eq!(taken.count(), 1, "round {round}");
            for job in &jobs {
                store.cancel_job(tenant(1), job.id, &owner).await.unwrap();
            }
        }
    })
    .await;
}

#[tokio::test]
async fn what_a_replay_leases_is_its_nodes() {
    on_every_engine(async |db| {
        let log = Log::open(&db).await;
        log.accept(1..=1, Some(Start::Due(at(1)))).await;
        assert_eq!(log.deliver(3).await, 1);
        log.accept(2..=2, None).await;
        log.accept(3..=3, Some(Start::Held)).await;
        let job = job(log.tenant, 1);
        log.store.create_job(&job, MANY, &by(1)).await.unwrap();
        let claimed = log.store.claim_job("node_a", at(4), LEASE).await;
        let (_, hold) = claimed.unwrap().unwrap();
        let leased = Start::Leased(at(110));
        let again: Vec<_> = (1..=4)
            .map(|number| Again {
                start: leased,
                ..log.again(number)
            })
            .collect();
        let replayed = log.spine.replay(step(&hold, at(50), &again, "{}", 4)).await;
        let replayed = replayed.unwrap().unwrap();
        let mut leased: Vec<_> = replayed
            .leased
            .iter()
            .map(|claimed| (claimed.event.id, claimed.attempts, claimed.earlier_attempts))
            .collect();
        leased.sort_unstable();
        // The first was tried before, the second is new, the third waits, and the fourth is gone.
        assert_eq!(leased, [(event_id(1), 1, 1), (event_id(2), 0, 0)]);
        assert_eq!(log.deliver(60).await, 0, "nobody else takes them");
        for claimed in &replayed.leased {
            let settlement =
                Setting::settlement(claimed, 61, Verdict::Delivered { recovery: None });
            log.spine.settle(settlement.into()).await.unwrap();
        }
        let delivered = log.deliveries(Some(DeliveryStatus::Delivered)).await;
        assert_eq!(delivered.len(), 2, "the node that leased them settles them");

        let hold = Hold {
            node: "other".to_owned(),
            ..hold
        };
        let late = log.spine.replay(step(&hold, at(70), &again, "{}", 4)).await;
        assert!(late.unwrap().is_none());
    })
    .await;
}
