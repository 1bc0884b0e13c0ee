//! Actions that are run in the background: each run is a job whose work is one delivery to the action.
//!
//! ```text
//! ask ─► job + event `action.requested`, owed to the action (one commit) ─► delivery ─► work: take, call, end
//! ```
//!
//! The delivery brings retries, crash recovery and the dead letter; the job shows how far it is. A call that was under
//! way when a node died is made again only if that is harmless. Otherwise the job fails with `unknown_outcome`.

mod held;
mod shown;
mod standing;

use std::sync::Arc;

use rand::random;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tieline_domain::{
    DestinationId, JobId, TenantId,
    clock::Clock,
    event::{Event, types},
    filter::Document,
    job::{Job, Kind, Progress, Status},
    operation::{CallError, ErrorKind},
    trace::TraceContext,
};
use tieline_store::{ChangeBy, Store, jobs::Ending, spine::Claimed};
use tokio_util::sync::CancellationToken;

use self::{
    held::Held,
    shown::{fault, last_error, one},
    standing::{Next, Place, next, place_of},
};
use super::ending_notice;
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
    #[serde(rename = "requested_by")]
    by: String,
    #[serde(flatten)]
    asked: Asked,
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
            by: by.actor.clone(),
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
        let last = job.progress.errors.last();
        // What the last call came to says more than that nothing follows it.
        if last.is_some_and(|last| last.detail.starts_with(why)) {
            progress.errors.clone_from(&job.progress.errors);
        } else {
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

fn gone() -> CallError {
    let message = "what was to be run was removed with the content of its event";
    CallError::new(ErrorKind::BadInput, message)
}
