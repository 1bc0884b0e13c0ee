//! Deliveries in memory: one bounded queue per destination, so that none can delay another.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use parking_lot::Mutex;
use tieline_domain::{DeliveryId, DestinationId, TenantId, Timestamp, event::Event};
use tieline_store::spine::Claimed;
use tokio::sync::Semaphore;

use crate::registry::Limits;

/// For how many seconds of a limited pace deliveries wait in memory; the rest waits in the store.
const SECONDS_IN_MEMORY: usize = 2;

/// How many deliveries wait in memory for each attempt that may run, where few may.
const WAITING_PER_ATTEMPT: usize = 8;

/// What a delivery takes in memory beside its event's content, in bytes.
const OVERHEAD: usize = 1_024;

/// A delivery that waits for its attempt.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) claimed: Claimed,
    /// Whether it probes a destination in `error`.
    pub(super) probe: bool,
}

/// The bounds of what waits and runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Deliveries of one destination in memory.
    pub(super) waiting: usize,
    /// Bytes of all deliveries in memory.
    pub(super) bytes: usize,
    /// Attempts at one destination at once.
    pub(super) running: usize,
    /// Attempts of one tenant at once.
    pub(super) running_per_tenant: usize,
    /// Turns of one agent at once.
    pub(super) turns: usize,
    /// Turns of one tenant's agents at once.
    pub(super) turns_per_tenant: usize,
}

/// What an attempt is, as far as the time that it takes goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Work {
    /// A request or a few.
    Short,
    /// A turn of an agent, which takes as long as its model.
    Turn,
}

impl Work {
    fn of(destination: DestinationId) -> Self {
        match destination {
            DestinationId::Agent(_) => Self::Turn,
            DestinationId::Webhook(_) | DestinationId::Action(_) | DestinationId::Trigger(_) => {
                Self::Short
            }
        }
    }

    /// How many attempts at one destination run at once.
    fn at_once(self, bounds: Bounds) -> usize {
        match self {
            Self::Short => bounds.running,
            Self::Turn => bounds.turns,
        }
    }

    fn at_once_per_tenant(self, bounds: Bounds) -> usize {
        match self {
            Self::Short => bounds.running_per_tenant,
            Self::Turn => bounds.turns_per_tenant,
        }
    }
}

pub(super) struct Lanes {
    bounds: Bounds,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    lanes: HashMap<DestinationId, Lane>,
    tenants: HashMap<(TenantId, Work), Arc<Semaphore>>,
    /// What this node has leased, with the end of the lease.
    owned: HashMap<DeliveryId, (TenantId, Timestamp)>,
    bytes: usize,
    closed: bool,
}

#[derive(Default)]
struct Lane {
    queue: VecDeque<Job>,
    reserved: usize,
    workers: usize,
    /// Whether more deliveries of this destination wait in the store.
    backlog: bool,
    /// Attempts that failed in a row: a failing destination gets fewer attempts at once, so that it
    /// does not use up what others need.
    failures: u32,
    /// The pace that the subscription asks for, once it is known.
    limits: Limits,
}

impl Lane {
    fn allowed(&self, bounds: Bounds, work: Work) -> usize {
        let most = work.at_once(bounds);
        let running = self
            .limits
            .in_flight
            .map_or(most, |own| most.min(own as usize));
        (running >> self.failures.min(16)).max(1)
    }

    /// How many may wait here: of those that cannot go out soon, few.
    fn capacity(&self, bounds: Bounds) -> usize {
        let rate = self.limits.rate;
        let paced = rate.map(|rate| (rate.per_second + rate.burst) as usize * SECONDS_IN_MEMORY);
        let few = self.limits.in_flight;
        let few = few.map(|most| most as usize * WAITING_PER_ATTEMPT);
        [paced, few]
            .into_iter()
            .flatten()
            .fold(bounds.waiting, usize::min)
    }

    fn room(&self, bounds: Bounds) -> usize {
        self.capacity(bounds)
            .saturating_sub(self.queue.len() + self.reserved)
    }
}

fn size(event: &Event) -> usize {
    event.data.len() + OVERHEAD
}

impl Lanes {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            state: Mutex::default(),
        }
    }

    /// Takes room for one more delivery; false if there is none, or older ones wait in the store.
    pub(super) fn reserve(
        &self,
        subscription: DestinationId,
        limits: Limits,
        event: &Event,
    ) -> bool {
        let mut state = self.state.lock();
        if state.closed || state.bytes + size(event) > self.bounds.bytes {
            return false;
        }
        let lane = state.lanes.entry(subscription).or_default();
        lane.limits = limits;
        if lane.backlog || lane.room(self.bounds) == 0 {
            return false;
        }
        lane.reserved += 1;
        state.bytes += size(event);
        true
    }

    /// Gives back room that was reserved.
    pub(super) fn give_back(&self, subscription: DestinationId, event: &Event) {
        let mut state = self.state.lock();
        state.bytes = state.bytes.saturating_sub(size(event));
        if let Some(lane) = state.lanes.get_mut(&subscription) {
            lane.reserved = lane.reserved.saturating_sub(1);
        }
    }

    /// Puts deliveries for which room was reserved into their queues; answers with a destination for
    /// each worker that has to be started.
    pub(super) fn take(
        &self,
        deliveries: impl Iterator<Item = Claimed>,
    ) -> Vec<(TenantId, DestinationId)> {
        let mut state = self.state.lock();
        let mut start = Vec::new();
        for claimed in deliveries {
            if let Some(lane) = state.lanes.get_mut(&claimed.destination_id) {
                lane.reserved = lane.reserved.saturating_sub(1);
            }
            state.push(
                self.bounds,
                Job {
                    claimed,
                    probe: false,
                },
                &mut start,
            );
        }
        start
    }

    /// Puts claimed deliveries into their queues where there is room; answers with those for which
    /// there is none, and with the workers to start. One that is here already is left as it is, with
    /// its longer lease.
    pub(super) fn place(&self, jobs: Vec<Job>) -> (Vec<Job>, Vec<(TenantId, DestinationId)>) {
        let mut state = self.state.lock();
        let (mut refused, mut start) = (Vec::new(), Vec::new());
        for job in jobs {
            if let Some((_, lease_until)) = state.owned.get_mut(&job.claimed.id) {
                *lease_until = job.claimed.lease_until;
                continue;
            }
            let bytes = size(&job.claimed.event);
            let fits = !state.closed && state.bytes + bytes <= self.bounds.bytes;
            let lane = state.lanes.entry(job.claimed.destination_id).or_default();
            if fits && lane.room(self.bounds) > 0 {
                state.bytes += bytes;
                state.push(self.bounds, job, &mut start);
            } else {
                refused.push(job);
            }
        }
        (refused, start)
    }

    /// The next delivery for a worker of this destination, and the pace as it is known; `None` ends the
    /// worker.
    pub(super) fn next(&self, subscription: DestinationId) -> Option<(Job, Limits)> {
        let mut state = self.state.lock();
        let closed = state.closed;
        let lane = state.lanes.get_mut(&subscription)?;
        if !closed
            && lane.workers <= lane.allowed(self.bounds, Work::of(subscription))
            && let Some(job) = lane.queue.pop_front()
        {
            return Some((job, lane.limits));
        }
        lane.workers = lane.workers.saturating_sub(1);
        let idle = lane.queue.is_empty() && lane.reserved == 0 && lane.workers == 0;
        if idle && !lane.backlog && lane.failures == 0 {
            state.lanes.remove(&subscription);
        }
        None
    }

    /// Notes the pace of a destination and puts a delivery back that was taken without knowing it; answers
    /// with those for which there is no room any more.
    pub(super) fn limit(&self, limits: Limits, job: Job) -> Vec<Job> {
        let mut state = self.state.lock();
        let lane = state.lanes.entry(job.claimed.destination_id).or_default();
        lane.limits = limits;
        lane.queue.push_front(job);
        let capacity = lane.capacity(self.bounds).max(1);
        let fitting = lane.queue.len().min(capacity);
        lane.queue.split_off(fitting).into()
    }

    /// Takes one delivery out that waits.
    pub(super) fn take_out(
        &self,
        subscription: DestinationId,
        delivery: DeliveryId,
    ) -> Option<Job> {
        let mut state = self.state.lock();
        let queue = &mut state.lanes.get_mut(&subscription)?.queue;
        let at = queue.iter().position(|job| job.claimed.id == delivery)?;
        queue.remove(at)
    }

    /// Puts a delivery back that was taken too soon.
    pub(super) fn put_back(&self, job: Job) {
        let mut state = self.state.lock();
        let lane = state.lanes.entry(job.claimed.destination_id);
        lane.or_default().queue.push_front(job);
    }

    /// How many deliveries wait for this destination.
    pub(super) fn waiting(&self, subscription: DestinationId) -> usize {
        let state = self.state.lock();
        state
            .lanes
            .get(&subscription)
            .map_or(0, |lane| lane.queue.len())
    }

    /// Everything that waits for this destination.
    pub(super) fn drain(&self, subscription: DestinationId) -> Vec<Job> {
        let mut state = self.state.lock();
        let lane = state.lanes.get_mut(&subscription);
        lane.map(|lane| lane.queue.drain(..).collect())
            .unwrap_or_default()
    }

    /// Takes no more, and gives back everything that waits.
    pub(super) fn close(&self) -> Vec<Job> {
        let mut state = self.state.lock();
        state.closed = true;
        let queues = state.lanes.values_mut();
        queues
            .flat_map(|lane| std::mem::take(&mut lane.queue))
            .collect()
    }

    /// Notes how an attempt went.
    pub(super) fn note_outcome(&self, subscription: DestinationId, failed: bool) {
        if let Some(lane) = self.state.lock().lanes.get_mut(&subscription) {
            lane.failures = if failed {
                lane.failures.saturating_add(1)
            } else {
                0
            };
        }
    }

    /// The delivery is settled or let go of: it takes no room any more.
    pub(super) fn forget(&self, claimed: &Claimed) {
        let mut state = self.state.lock();
        if state.owned.remove(&claimed.id).is_some() {
            state.bytes = state.bytes.saturating_sub(size(&claimed.event));
        }
    }

    /// Notes whether more deliveries of a destination wait in the store.
    pub(super) fn set_backlog(&self, subscription: DestinationId, backlog: bool) {
        let mut state = self.state.lock();
        if backlog {
            state.lanes.entry(subscription).or_default().backlog = true;
        } else if let Some(lane) = state.lanes.get_mut(&subscription) {
            lane.backlog = false;
        }
    }

    /// The destinations with deliveries in the store and room in memory for at least half of a queue,
    /// with that room.
    pub(super) fn thirsty(&self) -> Vec<(DestinationId, usize)> {
        let state = self.state.lock();
        let bounds = self.bounds;
        let wanting = state.lanes.iter().filter(|(_, lane)| lane.backlog);
        let roomy = wanting.filter(|(_, lane)| lane.room(bounds) * 2 >= lane.capacity(bounds));
        roomy.map(|(id, lane)| (*id, lane.room(bounds))).collect()
    }

    /// Whether this destination has deliveries in the store and few in memory.
    pub(super) fn is_thirsty(&self, subscription: DestinationId) -> bool {
        let state = self.state.lock();
        let lane = state.lanes.get(&subscription);
        lane.is_some_and(|lane| lane.backlog && lane.queue.len() * 2 <= lane.capacity(self.bounds))
    }

    /// What is leased to this node until before `then`, or longer than anything can be because the clock was
    /// set back; noted as leased until `until`.
    pub(super) fn prolong(&self, then: Timestamp, until: Timestamp) -> Vec<(TenantId, DeliveryId)> {
        let mut state = self.state.lock();
        let ending = state
            .owned
            .iter_mut()
            .filter(|(_, (_, lease))| *lease < then || *lease > until);
        let prolonged = ending.map(|(id, (tenant, lease))| {
            *lease = until;
            (*tenant, *id)
        });
        prolonged.collect()
    }

    /// The slots of a tenant's attempts at destinations like this one.
    pub(super) fn slots(&self, tenant: TenantId, destination: DestinationId) -> Arc<Semaphore> {
        let work = Work::of(destination);
        let mut state = self.state.lock();
        let slots = state.tenants.entry((tenant, work));
        let most = work.at_once_per_tenant(self.bounds);
        Arc::clone(slots.or_insert_with(|| Arc::new(Semaphore::new(most))))
    }

    /// How many deliveries are in memory, and how many bytes they take.
    pub(super) fn load(&self) -> (usize, usize) {
        let state = self.state.lock();
        (state.owned.len(), state.bytes)
    }
}

impl State {
    fn push(&mut self, bounds: Bounds, job: Job, start: &mut Vec<(TenantId, DestinationId)>) {
        let claimed = &job.claimed;
        let (tenant, subscription) = (claimed.tenant_id, claimed.destination_id);
        self.owned.insert(claimed.id, (tenant, claimed.lease_until));
        let lane = self.lanes.entry(subscription).or_default();
        lane.queue.push_back(job);
        if lane.workers < lane.allowed(bounds, Work::of(subscription)) {
            lane.workers += 1;
            start.push((tenant, subscription));
        }
    }
}
