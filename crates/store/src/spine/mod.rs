//! The seam between what flows through the spine and what keeps it: one trait, one implementation
//! on SQL. The flows know only the trait, so that another hot path needs no rewrite of theirs.

mod accept;
mod batch;
mod claim;
mod embedded;
mod lately;
pub(crate) mod lines;
mod part;
mod postgres;
pub mod replay;
mod settle;
mod sql;
mod writer;

use std::sync::Arc;

use futures::future::BoxFuture;
use tieline_domain::{
    DeliveryId, DestinationId, EventId, TenantId, Timestamp, attempt::Attempt, destination::State,
    event::Event, pattern::EventType,
};

use crate::{Result, db::Tx};

pub use sql::{SqlSpine, Tuning};

use replay::{Replayed, Step};

/// Writes an event that tells of a change, in the transaction that makes the change. Its deliveries
/// are due or held, never leased: no node is told of them.
///
/// The lines of [`lines::joined_by`] must be locked.
pub(crate) async fn write_notice(tx: &mut Tx, notice: &Entry) -> Result<()> {
    accept::write(tx, "", notice).await
}

/// Writes a delivery of an event that is on the log already. In a line it stands behind those that are
/// there: [`lines::reorder`] lets it take its place. The lines of its subscription must be locked.
pub(crate) async fn write_missed(
    tx: &mut Tx,
    event: Event,
    delivery: NewDelivery,
    now: Timestamp,
) -> Result<()> {
    accept::write_delivery(tx, event, delivery, now).await
}

/// What keeps the spine.
pub trait Spine: Send + Sync {
    /// Writes events with the deliveries they are owed, all in one commit, and answers when it is
    /// on disk. Items whose `once` key was seen before are left out.
    fn accept(&self, items: Vec<Item>) -> BoxFuture<'_, Result<Vec<Accepted>>>;

    /// Writes the outcome of an attempt.
    fn settle(&self, settlement: Arc<Settlement>) -> BoxFuture<'_, Result<Settled>>;

    /// Makes deliveries of a job again, with the note of how far it has come, all in one commit; `None` if the job was
    /// called off or belongs to another node now: then nothing is written.
    fn replay(&self, step: Arc<Step>) -> BoxFuture<'_, Result<Option<Replayed>>>;

    /// Takes up to `limit` deliveries that are due, of all tenants, and leases them.
    fn claim_due(&self, lease: Lease, limit: usize) -> BoxFuture<'_, Result<Vec<Claimed>>>;

    /// Takes up to `limit` held deliveries of one destination, the oldest first, and leases them.
    fn claim_held(
        &self,
        subscription: DestinationId,
        lease: Lease,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Claimed>>>;

    /// Prolongs the lease of one delivery if this node still has it; says whether it does. To be asked
    /// before something is sent that must not be sent by two.
    fn still_holds(
        &self,
        tenant: TenantId,
        delivery: DeliveryId,
        until: Timestamp,
    ) -> BoxFuture<'_, Result<bool>>;

    /// Prolongs, gives back or holds deliveries that this node has leased.
    fn release(
        &self,
        deliveries: Vec<(TenantId, DeliveryId)>,
        how: Release,
    ) -> BoxFuture<'_, Result<()>>;

    /// The destinations that have held deliveries.
    fn holding(&self) -> BoxFuture<'_, Result<Vec<(TenantId, DestinationId)>>>;

    /// Makes due at once what an earlier life of this node had leased; nothing where other nodes
    /// may be alive.
    fn recover(&self, now: Timestamp) -> BoxFuture<'_, Result<u64>>;

    /// Up to `limit` held deliveries of a destination that were made before `before`, the oldest
    /// first; they stay as they are.
    fn held_before(
        &self,
        subscription: DestinationId,
        before: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Overdue>>>;

    /// How many deliveries wait, of each kind up to `most`, and since when the oldest is due.
    fn depth(&self, most: u64) -> BoxFuture<'_, Result<Depth>>;

    /// Looks at up to `limit` keys of seen events after `after` and removes those whose window is over;
    /// answers with the last key it looked at, or `None` at the end.
    fn forget_seen(
        &self,
        now: Timestamp,
        after: Vec<u8>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Option<Vec<u8>>>>;
}

/// Events that are accepted together or, if the first was seen before, not at all.
#[derive(Clone, Debug)]
pub struct Item {
    /// What makes it unique, where that matters.
    pub once: Option<Once>,
    /// The events, the first one first; never empty.
    pub entries: Vec<Entry>,
}

/// The key under which something is accepted once.
#[derive(Clone, Debug)]
pub struct Once {
    /// A hash of where it came from and of the sender's id.
    pub key: [u8; 16],
    /// Until when repeats are told.
    pub expires_at: Timestamp,
}

/// An event with what it is owed.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The event.
    pub event: Arc<Event>,
    /// The deliveries.
    pub deliveries: Vec<NewDelivery>,
}

/// A delivery as it begins.
#[derive(Clone, Debug)]
pub struct NewDelivery {
    /// Its id.
    pub id: DeliveryId,
    /// Where it goes.
    pub destination_id: DestinationId,
    /// The line it joins, if there is an order to keep: then it waits for those before it. It is handed over by
    /// no one: it must not begin as leased.
    pub ordering_key: Option<Arc<str>>,
    /// How it begins.
    pub start: Start,
}

/// How a delivery begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Start {
    /// Leased to the node that writes it, until then: it is handed over in memory.
    Leased(Timestamp),
    /// Due then, to whoever comes.
    Due(Timestamp),
    /// Held: no room in memory, or the destination is not taking any.
    Held,
}

/// What became of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// It is on disk.
    Stored,
    /// It was seen before, as this event.
    Duplicate(EventId),
}

/// A lease to take.
#[derive(Clone, Copy, Debug)]
pub struct Lease {
    /// Now.
    pub now: Timestamp,
    /// When it ends.
    pub until: Timestamp,
}

/// A delivery that this node has leased, with its event.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// Its id.
    pub id: DeliveryId,
    /// Its tenant.
    pub tenant_id: TenantId,
    /// Where it goes.
    pub destination_id: DestinationId,
    /// The line in which it stands, as the only one at work.
    pub ordering_key: Option<Arc<str>>,
    /// How many attempts were made.
    pub attempts: u32,
    /// How many of them were made before the present schedule began.
    pub earlier_attempts: u32,
    /// When the first of the present schedule began.
    pub first_attempt_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When the lease ends.
    pub lease_until: Timestamp,
    /// What is delivered.
    pub event: Arc<Event>,
}

/// What to do with leased deliveries.
#[derive(Clone, Copy, Debug)]
pub enum Release {
    /// Keep them until then.
    Prolong(Timestamp),
    /// Make them due then, for any node.
    Due(Timestamp),
    /// Hold them.
    Hold,
}

/// The outcome of an attempt, or the end of a delivery without one.
#[derive(Clone, Debug)]
pub struct Settlement {
    /// The delivery.
    pub delivery_id: DeliveryId,
    /// Its tenant.
    pub tenant_id: TenantId,
    /// Its destination.
    pub destination_id: DestinationId,
    /// The line in which it stands.
    pub line: Option<InLine>,
    /// When its first attempt began.
    pub first_attempt_at: Timestamp,
    /// When it is settled.
    pub at: Timestamp,
    /// How many attempts were made, this one included.
    pub attempts: u32,
    /// What was seen; `None` for a held delivery that ends without an attempt.
    pub attempt: Option<Attempt>,
    /// What follows.
    pub verdict: Verdict,
}

/// The line of a delivery, where order is kept.
#[derive(Clone, Debug)]
pub struct InLine {
    /// Its ordering key.
    pub key: Arc<str>,
    /// Whether it keeps the line waiting as a dead letter.
    pub blocks: bool,
}

/// What follows from an attempt.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// It is done. `recovery`: what follows if the destination was in `error`.
    Delivered {
        /// The turn back to `active`.
        recovery: Option<Box<Turn>>,
    },
    /// It is tried again then.
    Retry {
        /// When.
        due_at: Timestamp,
    },
    /// It is held; its destination stays in `error` and is probed again then.
    Hold {
        /// When the next probe may go out.
        probe_at: Timestamp,
    },
    /// It is called off: its subscription is gone.
    Cancelled,
    /// It is a dead letter.
    Dead {
        /// The event that tells of it.
        notice: Option<Box<Entry>>,
        /// What follows for the destination.
        turn: Option<Box<Turn>>,
    },
}

/// A change of a destination's state, with the event that tells of it; written only if the state does
/// change, so that each change is told exactly once.
#[derive(Clone, Debug)]
pub struct Turn {
    /// The new state.
    pub to: State,
    /// It changes only from one of these.
    pub from: &'static [State],
    /// Only if nothing succeeded since then.
    pub unless_success_since: Option<Timestamp>,
    /// Why, in a sentence.
    pub reason: String,
    /// The first failure that led to it.
    pub failing_since: Option<Timestamp>,
    /// When the first probe may go out.
    pub probe_at: Option<Timestamp>,
    /// The event that tells of it.
    pub notice: Option<Entry>,
}

/// What a settlement changed beside its delivery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// The state that the destination has turned to.
    pub turned: Option<State>,
    /// Whether the next delivery of its line is due now.
    pub released: bool,
}

/// A held delivery that has waited too long.
#[derive(Clone, Debug)]
pub struct Overdue {
    /// The delivery.
    pub id: DeliveryId,
    /// Its tenant.
    pub tenant_id: TenantId,
    /// Its event.
    pub event_id: EventId,
    /// The type of its event.
    pub event_type: EventType,
    /// The line in which it stands.
    pub ordering_key: Option<Arc<str>>,
    /// How many attempts were made.
    pub attempts: u32,
}

/// How much waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Deliveries that are pending.
    pub pending: u64,
    /// Deliveries that are held.
    pub held: u64,
    /// Deliveries that wait for others of their line.
    pub queued: u64,
    /// When the oldest pending one is or was due.
    pub oldest_due: Option<Timestamp>,
}
