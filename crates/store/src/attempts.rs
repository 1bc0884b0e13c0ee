//! Searching attempts.
//!
//! Attempts are written more often than anything else, so no index is kept for this. The search goes through a
//! tenant's deliveries, the newest first, and looks at the attempts of each; a page ends when it is full, or
//! when it has looked at [`LOOKED_AT`] deliveries, however few it has found.

use std::time::Duration;

use sqlx::{AssertSqlSafe, query::QueryAs};
use tieline_domain::{AttemptId, DeliveryId, DestinationId, TenantId, Timestamp, attempt::Attempt};

use crate::{Error, Result, Store, db::on_db, page::MAX_LIMIT, store::parsed};

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

type Row = (
    String,
    String,
    String,
    i64,
    i64,
    i64,
    Option<i64>,
    Option<String>,
    String,
);

/// A part of the search: the condition on deliveries, that on attempts, and their values from `$2` on.
struct Part {
    deliveries: String,
    attempts: String,
    values: Vec<Value>,
}

enum Value {
    Text(String),
    Int(i64),
}

impl AttemptFilter {
    fn part(&self, after: Option<Place>) -> Part {
        let text = |text: String| Some(Value::Text(text));
        let int = |time: Timestamp| Value::Int(time.as_micros());
        let beyond = after.and_then(|place| place.attempt).and(after);
        let on_deliveries = [
            (
                "id = ",
                self.delivery_id.and_then(|id| text(id.to_string())),
            ),
            (
                "subscription_id = ",
                self.destination_id.and_then(|id| text(id.to_string())),
            ),
            (
                "id < ",
                self.to
                    .and_then(|to| text(DeliveryId::new(to, 0).to_string())),
            ),
            (
                "id <= ",
                beyond.and_then(|place| text(place.delivery.to_string())),
            ),
            (
                "id < ",
                after
                    .filter(|_| beyond.is_none())
                    .and_then(|place| text(place.delivery.to_string())),
            ),
        ];
        let status = self.status_code.map(|code| Value::Int(code.into()));
        let on_attempts = [
            ("a.status_code = ", status),
            ("a.error_kind = ", self.error_kind.clone().and_then(text)),
            ("a.started_at >= ", self.from.map(int)),
            ("a.started_at < ", self.to.map(int)),
        ];
        let mut part = Part {
            deliveries: "tenant_id = $1".to_owned(),
            attempts: String::new(),
            values: Vec::new(),
        };
        for (clause, value) in on_deliveries {
            let clause = value.map(|value| part.clause(clause, value));
            part.deliveries.extend(clause);
        }
        for (clause, value) in on_attempts {
            let clause = value.map(|value| part.clause(clause, value));
            part.attempts.extend(clause);
        }
        if let Some(Place {
            delivery,
            attempt: Some(attempt),
        }) = after
        {
            let delivery = part.clause("d.id < ", Value::Text(delivery.to_string()));
            let attempt = part.clause("a.id < ", Value::Text(attempt.to_string()));
            let (delivery, attempt) = (&delivery[5..], &attempt[5..]);
            let beyond = format!(" AND ({delivery} OR {attempt})");
            part.attempts.push_str(&beyond);
        }
        part
    }
}

impl Part {
    fn clause(&mut self, text: &str, value: Value) -> String {
        self.values.push(value);
        format!(" AND {text}${}", self.values.len() + 1)
    }
}

/// Binds the tenant and the values of a part.
macro_rules! bound {
    ($text:expr, $tenant:expr, $values:expr) => {{
        let query = sqlx::query_as(AssertSqlSafe($text)).bind($tenant.to_string());
        $values
            .iter()
            .fold(query, |query: QueryAs<'_, _, _, _>, value| match value {
                Value::Text(text) => query.bind(text),
                Value::Int(int) => query.bind(int),
            })
    }};
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
            let part = filter.part(place);
            let chunk = format!(
                "SELECT id, subscription_id FROM deliveries WHERE {} ORDER BY id DESC LIMIT {CHUNK}",
                part.deliveries
            );
            let lowest = format!("SELECT MIN(id), COUNT(*) FROM ({chunk}) AS d");
            // The values of the attempts' conditions are last: the deliveries' come first.
            let of_deliveries = part.deliveries.matches('$').count() - 1;
            let own = &part.values[..of_deliveries];
            let (lowest, count): (Option<String>, i64) =
                on_db!(self.db(), |c| bound!(lowest, tenant, own)
                    .fetch_one(c)
                    .await?);
            let Some(lowest) = lowest else {
                return Ok((found, None));
            };
            let text = format!(
                "SELECT d.id, d.subscription_id, a.id, a.number, a.started_at, a.duration_us, a.status_code, \
                 a.error_kind, a.seen FROM ({chunk}) AS d JOIN attempts AS a ON a.delivery_id = d.id WHERE 1 = 1{} \
                 ORDER BY d.id DESC, a.id DESC LIMIT {}",
                part.attempts,
                limit - found.len() + 1
            );
            let values = &part.values;
            let rows: Vec<Row> = on_db!(self.db(), |c| bound!(text, tenant, values)
                .fetch_all(c)
                .await?);
            for row in rows {
                found.push(from_row(tenant, row)?);
            }
            if found.len() > limit {
                found.truncate(limit);
                let next = found.last().map(|(_, attempt)| Place {
                    delivery: attempt.delivery_id,
                    attempt: Some(attempt.id),
                });
                return Ok((found, next));
            }
            if (count as usize) < CHUNK {
                return Ok((found, None));
            }
            place = Some(Place {
                delivery: parsed(&lowest)?,
                attempt: None,
            });
            if found.len() == limit {
                break;
            }
        }
        Ok((found, place))
    }
}

fn from_row(tenant: TenantId, row: Row) -> Result<Found> {
    let (delivery, subscription, id, number, started_at, duration, status_code, error_kind, seen) =
        row;
    let attempt = Attempt {
        id: parsed(&id)?,
        delivery_id: parsed(&delivery)?,
        tenant_id: tenant,
        number: u32::try_from(number).unwrap_or(u32::MAX),
        started_at: Timestamp::from_micros(started_at),
        duration: Duration::from_micros(duration.unsigned_abs()),
        status_code: status_code.and_then(|code| u16::try_from(code).ok()),
        error_kind,
        seen: serde_json::from_str(&seen).map_err(Error::content)?,
    };
    Ok((parsed(&subscription)?, attempt))
}
