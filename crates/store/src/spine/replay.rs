//! Delivering events of the log again. There is one delivery for each event and subscription, and its
//! `webhook-id` stays (invariant 3): one that has ended gets a new schedule, one that was never made is
//! made, and one that waits is on its way already.

use std::{cmp::Reverse, collections::HashMap, sync::Arc};

use sqlx::AssertSqlSafe;
use tieline_domain::{
    DeliveryId, DestinationId, EventId, TenantId, Timestamp, delivery::Status, event::Event,
};

use super::{
    Claimed, Entry, NewDelivery, Start, accept,
    lines::{self, LINE, Line},
};
use crate::{
    Result, Store,
    db::Tx,
    jobs::{self, Advance, Hold},
    sql::{Read, Row, places, select, sql},
};

/// An event that is to go to a subscription again.
#[derive(Clone, Debug)]
pub struct Again {
    /// The event.
    pub event: Arc<Event>,
    /// Where it goes.
    pub destination_id: DestinationId,
    /// The id of the delivery, if it has to be made.
    pub new_id: DeliveryId,
    /// The line in which it stands, if its subscription keeps an order.
    pub ordering_key: Option<Arc<str>>,
    /// How it begins. One that stands in a line must not begin as leased.
    pub start: Start,
}

/// What became of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The delivery was made.
    Made,
    /// The delivery had ended and has a new schedule.
    Again,
    /// The delivery had not ended: it is on its way.
    Waiting,
    /// The event is not there any more.
    Gone,
}

/// What became of each, in their order.
#[derive(Clone, Debug, Default)]
pub struct Replayed {
    /// Its fate, with its delivery.
    pub fates: Vec<(Fate, DeliveryId)>,
    /// What the node that made them has leased.
    pub leased: Vec<Claimed>,
}

impl Replayed {
    /// How many had this fate.
    pub fn count(&self, fate: Fate) -> u64 {
        self.fates.iter().filter(|(each, _)| *each == fate).count() as u64
    }
}

/// Which events of the log are wanted: those of a tenant whose ids lie between two others.
#[derive(Clone, Debug)]
pub struct Stretch {
    /// The tenant.
    pub tenant_id: TenantId,
    /// Later than this one.
    pub after: EventId,
    /// Earlier than this one.
    pub before: EventId,
    /// From this source, if named.
    pub source: Option<String>,
    /// About this, if named.
    pub subject: Option<String>,
}

/// A step of a job: what it makes again, and what it notes with it.
pub struct Step {
    /// The node's hold on the job.
    pub hold: Hold,
    /// When it is done.
    pub now: Timestamp,
    /// What is to go out again.
    pub again: Vec<Again>,
    /// Where the job goes on then, and how far it has come.
    pub advance: Note,
}

/// Says where a job goes on after a step, and how far it has come.
pub type Note = Box<dyn Fn(&[Again], &Replayed) -> Advance + Send + Sync>;

/// Does a step; `None` if the job was called off or belongs to another node now.
pub(super) async fn step(
    tx: &mut Tx,
    locked: &'static str,
    node: &str,
    step: &Step,
) -> Result<Option<Replayed>> {
    let Step {
        hold, now, again, ..
    } = step;
    if !jobs::prolong(tx, hold, *now).await? {
        return Ok(None);
    }
    let replayed = make(tx, locked, node, again, *now).await?;
    let Advance { place, progress } = (step.advance)(again, &replayed);
    jobs::note(tx, hold.id, Some(&place), &progress).await?;
    Ok(Some(replayed))
}

impl Store {
    /// Up to `limit` events of a stretch whose content was not erased, the oldest first.
    pub async fn events_in(&self, stretch: &Stretch, limit: usize) -> Result<Vec<Event>> {
        const NOT_ERASED: &str = "NOT EXISTS (SELECT 1 FROM erased WHERE erased.tenant_id = events.tenant_id \
                                  AND erased.event_id = events.id)";
        let events = select(stretch.tenant_id)
            .with("id > ?", stretch.after)
            .with("id < ?", stretch.before)
            .with_any("source = ?", stretch.source.as_deref())
            .with_any("subject = ?", stretch.subject.as_deref())
            .that(NOT_ERASED);
        events.first(limit, "id", self.db()).await
    }

    /// Delivers one event again, in one commit. None of its deliveries must begin as leased.
    pub async fn replay_event(&self, again: &[Again], now: Timestamp) -> Result<Replayed> {
        let mut tx = self.db().begin().await?;
        let replayed = make(&mut tx, self.db().locked(), "", again, now).await?;
        tx.commit().await?;
        Ok(replayed)
    }

    /// Those of these deliveries that still wait for the first attempt of their schedule.
    pub async fn not_tried_yet(
        &self,
        tenant: TenantId,
        ids: &[DeliveryId],
    ) -> Result<Vec<DeliveryId>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let waiting = select(tenant)
            .among("id", ids.iter().copied())
            .that("status = 'pending' AND attempts = earlier_attempts");
        let ids = waiting.statement(|these| format!("SELECT id FROM deliveries WHERE {these}"));
        ids.list(self.db()).await
    }
}

/// Makes the deliveries of a tenant's events, or gives those that have ended a new schedule that begins now; `node` has what
/// begins as leased.
pub(crate) async fn make(
    tx: &mut Tx,
    locked: &str,
    node: &str,
    again: &[Again],
    now: Timestamp,
) -> Result<Replayed> {
    let Some(first) = again.first() else {
        return Ok(Replayed::default());
    };
    let tenant = first.event.tenant_id;
    lines::lock(tx, again.iter().map(|one| one.destination_id).collect()).await?;
    let mut ids: Vec<EventId> = again.iter().map(|one| one.event.id).collect();
    ids.sort_unstable();
    ids.dedup();
    let there = keep_events(tx, locked, tenant, &ids).await?;
    let owed = owed(tx, &ids).await?;
    let (mut replayed, mut new) = (Replayed::default(), Vec::new());
    let mut anew: HashMap<Start, HashMap<DeliveryId, &Again>> = HashMap::new();
    for one in again {
        let fate = match owed.get(&(one.event.id, one.destination_id)) {
            _ if !there.contains(&one.event.id) => (Fate::Gone, one.new_id),
            Some((id, Status::Pending | Status::Held | Status::Queued)) => (Fate::Waiting, *id),
            Some((id, Status::Delivered | Status::Dead | Status::Cancelled)) => {
                anew.entry(one.start).or_default().insert(*id, one);
                (Fate::Again, *id)
            }
            None => {
                new.push(entry(one));
                let begun = Begun::new(one.new_id);
                replayed
                    .leased
                    .extend(begun.leased(one, one.new_id.made_at()));
                (Fate::Made, one.new_id)
            }
        };
        replayed.fates.push(fate);
    }
    for (start, these) in &anew {
        for begun in begin_anew(tx, tenant, *start, node, these.keys(), now).await? {
            let again = these.get(&begun.id);
            let leased = again.and_then(|again| begun.leased(again, now));
            replayed.leased.extend(leased);
        }
    }
    accept::write_deliveries(tx, node, &new).await?;
    Ok(replayed)
}

fn entry(one: &Again) -> Entry {
    let delivery = NewDelivery {
        id: one.new_id,
        destination_id: one.destination_id,
        ordering_key: one.ordering_key.clone(),
        start: one.start,
    };
    Entry {
        event: Arc::clone(&one.event),
        deliveries: vec![delivery],
    }
}

/// A delivery that begins, or begins anew.
struct Begun {
    id: DeliveryId,
    attempts: u32,
    line: Option<Line>,
}

impl Begun {
    fn new(id: DeliveryId) -> Self {
        Self {
            id,
            attempts: 0,
            line: None,
        }
    }

    /// What its node takes over, if it is leased: one that stands in a line waits there.
    fn leased(&self, of: &Again, created_at: Timestamp) -> Option<Claimed> {
        let Start::Leased(lease_until) = of.start else {
            return None;
        };
        self.line.is_none().then(|| Claimed {
            id: self.id,
            tenant_id: of.event.tenant_id,
            destination_id: of.destination_id,
            ordering_key: None,
            attempts: self.attempts,
            earlier_attempts: self.attempts,
            first_attempt_at: None,
            created_at,
            lease_until,
            event: Arc::clone(&of.event),
        })
    }
}

impl Read for Begun {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            attempts: row.get("attempts")?,
            line: lines::line((row.get("subscription_id")?, row.get("ordering_key")?))?,
        })
    }
}

/// The events that are there, kept from being removed, and from being replayed by others, until the
/// transaction ends.
async fn keep_events(
    tx: &mut Tx,
    locked: &str,
    tenant: TenantId,
    ids: &[EventId],
) -> Result<Vec<EventId>> {
    let these = select(tenant).among("id", ids.iter().copied());
    let keep = these
        .statement(|these| format!("SELECT id FROM events WHERE {these} ORDER BY id {locked}"));
    keep.list_in(tx).await
}

type Owed = HashMap<(EventId, DestinationId), (DeliveryId, Status)>;

/// The deliveries that there are of these events. Of several to one subscription, the first one.
async fn owed(tx: &mut Tx, ids: &[EventId]) -> Result<Owed> {
    let text = of_events("event_id, subscription_id, id, status", ids.len());
    let owed = sql(AssertSqlSafe(text)).bind_all(ids.iter().copied());
    let mut owed: Vec<(EventId, DestinationId, DeliveryId, Status)> = owed.list_in(tx).await?;
    owed.sort_unstable_by_key(|(_, _, id, _)| Reverse(*id));
    let owed = owed.into_iter();
    Ok(owed
        .map(|(event, destination, id, status)| ((event, destination), (id, status)))
        .collect())
}

/// The statement that finds the deliveries of so many events, by their ids alone: an id is of one tenant, and with any other
/// condition that an index could serve both engines would walk through all deliveries of a tenant or a subscription.
pub(crate) fn of_events(columns: &str, count: usize) -> String {
    let events = places(1, count);
    format!("SELECT {columns} FROM deliveries WHERE event_id IN ({events})")
}

/// Gives deliveries that have ended a new schedule. They are as old as it: how long they may be held
/// counts from now. One that stands in a line is not leased: whether its turn has come shows there.
async fn begin_anew(
    tx: &mut Tx,
    tenant: TenantId,
    start: Start,
    node: &str,
    ids: impl ExactSizeIterator<Item = &DeliveryId>,
    now: Timestamp,
) -> Result<Vec<Begun>> {
    let (status, due_at, owner) = match start {
        Start::Held => (Status::Held, now, None),
        Start::Due(at) => (Status::Pending, at, None),
        Start::Leased(until) => (Status::Pending, until, Some(node)),
    };
    let text = format!(
        "UPDATE deliveries SET {}, created_at = $1, \
         due_at = CASE WHEN ordering_key IS NULL THEN $2 ELSE $1 END, \
         owner = CASE WHEN ordering_key IS NULL THEN $3 ELSE NULL END WHERE tenant_id = $4 AND id IN ({}) \
         AND status IN ('delivered', 'dead', 'cancelled') RETURNING id, attempts, {LINE}",
        lines::again(status),
        places(5, ids.len())
    );
    let begin = sql(AssertSqlSafe(text)).bind(now).bind(due_at).bind(owner);
    let begin = begin.bind(tenant).bind_all(ids.copied());
    let begun: Vec<Begun> = begin.list_in(tx).await?;
    let lines = begun.iter().filter_map(|one| one.line.clone());
    lines::advance_all(tx, lines, now, status).await?;
    Ok(begun)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, db::Db};

    #[tokio::test]
    async fn deliveries_of_events_are_found_by_the_events() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("plans.db");
        let db = Db::open(file.to_str().unwrap(), &Options::default()).await;
        let db = db.unwrap();
        db.migrate().await.unwrap();
        for count in [1, 25, 1_000] {
            let text = format!("EXPLAIN QUERY PLAN {}", of_events("*", count));
            let explain = sql(AssertSqlSafe(text));
            let steps: Vec<(i64, i64, i64, String)> = explain.list(&db).await.unwrap();
            let expected = "SEARCH deliveries USING INDEX deliveries_by_event (event_id=?)";
            let is_found = steps.iter().any(|(.., step)| step == expected);
            assert!(is_found, "{count}: {steps:?}");
        }
    }
}
