//! Runs of triggers, and jobs whose work is one delivery.

use std::time::Duration;

use serde_json::json;
use tieline_domain::{
    DeliveryId, DestinationId, JobId, TriggerId, TriggerRunId,
    job::{Fault, Job, Kind, Progress, Status},
    trigger::{Failure, Run, RunStatus, RunStep, StepStatus},
};
use tieline_store::{
    PageRequest,
    jobs::Ending,
    retention::Old,
    spine::{Entry, NewDelivery, Start},
    trigger_runs::{Effects, RunFilter},
};

use crate::{
    engines::on_every_engine,
    events_log::{Log, event_id},
    setting::{at, by, tenant},
};

const A: &str = "attempt_a";
const B: &str = "attempt_b";

fn trigger() -> TriggerId {
    TriggerId::new(at(0), 3)
}

fn run(log: &Log, number: i64) -> Run {
    Run {
        id: TriggerRunId::new(at(number), number as u64),
        tenant_id: log.tenant,
        trigger_id: trigger(),
        delivery_id: DeliveryId::new(at(number), number as u64),
        event_id: event_id(number),
        trace_id: "0".repeat(32),
        depth: 1,
        plan: "[]".to_owned(),
        status: RunStatus::Running,
        error: None,
        schedule: 0,
        created_at: at(number),
        ended_at: None,
    }
}

fn step(number: u32, status: StepStatus) -> RunStep {
    RunStep {
        number,
        name: format!("step_{number}"),
        kind: "action".to_owned(),
        status,
        attempts: 1,
        input: json!({"n": number}),
        output: None,
        error: None,
        call_id: None,
        started_at: at(20),
        duration: None,
    }
}

#[tokio::test]
async fn a_run_belongs_to_one_attempt_and_keeps_what_is_done() {
    on_every_engine(async |db| {
        let log = Log::open(&db).await;
        log.accept(1..=2, Some(Start::Due(at(900)))).await;
        let (store, first) = (&log.store, run(&log, 1));
        store.begin_trigger_run(&first, A).await.unwrap();
        let found = store.run_of_delivery(log.tenant, first.delivery_id).await;
        assert_eq!(found.unwrap().as_ref(), Some(&first));
        assert_eq!(
            store.find_trigger_run(tenant(2), first.id).await.unwrap(),
            None
        );

        assert!(
            store
                .begin_trigger_step(&first, A, &step(0, StepStatus::Running))
                .await
                .unwrap()
        );
        assert!(
            !store
                .begin_trigger_step(&first, B, &step(0, StepStatus::Running))
                .await
                .unwrap()
        );
        let done = RunStep {
            output: Some(json!({"id": 1})),
            duration: Some(Duration::from_millis(5)),
            ..step(0, StepStatus::Completed)
        };
        // What a step publishes is on the log with the step, or not at all.
        let published = Entry {
            event: log.event(7),
            deliveries: Vec::new(),
        };
        let effects = Effects {
            events: vec![published],
            deliveries: vec![log.again(2)],
        };
        assert!(
            !store
                .end_trigger_step(&first, B, &done, &effects, at(21))
                .await
                .unwrap()
        );
        assert!(
            store
                .find_event(log.tenant, event_id(7))
                .await
                .unwrap()
                .is_none()
        );
        assert!(
            store
                .end_trigger_step(&first, A, &done, &effects, at(21))
                .await
                .unwrap()
        );
        assert!(
            store
                .find_event(log.tenant, event_id(7))
                .await
                .unwrap()
                .is_some()
        );

        // Another attempt takes the run over; the first one can write no longer.
        assert!(store.resume_trigger_run(&first, B, 0).await.unwrap());
        assert!(
            store
                .begin_trigger_step(&first, B, &step(1, StepStatus::Running))
                .await
                .unwrap()
        );
        assert!(
            store
                .begin_trigger_step(&first, B, &step(1, StepStatus::Running))
                .await
                .unwrap()
        );
        let failure = Failure::new("upstream_error", "500");
        let late = store
            .pass_trigger_run(&first, A, RunStatus::Completed, None, at(22))
            .await;
        assert!(!late.unwrap());
        let failed = RunStep {
            error: Some(failure.clone()),
            ..step(1, StepStatus::Waiting)
        };
        assert!(
            store
                .end_trigger_step(&first, B, &failed, &Effects::default(), at(22))
                .await
                .unwrap()
        );
        let waits = store
            .pass_trigger_run(&first, B, RunStatus::Waiting, Some(&failure), at(22))
            .await;
        assert!(waits.unwrap());
        let steps = store.trigger_steps(log.tenant, first.id).await.unwrap();
        assert_eq!(steps[0], done);
        assert_eq!(
            (steps[1].attempts, steps[1].status),
            (2, StepStatus::Waiting)
        );

        // Given up: what it waited for stays as the reason.
        let why = Failure::new("delivery", "no more");
        store
            .give_up_trigger_runs(log.tenant, trigger(), first.event_id, &why, at(30))
            .await
            .unwrap();
        let given_up = store
            .find_trigger_run(log.tenant, first.id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            (given_up.status, given_up.error),
            (RunStatus::Failed, Some(failure))
        );
        assert_eq!(given_up.ended_at, Some(at(30)));
    })
    .await;
}

#[tokio::test]
async fn runs_are_listed_chained_ended_and_removed() {
    on_every_engine(async |db| {
        let log = Log::open(&db).await;
        log.accept(1..=3, Some(Start::Due(at(900)))).await;
        let store = &log.store;
        for number in 1..=3 {
            let run = Run {
                depth: number as u32,
                ..run(&log, number)
            };
            store.begin_trigger_run(&run, A).await.unwrap();
        }
        assert_eq!(
            store
                .chain_of_runs(log.tenant, Some(event_id(2)))
                .await
                .unwrap(),
            2
        );
        assert_eq!(
            store
                .chain_of_runs(log.tenant, Some(event_id(9)))
                .await
                .unwrap(),
            0
        );
        assert_eq!(
            store
                .chain_of_runs(tenant(2), Some(event_id(2)))
                .await
                .unwrap(),
            0
        );
        assert_eq!(store.chain_of_runs(log.tenant, None).await.unwrap(), 0);

        let page = PageRequest::first(2);
        let all = store
            .list_trigger_runs(log.tenant, trigger(), RunFilter::default(), &page)
            .await
            .unwrap();
        assert_eq!(
            (all.items[0].event_id, all.items.len(), all.next.is_some()),
            (event_id(3), 2, true)
        );
        let one = RunFilter {
            status: Some(RunStatus::Running),
            event_id: Some(event_id(2)),
        };
        let one = store
            .list_trigger_runs(log.tenant, trigger(), one, &page)
            .await
            .unwrap();
        assert_eq!(one.items.len(), 1);

        // A run whose delivery was called off ends with it.
        assert_eq!(store.end_orphaned_runs(at(30), 10).await.unwrap(), 0);
        let called_off = run(&log, 1).delivery_id;
        assert!(
            store
                .cancel_delivery(log.tenant, called_off, at(31))
                .await
                .unwrap()
        );
        assert_eq!(store.end_orphaned_runs(at(32), 10).await.unwrap(), 1);
        let ended = store
            .find_trigger_run(log.tenant, run(&log, 1).id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            (ended.status, ended.ended_at),
            (RunStatus::Cancelled, Some(at(32)))
        );

        // What was erased from the log is in no step.
        let second = run(&log, 2);
        store
            .begin_trigger_step(&second, A, &step(0, StepStatus::Running))
            .await
            .unwrap();
        store
            .erase_event(log.tenant, event_id(2), &by(40))
            .await
            .unwrap();
        assert_eq!(
            store.trigger_steps(log.tenant, second.id).await.unwrap()[0].input,
            json!(null)
        );

        // The one that has ended.
        for removed in [1, 0] {
            let old = store.remove_old(Old::TriggerRuns, log.tenant, at(100), 10);
            assert_eq!(old.await.unwrap(), removed);
        }
        assert_eq!(
            store
                .find_trigger_run(log.tenant, run(&log, 1).id)
                .await
                .unwrap(),
            None
        );
    })
    .await;
}

#[tokio::test]
async fn a_job_that_is_a_delivery_is_written_with_it_and_worked_on_by_its_holder() {
    on_every_engine(async |db| {
        let log = Log::open(&db).await;
        let store = &log.store;
        let delivery = DeliveryId::new(at(5), 5);
        let job = Job {
            id: JobId::new(at(5), 5),
            tenant_id: log.tenant,
            kind: Kind::ActionRun,
            status: Status::Waiting,
            asked: "{}".to_owned(),
            place: None,
            progress: Progress {
                total: Some(1),
                ..Progress::default()
            },
            created_by: "key_owner".to_owned(),
            created_at: at(5),
            started_at: None,
            ended_at: None,
            delivery_id: Some(delivery),
        };
        let destination: DestinationId = log.subscription;
        let asking = Entry {
            event: log.event(5),
            deliveries: vec![NewDelivery {
                id: delivery,
                destination_id: destination,
                ordering_key: None,
                start: Start::Due(at(900)),
            }],
        };
        store
            .create_delivered_job(&job, &asking, &by(5))
            .await
            .unwrap();
        assert!(
            store
                .find_delivery(log.tenant, delivery)
                .await
                .unwrap()
                .is_some()
        );
        let find = async || store.find_job(log.tenant, job.id).await.unwrap().unwrap();
        assert_eq!(find().await, job);
        // It is no work for those who look for jobs, and takes no room of theirs.
        assert!(
            store
                .claim_job("node", at(6), Duration::from_secs(10))
                .await
                .unwrap()
                .is_none()
        );
        let other = Job {
            id: JobId::new(at(6), 6),
            delivery_id: None,
            ..job.clone()
        };
        assert!(store.create_job(&other, 1, &by(6)).await.unwrap());
        let cancelled = store.cancel_job(log.tenant, other.id, &by(6)).await;
        assert!(cancelled.unwrap());
        assert_eq!(store.orphaned_jobs(10).await.unwrap().len(), 0);

        assert!(
            store
                .take_delivered_job(&job, A, "{\"n\":1}", at(7))
                .await
                .unwrap()
        );
        assert!(
            !store
                .take_delivered_job(&job, B, "{\"n\":2}", at(7))
                .await
                .unwrap(),
            "it is not as it was seen"
        );
        let cancelled = store.cancel_job(log.tenant, job.id, &by(7)).await;
        assert!(!cancelled.unwrap(), "it is at work");
        let put_off = Progress {
            total: Some(1),
            errors: vec![Fault {
                item: Some("rate_limited".to_owned()),
                detail: "later".to_owned(),
            }],
            ..Progress::default()
        };
        assert!(
            !store
                .put_job_off(log.tenant, job.id, B, "{}", &put_off)
                .await
                .unwrap()
        );
        assert!(
            store
                .put_job_off(log.tenant, job.id, A, "{\"n\":3}", &put_off)
                .await
                .unwrap()
        );
        let waits = find().await;
        assert_eq!(
            (waits.status, waits.place.as_deref()),
            (Status::Waiting, Some("{\"n\":3}"))
        );
        assert_eq!((waits.started_at, &waits.progress), (Some(at(7)), &put_off));

        assert!(
            store
                .take_delivered_job(&waits, B, "{}", at(8))
                .await
                .unwrap()
        );
        let ending = Ending {
            status: Status::Completed,
            progress: Progress {
                total: Some(1),
                done: 1,
                ..Progress::default()
            },
            notice: Some(Entry {
                event: log.event(6),
                deliveries: Vec::new(),
            }),
        };
        let end = async |holder| {
            let (tenant, id) = (log.tenant, job.id);
            let ended =
                store.end_delivered_job(tenant, id, holder, Some("{\"n\":4}"), at(9), &ending);
            ended.await.unwrap()
        };
        assert!(!end(Some(A)).await);
        assert!(end(Some(B)).await);
        assert!(!end(None).await, "it has ended");
        let ended = find().await;
        assert_eq!(
            (ended.status, ended.ended_at),
            (Status::Completed, Some(at(9)))
        );
        assert!(
            store
                .find_event(log.tenant, event_id(6))
                .await
                .unwrap()
                .is_some()
        );

        // One whose delivery is called off is found.
        let other = Job {
            id: JobId::new(at(11), 11),
            delivery_id: Some(DeliveryId::new(at(11), 11)),
            ..job.clone()
        };
        let asking = Entry {
            event: log.event(11),
            deliveries: vec![NewDelivery {
                id: DeliveryId::new(at(11), 11),
                destination_id: destination,
                ordering_key: None,
                start: Start::Due(at(900)),
            }],
        };
        store
            .create_delivered_job(&other, &asking, &by(11))
            .await
            .unwrap();
        store
            .cancel_delivery(log.tenant, DeliveryId::new(at(11), 11), at(12))
            .await
            .unwrap();
        let orphans = store.orphaned_jobs(10).await.unwrap();
        assert_eq!((orphans.len(), orphans[0].0.id), (1, other.id));

        // What was erased from the log is in no job.
        store
            .erase_event(log.tenant, event_id(5), &by(50))
            .await
            .unwrap();
        let erased = find().await;
        assert_eq!((&*erased.asked, erased.place), ("null", None));
    })
    .await;
}
