//! Delivering events of the log again. There is one delivery for each event and subscription, and its
//! `webhook-id` stays (invariant 3): one that has ended gets a new schedule, one that was never made is
//! made, and one that waits is on its way already.

use std::{collections::HashMap, sync::Arc};

use sqlx::{AssertSqlSafe, query::QueryAs};
use tieline_domain::{
    DeliveryId, DestinationId, EventId, TenantId, Timestamp, delivery::Status, event::Event,
};

use super::{
    Entry, NewDelivery, Start, accept,
    lines::{self, LINE},
};
use crate::{
    Error, Result, Store,
    db::{Db, Tx, in_tx, on_db},
    events,
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
    /// Whether its destination takes no deliveries at present: then it is held.
    pub held: bool,
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

/// What became of each, in their order, with its delivery.
#[derive(Clone, Debug, Default)]
pub struct Replayed(pub Vec<(Fate, DeliveryId)>);

impl Replayed {
    /// How many had this fate.
    pub fn count(&self, fate: Fate) -> u64 {
        self.0.iter().filter(|(each, _)| *each == fate).count() as u64
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

impl Store {
    /// Up to `limit` events of a stretch whose content was not erased, the oldest first.
    pub async fn events_in(&self, stretch: &Stretch, limit: usize) -> Result<Vec<Event>> {
        let text = format!(
            "SELECT {} FROM events WHERE tenant_id = $1 AND id > $2 AND id < $3 \
             AND ($4 = '' OR source = $4) AND ($5 = '' OR subject = $5) AND NOT EXISTS \
             (SELECT 1 FROM erased WHERE erased.tenant_id = events.tenant_id AND erased.event_id = events.id) \
             ORDER BY id LIMIT $6",
            events::COLUMNS
        );
        let rows: Vec<events::EventRow> =
            on_db!(self.db(), |c| sqlx::query_as(AssertSqlSafe(text))
                .bind(stretch.tenant_id.to_string())
                .bind(stretch.after.to_string())
                .bind(stretch.before.to_string())
                .bind(stretch.source.as_deref().unwrap_or_default())
                .bind(stretch.subject.as_deref().unwrap_or_default())
                .bind(limit as i64)
                .fetch_all(c)
                .await?);
        rows.into_iter().map(events::from_row).collect()
    }

    /// Delivers one event again, in one commit.
    pub async fn replay_event(
        &self,
        tenant: TenantId,
        again: &[Again],
        now: Timestamp,
    ) -> Result<Replayed> {
        let mut tx = self.db().begin().await?;
        let replayed = make(&mut tx, self.db(), tenant, again, now).await?;
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
        let text = format!(
            "SELECT id FROM deliveries WHERE tenant_id = $1 AND id IN ({}) \
             AND status = 'pending' AND attempts = earlier_attempts",
            places(2, ids.len())
        );
        let rows: Vec<(String,)> = on_db!(self.db(), |c| {
            let query = sqlx::query_as(AssertSqlSafe(text)).persistent(false);
            let query = query.bind(tenant.to_string());
            ids.iter()
                .fold(query, |query, id| query.bind(id.to_string()))
                .fetch_all(c)
                .await?
        });
        let parsed = rows.into_iter().map(|(id,)| id.parse());
        parsed.collect::<Result<_, _>>().map_err(Error::content)
    }
}

/// Makes the deliveries, or gives those that have ended a new schedule that begins now.
pub(crate) async fn make(
    tx: &mut Tx,
    db: &Db,
    tenant: TenantId,
    again: &[Again],
    now: Timestamp,
) -> Result<Replayed> {
    if again.is_empty() {
        return Ok(Replayed::default());
    }
    lines::lock(tx, again.iter().map(|one| one.destination_id).collect()).await?;
    let mut ids: Vec<EventId> = again.iter().map(|one| one.event.id).collect();
    ids.sort_unstable();
    ids.dedup();
    let there = keep_events(tx, db, tenant, &ids).await?;
    let owed = owed(tx, tenant, &ids).await?;
    let (mut fates, mut new) = (Vec::with_capacity(again.len()), Vec::new());
    let mut anew: HashMap<bool, Vec<DeliveryId>> = HashMap::new();
    for one in again {
        let fate = match owed.get(&(one.event.id, one.destination_id)) {
            _ if !there.contains(&one.event.id) => (Fate::Gone, one.new_id),
            Some((id, Status::Pending | Status::Held | Status::Queued)) => (Fate::Waiting, *id),
            Some((id, Status::Delivered | Status::Dead | Status::Cancelled)) => {
                anew.entry(one.held).or_default().push(*id);
                (Fate::Again, *id)
            }
            None => {
                new.push(entry(one, now));
                (Fate::Made, one.new_id)
            }
        };
        fates.push(fate);
    }
    for (held, ids) in &anew {
        begin_anew(tx, tenant, *held, ids, now).await?;
    }
    accept::write_deliveries(tx, &new).await?;
    Ok(Replayed(fates))
}

fn entry(one: &Again, now: Timestamp) -> Entry {
    let delivery = NewDelivery {
        id: one.new_id,
        destination_id: one.destination_id,
        ordering_key: one.ordering_key.clone(),
        start: if one.held {
            Start::Held
        } else {
            Start::Due(now)
        },
    };
    Entry {
        event: Arc::clone(&one.event),
        deliveries: vec![delivery],
    }
}

/// The events that are there, kept from being removed, and from being replayed by others, until the
/// transaction ends.
async fn keep_events(
    tx: &mut Tx,
    db: &Db,
    tenant: TenantId,
    ids: &[EventId],
) -> Result<Vec<EventId>> {
    let text = format!(
        "SELECT id FROM events WHERE tenant_id = $1 AND id IN ({}) ORDER BY id {}",
        places(2, ids.len()),
        db.locked()
    );
    let rows: Vec<(String,)> = in_tx!(tx, |c| {
        let query = sqlx::query_as(AssertSqlSafe(text)).persistent(false);
        let query = query.bind(tenant.to_string());
        ids.iter()
            .fold(query, |query, id| query.bind(id.to_string()))
            .fetch_all(c)
            .await?
    });
    let parsed = rows.into_iter().map(|(id,)| id.parse());
    parsed.collect::<Result<_, _>>().map_err(Error::content)
}

type Owed = HashMap<(EventId, DestinationId), (DeliveryId, Status)>;

/// The deliveries that there are of these events. Of several to one subscription, the first one.
async fn owed(tx: &mut Tx, tenant: TenantId, ids: &[EventId]) -> Result<Owed> {
    let text = format!(
        "SELECT event_id, subscription_id, id, status FROM deliveries WHERE event_id IN ({}) \
         AND tenant_id = $1 ORDER BY id DESC",
        places(2, ids.len())
    );
    let rows: Vec<(String, String, String, String)> = in_tx!(tx, |c| {
        let query: QueryAs<'_, _, _, _> = sqlx::query_as(AssertSqlSafe(text)).persistent(false);
        let query = query.bind(tenant.to_string());
        ids.iter()
            .fold(query, |query, id| query.bind(id.to_string()))
            .fetch_all(c)
            .await?
    });
    let parsed = rows
        .into_iter()
        .map(|(event, subscription, id, status)| -> Result<_> {
            let event = event.parse().map_err(Error::content)?;
            let subscription = subscription.parse().map_err(Error::content)?;
            let id = id.parse().map_err(Error::content)?;
            let status = status.parse().map_err(Error::content)?;
            Ok(((event, subscription), (id, status)))
        });
    parsed.collect()
}

/// Gives deliveries that have ended a new schedule. They are as old as it: how long they may be held
/// counts from now.
async fn begin_anew(
    tx: &mut Tx,
    tenant: TenantId,
    held: bool,
    ids: &[DeliveryId],
    now: Timestamp,
) -> Result<()> {
    let status = if held { Status::Held } else { Status::Pending };
    let text = format!(
        "UPDATE deliveries SET {}, due_at = $1, created_at = $1 WHERE tenant_id = $2 AND id IN ({}) \
         AND status IN ('delivered', 'dead', 'cancelled') RETURNING {LINE}",
        lines::again(status),
        places(3, ids.len())
    );
    let rows: Vec<(String, Option<String>)> = in_tx!(tx, |c| {
        let query: QueryAs<'_, _, _, _> = sqlx::query_as(AssertSqlSafe(text)).persistent(false);
        let query = query.bind(now.as_micros()).bind(tenant.to_string());
        ids.iter()
            .fold(query, |query, id| query.bind(id.to_string()))
            .fetch_all(c)
            .await?
    });
    let lines = rows
        .into_iter()
        .filter_map(|row| lines::line(row).transpose());
    let lines = lines.collect::<Result<Vec<_>>>()?;
    lines::advance_all(tx, lines, now, status).await
}

/// `$first, …`: as many parameters as there are values.
pub(crate) fn places(first: usize, count: usize) -> String {
    let places: Vec<_> = (first..first + count).map(|i| format!("${i}")).collect();
    places.join(",")
}
