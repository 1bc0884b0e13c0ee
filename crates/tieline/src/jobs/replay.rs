//! Delivering events of the log again: those of a stretch of time that a filter takes, at a rate.
//!
//! First all that is to be done is counted, then it is made, in the order of the log. What waits for its
//! first attempt is bounded, so that a slow receiver slows the replay and not the server, and little is
//! still to come when the job is called off.

use std::{collections::HashMap, sync::Arc, time::Duration};

use rand::random;
use serde::{Deserialize, Serialize};
use tieline_domain::{
    DeliveryId, DestinationId, EventId, SubscriptionId, TenantId,
    clock::Clock,
    event::{Event, is_about_deliveries},
    filter::Document,
    job::{Fault, Job, MOST_ERRORS, Progress},
    ordering::Keyed,
    pattern::Pattern,
};
use tieline_store::{
    jobs::{Advance, Hold},
    spine::{
        Claimed, Start,
        replay::{Again, Fate, Replayed, Step, Stretch},
    },
};
use tokio::time::{Instant, sleep, sleep_until};

use super::{End, Error, Inner, Parts, pace::Pace};
use crate::{
    app::App,
    deliver::Dispatcher,
    registry::{Route, Routes},
};

/// How many events are read at once.
const PAGE: usize = 100;

/// How many events are counted between two signs of life.
const COUNTED_AT_ONCE: u64 = 1_000;

/// How many deliveries of one replay may wait for their first attempt.
const WINDOW: usize = 256;

/// How often it is looked whether they still wait.
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// How often a replay that waits gives a sign of life.
const SIGN_EVERY: Duration = Duration::from_millis(500);

/// Which events go to which subscriptions again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Asked {
    /// Of one of these types; all if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<Pattern>,
    /// From this source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// About this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Only to this subscription.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook_id: Option<SubscriptionId>,
    /// Later than this event.
    pub after: EventId,
    /// Earlier than this event: what comes after the request is not replayed.
    pub before: EventId,
    /// Deliveries per second.
    pub rate_per_second: u32,
}

/// What a replay came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Events that were replayed.
    pub events: u64,
    /// Deliveries that were made anew.
    pub made: u64,
    /// Deliveries that had ended and got a new schedule.
    pub again: u64,
    /// Deliveries that had not ended and were on their way already.
    pub waiting: u64,
}

/// Where a replay goes on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Place {
    /// Behind this event.
    after: EventId,
    /// Whether all was counted.
    counted: bool,
    /// What it came to so far.
    pub result: Tally,
}

/// How much a replay would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Events.
    pub events: u64,
    /// Deliveries.
    pub deliveries: u64,
    /// Whether this is all; else it is at least as much.
    pub complete: bool,
}

impl Asked {
    fn stretch(&self, tenant: TenantId, after: EventId) -> Stretch {
        Stretch {
            tenant_id: tenant,
            after,
            before: self.before,
            source: self.source.clone(),
            subject: self.subject.clone(),
        }
    }

    /// The subscriptions that an event goes to again.
    fn wanted<'a>(
        &'a self,
        routes: &'a Routes,
        event: &'a Event,
    ) -> impl Iterator<Item = &'a Arc<Route>> {
        let taken = self.types.is_empty()
            || self
                .types
                .iter()
                .any(|pattern| pattern.matches(&event.event_type));
        let routes = taken.then(|| wanting(routes, event)).into_iter().flatten();
        routes.filter(|route| self.webhook_id.is_none_or(|id| route.id == id.into()))
    }
}

/// The subscriptions that want an event; one that tells of a subscription never goes to it.
pub fn wanting<'a>(routes: &'a Routes, event: &Event) -> Vec<&'a Arc<Route>> {
    let about = event
        .subject
        .as_deref()
        .filter(|_| is_about_deliveries(&event.event_type));
    routes
        .wanting(&Document::of(event))
        .filter(|route| about.is_none_or(|about| *about != *route.id.to_string()))
        .collect()
}

/// An event that is to go to a subscription again.
pub(crate) fn again(clock: &Clock, event: &Arc<Event>, route: &Route) -> Again {
    Again {
        event: Arc::clone(event),
        destination_id: route.id,
        ordering_key: route.line(&Keyed::new(event)),
        new_id: DeliveryId::new(clock.unique_now(), random()),
        start: if route.health.state.holds() {
            Start::Held
        } else {
            Start::Due(clock.now())
        },
    }
}

/// Counts what a replay would do now, within bounds.
pub async fn preview(app: &App, tenant: TenantId, asked: &Asked) -> Result<Count, Error> {
    let begun = Instant::now();
    let (mut looked, mut after) = (0, asked.after);
    let mut count = Count::default();
    let limits = &app.config.limits;
    while looked < limits.preview_events && begun.elapsed() < limits.preview_time {
        let size = PAGE.min(usize::try_from(limits.preview_events - looked).unwrap_or(PAGE));
        let page = asked.stretch(tenant, after);
        let page = app.store.events_in(&page, size).await?;
        let Some(last) = page.last() else {
            count.complete = true;
            break;
        };
        (after, looked) = (last.id, looked + page.len() as u64);
        let routes = app.registry.routes(tenant).await?;
        for event in &page {
            let deliveries = asked.wanted(&routes, event).count() as u64;
            count.events += u64::from(deliveries > 0);
            count.deliveries += deliveries;
        }
    }
    Ok(count)
}

/// Works on a replay from where it was left.
pub(super) async fn work(inner: &Inner, job: &Job, hold: &Hold) -> Result<End, Error> {
    let asked: Asked = serde_json::from_str(&job.asked)?;
    let place = match &job.place {
        Some(place) => serde_json::from_str(place)?,
        None => Place {
            after: asked.after,
            counted: false,
            result: Tally::default(),
        },
    };
    let mut replay = Replay {
        inner,
        hold,
        pace: Pace::new(asked.rate_per_second),
        asked,
        place,
        progress: job.progress.clone(),
        waiting: Vec::new(),
    };
    if !replay.place.counted
        && let Some(end) = replay.count().await?
    {
        return Ok(end);
    }
    replay.send().await
}

struct Replay<'a> {
    inner: &'a Inner,
    hold: &'a Hold,
    asked: Asked,
    place: Place,
    progress: Progress,
    pace: Pace,
    /// What was made and not yet tried.
    waiting: Vec<DeliveryId>,
}

impl Replay<'_> {
    fn parts(&self) -> &Parts {
        &self.inner.parts
    }

    async fn page(&self) -> Result<Vec<Event>, Error> {
        let stretch = self.asked.stretch(self.hold.tenant_id, self.place.after);
        Ok(self.parts().store.events_in(&stretch, PAGE).await?)
    }

    /// Counts what is to be done; `None` when it is known.
    async fn count(&mut self) -> Result<Option<End>, Error> {
        let mut since_sign = 0;
        loop {
            let page = self.page().await?;
            let routes = self.parts().registry.routes(self.hold.tenant_id).await?;
            let deliveries: usize = page
                .iter()
                .map(|event| self.asked.wanted(&routes, event).count())
                .sum();
            let total = self.progress.total.unwrap_or_default() + deliveries as u64;
            self.progress.total = Some(total);
            self.place.counted = page.is_empty();
            // What was counted is sent from the beginning.
            self.place.after = page.last().map_or(self.asked.after, |last| last.id);
            since_sign += page.len() as u64;
            if since_sign >= COUNTED_AT_ONCE || self.place.counted {
                since_sign = 0;
                if self.commit(Vec::new(), 0).await?.is_none() {
                    return Ok(Some(End::Lost));
                }
            }
            if self.place.counted {
                return Ok(None);
            }
            if self.inner.stop.is_cancelled() {
                return Ok(Some(End::Stopped));
            }
        }
    }

    /// Makes the deliveries, page by page.
    async fn send(mut self) -> Result<End, Error> {
        loop {
            let page = self.page().await?;
            let Some(last) = page.last().map(|event| event.id) else {
                return Ok(End::Completed(self.progress));
            };
            let routes = self.parts().registry.routes(self.hold.tenant_id).await?;
            let (mut batch, mut events) = (Vec::new(), 0);
            for event in page.into_iter().map(Arc::new) {
                let before = batch.len();
                let wanted = self.asked.wanted(&routes, &event);
                batch.extend(wanted.map(|route| (Arc::clone(&event), Arc::clone(route))));
                events += u64::from(batch.len() > before);
                self.place.after = event.id;
                if batch.len() >= self.pace.batch() || event.id == last {
                    let batch = std::mem::take(&mut batch);
                    if let Some(end) = self.send_batch(batch, events).await? {
                        return Ok(end);
                    }
                    events = 0;
                }
            }
        }
    }

    /// Makes one batch of deliveries when its turn has come; `None` when that is done.
    async fn send_batch(&mut self, batch: Batch, events: u64) -> Result<Option<End>, Error> {
        if batch.is_empty() {
            let lost = self.commit(batch, events).await?.is_none();
            return Ok(lost.then_some(End::Lost));
        }
        let turn = self.pace.next(Instant::now(), batch.len());
        tokio::select! {
            () = self.inner.stop.cancelled() => return Ok(Some(End::Stopped)),
            () = sleep_until(turn) => {}
        }
        let Some(made) = self.commit(batch, events).await? else {
            return Ok(Some(End::Lost));
        };
        self.waiting.extend(made);
        self.let_them_go().await
    }

    /// Waits until less than half of a window waits for its first attempt.
    async fn let_them_go(&mut self) -> Result<Option<End>, Error> {
        if self.waiting.len() < WINDOW {
            return Ok(None);
        }
        let mut signed = Instant::now();
        loop {
            let Parts { store, clock, .. } = &self.inner.parts;
            let tenant = self.hold.tenant_id;
            self.waiting = store.not_tried_yet(tenant, &self.waiting).await?;
            if self.waiting.len() < WINDOW / 2 {
                return Ok(None);
            }
            if signed.elapsed() >= SIGN_EVERY {
                if !store.prolong_job(self.hold, clock.now()).await? {
                    return Ok(Some(End::Lost));
                }
                signed = Instant::now();
            }
            tokio::select! {
                () = self.inner.stop.cancelled() => return Ok(Some(End::Stopped)),
                () = sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// Writes a batch with the place behind it; which deliveries wait for their first attempt now, or `None` if the job
    /// is lost.
    async fn commit(
        &mut self,
        batch: Batch,
        events: u64,
    ) -> Result<Option<Vec<DeliveryId>>, Error> {
        let dispatcher = Arc::clone(&self.parts().dispatcher);
        let mut rooms = Rooms::new(&dispatcher);
        let batch = batch.iter();
        let again = batch.map(|(event, route)| rooms.lease(&self.parts().clock, event, route));
        let again = again.collect();
        let before = (self.place.clone(), self.progress.clone());
        let note = move |again: &[Again], replayed: &Replayed| {
            let (mut place, mut progress) = before.clone();
            place.result.events += events;
            place.result.made += replayed.count(Fate::Made);
            place.result.again += replayed.count(Fate::Again);
            place.result.waiting += replayed.count(Fate::Waiting);
            progress.done += replayed.fates.len() as u64;
            note_gone(&mut progress, again, replayed);
            (place, progress)
        };
        let noted = note.clone();
        let step = Arc::new(Step {
            hold: self.hold.clone(),
            now: self.parts().clock.now(),
            again,
            advance: Box::new(move |again, replayed| {
                let (place, progress) = note(again, replayed);
                let place = serde_json::json!(place).to_string();
                Advance { place, progress }
            }),
        });
        let replayed = self.parts().spine.replay(Arc::clone(&step)).await?;
        let Some(replayed) = replayed else {
            return Ok(None);
        };
        (self.place, self.progress) = noted(&step.again, &replayed);
        let fates = replayed.fates.iter().zip(&step.again);
        let begun = fates.filter(|((fate, _), one)| {
            one.start != Start::Held && matches!(fate, Fate::Made | Fate::Again)
        });
        let begun: Vec<_> = begun.map(|((_, id), _)| *id).collect();
        crate::failpoint::hit("replay");
        if replayed.leased.len() < begun.len() {
            dispatcher.wake();
        }
        rooms.hand_over(replayed.leased);
        Ok(Some(begun))
    }
}

/// Events with the subscriptions that they go to again.
type Batch = Vec<(Arc<Event>, Arc<Route>)>;

/// Room in memory for deliveries that are written with a lease; it is given back for those that are not.
struct Rooms<'d> {
    dispatcher: &'d Arc<Dispatcher>,
    taken: HashMap<(DestinationId, EventId), Arc<Event>>,
}

impl<'d> Rooms<'d> {
    fn new(dispatcher: &'d Arc<Dispatcher>) -> Self {
        let taken = HashMap::new();
        Self { dispatcher, taken }
    }

    /// Delivers an event again, with a lease if there is room for it and nothing else before it.
    fn lease(&mut self, clock: &Clock, event: &Arc<Event>, route: &Route) -> Again {
        let mut again = again(clock, event, route);
        let begins_now = matches!(again.start, Start::Due(_)) && again.ordering_key.is_none();
        if !begins_now || !self.dispatcher.works_here() {
            return again;
        }
        if let Some(until) = self.dispatcher.reserve(route, event, clock.now()) {
            self.taken.insert((route.id, event.id), Arc::clone(event));
            again.start = Start::Leased(until);
        }
        again
    }

    /// Lets the dispatcher send what was leased.
    fn hand_over(mut self, leased: Vec<Claimed>) {
        for claimed in &leased {
            self.taken
                .remove(&(claimed.destination_id, claimed.event.id));
        }
        self.dispatcher.take(leased.into_iter());
    }
}

impl Drop for Rooms<'_> {
    fn drop(&mut self) {
        for ((destination, _), event) in &self.taken {
            self.dispatcher.give_back(*destination, event);
        }
    }
}

/// Events that were removed meanwhile.
fn note_gone(progress: &mut Progress, batch: &[Again], replayed: &Replayed) {
    let fates = batch.iter().zip(&replayed.fates);
    for (one, _) in fates.filter(|(_, (fate, _))| *fate == Fate::Gone) {
        progress.failed += 1;
        if progress.errors.len() < MOST_ERRORS {
            progress.errors.push(Fault {
                item: Some(one.event.id.to_string()),
                detail: "the event was removed before its turn came".to_owned(),
            });
        }
    }
}
