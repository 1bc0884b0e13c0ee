//! Searching attempts.
//!
//! Attempts are written more often than anything else, so no index is kept for this. The search goes through a
//! tenant's deliveries, the newest first, and looks at the attempts of each; a page ends when it is full, or
//! when it has looked at [`LOOKED_AT`] deliveries, however few it has found.

use tieline_domain::{AttemptId, DeliveryId, DestinationId, TenantId, Timestamp, attempt::Attempt};

use crate::{
    Result, Store,
    page::MAX_LIMIT,
    sql::{Noun, Read, Row, Select, select},
};

/// How many deliveries one page looks through at most.
pub const LOOKED_AT: usize = 10_000;

/// How many deliveries one statement looks through.
const CHUNK: usize = 1_000;

/// Which attempts are wanted; every field narrows it.
#[derive(Clone, Debug, Default)]
pub struct AttemptFilter {
    /// Of this delivery.
    pub delivery_id: Option<DeliveryId>,
    /// At this subscription.
    pub destination_id: Option<DestinationId>,
    /// Answered with this status.
    pub status_code: Option<u16>,
    /// Gone wrong in this way.
    pub error_kind: Option<String>,
    /// Begun at this time or later.
    pub from: Option<Timestamp>,
    /// Begun before this time.
    pub to: Option<Timestamp>,
}

/// Where a page goes on: after this attempt, or after all attempts of this delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The delivery.
    pub delivery: DeliveryId,
    /// The attempt.
    pub attempt: Option<AttemptId>,
}

/// An attempt with the subscription at which it was made.
pub type Found = (DestinationId, Attempt);

impl Noun for Attempt {
    const TABLE: &str = "attempts";
    const COLUMNS: &str = "tenant_id, delivery_id, id, number, started_at, duration_us, status_code, error_kind, seen";
}

impl Read for Attempt {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            delivery_id: row.get("delivery_id")?,
            tenant_id: row.get("tenant_id")?,
            number: row.get("number")?,
            started_at: row.get("started_at")?,
            duration: row.get("duration_us")?,
            status_code: row.get("status_code")?,
            error_kind: row.get("error_kind")?,
            seen: row.json("seen")?,
        })
    }
}

struct FoundRow(Found);

impl Read for FoundRow {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self((row.get("subscription_id")?, Attempt::read(row)?)))
    }
}

impl AttemptFilter {
    /// The deliveries whose attempts are looked at, from where a page goes on.
    fn deliveries(&self, tenant: TenantId, after: Option<Place>) -> Select<'_> {
        let rest_of = after.filter(|place| place.attempt.is_some());
        let all_of = after.filter(|place| place.attempt.is_none());
        select(tenant)
            .with_any("id = ?", self.delivery_id)
            .with_any("subscription_id = ?", self.destination_id)
            .with_any("id < ?", self.to.map(|to| DeliveryId::new(to, 0)))
            .with_any("id <= ?", rest_of.map(|place| place.delivery))
            .with_any("id < ?", all_of.map(|place| place.delivery))
    }

    /// Narrows the attempts `a` of deliveries `d` to those that are wanted.
    fn attempts<'v>(&'v self, of: Select<'v>, after: Option<Place>) -> Select<'v> {
        let attempts = of
            .with_any("a.status_code = ?", self.status_code)
            .with_any("a.error_kind = ?", self.error_kind.as_deref())
            .with_any("a.started_at >= ?", self.from)
            .with_any("a.started_at < ?", self.to);
        match after {
            Some(Place {
                delivery,
                attempt: Some(attempt),
            }) => attempts.with_all(
                "(d.id < ? OR a.id < ?)",
                [delivery.to_string(), attempt.to_string()],
            ),
            _ => attempts,
        }
    }
}

/// The next deliveries that are looked through.
fn chunk(conditions: &str) -> String {
    format!(
        "SELECT id, subscription_id FROM deliveries WHERE {conditions} ORDER BY id DESC LIMIT {CHUNK}"
    )
}

impl Store {
    /// Up to `limit` attempts after `after`, those of the newest deliveries first, and of each the latest
    /// first; and where the next page goes on, unless there is none. A page may hold fewer than fit, even
    /// none, and not be the last.
    pub async fn search_attempts(
        &self,
        tenant: TenantId,
        filter: &AttemptFilter,
        after: Option<Place>,
        limit: usize,
    ) -> Result<(Vec<Found>, Option<Place>)> {
        let limit = limit.clamp(1, MAX_LIMIT);
        let (mut found, mut place) = (Vec::new(), after);
        for _ in 0..LOOKED_AT / CHUNK {
            let deliveries = filter.deliveries(tenant, place);
            let lowest = deliveries.clone().statement(|these| {
                format!("SELECT MIN(id), COUNT(*) FROM ({}) AS d", chunk(these))
            });
            let lowest: Option<(Option<DeliveryId>, usize)> = lowest.find(self.db()).await?;
            let Some((Some(lowest), count)) = lowest else {
                return Ok((found, None));
            };
            let joined = deliveries.joined(|these| {
                let chunk = chunk(these);
                format!(
                    "SELECT d.subscription_id, a.* FROM ({chunk}) AS d JOIN attempts AS a ON a.delivery_id = d.id"
                )
            });
            let attempts = filter.attempts(joined, place).statement(|joined| {
                let rest = limit - found.len() + 1;
                format!("{joined} ORDER BY d.id DESC, a.id DESC LIMIT {rest}")
            });
            let attempts: Vec<FoundRow> = attempts.list(self.db()).await?;
            found.extend(attempts.into_iter().map(|FoundRow(found)| found));
            if found.len() > limit {
                found.truncate(limit);
                let next = found.last().map(|(_, attempt)| Place {
                    delivery: attempt.delivery_id,
                    attempt: Some(attempt.id),
                });
                return Ok((found, next));
            }
            if count < CHUNK {
                return Ok((found, None));
            }
            place = Some(Place {
                delivery: lowest,
                attempt: None,
            });
            if found.len() == limit {
                break;
            }
        }
        Ok((found, place))
    }
}
