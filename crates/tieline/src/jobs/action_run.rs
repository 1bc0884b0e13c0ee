//! Actions that are run in the background: each run is a job whose work is one delivery to the action.
//!
//! ```text
//! ask ─► job + event `action.requested`, owed to the action (one commit) ─► delivery ─► work: take, call, end
//! ```
//!
//! The delivery brings retries, crash recovery and the dead letter; the job shows how far it is. A call that was under
//! way when a node died is made again only if that is harmless. Otherwise the job fails with `unknown_outcome`.

use std::sync::Arc;

use rand::random;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tieline_domain::{
    DestinationId, JobId, TenantId,
    clock::Clock,
    event::{Event, types},
    filter::Document,
    job::{Fault, Job, Kind, Progress, Status},
    operation::{CallError, ErrorKind},
    trace::TraceContext,
};
use tieline_store::{ChangeBy, Store, jobs::Ending, spine::Claimed};
use tokio_util::sync::CancellationToken;

use super::{ending_notice, written};
use crate::{
    operate::{Call, CalledBy, Offered, Operator, Report, Via},
    publish::{NewEvent, mint, own_type, told},
    registry::{self, Registry},
};

/// How many orphans are ended in one look.
const ORPHANS: usize = 200;

/// What runs of actions work with.
pub struct Parts {
    /// The time.
    pub clock: Clock,
    /// The store.
    pub store: Store,
    /// The destinations.
    pub registry: Registry,
    /// Calls actions.
    pub operator: Operator,
}

/// Asks for runs of actions and works on them; clones share it.
#[derive(Clone)]
pub struct ActionRuns(Arc<Parts>);

/// Why a run could not be asked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] tieline_store::Error),
    /// The destinations could not be loaded.
    #[error(transparent)]
    Registry(#[from] registry::Error),
    /// The action was deleted meanwhile.
    #[error("there is no such action any more")]
    NoAction,
}

/// What is to be run, as the job and the event keep it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// The id of the action.
    pub action_id: String,
    /// Its name at that time.
    pub action: String,
    /// What it is run with.
    pub input: Value,
    /// The user for whom it is run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The caller's key by which the service may tell repeats; the job's id if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

/// The content of the event that asks for a run.
#[derive(Debug, Serialize, Deserialize)]
struct Requested {
    job_id: JobId,
    requested_by: String,
    #[serde(flatten)]
    asked: Asked,
}

/// Where a run goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Place {
    /// How many attempts of the delivery lay before the schedule in which this was written: more of them now mean
    /// that someone retried it by hand.
    schedule: u32,
    /// Whether a call is under way.
    calling: bool,
    /// What came out.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    result: Value,
}

/// What follows from how a job stands when its delivery is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// The action is called.
    Call,
    /// A call was under way when a node died; whether it did anything is not known.
    Unknown,
    /// It is done.
    Done,
    /// It failed for good in this schedule.
    Failed,
    /// It was called off.
    CalledOff,
}

/// What came of an attempt.
#[derive(Debug)]
pub enum Worked {
    /// The action was run, now or before.
    Done(Option<Report>),
    /// Not now; another try may succeed.
    NotYet(CallError, Option<Report>),
    /// Not, and another try would not help.
    Failed(CallError, Option<Report>),
    /// The job was called off.
    CalledOff,
}

impl ActionRuns {
    /// Runs that work with these parts.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// Asks for a run in the background, in the trace `trace_id`; the answer means that it is on disk. Whoever looks
    /// for deliveries has to be woken.
    pub async fn ask(
        &self,
        tenant: TenantId,
        asked: Asked,
        trace_id: Arc<str>,
        by: &ChangeBy,
    ) -> Result<Job, Error> {
        let Parts {
            clock,
            store,
            registry,
            ..
        } = &*self.0;
        let routes = registry.routes(tenant).await?;
        let action: DestinationId = asked.action_id.parse().map_err(|_| Error::NoAction)?;
        let route = routes.get(action).ok_or(Error::NoAction)?;
        let job_id = JobId::new(clock.unique_now(), random());
        let requested = Requested {
            job_id,
            requested_by: by.actor.clone(),
            asked: asked.clone(),
        };
        let new = NewEvent {
            event_type: own_type(types::ACTION_REQUESTED),
            source: format!("/v1/integrations/actions/{action}").into(),
            subject: Some(job_id.to_string().into()),
            data: json!(requested).to_string().into(),
            trace_id,
            trust: None,
            owed: None,
        };
        let event = mint(clock, tenant, new, None);
        let wanting: Vec<_> = routes.wanting(&Document::of(&event)).collect();
        let asking = told(clock, event, wanting.into_iter(), Some((route, None)));
        let delivery = asking.deliveries.last();
        let delivery_id = delivery.map(|delivery| delivery.id);
        let job = Job {
            id: job_id,
            tenant_id: tenant,
            kind: Kind::ActionRun,
            status: Status::Waiting,
            asked: json!(asked).to_string(),
            place: None,
            progress: Progress {
                total: Some(1),
                ..Progress::default()
            },
            created_by: by.actor.clone(),
            created_at: by.at,
            started_at: None,
            ended_at: None,
            delivery_id,
        };
        store.create_delivered_job(&job, &asking, by).await?;
        Ok(job)
    }

    /// Works on the run that a delivery asks for; `trace` is the span of the attempt.
    pub async fn work(&self, claimed: &Claimed, trace: TraceContext) -> Worked {
        match self.try_to_work(claimed, trace).await {
            Ok(worked) => worked,
            Err(error) => {
                let message = format!("the server could not read or write the job: {error}");
                Worked::NotYet(CallError::new(ErrorKind::Retry, message), None)
            }
        }
    }

    async fn try_to_work(&self, claimed: &Claimed, trace: TraceContext) -> Result<Worked, Error> {
        let Parts { clock, store, .. } = &*self.0;
        let Ok(Requested { job_id, asked, .. }) = serde_json::from_str(&claimed.event.data) else {
            return Ok(Worked::Failed(gone(), None));
        };
        let Some(seen) = store.find_job(claimed.tenant_id, job_id).await? else {
            return Ok(Worked::CalledOff);
        };
        let Some(offered) = self
            .0
            .operator
            .find(claimed.tenant_id, &asked.action_id)
            .await?
        else {
            let message = "the action was deleted before it was run";
            return Ok(Worked::Failed(
                CallError::new(ErrorKind::NotFound, message),
                None,
            ));
        };
        let place = place_of(&seen);
        let next = next(
            seen.status,
            place.as_ref(),
            claimed.earlier_attempts,
            offered.may_repeat(),
        );
        let held = Held {
            runs: self,
            claimed,
            job: &seen,
            holder: format!("{:032x}", random::<u128>()),
        };
        match next {
            Next::Done => return Ok(Worked::Done(None)),
            Next::CalledOff => return Ok(Worked::CalledOff),
            Next::Failed => return Ok(Worked::Failed(last_error(&seen), None)),
            Next::Call | Next::Unknown => {}
        }
        let calling = json!(Place {
            schedule: claimed.earlier_attempts,
            calling: true,
            result: Value::Null,
        })
        .to_string();
        if !store
            .take_delivered_job(&seen, &held.holder, &calling, clock.now())
            .await?
        {
            let message = "another attempt works on this job";
            return Ok(Worked::NotYet(
                CallError::new(ErrorKind::Retry, message),
                None,
            ));
        }
        if next == Next::Unknown {
            let message = "the server stopped while the action was being called; whether it was carried out is not known";
            let error = CallError::new(ErrorKind::UnknownOutcome, message);
            return held.failed(error, None).await;
        }
        crate::failpoint::hit("action-call");
        let report = self.call(&offered, claimed, job_id, asked, trace).await;
        crate::failpoint::hit("action-called");
        held.settle(report, offered.may_repeat()).await
    }

    async fn call(
        &self,
        offered: &Arc<Offered>,
        claimed: &Claimed,
        job: JobId,
        asked: Asked,
        trace: TraceContext,
    ) -> Report {
        let call = Call {
            tenant_id: claimed.tenant_id,
            operation: Arc::clone(offered),
            input: asked.input,
            by: CalledBy {
                actor: job.to_string(),
                user: asked.user,
                via: Via::Job,
                ..CalledBy::default()
            },
            trace,
            idempotency_key: Some(asked.idempotency_key.unwrap_or_else(|| job.to_string())),
            deadline: None,
            cancel: CancellationToken::new(),
        };
        self.0.operator.call(call).await
    }

    /// Ends the job of a delivery that is tried no more, before that is written; nothing if it has ended.
    pub async fn give_up(&self, event: &Event, why: &str) {
        let Ok(Requested { job_id, .. }) = serde_json::from_str(&event.data) else {
            return;
        };
        let job = self.0.store.find_job(event.tenant_id, job_id).await;
        let given_up = match job {
            Ok(Some(job)) => self.end_failed(&job, why, Some(event)).await,
            Ok(None) => Ok(()),
            Err(error) => Err(error.into()),
        };
        if let Err(error) = given_up {
            tracing::warn!(%error, job = %job_id, "cannot end a job; it is looked for again");
        }
    }

    /// Ends the jobs whose deliveries go out no more: they were called off, or are gone.
    pub async fn end_orphans(&self) -> tieline_store::Result<()> {
        use tieline_domain::delivery::Status as Delivery;
        for (job, delivery) in self.0.store.orphaned_jobs(ORPHANS).await? {
            let ended = match delivery {
                Some(Delivery::Cancelled) => self.end_called_off(&job).await,
                Some(Delivery::Dead) => {
                    self.end_failed(&job, "its delivery is a dead letter", None)
                        .await
                }
                Some(_) | None => {
                    self.end_failed(&job, "its delivery ended without a result", None)
                        .await
                }
            };
            match ended {
                Ok(()) => {}
                Err(Error::Store(error)) => return Err(error),
                Err(error) => tracing::warn!(%error, job = %job.id, "cannot end a job"),
            }
        }
        Ok(())
    }

    async fn end_called_off(&self, job: &Job) -> Result<(), Error> {
        let ending = Ending {
            status: Status::Cancelled,
            progress: job.progress.clone(),
            notice: None,
        };
        self.end(job, &ending).await
    }

    async fn end_failed(&self, job: &Job, why: &str, cause: Option<&Event>) -> Result<(), Error> {
        let mut progress = one(true);
        progress.errors.clone_from(&job.progress.errors);
        if progress.errors.is_empty() {
            progress.errors.push(fault(why));
        }
        let Parts {
            clock, registry, ..
        } = &*self.0;
        let notice = ending_notice(clock, registry, job, Status::Failed, &progress, cause).await;
        let ending = Ending {
            status: Status::Failed,
            progress,
            notice,
        };
        self.end(job, &ending).await
    }

    async fn end(&self, job: &Job, ending: &Ending) -> Result<(), Error> {
        let now = self.0.clock.now();
        let ended = self
            .0
            .store
            .end_delivered_job(job.tenant_id, job.id, None, None, now, ending);
        ended.await?;
        Ok(())
    }
}

/// A job that an attempt has taken up.
struct Held<'a> {
    runs: &'a ActionRuns,
    claimed: &'a Claimed,
    job: &'a Job,
    holder: String,
}

impl Held<'_> {
    /// Writes down what a call came to.
    async fn settle(&self, report: Report, may_repeat: bool) -> Result<Worked, Error> {
        let error = match &report.result {
            Ok(_) => None,
            Err(error) => Some(error.clone()),
        };
        match error {
            None => self.done(report).await,
            Some(error) if error.kind.is_worth_a_later_try(may_repeat) => {
                self.put_off(error, report).await
            }
            Some(error) => self.failed(error, Some(report)).await,
        }
    }

    async fn done(&self, report: Report) -> Result<Worked, Error> {
        self.end(Status::Completed, one(false), Some(&report))
            .await?;
        Ok(Worked::Done(Some(report)))
    }

    async fn failed(&self, error: CallError, report: Option<Report>) -> Result<Worked, Error> {
        let mut progress = one(true);
        progress.errors.push(fault_of(&error));
        self.end(Status::Failed, progress, report.as_ref()).await?;
        Ok(Worked::Failed(error, report))
    }

    async fn put_off(&self, error: CallError, report: Report) -> Result<Worked, Error> {
        let progress = Progress {
            total: Some(1),
            errors: vec![fault_of(&error)],
            ..Progress::default()
        };
        let place = self.place(Some(&report));
        let Parts { store, .. } = &*self.runs.0;
        written(|| {
            store.put_job_off(
                self.job.tenant_id,
                self.job.id,
                &self.holder,
                &place,
                &progress,
            )
        })
        .await?;
        Ok(Worked::NotYet(error, Some(report)))
    }

    async fn end(
        &self,
        status: Status,
        progress: Progress,
        report: Option<&Report>,
    ) -> Result<(), Error> {
        let Parts {
            clock,
            registry,
            store,
            ..
        } = &*self.runs.0;
        let cause = Some(&*self.claimed.event);
        let notice = ending_notice(clock, registry, self.job, status, &progress, cause).await;
        let ending = Ending {
            status,
            progress,
            notice,
        };
        let (place, now) = (self.place(report), clock.now());
        written(|| {
            store.end_delivered_job(
                self.job.tenant_id,
                self.job.id,
                Some(&self.holder),
                Some(&place),
                now,
                &ending,
            )
        })
        .await?;
        Ok(())
    }

    fn place(&self, report: Option<&Report>) -> String {
        let place = Place {
            schedule: self.claimed.earlier_attempts,
            calling: false,
            result: report.map_or(Value::Null, result),
        };
        json!(place).to_string()
    }
}

/// What a delivery finds to do for a job. `earlier` counts the attempts before the present schedule.
fn next(status: Status, place: Option<&Place>, earlier: u32, may_repeat: bool) -> Next {
    // Whoever retries by hand has looked whether a call that was under way was carried out.
    let place = place.filter(|place| place.schedule >= earlier);
    match (status, place) {
        (Status::Completed, _) => Next::Done,
        (Status::Cancelled, _) => Next::CalledOff,
        (Status::Failed, Some(_)) => Next::Failed,
        (Status::Running, Some(place)) if place.calling && !may_repeat => Next::Unknown,
        (Status::Failed | Status::Running | Status::Waiting, _) => Next::Call,
    }
}

fn place_of(job: &Job) -> Option<Place> {
    serde_json::from_str(job.place.as_deref()?).ok()
}

fn one(failed: bool) -> Progress {
    Progress {
        total: Some(1),
        done: 1,
        failed: failed.into(),
        errors: Vec::new(),
    }
}

fn fault(detail: &str) -> Fault {
    Fault {
        item: None,
        detail: detail.to_owned(),
    }
}

/// The failure of a call, for the list of a job's errors: its kind is the item.
fn fault_of(error: &CallError) -> Fault {
    let mut detail = error.message.clone();
    for field in &error.fields {
        detail.push_str(&format!("; {field}"));
    }
    Fault {
        item: Some(error.kind.as_str().to_owned()),
        detail,
    }
}

fn last_error(job: &Job) -> CallError {
    let last = job.progress.errors.last();
    let message = last.map_or("the job failed", |fault| &fault.detail);
    let kind = last
        .and_then(|fault| fault.item.as_deref())
        .and_then(|word| {
            let mut kinds = ErrorKind::ALL.iter();
            kinds.find(|kind| kind.as_str() == word)
        });
    CallError::new(
        kind.copied().unwrap_or(ErrorKind::UpstreamError),
        message.to_owned(),
    )
}

fn gone() -> CallError {
    let message = "what was to be run was removed with the content of its event";
    CallError::new(ErrorKind::BadInput, message)
}

/// The result of a job, as it is shown.
fn result(report: &Report) -> Value {
    let mut shown = Map::new();
    shown.insert("call_id".to_owned(), json!(report.call_id));
    shown.insert("success".to_owned(), json!(report.result.is_ok()));
    shown.insert("status_code".to_owned(), json!(report.status_code));
    shown.insert(
        "response_time_ms".to_owned(),
        json!(report.response_time_ms),
    );
    match &report.result {
        Ok(output) => {
            shown.insert("output".to_owned(), output.value.clone());
            shown.insert("truncated".to_owned(), json!(output.truncated));
        }
        Err(error) => {
            let error = json!({
                "kind": error.kind.as_str(),
                "message": error.message,
                "advice": error.kind.advice(),
                "upstream": error.upstream,
            });
            shown.insert("error".to_owned(), error);
        }
    }
    Value::Object(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_delivery_finds_to_do() {
        let place = |schedule, calling| {
            Some(Place {
                schedule,
                calling,
                result: Value::Null,
            })
        };
        let rows = [
            // status, place, attempts before this schedule, may repeat, what follows
            (Status::Waiting, None, 0, false, Next::Call),
            (Status::Waiting, place(0, false), 0, false, Next::Call),
            (Status::Running, place(0, true), 0, true, Next::Call),
            (Status::Running, place(0, true), 0, false, Next::Unknown),
            (Status::Running, place(0, true), 3, false, Next::Call),
            (Status::Completed, place(0, false), 0, false, Next::Done),
            (Status::Completed, place(0, false), 3, false, Next::Done),
            (
                Status::Cancelled,
                place(0, false),
                3,
                false,
                Next::CalledOff,
            ),
            (Status::Failed, None, 0, false, Next::Call),
            (Status::Failed, place(0, false), 0, false, Next::Failed),
            (Status::Failed, place(2, false), 2, false, Next::Failed),
            (Status::Failed, place(2, false), 5, false, Next::Call),
        ];
        for (status, place, earlier, may_repeat, expected) in rows {
            assert_eq!(
                next(status, place.as_ref(), earlier, may_repeat),
                expected,
                "{status:?} {place:?} {earlier} {may_repeat}"
            );
        }
    }
}
