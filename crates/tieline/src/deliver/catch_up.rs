//! Subscriptions that were off catch up with what they have missed (`enable` with `replay_since`).

use std::{sync::Arc, time::Duration};

use rand::Rng as _;
use tieline_domain::{
    DeliveryId, DestinationId, EventId, TenantId, Timestamp,
    destination::{CatchingUp, State},
    event::{Event, is_about_deliveries},
    filter::Document,
    ordering::Keyed,
};
use tieline_store::{
    ChangeBy, Result,
    missed::Step,
    spine::{NewDelivery, Start},
};
use tokio::time::sleep;

use super::Dispatcher;
use crate::registry::Route;

/// How long after the destination was paused the log is still looked through: by then every node knows that
/// it makes deliveries again.
const KNOWN_EVERYWHERE: Duration = Duration::from_secs(2);

/// How long events of that time may take to be on disk.
const ON_DISK: Duration = Duration::from_secs(5);

/// How often destinations that have to catch up are looked for.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How many events are looked at in one step.
const STEP: usize = 500;

/// The pause between two steps, for everyone else.
const BREATH: Duration = Duration::from_millis(5);

impl Dispatcher {
    /// Pauses a destination until it has caught up with the events since `since`; false if there is none.
    pub async fn begin_catching_up(
        &self,
        route: &Route,
        since: Timestamp,
        by: &ChangeBy,
    ) -> Result<bool> {
        let reason = "it catches up with what it has missed";
        let notice = self.turned_by_hand(route, State::Paused, reason).await;
        let wanted = CatchingUp {
            after: EventId::new(since, 0),
            before: by.at.plus(KNOWN_EVERYWHERE),
            found: 0,
        };
        self.parts
            .store
            .begin_catching_up(route.tenant_id, route.id, &wanted, reason, &notice, by)
            .await
    }

    pub(super) async fn catch_up(self: Arc<Self>) {
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = sleep(LOOK_EVERY) => {}
            }
            if let Err(error) = self.catch_up_with_all().await {
                tracing::warn!(%error, "cannot catch up with missed events; will go on");
            }
        }
    }

    async fn catch_up_with_all(&self) -> Result<()> {
        let before = self.parts.clock.now().minus(ON_DISK);
        for (tenant, subscription) in self.parts.store.catching_up(before).await? {
            while !self.stop.is_cancelled() && self.take_step(tenant, subscription).await? {
                sleep(BREATH).await;
            }
        }
        Ok(())
    }

    /// Takes one step; says whether another one follows.
    async fn take_step(&self, tenant: TenantId, subscription: DestinationId) -> Result<bool> {
        let store = &self.parts.store;
        let destination = store.find_destination(tenant, subscription).await?;
        let Some(from) = destination.and_then(|destination| destination.catching_up) else {
            return Ok(false);
        };
        // Without its routes a tenant is gone, or cannot be served just now.
        let Ok(routes) = self.parts.registry.routes(tenant).await else {
            return Ok(false);
        };
        let Some(route) = routes.get(subscription) else {
            return Ok(false);
        };
        let now = self.parts.clock.now();
        let owed = |event: &Event| owed(route, event);
        let step = store.catch_up(tenant, subscription, &from, owed, now, STEP);
        match step.await? {
            Step::Further => Ok(true),
            Step::Lost => Ok(false),
            Step::Done => {
                let reason = "it has caught up with what it had missed";
                let notice = self.turned_by_hand(route, State::Active, reason).await;
                if store
                    .end_catching_up(subscription, &from, &notice, now)
                    .await?
                {
                    self.parts.registry.forget_routes(tenant).await;
                    self.wake();
                    self.note_held(subscription);
                }
                Ok(false)
            }
        }
    }
}

/// What a subscription is owed for an event that it has missed. The id is of the time of the event, so that
/// it goes out in the order of the events.
fn owed(route: &Route, event: &Event) -> Option<NewDelivery> {
    let about_itself = is_about_deliveries(&event.event_type)
        && event.subject.as_deref() == Some(&*route.id.to_string());
    let wanted =
        route.wants(&event.event_type) && !about_itself && route.takes(&Document::of(event));
    wanted.then(|| NewDelivery {
        id: DeliveryId::new(event.time, rand::rng().random()),
        destination_id: route.id,
        ordering_key: route.line(&Keyed::new(event)),
        start: Start::Held,
    })
}
