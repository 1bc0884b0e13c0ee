//! Publishing: event → routes → deliveries, one commit.

use std::sync::Arc;

use rand::Rng as _;
use tieline_domain::{
    DeliveryId, DestinationId, EventId, TenantId, Timestamp,
    clock::Clock,
    event::{self, Event},
    filter::Document,
    ordering::Keyed,
    pattern::EventType,
    signature::Trust,
};
use tieline_store::spine::{Accepted, Claimed, Entry, Item, NewDelivery, Once, Spine, Start};
use tokio::sync::Notify;

use crate::{
    deliver::Dispatcher,
    registry::{self, Registry, Route},
    telemetry::{spans, traces},
};

/// Why an event could not be published: nothing of it was written.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] tieline_store::Error),
    /// The routes could not be loaded.
    #[error(transparent)]
    Registry(#[from] registry::Error),
    /// What an event is owed to is not there, or not any more.
    #[error("there is no {} {id} to deliver to", id.kind())]
    NoDestination {
        /// The destination.
        id: DestinationId,
    },
}

/// An event to publish.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// What kind of thing happened.
    pub event_type: EventType,
    /// Where it came from.
    pub source: Arc<str>,
    /// What it is about.
    pub subject: Option<Arc<str>>,
    /// Its content: JSON text.
    pub data: Arc<str>,
    /// The trace it belongs to.
    pub trace_id: Arc<str>,
    /// How much the request that it came with proved.
    pub trust: Option<Trust>,
    /// The destination that gets it in any case, beside those that want events like it.
    pub owed: Option<Owed>,
}

/// To which destination an event is owed, whatever that wants by itself.
#[derive(Clone, Debug)]
pub struct Owed {
    /// The destination.
    pub to: DestinationId,
    /// The line in which the delivery stands, if there is an order to keep.
    pub ordering_key: Option<Arc<str>>,
}

impl NewEvent {
    /// It as filters see it.
    pub fn document(&self) -> Document<'_> {
        let subject = self.subject.as_deref();
        Document::new(&self.event_type, &self.source, subject, &self.data)
    }
}

/// Events that belong together: the first, and those that it causes at once.
#[derive(Clone, Debug)]
pub struct NewItem {
    /// What makes it unique, where that matters.
    pub once: Option<Once>,
    /// The events, the first one first.
    pub events: Vec<NewEvent>,
}

/// What became of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Published {
    /// The first event: the new one, or for a repeat the one that was accepted before.
    pub event_id: EventId,
    /// Whether it was accepted before.
    pub duplicate: bool,
}

/// Turns events into entries of the log with the deliveries they are owed; clones share it.
#[derive(Clone)]
pub struct Publisher {
    clock: Clock,
    spine: Arc<dyn Spine>,
    registry: Registry,
    dispatcher: Arc<Dispatcher>,
    published: Arc<Notify>,
}

impl Publisher {
    /// A publisher that hands what is due at once to `dispatcher`.
    pub fn new(
        clock: Clock,
        spine: Arc<dyn Spine>,
        registry: Registry,
        dispatcher: Arc<Dispatcher>,
    ) -> Self {
        Self {
            clock,
            spine,
            registry,
            dispatcher,
            published: Arc::default(),
        }
    }

    /// Told whenever this node has published something.
    pub fn published(&self) -> &Arc<Notify> {
        &self.published
    }

    /// Publishes items in one commit and answers when it is on disk; what became of each, in order.
    pub async fn publish(
        &self,
        tenant: TenantId,
        items: Vec<NewItem>,
    ) -> Result<Vec<Published>, Error> {
        let routes = self.registry.routes(tenant).await?;
        let mut hand_over = HandOver::new(Arc::clone(&self.dispatcher));
        let mut firsts = Vec::with_capacity(items.len());
        let mut accepting = Vec::with_capacity(items.len());
        for (i, item) in items.into_iter().enumerate() {
            let mut cause = None;
            let mut entries = Vec::with_capacity(item.events.len());
            for mut new in item.events {
                let owed = new.owed.take();
                let event = Arc::new(mint(&self.clock, tenant, new, cause));
                cause.get_or_insert(event.id);
                let keyed = Keyed::new(&event);
                let mut deliveries: Vec<_> = routes
                    .wanting(&Document::of(&event))
                    // One event is owed to one destination once.
                    .filter(|route| owed.as_ref().is_none_or(|owed| owed.to != route.id))
                    .map(|route| hand_over.begin(i, &self.clock, route, &event, route.line(&keyed)))
                    .collect();
                if let Some(Owed { to, ordering_key }) = owed {
                    let route = routes.get(to).ok_or(Error::NoDestination { id: to })?;
                    deliveries.push(hand_over.begin(i, &self.clock, route, &event, ordering_key));
                }
                entries.push(Entry { event, deliveries });
            }
            firsts.extend(cause);
            accepting.push(Item {
                once: item.once,
                entries,
            });
        }
        let tracing = Traced::of(&self.clock, &accepting);
        let accepted = self.spine.accept(accepting).await?;
        tracing.record(&self.clock, &accepted);
        crate::failpoint::hit("accept");
        self.published.notify_waiters();
        hand_over.complete(&accepted);
        let published = firsts
            .into_iter()
            .zip(accepted)
            .map(|(first, accepted)| match accepted {
                Accepted::Stored => Published {
                    event_id: first,
                    duplicate: false,
                },
                Accepted::Duplicate(original) => Published {
                    event_id: original,
                    duplicate: true,
                },
            });
        Ok(published.collect())
    }
}

/// The events of a publication, kept for their spans; nothing while no spans are exported.
struct Traced {
    begun: Timestamp,
    events: Vec<(usize, Arc<Event>)>,
}

impl Traced {
    fn of(clock: &Clock, items: &[Item]) -> Self {
        let events = |(i, item): (usize, &Item)| {
            let events = item.entries.iter().map(|entry| Arc::clone(&entry.event));
            events.map(|event| (i, event)).collect::<Vec<_>>()
        };
        let items = traces::are_exported().then(|| items.iter().enumerate());
        Self {
            begun: clock.now(),
            events: items.into_iter().flatten().flat_map(events).collect(),
        }
    }

    fn record(self, clock: &Clock, accepted: &[Accepted]) {
        for (i, event) in self.events {
            if accepted.get(i) == Some(&Accepted::Stored) {
                let took = clock.now().since(self.begun);
                let parent = traces::current();
                traces::record(|| spans::accepted(&event, parent, self.begun, took));
            }
        }
    }
}

/// Makes an event of `new`.
pub fn mint(clock: &Clock, tenant: TenantId, new: NewEvent, cause_id: Option<EventId>) -> Event {
    let time = clock.unique_now();
    let NewEvent {
        event_type,
        source,
        subject,
        data,
        trace_id,
        trust,
        owed: _,
    } = new;
    Event {
        id: EventId::new(time, rand::rng().random()),
        tenant_id: tenant,
        event_type,
        source,
        subject,
        time,
        data,
        cause_id,
        trace_id,
        trust,
    }
}

/// An event that tells of a delivery or a destination, with what it is owed: due at once, to whichever
/// node comes first. It never goes to the subscription that it is about.
pub fn notice<'a>(
    clock: &Clock,
    event: Event,
    wanting: impl Iterator<Item = &'a Arc<Route>>,
    about: DestinationId,
) -> Entry {
    told(
        clock,
        event,
        wanting.filter(|route| route.id != about),
        None,
    )
}

/// An event of this program's own with what it is owed: due at once, to whichever node comes first. `owed`: who gets
/// it in any case, and the line in which it stands there.
pub fn told<'a>(
    clock: &Clock,
    event: Event,
    wanting: impl Iterator<Item = &'a Arc<Route>>,
    owed: Option<(&Route, Option<Arc<str>>)>,
) -> Entry {
    let keyed = Keyed::new(&event);
    let delivery = |route: &Route, ordering_key| NewDelivery {
        id: DeliveryId::new(clock.unique_now(), rand::rng().random()),
        destination_id: route.id,
        ordering_key,
        start: if route.health.state.holds() {
            Start::Held
        } else {
            Start::Due(clock.now())
        },
    };
    let owed_to = owed.as_ref().map(|(route, _)| route.id);
    let wanting = wanting.filter(|route| Some(route.id) != owed_to);
    let mut deliveries: Vec<_> = wanting
        .map(|route| delivery(route, route.line(&keyed)))
        .collect();
    deliveries.extend(owed.map(|(route, key)| delivery(route, key)));
    Entry {
        deliveries,
        event: Arc::new(event),
    }
}

/// An event type of this program's own.
pub fn own_type(text: &'static str) -> EventType {
    debug_assert!(text == event::types::WEBHOOK_TEST || text.contains('.'));
    EventType::known(text)
}

/// Deliveries that go to the dispatcher once they are on disk. Room for them is taken before, and given
/// back if they are not written: also when the request is given up half-way.
struct HandOver {
    dispatcher: Arc<Dispatcher>,
    reserved: Vec<(usize, Claimed)>,
    held: Vec<DestinationId>,
    /// Whether something is due that has to be claimed.
    left_to_claim: bool,
}

impl HandOver {
    fn new(dispatcher: Arc<Dispatcher>) -> Self {
        Self {
            dispatcher,
            reserved: Vec::new(),
            held: Vec::new(),
            left_to_claim: false,
        }
    }

    fn begin(
        &mut self,
        item: usize,
        clock: &Clock,
        route: &Route,
        event: &Arc<Event>,
        ordering_key: Option<Arc<str>>,
    ) -> NewDelivery {
        let made_at = clock.unique_now();
        let id = DeliveryId::new(made_at, rand::rng().random());
        let first_delay = self.dispatcher.schedule(route).first_delay();
        let start = if route.health.state.holds() {
            Start::Held
        } else if !first_delay.is_zero() {
            Start::Due(clock.now().plus(first_delay))
        } else if ordering_key.is_some() || !self.dispatcher.works_here() {
            // Whether it is the first of its line shows when it is written.
            self.left_to_claim = true;
            Start::Due(clock.now())
        } else if let Some(lease_until) = self.dispatcher.reserve(route, event, made_at) {
            self.reserved
                .push((item, claimed(id, route, event, made_at, lease_until)));
            Start::Leased(lease_until)
        } else {
            self.held.push(route.id);
            Start::Held
        };
        NewDelivery {
            id,
            destination_id: route.id,
            ordering_key,
            start,
        }
    }

    fn complete(mut self, accepted: &[Accepted]) {
        let (stored, repeated): (Vec<_>, Vec<_>) = std::mem::take(&mut self.reserved)
            .into_iter()
            .partition(|(item, _)| accepted.get(*item) == Some(&Accepted::Stored));
        self.reserved = repeated;
        crate::failpoint::hit("hand-over");
        self.dispatcher
            .take(stored.into_iter().map(|(_, claimed)| claimed));
        for subscription in &self.held {
            self.dispatcher.note_held(*subscription);
        }
        if self.left_to_claim {
            self.dispatcher.wake();
        }
    }
}

impl Drop for HandOver {
    fn drop(&mut self) {
        for (_, claimed) in &self.reserved {
            self.dispatcher
                .give_back(claimed.destination_id, &claimed.event);
        }
    }
}

fn claimed(
    id: DeliveryId,
    route: &Route,
    event: &Arc<Event>,
    created_at: Timestamp,
    lease_until: Timestamp,
) -> Claimed {
    Claimed {
        id,
        tenant_id: route.tenant_id,
        destination_id: route.id,
        ordering_key: None,
        attempts: 0,
        earlier_attempts: 0,
        first_attempt_at: None,
        created_at,
        lease_until,
        event: Arc::clone(event),
    }
}
