//! Jobs: long work with progress, cancel and resume. The kinds are a closed set, one file each.
//!
//! A node takes a job under a lease and works in small steps. Each step is one commit that holds what it
//! did and the place where the next one begins, and that fails if the job was called off or the lease is
//! another node's: so a job goes on after a crash without a gap, and stops at the next step when it is
//! cancelled.

pub mod action_run;
mod pace;
pub mod replay;

use std::{sync::Arc, time::Duration};

use serde_json::json;
use tieline_domain::{
    JobId, TenantId,
    clock::Clock,
    event::{Event, types},
    filter::Document,
    job::{Fault, Job, Kind, Progress, Status},
};
use tieline_store::{
    ChangeBy, Store,
    jobs::{Ending, Hold},
    spine::{Entry, Spine, replay::Again},
};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    deliver::Dispatcher,
    publish::{NewEvent, mint, own_type, told},
    registry::{self, Registry, Route},
};

/// How often jobs are looked for when nothing says that there is one.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How long a job belongs to a node that says nothing.
const LEASE: Duration = Duration::from_secs(10);

/// How long a job rests when the store is away.
const STORE_AWAY: Duration = Duration::from_secs(1);

/// How long to wait before an outcome that could not be written is written again.
const WRITE_AGAIN: Duration = Duration::from_millis(250);

/// How often an outcome is written again.
const WRITES: u32 = 120;

/// Where events come from that tell of jobs.
const SOURCE: &str = "/v1/jobs";

/// What jobs work with.
pub struct Parts {
    /// The time.
    pub clock: Clock,
    /// The store.
    pub store: Store,
    /// What keeps deliveries.
    pub spine: Arc<dyn Spine>,
    /// The subscriptions.
    pub registry: Registry,
    /// Sends what jobs make.
    pub dispatcher: Arc<Dispatcher>,
    /// This node, unlike any other life of it.
    pub node: String,
    /// How many jobs this node works on at once.
    pub at_once: usize,
}

/// Asks for jobs and works on them; clones share it.
#[derive(Clone)]
pub struct Jobs(Arc<Inner>);

struct Inner {
    parts: Parts,
    asked: Notify,
    room: Arc<Semaphore>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// Why a job cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] tieline_store::Error),
    /// The subscriptions could not be loaded.
    #[error(transparent)]
    Registry(#[from] registry::Error),
    /// What was asked for, or the place to go on at, cannot be read.
    #[error("the job cannot be read: {0}; ask for a new one")]
    Unreadable(#[from] serde_json::Error),
}

impl Error {
    /// Whether the same step may succeed later.
    fn is_passing(&self) -> bool {
        use tieline_store::Error::Unavailable;
        matches!(
            self,
            Self::Store(Unavailable(_)) | Self::Registry(registry::Error::Store(Unavailable(_)))
        )
    }
}

/// How the work on a job ends.
enum End {
    /// All is done.
    Completed(Progress),
    /// It was called off, or another node has it.
    Lost,
    /// This node stops; another may go on.
    Stopped,
}

impl Jobs {
    /// Jobs are worked on after [`Jobs::start`].
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(Inner {
            asked: Notify::new(),
            room: Arc::new(Semaphore::new(parts.at_once)),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            parts,
        }))
    }

    /// Asks for a job; it begins as soon as a node has room. `None` if `most` jobs of the tenant have not ended.
    pub async fn ask(
        &self,
        tenant: TenantId,
        kind: Kind,
        asked: String,
        most: usize,
        by: &ChangeBy,
    ) -> tieline_store::Result<Option<Job>> {
        let job = Job {
            id: JobId::new(by.at, rand::random()),
            tenant_id: tenant,
            kind,
            status: Status::Waiting,
            asked,
            place: None,
            progress: Progress::default(),
            created_by: by.actor.clone(),
            created_at: by.at,
            started_at: None,
            ended_at: None,
            delivery_id: None,
        };
        if !self.0.parts.store.create_job(&job, most, by).await? {
            return Ok(None);
        }
        self.0.asked.notify_one();
        Ok(Some(job))
    }

    /// An event that is to go to a subscription again.
    pub fn again(&self, event: &Arc<Event>, route: &Route) -> Again {
        replay::again(&self.0.parts.clock, event, route)
    }

    /// Begins to look for jobs, until [`Jobs::shut_down`].
    pub fn start(&self) {
        let inner = Arc::clone(&self.0);
        self.0.tasks.spawn(inner.look());
    }

    /// Stops after the steps that are under way; other nodes may go on at once.
    pub async fn shut_down(&self) {
        self.0.stop.cancel();
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }
}

impl Inner {
    async fn look(self: Arc<Self>) {
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = self.asked.notified() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            while let Ok(room) = Arc::clone(&self.room).try_acquire_owned() {
                let Parts {
                    store, node, clock, ..
                } = &self.parts;
                match store.claim_job(node, clock.now(), LEASE).await {
                    Ok(Some((job, hold))) => {
                        self.tasks.spawn(Arc::clone(&self).work(job, hold, room));
                    }
                    Ok(None) => break,
                    Err(error) => {
                        tracing::warn!(%error, "cannot look for jobs");
                        break;
                    }
                }
            }
        }
    }

    /// Works on a job until it ends, or cannot go on here.
    async fn work(self: Arc<Self>, mut job: Job, hold: Hold, room: OwnedSemaphorePermit) {
        tracing::info!(job = %job.id, kind = %job.kind, tenant = %job.tenant_id, "works on a job");
        loop {
            let end = match job.kind {
                Kind::Replay => replay::work(&self, &job, &hold).await,
                // It is worked on by whoever has its delivery; none is claimed.
                Kind::ActionRun => Ok(End::Lost),
            };
            let ended = match end {
                Ok(End::Completed(progress)) => {
                    self.end(&job, &hold, Status::Completed, progress).await
                }
                Ok(End::Lost) => Ok(()),
                Ok(End::Stopped) => {
                    let now = self.parts.clock.now();
                    self.parts.store.give_job_back(&hold, now).await
                }
                Err(error) if error.is_passing() => {
                    tracing::warn!(job = %job.id, %error, "a job waits for the store");
                    tokio::time::sleep(STORE_AWAY).await;
                    self.read_again(&mut job).await;
                    if self.stop.is_cancelled() {
                        return;
                    }
                    continue;
                }
                Err(error) => self.fail(&mut job, &hold, &error).await,
            };
            if let Err(error) = ended {
                tracing::warn!(job = %job.id, %error, "cannot note the end of a job; another try follows");
            }
            drop(room);
            // There may be a job that waited for this one.
            self.asked.notify_one();
            return;
        }
    }

    async fn read_again(&self, job: &mut Job) {
        if let Ok(Some(now)) = self.parts.store.find_job(job.tenant_id, job.id).await {
            *job = now;
        }
    }

    async fn fail(&self, job: &mut Job, hold: &Hold, error: &Error) -> tieline_store::Result<()> {
        tracing::error!(job = %job.id, %error, "a job failed");
        self.read_again(job).await;
        let mut progress = job.progress.clone();
        let detail = match error {
            Error::Unreadable(_) => error.to_string(),
            Error::Store(_) | Error::Registry(_) => {
                "the server cannot read what is stored; its log says what".to_owned()
            }
        };
        progress.errors.push(Fault { item: None, detail });
        self.end(job, hold, Status::Failed, progress).await
    }

    async fn end(
        &self,
        job: &Job,
        hold: &Hold,
        status: Status,
        progress: Progress,
    ) -> tieline_store::Result<()> {
        let Parts {
            clock, registry, ..
        } = &self.parts;
        let notice = ending_notice(clock, registry, job, status, &progress, None).await;
        let ending = Ending {
            status,
            progress,
            notice,
        };
        let now = self.parts.clock.now();
        if self.parts.store.end_job(hold, now, &ending).await? {
            tracing::info!(job = %job.id, status = %status, done = ending.progress.done, "a job ended");
            self.parts.dispatcher.wake();
        }
        Ok(())
    }
}

/// Writes until it is written, for half a minute: what was done outside must not be forgotten because the store was
/// away for a moment.
pub(crate) async fn written<F>(write: impl Fn() -> F) -> tieline_store::Result<bool>
where
    F: Future<Output = tieline_store::Result<bool>>,
{
    let mut left = WRITES;
    loop {
        match write().await {
            Err(error @ tieline_store::Error::Unavailable(_)) if left > 0 => {
                tracing::warn!(%error, "cannot write what was done; will try again");
                left -= 1;
                tokio::time::sleep(WRITE_AGAIN).await;
            }
            written => return written,
        }
    }
}

/// The event that tells of the end of a job, which `cause` asked for; none if nobody can be told.
async fn ending_notice(
    clock: &Clock,
    registry: &Registry,
    job: &Job,
    status: Status,
    progress: &Progress,
    cause: Option<&Event>,
) -> Option<Entry> {
    let kind = match status {
        Status::Completed => types::JOB_COMPLETED,
        Status::Failed => types::JOB_FAILED,
        Status::Waiting | Status::Running | Status::Cancelled => return None,
    };
    let data = json!({
        "job_id": job.id,
        "kind": job.kind,
        "status": status,
        "total": progress.total,
        "done": progress.done,
        "failed": progress.failed,
    });
    let trace_id = cause.map_or_else(
        || format!("{:032x}", rand::random::<u128>()).into(),
        |event| Arc::clone(&event.trace_id),
    );
    let new = NewEvent {
        event_type: own_type(kind),
        source: SOURCE.into(),
        subject: Some(job.id.to_string().into()),
        data: data.to_string().into(),
        trace_id,
        trust: None,
        owed: None,
    };
    let event = mint(clock, job.tenant_id, new, cause.map(|event| event.id));
    let routes = registry.routes(job.tenant_id).await.ok()?;
    let wanting: Vec<_> = routes.wanting(&Document::of(&event)).collect();
    Some(told(clock, event, wanting.into_iter(), None))
}
