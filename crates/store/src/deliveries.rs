//! Reading deliveries and attempts, and queueing dead letters again.

use std::collections::BTreeSet;

use sqlx::AssertSqlSafe;
use tieline_domain::{
    DeliveryId, DestinationId, EventId, TenantId, Timestamp,
    attempt::Attempt,
    delivery::{Delivery, Status},
};

use crate::{
    Page, PageRequest, Result, Store,
    spine::lines::{self, LINE},
    sql::{Noun, Read, Row, select, sql},
};

impl Noun for Delivery {
    const TABLE: &str = "deliveries";
    const COLUMNS: &str = "tenant_id, id, event_id, subscription_id, ordering_key, status, attempts, due_at, \
                           first_attempt_at, settled_at, created_at";
}

impl Read for Delivery {
    fn read(row: &Row) -> Result<Self> {
        let status = row.get("status")?;
        let due_at: Timestamp = row.get("due_at")?;
        Ok(Self {
            id: row.get("id")?,
            tenant_id: row.get("tenant_id")?,
            event_id: row.get("event_id")?,
            destination_id: row.get("subscription_id")?,
            ordering_key: row.get("ordering_key")?,
            status,
            attempts: row.get("attempts")?,
            due_at: (status == Status::Pending).then_some(due_at),
            first_attempt_at: row.get("first_attempt_at")?,
            settled_at: row.get("settled_at")?,
            created_at: row.get("created_at")?,
        })
    }
}

type Line = (String, Option<String>);

/// Which deliveries a list shows; every field narrows it.
#[derive(Clone, Debug, Default)]
pub struct DeliveryFilter {
    /// Of this status.
    pub status: Option<Status>,
    /// To this subscription.
    pub destination_id: Option<DestinationId>,
    /// Of this event.
    pub event_id: Option<EventId>,
}

impl Store {
    /// One delivery.
    pub async fn find_delivery(
        &self,
        tenant: TenantId,
        id: DeliveryId,
    ) -> Result<Option<Delivery>> {
        let delivery = select(tenant).with("id = ?", id);
        delivery.find(self.db()).await
    }

    /// A page of deliveries, the newest first.
    pub async fn list_deliveries(
        &self,
        tenant: TenantId,
        filter: &DeliveryFilter,
        page: &PageRequest,
    ) -> Result<Page<Delivery>> {
        let deliveries = select(tenant)
            .with_any("status = ?", filter.status)
            .with_any("subscription_id = ?", filter.destination_id)
            .with_any("event_id = ?", filter.event_id);
        deliveries
            .page(page, |delivery: &Delivery| delivery.id, self.db())
            .await
    }

    /// The attempts of a delivery, the first one first; at most 200.
    pub async fn list_attempts(
        &self,
        tenant: TenantId,
        delivery: DeliveryId,
    ) -> Result<Vec<Attempt>> {
        let attempts = select(tenant).with("delivery_id = ?", delivery);
        attempts.first(200, "id", self.db()).await
    }

    /// Gives a dead, held or waiting delivery a new schedule that begins now, or in a line when its turn
    /// comes; false if it is none of these, waits in a line, or a node is just trying it.
    pub async fn retry_delivery(
        &self,
        tenant: TenantId,
        id: DeliveryId,
        now: Timestamp,
    ) -> Result<bool> {
        let Some(delivery) = self.find_delivery(tenant, id).await? else {
            return Ok(false);
        };
        let retry = format!(
            "UPDATE deliveries SET {}, due_at = $1 WHERE tenant_id = $2 AND id = $3 \
             AND status IN ('dead', 'held', 'pending') AND owner IS NULL RETURNING {LINE}",
            lines::again(Status::Pending)
        );
        let mut tx = self.db().begin().await?;
        lines::lock(&mut tx, in_lines(&delivery)).await?;
        let retried = sql(AssertSqlSafe(retry))
            .bind(now)
            .bind(tenant)
            .bind(id)
            .find_in::<Line>(&mut tx)
            .await?;
        let Some(row) = retried else {
            return Ok(false);
        };
        lines::advance_all(&mut tx, lines::line(row)?, now, Status::Pending).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Calls off a delivery that has not ended, or that blocks its line as a dead letter; the next of its
    /// line takes its turn. False if it has ended. An attempt that is under way is not stopped.
    pub async fn cancel_delivery(
        &self,
        tenant: TenantId,
        id: DeliveryId,
        now: Timestamp,
    ) -> Result<bool> {
        const CANCEL: &str = "UPDATE deliveries SET status = 'cancelled', owner = NULL, position = NULL, \
                              settled_at = $1 WHERE tenant_id = $2 AND id = $3 \
                              AND (status IN ('pending', 'held', 'queued') \
                              OR (status = 'dead' AND position IS NOT NULL)) RETURNING subscription_id, ordering_key";
        let Some(delivery) = self.find_delivery(tenant, id).await? else {
            return Ok(false);
        };
        let mut tx = self.db().begin().await?;
        lines::lock(&mut tx, in_lines(&delivery)).await?;
        let cancelled = sql(CANCEL)
            .bind(now)
            .bind(tenant)
            .bind(id)
            .find_in::<Line>(&mut tx)
            .await?;
        let Some(row) = cancelled else {
            return Ok(false);
        };
        lines::advance_all(&mut tx, lines::line(row)?, now, Status::Pending).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// What of a subscription waits without a date, and would wait for ever when it is gone.
const WAITING: [&str; 2] = [
    "status = 'held'",
    "status IN ('queued', 'dead') AND position IS NOT NULL",
];

impl Store {
    /// Calls off up to `limit` deliveries of each kind that are held or stand in a line of this subscription;
    /// says how many. Those that are pending are called off when they are due.
    pub async fn call_off_waiting(
        &self,
        tenant: TenantId,
        subscription: DestinationId,
        now: Timestamp,
        limit: usize,
    ) -> Result<u64> {
        let mut tx = self.db().begin().await?;
        lines::lock(&mut tx, [subscription].into()).await?;
        let mut called_off = 0;
        for waiting in WAITING {
            let text = format!(
                "UPDATE deliveries SET status = 'cancelled', owner = NULL, position = NULL, settled_at = $1 \
                 WHERE (tenant_id, id) IN (SELECT tenant_id, id FROM deliveries WHERE subscription_id = $2 \
                 AND tenant_id = $3 AND {waiting} LIMIT $4)"
            );
            called_off += sql(AssertSqlSafe(text))
                .bind(now)
                .bind(subscription)
                .bind(tenant)
                .bind(limit)
                .run(&mut tx)
                .await?;
        }
        tx.commit().await?;
        Ok(called_off)
    }
}

/// The subscription whose lines a change of the delivery touches, if it stands in one.
fn in_lines(delivery: &Delivery) -> BTreeSet<DestinationId> {
    let line = delivery.ordering_key.as_ref();
    line.map(|_| delivery.destination_id).into_iter().collect()
}
