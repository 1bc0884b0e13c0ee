//! Delivering: claims, paces, sends, settles.
//!
//! On the happy path a delivery is handed over in memory by the request that wrote it, and goes out
//! at once. What is due later, or found no room, is claimed from the store. Every outcome is settled
//! in a batch; what is not settled when a node dies comes back when its lease ends.

mod action;
mod agent;
mod attempt;
mod catch_up;
mod claims;
mod health;
mod lanes;
mod pace;
mod settle;
mod tally;
mod trigger;
mod verdict;

use std::{sync::Arc, time::Duration};

use futures::future::BoxFuture;
use moka::sync::Cache;
use tieline_domain::{
    DeliveryId, DestinationId, EventId, TenantId, Timestamp, clock::Clock, event::Event,
    retry::Schedule,
};
use tieline_store::{
    Store,
    bell::Bell,
    spine::{Claimed, Release, Spine},
};
use tokio::{
    sync::{Notify, Semaphore},
    time::Instant,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    config::Config,
    converse::Turns,
    jobs::action_run::ActionRuns,
    outbound::Outbound,
    registry::{Limits, Registry, Route},
    triggers::Runner,
};
use lanes::{Bounds, Job, Lanes};
use pace::{Paces, Permitted};
use tally::Tallies;

pub use settle::TestResult;

/// How many outcomes may wait for their commit.
const MAX_SETTLING: usize = 4_096;

/// How many events are remembered as called off: more than lose their content within a lease.
const MAX_CALLED_OFF: u64 = 10_000;

/// How long a delivery is put off when its subscription could not be loaded.
const LOAD_RETRY: Duration = Duration::from_secs(5);

/// What the dispatcher works with.
pub struct Parts {
    /// The time.
    pub clock: Clock,
    /// The settings.
    pub config: Arc<Config>,
    /// The store.
    pub store: Store,
    /// The spine.
    pub spine: Arc<dyn Spine>,
    /// The subscriptions.
    pub registry: Registry,
    /// The way out.
    pub outbound: Outbound,
    /// What other nodes are woken with.
    pub bell: Bell,
    /// What agents do when they are told of something.
    pub turns: Turns,
    /// Works on what actions are asked to do.
    pub actions: ActionRuns,
    /// Runs triggers.
    pub triggers: Runner,
}

/// Sends deliveries.
pub struct Dispatcher {
    parts: Parts,
    default_schedule: Schedule,
    lanes: Lanes,
    paces: Paces,
    tallies: Tallies,
    in_flight: Semaphore,
    turns_in_flight: Semaphore,
    settling: Arc<Semaphore>,
    /// Events whose content was deleted while deliveries of them may have been in memory.
    called_off: Cache<EventId, ()>,
    due: Notify,
    held: Notify,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Dispatcher {
    /// A dispatcher that waits for deliveries; [`Dispatcher::start`] lets it look for them too.
    pub fn new(parts: Parts) -> Arc<Self> {
        let limits = &parts.config.limits;
        let bounds = Bounds {
            waiting: limits.delivery_memory_per_destination,
            bytes: limits.delivery_memory_bytes,
            running: limits.in_flight_per_destination,
            running_per_tenant: limits.in_flight_per_tenant,
            turns: limits.turns.per_agent,
            turns_per_tenant: limits.turns.per_tenant,
        };
        let retry = &parts.config.delivery.retry;
        let seconds = retry
            .iter()
            .map(|delay| u32::try_from(delay.as_secs()).unwrap_or(u32::MAX));
        Arc::new(Self {
            default_schedule: Schedule(seconds.collect()),
            lanes: Lanes::new(bounds),
            paces: Paces::new(parts.store.shared_pace()),
            tallies: Tallies::new(),
            in_flight: Semaphore::new(limits.in_flight_total),
            turns_in_flight: Semaphore::new(limits.turns.total),
            settling: Arc::new(Semaphore::new(MAX_SETTLING)),
            called_off: Cache::new(MAX_CALLED_OFF),
            due: Notify::new(),
            held: Notify::new(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            parts,
        })
    }

    /// Whether this node sends deliveries at all.
    pub fn works_here(&self) -> bool {
        self.parts.config.roles.worker
    }

    /// The delays between the attempts at a destination.
    pub fn schedule<'a>(&'a self, route: &'a Route) -> &'a Schedule {
        let own = route.policy.retry.as_ref();
        own.unwrap_or(&self.default_schedule)
    }

    /// Takes room in memory for one more delivery; answers with the lease to write it with, or `None`
    /// if it has to wait in the store.
    pub fn reserve(&self, route: &Route, event: &Event, now: Timestamp) -> Option<Timestamp> {
        let reserved = self.lanes.reserve(route.id, route.limits(), event);
        reserved.then(|| now.plus(self.parts.config.delivery.lease))
    }

    /// Gives back room that was taken.
    pub fn give_back(&self, subscription: DestinationId, event: &Event) {
        self.lanes.give_back(subscription, event);
    }

    /// Takes over deliveries that were written with a lease.
    pub fn take(self: &Arc<Self>, deliveries: impl Iterator<Item = Claimed>) {
        let workers = self.lanes.take(deliveries);
        self.start_workers(workers);
    }

    /// Notes that a delivery to this destination was written without a lease, for want of room.
    pub fn note_held(&self, subscription: DestinationId) {
        if !self.works_here() {
            return self.parts.bell.ring();
        }
        self.lanes.set_backlog(subscription, true);
        self.held.notify_one();
    }

    /// Looks for what is due at once, not at the next turn; lets others look where this node does not.
    pub fn wake(&self) {
        if !self.works_here() {
            return self.parts.bell.ring();
        }
        self.due.notify_one();
        self.held.notify_one();
    }

    /// Sends no delivery of this event that is still in memory: its content was deleted.
    pub fn call_off(&self, event: EventId) {
        self.called_off.insert(event, ());
    }

    /// Drops a delivery that was called off, if it waits in the memory of this node.
    pub fn drop_waiting(&self, subscription: DestinationId, delivery: DeliveryId) {
        if let Some(job) = self.lanes.take_out(subscription, delivery) {
            self.lanes.forget(&job.claimed);
        }
    }

    /// How many deliveries this node has in memory, and their bytes.
    pub fn load(&self) -> (usize, usize) {
        self.lanes.load()
    }

    fn timeout(&self, route: &Route) -> Duration {
        let own = route.policy.timeout;
        own.unwrap_or(self.parts.config.delivery.timeout)
    }

    fn start_workers(self: &Arc<Self>, workers: Vec<(TenantId, DestinationId)>) {
        for (tenant, subscription) in workers {
            self.tasks
                .spawn(Arc::clone(self).work(tenant, subscription));
        }
    }

    /// One worker: delivers to one destination until nothing waits for it.
    async fn work(self: Arc<Self>, tenant: TenantId, subscription: DestinationId) {
        let slots = self.lanes.slots(tenant, subscription);
        // A turn takes as long as its model: it takes no room of what is sent on.
        let all = match subscription {
            DestinationId::Agent(_) => &self.turns_in_flight,
            DestinationId::Webhook(_) | DestinationId::Action(_) | DestinationId::Trigger(_) => {
                &self.in_flight
            }
        };
        let mut permitted = None;
        while let Some((job, limits)) = self.lanes.next(subscription) {
            let mut until = None;
            if limits != Limits::default() {
                let admitted = Box::pin(self.admit(subscription, limits, &mut permitted));
                until = tokio::select! {
                    until = admitted => until,
                    () = self.stop.cancelled() => {
                        self.give_back_now(job).await;
                        continue;
                    }
                };
            }
            let _of_tenant = slots.acquire().await;
            let _of_all = all.acquire().await;
            if until.is_none_or(|until| Instant::now() <= until) {
                self.deliver(job, limits).await;
            } else if self.stop.is_cancelled() {
                self.give_back_now(job).await;
            } else {
                self.lanes.put_back(job);
            }
            if self.lanes.is_thirsty(subscription) {
                self.held.notify_one();
            }
        }
        self.paces.give_back(permitted).await;
    }

    /// Waits until the pace allows one more attempt; answers until when it has to begin.
    async fn admit(
        &self,
        subscription: DestinationId,
        limits: Limits,
        permitted: &mut Option<Permitted>,
    ) -> Option<Instant> {
        // The longest time that any attempt takes, as far as is known here.
        let config = &self.parts.config;
        let time = config.delivery.timeout.max(config.limits.bounds.timeout);
        let held = permitted.take();
        let permit = self.paces.permit(subscription, limits, time, held);
        *permitted = permit.await;
        let rate = limits.rate?;
        let waiting = self.lanes.waiting(subscription);
        Some(self.paces.turn(subscription, rate, waiting).await)
    }

    async fn deliver(self: &Arc<Self>, job: Job, limits: Limits) {
        let claimed = &job.claimed;
        if self.called_off.contains_key(&claimed.event.id) {
            return Box::pin(self.cancel(job)).await;
        }
        let routes = match self.parts.registry.routes(claimed.tenant_id).await {
            Ok(routes) => routes,
            Err(error) => {
                tracing::warn!(%error, delivery = %claimed.id, "cannot load the subscription; putting the delivery off");
                let later = self.parts.clock.now().plus(LOAD_RETRY);
                return self.release(vec![job], Release::Due(later)).await;
            }
        };
        let Some(route) = routes.get(claimed.destination_id) else {
            return Box::pin(self.cancel(job)).await;
        };
        if route.health.state.holds() && !job.probe {
            let mut all = self.lanes.drain(claimed.destination_id);
            all.push(job);
            return self.release(all, Release::Hold).await;
        }
        if route.limits() != limits {
            let refused = self.lanes.limit(route.limits(), job);
            if !refused.is_empty() {
                self.release(refused, Release::Hold).await;
                self.lanes.set_backlog(route.id, true);
            }
            return;
        }
        if !self.may_send(route, &job).await {
            return self.lanes.forget(&job.claimed);
        }
        self.try_once(route, job).await;
    }

    /// Whether this node still has the delivery. Where no order is kept, it is assumed: receivers know repeats by
    /// their id. In a line a repeat would overtake others, and what is done here would be done twice.
    async fn may_send(&self, route: &Route, job: &Job) -> bool {
        let Job { claimed, .. } = job;
        let now = self.parts.clock.now();
        let is_harmless = claimed.ordering_key.is_none() && route.is_a_place();
        if is_harmless || now < claimed.lease_until {
            return true;
        }
        let until = now.plus(self.parts.config.delivery.lease);
        let held = self
            .parts
            .spine
            .still_holds(claimed.tenant_id, claimed.id, until);
        held.await.unwrap_or(false)
    }

    /// Lets go of deliveries that this node has leased. Boxed, as it is rare: every worker would carry it.
    fn release(&self, jobs: Vec<Job>, how: Release) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let ids = jobs
                .iter()
                .map(|job| (job.claimed.tenant_id, job.claimed.id))
                .collect();
            if let Err(error) = self.parts.spine.release(ids, how).await {
                tracing::warn!(%error, "cannot let go of deliveries; they come back when their leases end");
            }
            for job in &jobs {
                self.lanes.forget(&job.claimed);
            }
        })
    }

    /// Lets go of a delivery that may be sent at once, by whoever takes it.
    fn give_back_now(&self, job: Job) -> BoxFuture<'_, ()> {
        self.release(vec![job], Release::Due(self.parts.clock.now()))
    }

    /// Stops: finishes the attempts that run, gives back what waits. Gives up after `grace`.
    pub async fn shut_down(&self, grace: Duration) {
        self.stop.cancel();
        let waiting = self.lanes.close();
        let now = self.parts.clock.now();
        self.release(waiting, Release::Due(now)).await;
        self.prolong(
            now.plus(grace),
            now.plus(grace + self.parts.config.delivery.lease),
        )
        .await;
        self.tasks.close();
        self.write_tallies_down().await;
        if tokio::time::timeout(grace, self.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!(
                "some attempts did not end in time; they are repeated when their leases end"
            );
        }
    }
}
