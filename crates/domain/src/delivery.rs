//! Deliveries: one event owed to one destination.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{DeliveryId, DestinationId, EventId, TenantId, Timestamp};

/// How far a delivery has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// It is being tried, or waits for its next attempt.
    Pending,
    /// It waits without a date: for room in memory, or for its destination to come back.
    Held,
    /// It waits for those before it that have the same ordering key.
    Queued,
    /// A receiver answered 2xx. Final.
    Delivered,
    /// Its last attempt failed, or it was held for too long: a dead letter. Final unless retried.
    Dead,
    /// It was called off. Final.
    Cancelled,
}

/// Every status with the word the API uses for it.
const WORDS: [(Status, &str); 6] = [
    (Status::Pending, "pending"),
    (Status::Held, "held"),
    (Status::Queued, "queued"),
    (Status::Delivered, "delivered"),
    (Status::Dead, "dead"),
    (Status::Cancelled, "cancelled"),
];

impl Status {
    /// The word the API uses for it.
    pub fn as_str(self) -> &'static str {
        WORDS
            .iter()
            .find(|(status, _)| *status == self)
            .map_or("pending", |(_, word)| word)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no status.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no delivery status; use pending, held, queued, delivered, dead or cancelled")]
pub struct UnknownStatus(String);

impl FromStr for Status {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, UnknownStatus> {
        WORDS
            .iter()
            .find(|(_, word)| *word == text)
            .map(|(status, _)| *status)
            .ok_or_else(|| UnknownStatus(text.to_owned()))
    }
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
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
