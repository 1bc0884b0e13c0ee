//! Giving many deliveries a new schedule at once.

use std::collections::BTreeSet;

use sqlx::AssertSqlSafe;
use tieline_domain::{DeliveryId, DestinationId, TenantId, Timestamp, delivery::Status};

use crate::{
    Result, Store,
    spine::lines::{self, LINE},
    sql::{Select, places, select, sql},
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

    /// Those after the delivery `after`, which no node is just trying.
    fn found<'v>(&'v self, tenant: TenantId, after: Option<&'v str>) -> Select<'v> {
        const TYPE: &str = "EXISTS (SELECT 1 FROM events WHERE events.tenant_id = deliveries.tenant_id \
                            AND events.id = deliveries.event_id AND events.type = ?)";
        const KIND: &str = "EXISTS (SELECT 1 FROM attempts WHERE attempts.delivery_id = deliveries.id \
                            AND attempts.number = deliveries.attempts AND attempts.error_kind = ?)";
        let made = |at: Timestamp| DeliveryId::new(at, 0);
        select(tenant)
            .that("owner IS NULL")
            .with("status = ?", self.status)
            .with_any("subscription_id = ?", self.destination_id)
            .with_any(TYPE, self.event_type.as_deref())
            .with_any("id >= ?", self.from.map(made))
            .with_any("id < ?", self.to.map(made))
            .with_any(KIND, self.error_kind.as_deref())
            .with_any("id > ?", after)
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
        let count = filter.found(tenant, None).statement(|these| {
            format!(
                "SELECT COUNT(*) FROM (SELECT 1 AS one FROM deliveries WHERE {these} LIMIT {most}) AS found"
            )
        });
        Ok(count.find(self.db()).await?.unwrap_or_default())
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
        let choose = filter.found(tenant, after).statement(|these| {
            format!(
                "SELECT subscription_id, ordering_key, id FROM deliveries WHERE {these} ORDER BY id LIMIT {limit}"
            )
        });
        let chosen: Vec<Chosen> = choose.list(self.db()).await?;
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
        let text = format!(
            "UPDATE deliveries SET {}, due_at = $1 WHERE tenant_id = $2 AND status = $3 AND owner IS NULL \
             AND id IN ({}) RETURNING {LINE}",
            lines::again(Status::Pending),
            places(4, ids.len())
        );
        let mut tx = self.db().begin().await?;
        lines::lock(&mut tx, in_lines).await?;
        let begun = sql(AssertSqlSafe(text)).bind(now).bind(tenant);
        let begun = begun.bind(status).bind_all(&ids);
        let rows = begun.list_in(&mut tx).await?;
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
