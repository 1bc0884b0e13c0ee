//! Giving many deliveries a new schedule at once.

use std::collections::BTreeSet;

use sqlx::{AssertSqlSafe, query::QueryAs};
use tieline_domain::{DeliveryId, DestinationId, TenantId, Timestamp, delivery::Status};

use crate::{
    Result, Store,
    db::{in_tx, on_db},
    spine::lines::{self, LINE},
};

/// Which deliveries to try again; every field narrows it.
#[derive(Clone, Debug)]
pub struct RetryFilter {
    /// Of this status: dead, held or pending.
    pub status: Status,
    /// To this subscription.
    pub destination_id: Option<DestinationId>,
    /// Of events of this type.
    pub event_type: Option<String>,
    /// Made at this time or later.
    pub from: Option<Timestamp>,
    /// Made before this time.
    pub to: Option<Timestamp>,
    /// Whose last attempt went wrong in this way.
    pub error_kind: Option<String>,
}

/// The subscription, the ordering key and the id of a delivery.
type Chosen = (String, Option<String>, String);

impl RetryFilter {
    /// The dead letters of one subscription, or of all.
    pub fn dead(destination_id: Option<DestinationId>) -> Self {
        Self {
            status: Status::Dead,
            destination_id,
            event_type: None,
            from: None,
            to: None,
            error_kind: None,
        }
    }

    /// The condition, and the values of its places from `$2` on: those after the delivery `after`, which no
    /// node is just trying.
    fn condition(&self, after: Option<&str>) -> (String, Vec<String>) {
        const TYPE: &str = "EXISTS (SELECT 1 FROM events WHERE events.tenant_id = deliveries.tenant_id \
                            AND events.id = deliveries.event_id AND events.type = ";
        const KIND: &str = "EXISTS (SELECT 1 FROM attempts WHERE attempts.delivery_id = deliveries.id \
                            AND attempts.number = deliveries.attempts AND attempts.error_kind = ";
        let made = |at: Timestamp| DeliveryId::new(at, 0).to_string();
        let clauses = [
            ("status = ", Some(self.status.to_string()), ""),
            (
                "subscription_id = ",
                self.destination_id.map(|id| id.to_string()),
                "",
            ),
            (TYPE, self.event_type.clone(), ")"),
            ("id >= ", self.from.map(made), ""),
            ("id < ", self.to.map(made), ""),
            (KIND, self.error_kind.clone(), ")"),
            ("id > ", after.map(str::to_owned), ""),
        ];
        let mut text = "tenant_id = $1 AND owner IS NULL".to_owned();
        let mut values = Vec::new();
        for (before, value, behind) in clauses {
            if let Some(value) = value {
                values.push(value);
                let clause = format!(" AND {before}${}{behind}", values.len() + 1);
                text.push_str(&clause);
            }
        }
        (text, values)
    }
}

impl Store {
    /// How many deliveries the filter finds; `most` stands for more.
    pub async fn count_to_retry(
        &self,
        tenant: TenantId,
        filter: &RetryFilter,
        most: u64,
    ) -> Result<u64> {
        let (condition, values) = filter.condition(None);
        let text = format!(
            "SELECT COUNT(*) FROM (SELECT 1 AS one FROM deliveries WHERE {condition} LIMIT {most}) AS found"
        );
        let (count,): (i64,) = on_db!(self.db(), |c| {
            let query = sqlx::query_as(AssertSqlSafe(text)).bind(tenant.to_string());
            values
                .iter()
                .fold(query, QueryAs::bind)
                .fetch_one(c)
                .await?
        });
        Ok(count.unsigned_abs())
    }

    /// Gives up to `limit` deliveries that the filter finds after `after` a new schedule that begins now, or in
    /// a line when their turn comes. Answers with their number, and with the last that was looked at, until
    /// there are no more.
    pub async fn retry_deliveries(
        &self,
        tenant: TenantId,
        filter: &RetryFilter,
        after: Option<&str>,
        now: Timestamp,
        limit: usize,
    ) -> Result<(u64, Option<String>)> {
        let (condition, values) = filter.condition(after);
        let text = format!(
            "SELECT subscription_id, ordering_key, id FROM deliveries WHERE {condition} ORDER BY id LIMIT {limit}"
        );
        let chosen: Vec<Chosen> = on_db!(self.db(), |c| {
            let query = sqlx::query_as(AssertSqlSafe(text)).bind(tenant.to_string());
            values
                .iter()
                .fold(query, QueryAs::bind)
                .fetch_all(c)
                .await?
        });
        let next = chosen.last().map(|(_, _, id)| id.clone());
        let next = next.filter(|_| chosen.len() == limit);
        let retried = self.begin_anew(tenant, filter.status, chosen, now).await?;
        Ok((retried, next))
    }

    /// Gives those of these deliveries a new schedule that still have this status; says how many.
    async fn begin_anew(
        &self,
        tenant: TenantId,
        status: Status,
        chosen: Vec<Chosen>,
        now: Timestamp,
    ) -> Result<u64> {
        if chosen.is_empty() {
            return Ok(0);
        }
        let mut in_lines = BTreeSet::new();
        let mut ids = Vec::with_capacity(chosen.len());
        for (subscription, key, id) in chosen {
            ids.push(id);
            in_lines.extend(lines::line((subscription, key))?.map(|line| line.0));
        }
        let places: Vec<_> = (4..ids.len() + 4)
            .map(|place| format!("${place}"))
            .collect();
        let text = format!(
            "UPDATE deliveries SET {}, due_at = $1 WHERE tenant_id = $2 AND status = $3 AND owner IS NULL \
             AND id IN ({}) RETURNING {LINE}",
            lines::again(Status::Pending),
            places.join(",")
        );
        let mut tx = self.db().begin().await?;
        lines::lock(&mut tx, in_lines).await?;
        let rows: Vec<(String, Option<String>)> = in_tx!(tx, |c| {
            let query = sqlx::query_as(AssertSqlSafe(text)).persistent(false);
            let query = query.bind(now.as_micros()).bind(tenant.to_string());
            let query = query.bind(status.as_str());
            ids.iter().fold(query, QueryAs::bind).fetch_all(c).await?
        });
        let retried = rows.len() as u64;
        let lines = rows.into_iter().map(lines::line);
        let lines = lines
            .filter_map(Result::transpose)
            .collect::<Result<Vec<_>>>()?;
        lines::advance_all(&mut tx, lines, now, Status::Pending).await?;
        tx.commit().await?;
        Ok(retried)
    }
}
