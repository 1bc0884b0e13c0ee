//! Deliveries: one event owed to one destination.

use crate::{DeliveryId, DestinationId, EventId, TenantId, Timestamp, words::words};

words! {
    /// How far a delivery has come.
    Status, "delivery status" {
        /// It is being tried, or waits for its next attempt.
        Pending = "pending",
        /// It waits without a date: for room in memory, or for its destination to come back.
        Held = "held",
        /// It waits for those before it that have the same ordering key.
        Queued = "queued",
        /// A receiver answered 2xx. Final.
        Delivered = "delivered",
        /// Its last attempt failed, or it was held for too long: a dead letter. Final unless retried.
        Dead = "dead",
        /// It was called off. Final.
        Cancelled = "cancelled",
    }
}

/// A delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its id; also the `webhook-id` its receiver sees, the same in every attempt.
    pub id: DeliveryId,
    /// The tenant it belongs to.
    pub tenant_id: TenantId,
    /// What is delivered.
    pub event_id: EventId,
    /// Where it goes.
    pub destination_id: DestinationId,
    /// The key of its line, if its subscription keeps an order.
    pub ordering_key: Option<String>,
    /// How far it has come.
    pub status: Status,
    /// How many attempts were made.
    pub attempts: u32,
    /// When the next attempt is due, while it is pending; while an attempt runs, when its lease ends.
    pub due_at: Option<Timestamp>,
    /// When the first attempt began.
    pub first_attempt_at: Option<Timestamp>,
    /// When it reached its final status.
    pub settled_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}
