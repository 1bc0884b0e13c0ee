//! What has been kept long enough goes; what is still needed stays.

use tieline_domain::{
    DeliveryId, EventId, JobId, RequestId, SourceId, Timestamp,
    delivery::Status,
    job::{Job, Kind, Progress, Status as JobStatus},
    retention::Retention,
};
use tieline_store::{
    PageRequest,
    audit::AuditFilter,
    events::EventFilter,
    rejected::Rejected,
    retention::{Old, Part, Removed},
    spine::Start,
};

use crate::{
    engines::on_every_engine,
    events_log::{Log, event_id},
    setting::{at, by, tenant},
};

const BEGIN: Timestamp = Timestamp::from_micros(0);

fn events_before(seconds: i64, limit: usize) -> Part<EventId> {
    Part {
        after: EventId::new(BEGIN, 0),
        before: EventId::new(at(seconds), 0),
        limit,
    }
}

async fn events(log: &Log) -> usize {
    let page = PageRequest::first(100);
    let all = EventFilter::default();
    let list = log.store.list_events(log.tenant, &all, &page);
    list.await.unwrap().items.len()
}

#[tokio::test]
async fn old_events_go_with_what_belongs_to_them() {
    on_every_engine(async |db| {
        let log = Log::open(&db).await;
        log.accept(1..=4, Some(Start::Due(at(4)))).await;
        assert_eq!(log.deliver(5).await, 4);
        // What waits is needed; what is not old stays.
        log.accept(6..=6, Some(Start::Held)).await;
        log.accept(7..=7, Some(Start::Due(at(99)))).await;
        log.accept(20..=20, None).await;
        let store = &log.store;
        assert_eq!(
            store
                .oldest_event(log.tenant, events_before(10, 1))
                .await
                .unwrap(),
            Some(event_id(1))
        );
        assert_eq!(
            store
                .oldest_event(tenant(2), events_before(10, 1))
                .await
                .unwrap(),
            None
        );

        let (last, removed) = store
            .remove_events(log.tenant, events_before(10, 3))
            .await
            .unwrap();
        let three = Removed {
            events: 3,
            deliveries: 3,
            attempts: 3,
        };
        assert_eq!((last, removed), (Some(event_id(3)), three));
        let rest = Part {
            after: event_id(3),
            ..events_before(10, 9)
        };
        let (last, removed) = store.remove_events(log.tenant, rest).await.unwrap();
        assert_eq!((last, removed.events), (Some(event_id(7)), 1));
        let rest = Part {
            after: event_id(7),
            ..events_before(10, 9)
        };
        assert_eq!(
            store.remove_events(log.tenant, rest).await.unwrap(),
            (None, Removed::default())
        );
        assert_eq!(events(&log).await, 3);
        assert_eq!(log.deliveries(None).await.len(), 2);
        assert_eq!(log.deliver(100).await, 1, "a delivery finds its event");
    })
    .await;
}

#[tokio::test]
async fn attempts_may_go_before_their_delivery() {
    on_every_engine(async |db| {
        let log = Log::open(&db).await;
        log.accept(1..=3, Some(Start::Due(at(3)))).await;
        log.deliver(5).await;
        log.accept(4..=4, Some(Start::Held)).await;
        let part = Part {
            after: DeliveryId::new(BEGIN, 0),
            before: DeliveryId::new(at(10), 0),
            limit: 9,
        };
        let early = log
            .store
            .remove_attempts(log.tenant, part, at(5))
            .await
            .unwrap();
        assert_eq!(early.1, 0, "they began later");
        let (last, removed) = log
            .store
            .remove_attempts(log.tenant, part, at(6))
            .await
            .unwrap();
        assert_eq!((last, removed), (Some(DeliveryId::new(at(4), 4)), 3));
        let delivered = log.deliveries(Some(Status::Delivered)).await;
        assert_eq!(delivered.len(), 3);
        assert!(log.attempts(delivered[0].id).await.is_empty());
        let rest = Part {
            after: DeliveryId::new(at(4), 4),
            ..part
        };
        assert_eq!(
            log.store
                .remove_attempts(log.tenant, rest, at(6))
                .await
                .unwrap(),
            (None, 0)
        );
    })
    .await;
}

#[tokio::test]
async fn logs_and_jobs_have_their_time() {
    on_every_engine(async |db| {
        let log = Log::open(&db).await;
        let store = &log.store;
        let job = |number: i64| Job {
            id: JobId::new(at(number), 1),
            tenant_id: log.tenant,
            kind: Kind::Replay,
            status: JobStatus::Waiting,
            asked: "{}".to_owned(),
            place: None,
            progress: Progress::default(),
            created_by: String::new(),
            created_at: at(number),
            started_at: None,
            ended_at: None,
            delivery_id: None,
        };
        for number in [10, 11] {
            store
                .create_job(&job(number), 9, &by(number))
                .await
                .unwrap();
        }
        store
            .cancel_job(log.tenant, job(10).id, &by(12))
            .await
            .unwrap();
        let remove = async |kind, of, seconds, limit| {
            let removed = store.remove_old(kind, of, at(seconds), limit);
            removed.await.unwrap()
        };
        assert_eq!(remove(Old::Jobs, tenant(2), 20, 9).await, 0);
        assert_eq!(
            remove(Old::Jobs, log.tenant, 20, 9).await,
            1,
            "one has not ended"
        );
        assert!(
            store
                .find_job(log.tenant, job(11).id)
                .await
                .unwrap()
                .is_some()
        );

        let audit = async || {
            let page = PageRequest::first(100);
            let all = AuditFilter::default();
            let list = store.list_audit(log.tenant, &all, &page);
            list.await.unwrap().items.len() as u64
        };
        let there = audit().await;
        let removed = remove(Old::Audit, log.tenant, 11, 2).await;
        assert_eq!((removed, audit().await), (2, there - 2));
        assert_eq!(remove(Old::Audit, log.tenant, 0, 9).await, 0);

        let refused = |number: i64| Rejected {
            id: RequestId::new(at(number), 1),
            source_id: SourceId::new(at(0), number as u64 % 2),
            tenant_id: log.tenant,
            at: at(number),
            reason: "signature".to_owned(),
            detail: String::new(),
            request: "{}".to_owned(),
        };
        let rows: Vec<_> = (1..=5).map(refused).collect();
        store.add_rejected(&rows, 100).await.unwrap();
        let (mut seen, mut after) = (Vec::new(), None);
        while let [.., (last, _)] = &*store.rejected_after(after, 2).await.unwrap() {
            after = Some(*last);
            seen.push(*last);
        }
        assert_eq!(seen.len(), 3, "three pages");
        store.remove_rejected(&seen).await.unwrap();
        assert_eq!(store.rejected_after(None, 9).await.unwrap().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn what_a_tenant_says_of_its_retention_is_kept() {
    on_every_engine(async |db| {
        let log = Log::open(&db).await;
        let own = Retention {
            events_days: Some(3),
            ..Retention::default()
        };
        let store = &log.store;
        let changed = store
            .update_tenant(log.tenant, "one", own, None, &by(5))
            .await
            .unwrap();
        assert_eq!(changed.unwrap().retention, own);
        assert_eq!(
            store
                .find_tenant(log.tenant)
                .await
                .unwrap()
                .unwrap()
                .retention,
            own
        );
        let all = store.retentions(None, 9).await.unwrap();
        assert_eq!(all, [(tenant(1), own), (tenant(2), Retention::default())]);
        assert_eq!(store.retentions(Some(tenant(1)), 9).await.unwrap().len(), 1);
        store.delete_tenant(tenant(2), None, &by(6)).await.unwrap();
        assert_eq!(
            store.retentions(None, 9).await.unwrap().len(),
            2,
            "its data goes in its time"
        );
    })
    .await;
}

#[tokio::test]
async fn content_is_erased_at_once() {
    on_every_engine(async |db| {
        let log = Log::open(&db).await;
        let store = &log.store;
        log.accept(1..=1, Some(Start::Due(at(1)))).await;
        log.deliver(2).await;
        log.accept(3..=3, Some(Start::Held)).await;
        assert_eq!(
            store
                .erase_event(tenant(2), event_id(1), &by(9))
                .await
                .unwrap(),
            None
        );
        let gone = store
            .erase_event(log.tenant, event_id(1), &by(9))
            .await
            .unwrap()
            .unwrap();
        assert_eq!((gone.at, gone.cancelled), (at(9), 0));
        let held = store
            .erase_event(log.tenant, event_id(3), &by(10))
            .await
            .unwrap()
            .unwrap();
        assert_eq!((held.at, held.cancelled), (at(10), 1));
        let twice = store
            .erase_event(log.tenant, event_id(3), &by(11))
            .await
            .unwrap()
            .unwrap();
        assert_eq!((twice.at, twice.cancelled), (at(10), 0));

        let event = store
            .find_event(log.tenant, event_id(1))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(&*event.data, "null");
        let ids = [event_id(1), event_id(2), event_id(3)];
        let mut erased = store.erasures(log.tenant, &ids).await.unwrap();
        erased.sort_unstable();
        assert_eq!(erased, [(event_id(1), at(9)), (event_id(3), at(10))]);
        assert_eq!(store.erasures(log.tenant, &[]).await.unwrap(), []);
        assert_eq!(log.deliveries(Some(Status::Cancelled)).await.len(), 1);
        let delivered = log.deliveries(Some(Status::Delivered)).await;
        let attempts = log.attempts(delivered[0].id).await;
        assert_eq!(
            (attempts.len(), &*attempts[0].seen.response_excerpt),
            (1, "")
        );
        store.erase_late_answers(at(8)).await.unwrap();
        let log = store
            .list_audit(log.tenant, &AuditFilter::default(), &PageRequest::first(9))
            .await
            .unwrap();
        let row = &log.items[0];
        assert_eq!(
            (&*row.action, &*row.object_kind),
            ("delete", "event_payload")
        );
    })
    .await;
}
