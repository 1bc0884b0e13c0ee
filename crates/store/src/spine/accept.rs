//! Accepting: events and what they are owed, in one commit.

use std::{collections::HashMap, sync::Arc};

use sqlx::{AssertSqlSafe, query::QueryAs};
use tieline_domain::{EventId, Timestamp, delivery::Status, event::Event};

use super::{
    Accepted, Entry, Item, NewDelivery, Once, Start,
    batch::{Bulk, Cell, Kind},
    lines::{self, Joining},
};
use crate::{
    Error, Result,
    db::{Tx, in_tx},
};

pub(super) static SEEN: Bulk = Bulk::new(
    "INSERT INTO seen (key, event_id, expires_at)",
    &[Kind::Bytes, Kind::Text, Kind::Int],
    "ON CONFLICT (key) DO NOTHING",
);

pub(super) static EVENTS: Bulk = Bulk::new(
    "INSERT INTO events (tenant_id, id, type, source, subject, time, data, cause_id, trace_id)",
    &[
        Kind::Text,
        Kind::Text,
        Kind::Text,
        Kind::Text,
        Kind::Text,
        Kind::Int,
        Kind::Text,
        Kind::Text,
        Kind::Text,
    ],
    "",
);

pub(super) static DELIVERIES: Bulk = Bulk::new(
    "INSERT INTO deliveries (tenant_id, id, event_id, subscription_id, status, attempts, \
     earlier_attempts, due_at, owner, created_at)",
    &[
        Kind::Text,
        Kind::Text,
        Kind::Text,
        Kind::Text,
        Kind::Text,
        Kind::Int,
        Kind::Int,
        Kind::Int,
        Kind::Text,
        Kind::Int,
    ],
    "",
);

/// Where [`DELIVERIES`] has the time at which one was made.
const CREATED_AT: usize = 9;

/// An item as rows. Made by the request that waits for it, so that the writer has less to do.
pub(super) struct Encoded {
    pub(super) once: Option<Once>,
    /// The first event.
    pub(super) event_id: EventId,
    pub(super) events: Vec<Cell>,
    pub(super) deliveries: Vec<Cell>,
    /// The deliveries that stand in a line.
    pub(super) joining: Vec<Joining>,
}

impl Encoded {
    pub(super) fn new(node: &str, item: &Item) -> Self {
        let first = item
            .entries
            .first()
            .expect("an item has at least one event");
        let mut encoded = Self {
            once: item.once.clone(),
            event_id: first.event.id,
            events: Vec::with_capacity(item.entries.len() * EVENTS.width()),
            deliveries: Vec::new(),
            joining: Vec::new(),
        };
        for entry in &item.entries {
            encoded.push(node, entry);
        }
        encoded
    }

    fn push(&mut self, node: &str, entry: &Entry) {
        push_event(&mut self.events, entry);
        for delivery in &entry.deliveries {
            let Some(key) = &delivery.ordering_key else {
                push_delivery(&mut self.deliveries, node, entry, delivery);
                continue;
            };
            let mut cells = Vec::with_capacity(DELIVERIES.width() + 2);
            push_delivery(&mut cells, node, entry, delivery);
            let line = (delivery.subscription_id, Arc::clone(key));
            let joining = Joining::new(line, delivery.id.made_at(), cells);
            self.joining.push(joining);
        }
    }
}

/// Writes the items and says what became of each, in their order.
pub(super) async fn accept(
    tx: &mut Tx,
    now: Timestamp,
    items: &[&Encoded],
) -> Result<Vec<Accepted>> {
    let answers = tell_repeats(tx, now, items).await?;
    let fresh = items.iter().zip(&answers);
    let fresh = fresh.filter(|(_, answer)| **answer == Accepted::Stored);
    let joining = fresh.clone().flat_map(|(item, _)| &item.joining);
    let (mut events, mut deliveries) = (Vec::new(), Vec::new());
    for (item, _) in fresh.clone() {
        events.extend_from_slice(&item.events);
        deliveries.extend_from_slice(&item.deliveries);
    }
    EVENTS.run(tx, events).await?;
    DELIVERIES.run(tx, deliveries).await?;
    lines::join(tx, joining).await?;
    Ok(answers)
}

/// Writes an event with its deliveries. The lines that these join must be locked.
pub(super) async fn write(tx: &mut Tx, node: &str, entry: &Entry) -> Result<()> {
    let item = Item {
        once: None,
        entries: vec![entry.clone()],
    };
    let Encoded {
        once: _,
        event_id: _,
        events,
        deliveries,
        joining,
    } = Encoded::new(node, &item);
    EVENTS.run(tx, events).await?;
    DELIVERIES.run(tx, deliveries).await?;
    lines::join(tx, joining.iter()).await
}

/// Writes a delivery of an event that is there already, made now.
pub(super) async fn write_delivery(
    tx: &mut Tx,
    event: Event,
    delivery: NewDelivery,
    now: Timestamp,
) -> Result<()> {
    let made_at = event.time;
    let entry = Entry {
        event: Arc::new(event),
        deliveries: vec![],
    };
    let mut cells = Vec::with_capacity(DELIVERIES.width() + 2);
    push_delivery(&mut cells, "", &entry, &delivery);
    cells[CREATED_AT] = Cell::Int(Some(now.as_micros()));
    match delivery.ordering_key {
        None => DELIVERIES.run(tx, cells).await.map(drop),
        Some(key) => {
            let joining = Joining::new((delivery.subscription_id, key), made_at, cells);
            lines::join_at(tx, &joining).await
        }
    }
}

fn push_event(cells: &mut Vec<Cell>, entry: &Entry) {
    let event = &entry.event;
    cells.extend([
        Cell::id(event.tenant_id),
        Cell::id(event.id),
        Cell::id(&event.event_type),
        Cell::text(&event.source),
        Cell::Text(event.subject.clone()),
        Cell::Int(Some(event.time.as_micros())),
        Cell::text(&event.data),
        Cell::Text(event.cause_id.map(|id| id.to_string().into())),
        Cell::text(&event.trace_id),
    ]);
}

fn push_delivery(cells: &mut Vec<Cell>, node: &str, entry: &Entry, delivery: &NewDelivery) {
    let NewDelivery {
        id,
        subscription_id,
        ordering_key: _,
        start,
    } = delivery;
    let (status, due_at, owner) = match start {
        Start::Leased(until) => (Status::Pending, *until, Some(node.into())),
        Start::Due(at) => (Status::Pending, *at, None),
        Start::Held => (Status::Held, entry.event.time, None),
    };
    cells.extend([
        Cell::id(entry.event.tenant_id),
        Cell::id(id),
        Cell::id(entry.event.id),
        Cell::id(subscription_id),
        Cell::id(status),
        Cell::Int(Some(0)),
        Cell::Int(Some(0)),
        Cell::Int(Some(due_at.as_micros())),
        Cell::Text(owner),
        Cell::Int(Some(id.made_at().as_micros())),
    ]);
}

/// Says for each item whether its key was seen before, in the store or earlier in the batch; notes the
/// keys that were not.
async fn tell_repeats(tx: &mut Tx, now: Timestamp, items: &[&Encoded]) -> Result<Vec<Accepted>> {
    let mut answers = vec![Accepted::Stored; items.len()];
    let mut first: HashMap<[u8; 16], usize> = HashMap::new();
    for (i, item) in items.iter().enumerate() {
        let Some(once) = &item.once else { continue };
        if let Some(original) = first.get(&once.key) {
            answers[i] = Accepted::Duplicate(items[*original].event_id);
        } else {
            first.insert(once.key, i);
        }
    }
    if first.is_empty() {
        return Ok(answers);
    }
    // Two commits that hold the same keys must take them in the same order, or they block each other.
    let mut keys: Vec<_> = first.into_iter().collect();
    keys.sort_unstable();
    let cells = keys.iter().flat_map(|(key, i)| {
        let expires_at = items[*i]
            .once
            .as_ref()
            .map(|once| once.expires_at.as_micros());
        [
            Cell::Bytes(key.to_vec()),
            Cell::id(items[*i].event_id),
            Cell::Int(expires_at),
        ]
    });
    if SEEN.run(tx, cells.collect()).await? == keys.len() as u64 {
        return Ok(answers);
    }
    let noted = noted(tx, keys.iter().map(|(key, _)| key.as_slice())).await?;
    let mut originals = HashMap::new();
    for (key, i) in keys {
        let new = items[i].event_id;
        let Some((original, expires_at)) = noted.get(key.as_slice()) else {
            return Err(Error::Unavailable(
                "a key vanished while it was read".to_owned(),
            ));
        };
        if *original == new {
            continue;
        }
        let once = items[i]
            .once
            .as_ref()
            .expect("only items with a key are listed");
        if *expires_at <= now && renew(tx, now, once, new).await? {
            continue;
        }
        originals.insert(key, *original);
    }
    for (item, answer) in items.iter().zip(&mut answers) {
        if let Some(original) = item.once.as_ref().and_then(|once| originals.get(&once.key)) {
            *answer = Accepted::Duplicate(*original);
        }
    }
    Ok(answers)
}

/// The event that each key stands for, and until when.
async fn noted<'k>(
    tx: &mut Tx,
    keys: impl ExactSizeIterator<Item = &'k [u8]>,
) -> Result<HashMap<Vec<u8>, (EventId, Timestamp)>> {
    let places: Vec<_> = (1..=keys.len()).map(|place| format!("${place}")).collect();
    let text = format!(
        "SELECT key, event_id, expires_at FROM seen WHERE key IN ({})",
        places.join(",")
    );
    let rows: Vec<(Vec<u8>, String, i64)> = in_tx!(tx, |c| {
        let query = sqlx::query_as(AssertSqlSafe(text)).persistent(false);
        keys.fold(query, QueryAs::bind).fetch_all(c).await?
    });
    let parsed = rows.into_iter().map(|(key, event_id, expires_at)| {
        let event_id = event_id.parse().map_err(Error::content)?;
        Ok((key, (event_id, Timestamp::from_micros(expires_at))))
    });
    parsed.collect()
}

/// Lets the key stand for another event, because its window is over; false if someone else just did.
async fn renew(tx: &mut Tx, now: Timestamp, once: &Once, event_id: EventId) -> Result<bool> {
    const RENEW: &str =
        "UPDATE seen SET event_id = $1, expires_at = $2 WHERE key = $3 AND expires_at <= $4";
    let renewed = in_tx!(tx, |c| sqlx::query(RENEW)
        .bind(event_id.to_string())
        .bind(once.expires_at.as_micros())
        .bind(once.key.as_slice())
        .bind(now.as_micros())
        .execute(c)
        .await?
        .rows_affected());
    Ok(renewed > 0)
}
