//! Accepting: events and what they are owed, in one commit.

use std::sync::Arc;

use tieline_domain::{EventId, Timestamp, delivery::Status, event::Event};

use super::{
    Entry, Item, NewDelivery, Once, Start,
    batch::{Bulk, Cell, Kind},
    lines::{self, Joining},
};
use crate::{Result, db::Tx};

pub(super) static EVENTS: Bulk = Bulk::new(
    "INSERT INTO events (tenant_id, id, type, source, subject, time, data, cause_id, trace_id, \
     trust)",
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
            push_event(&mut encoded.events, entry);
            push_deliveries(&mut encoded.deliveries, &mut encoded.joining, node, entry);
        }
        encoded
    }
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

/// Writes the deliveries of events that are there already; those that join a line at its end. The lines must
/// be locked.
pub(super) async fn write_deliveries(tx: &mut Tx, node: &str, entries: &[Entry]) -> Result<()> {
    let (mut deliveries, mut joining) = (Vec::new(), Vec::new());
    for entry in entries {
        push_deliveries(&mut deliveries, &mut joining, node, entry);
    }
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
            let joining = Joining::new((delivery.destination_id, key), made_at, cells);
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
        event.cause_id.map_or(Cell::Text(None), Cell::id),
        Cell::text(&event.trace_id),
        event
            .trust
            .map_or(Cell::Text(None), |trust| Cell::id(trust.as_str())),
    ]);
}

fn push_deliveries(
    deliveries: &mut Vec<Cell>,
    joining: &mut Vec<Joining>,
    node: &str,
    entry: &Entry,
) {
    for delivery in &entry.deliveries {
        let Some(key) = &delivery.ordering_key else {
            push_delivery(deliveries, node, entry, delivery);
            continue;
        };
        let mut cells = Vec::with_capacity(DELIVERIES.width() + 2);
        push_delivery(&mut cells, node, entry, delivery);
        let line = (delivery.destination_id, Arc::clone(key));
        joining.push(Joining::new(line, delivery.id.made_at(), cells));
    }
}

fn push_delivery(cells: &mut Vec<Cell>, node: &str, entry: &Entry, delivery: &NewDelivery) {
    let NewDelivery {
        id,
        destination_id,
        ordering_key: _,
        start,
    } = delivery;
    let (status, due_at, owner) = match start {
        Start::Leased(until) => (Status::Pending, *until, Cell::id(node)),
        Start::Due(at) => (Status::Pending, *at, Cell::Text(None)),
        Start::Held => (Status::Held, entry.event.time, Cell::Text(None)),
    };
    cells.extend([
        Cell::id(entry.event.tenant_id),
        Cell::id(id),
        Cell::id(entry.event.id),
        Cell::id(destination_id),
        Cell::id(status),
        Cell::Int(Some(0)),
        Cell::Int(Some(0)),
        Cell::Int(Some(due_at.as_micros())),
        owner,
        Cell::Int(Some(id.made_at().as_micros())),
    ]);
}
