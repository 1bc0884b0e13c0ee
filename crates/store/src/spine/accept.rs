//! Accepting: events and what they are owed, in one commit.

use tieline_domain::{EventId, delivery::Status};

use super::{
    Entry, Item, NewDelivery, Once, Start,
    batch::{Bulk, Cell, Kind},
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

/// An item as rows. Made by the request that waits for it, so that the writer has less to do.
pub(super) struct Encoded {
    pub(super) once: Option<Once>,
    /// The first event.
    pub(super) event_id: EventId,
    pub(super) events: Vec<Cell>,
    pub(super) deliveries: Vec<Cell>,
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
        };
        for entry in &item.entries {
            push_entry(&mut encoded.events, &mut encoded.deliveries, node, entry);
        }
        encoded
    }
}

/// Writes events with their deliveries.
pub(super) async fn write(tx: &mut Tx, node: &str, entries: &[&Entry]) -> Result<()> {
    let (mut events, mut deliveries) = (Vec::new(), Vec::new());
    for entry in entries {
        push_entry(&mut events, &mut deliveries, node, entry);
    }
    EVENTS.run(tx, events).await?;
    DELIVERIES.run(tx, deliveries).await?;
    Ok(())
}

/// Writes the deliveries of events that are there already.
pub(super) async fn write_deliveries(tx: &mut Tx, entries: &[Entry]) -> Result<()> {
    let mut cells = Vec::new();
    for entry in entries {
        for delivery in &entry.deliveries {
            push_delivery(&mut cells, "", entry, delivery);
        }
    }
    DELIVERIES.run(tx, cells).await?;
    Ok(())
}

fn push_entry(events: &mut Vec<Cell>, deliveries: &mut Vec<Cell>, node: &str, entry: &Entry) {
    push_event(events, entry);
    for delivery in &entry.deliveries {
        push_delivery(deliveries, node, entry, delivery);
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
        Cell::Text(event.trust.map(|trust| trust.as_str().into())),
    ]);
}

fn push_delivery(cells: &mut Vec<Cell>, node: &str, entry: &Entry, delivery: &NewDelivery) {
    let NewDelivery {
        id,
        subscription_id,
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
        Cell::id(subscription_id),
        Cell::id(status),
        Cell::Int(Some(0)),
        Cell::Int(Some(0)),
        Cell::Int(Some(due_at.as_micros())),
        owner,
        Cell::Int(Some(id.made_at().as_micros())),
    ]);
}
