//! Looking for deliveries in the store: what is due, what is held, what is about to be lost.

use std::{sync::Arc, time::Duration};

use tieline_domain::{
    DestinationId, TenantId, Timestamp,
    destination::{State, probe_wait},
};
use tieline_store::{
    Result,
    spine::{Claimed, Lease, Release},
};
use tokio::time::sleep;

use super::{Dispatcher, Job, Parts};

/// How often what is due is looked for, when nothing says that there is something.
const DUE_EVERY: Duration = Duration::from_millis(500);

/// How often the destinations that hold deliveries are looked through.
const HOLDING_EVERY: Duration = Duration::from_secs(1);

/// How often held deliveries are checked for their age.
const AGE_EVERY: Duration = Duration::from_secs(30);

/// How many times leases are renewed until those that no node has renewed are taken for lost: two leases.
const TURNS_TO_RENEW: u32 = 8;

/// The most deliveries in one claim.
const MAX_CLAIM: usize = 256;

impl Dispatcher {
    /// Begins to look for deliveries in the store, until [`Dispatcher::shut_down`].
    pub fn start(self: &Arc<Self>) {
        let waker = Arc::downgrade(self);
        self.parts.clock.on_advance(move || {
            if let Some(dispatcher) = waker.upgrade() {
                dispatcher.wake();
            }
        });
        self.tasks.spawn(Arc::clone(self).claim_due());
        self.tasks.spawn(Arc::clone(self).claim_held());
        self.tasks.spawn(Arc::clone(self).renew_leases());
        self.tasks.spawn(Arc::clone(self).catch_up());
        self.tasks.spawn(Arc::clone(self).write_tallies());
        self.tasks.spawn(Arc::clone(self).hear_the_bell());
    }

    /// Looks for work when another node rings.
    async fn hear_the_bell(self: Arc<Self>) {
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                lost = self.parts.bell.listen(|| self.wake()) => {
                    if let Err(error) = lost {
                        tracing::warn!(%error, "cannot hear other nodes; looking for work at the usual times");
                    }
                }
            }
            sleep(HOLDING_EVERY).await;
        }
    }

    fn new_lease(&self) -> Lease {
        let now = self.parts.clock.now();
        Lease {
            now,
            until: now.plus(self.parts.config.delivery.lease),
        }
    }

    async fn claim_due(self: Arc<Self>) {
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = self.due.notified() => {}
                () = sleep(DUE_EVERY) => {}
            }
            while !self.stop.is_cancelled() {
                match self
                    .parts
                    .spine
                    .claim_due(self.new_lease(), MAX_CLAIM)
                    .await
                {
                    Ok(claimed) => {
                        let all = claimed.len() < MAX_CLAIM;
                        self.place(claimed, false).await;
                        if all {
                            break;
                        }
                    }
                    Err(error) => {
                        tracing::warn!(%error, "cannot look for deliveries that are due");
                        break;
                    }
                }
            }
        }
    }

    /// Puts claimed deliveries into their queues; what finds no room is held.
    async fn place(self: &Arc<Self>, claimed: Vec<Claimed>, probe: bool) {
        let jobs = claimed
            .into_iter()
            .map(|claimed| Job { claimed, probe })
            .collect();
        let (refused, workers) = self.lanes.place(jobs);
        self.start_workers(workers);
        if refused.is_empty() {
            return;
        }
        let full: Vec<_> = refused
            .iter()
            .map(|job| job.claimed.destination_id)
            .collect();
        self.release(refused, Release::Hold).await;
        for subscription in full {
            self.lanes.set_backlog(subscription, true);
        }
    }

    async fn claim_held(self: Arc<Self>) {
        let mut looked = None;
        let mut aged: Option<Timestamp> = None;
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = self.held.notified() => {}
                () = sleep(HOLDING_EVERY) => looked = None,
            }
            let now = self.parts.clock.now();
            let outcome = if looked.is_none_or(|at| now < at || now.since(at) >= HOLDING_EVERY) {
                looked = Some(now);
                // A time that is still to come is from before the clock was set back.
                let check_age = aged.is_none_or(|at| now < at || now.since(at) >= AGE_EVERY);
                if check_age {
                    aged = Some(now);
                }
                self.look_through_holding(now, check_age).await
            } else {
                Ok(())
            };
            let outcome = match outcome {
                Ok(()) => self.refill().await,
                failed => failed,
            };
            if let Err(error) = outcome {
                tracing::warn!(%error, "cannot look for deliveries that are held");
            }
        }
    }

    /// Brings deliveries of destinations with room in memory back from the store.
    async fn refill(self: &Arc<Self>) -> Result<()> {
        for (subscription, room) in self.lanes.thirsty() {
            // Noted first: what is written from now on notes it again.
            self.lanes.set_backlog(subscription, false);
            let limit = room.min(MAX_CLAIM);
            let claimed = self
                .parts
                .spine
                .claim_held(subscription, self.new_lease(), limit)
                .await;
            if !matches!(&claimed, Ok(claimed) if claimed.len() < limit) {
                self.lanes.set_backlog(subscription, true);
                self.held.notify_one();
            }
            self.place(claimed?, false).await;
        }
        Ok(())
    }

    async fn look_through_holding(self: &Arc<Self>, now: Timestamp, check_age: bool) -> Result<()> {
        for (tenant, subscription) in self.parts.spine.holding().await? {
            let Ok(routes) = self.parts.registry.routes(tenant).await else {
                continue;
            };
            let Some(route) = routes.get(subscription) else {
                continue;
            };
            match route.health.state {
                State::Active => self.lanes.set_backlog(subscription, true),
                State::Error | State::Paused | State::Disabled => {}
            }
            if check_age && route.health.state.holds() {
                self.bury_overdue(route, now).await?;
            }
        }
        for (tenant, subscription) in self
            .parts
            .store
            .due_probes(now, self.longest_probe_wait())
            .await?
        {
            self.probe(tenant, subscription, now).await?;
        }
        Ok(())
    }

    /// Sends the oldest delivery that a destination in `error` is owed, if no other node does.
    async fn probe(
        self: &Arc<Self>,
        tenant: TenantId,
        subscription: DestinationId,
        now: Timestamp,
    ) -> Result<()> {
        let Parts { store, spine, .. } = &self.parts;
        let Some(health) = store.find_destination(tenant, subscription).await? else {
            return Ok(());
        };
        let next = now.plus(self.probe_wait(health.failed_probes));
        let longest = self.longest_probe_wait();
        if !store.take_probe(subscription, now, next, longest).await? {
            return Ok(());
        }
        let mut claimed = spine.claim_held(subscription, self.new_lease(), 1).await?;
        if claimed.is_empty() {
            store.revive_oldest(subscription).await?;
            claimed = spine.claim_held(subscription, self.new_lease(), 1).await?;
        }
        self.place(claimed, true).await;
        Ok(())
    }

    pub(super) fn probe_wait(&self, failed_probes: u32) -> Duration {
        let delivery = &self.parts.config.delivery;
        probe_wait(failed_probes, delivery.probe_first, delivery.probe_max)
    }

    fn longest_probe_wait(&self) -> Duration {
        let delivery = &self.parts.config.delivery;
        delivery.probe_max.max(delivery.probe_first)
    }

    /// Keeps the leases of what is in memory, however long its attempts take. When the clock was set back,
    /// those of nodes that have died since would last for as long as it was set back: once the living have had
    /// the time to renew theirs, such leases end. So they do once after a start.
    async fn renew_leases(self: Arc<Self>) {
        let lease = self.parts.config.delivery.lease;
        let mut last = self.parts.clock.now();
        let mut until_look = TURNS_TO_RENEW;
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = sleep(lease / 4) => {}
            }
            let now = self.parts.clock.now();
            self.prolong(now.plus(lease / 2), now.plus(lease)).await;
            if now < last {
                tracing::warn!("the clock was set back; retries that wait come later by as much");
                until_look = TURNS_TO_RENEW;
            }
            last = now;
            if until_look > 0 {
                until_look -= 1;
                if until_look == 0 {
                    self.end_lost_leases(now, now.plus(lease * 2)).await;
                }
            }
        }
    }

    async fn end_lost_leases(&self, now: Timestamp, beyond: Timestamp) {
        match self.parts.store.end_leases_beyond(beyond, now).await {
            Ok(0) => {}
            Ok(ended) => {
                tracing::warn!(ended, "ended leases from before the clock was set back");
                self.wake();
            }
            Err(error) => {
                tracing::warn!(%error, "cannot look for leases from before the clock was set back");
            }
        }
    }

    /// Prolongs the leases that end before `then`.
    pub(super) async fn prolong(&self, then: Timestamp, until: Timestamp) {
        let ending = self.lanes.prolong(then, until);
        if ending.is_empty() {
            return;
        }
        let prolonged = self.parts.spine.release(ending, Release::Prolong(until));
        if let Err(error) = prolonged.await {
            tracing::warn!(%error, "cannot prolong leases; another node may repeat deliveries");
        }
    }
}
