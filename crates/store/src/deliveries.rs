//! Reading deliveries and attempts, and queueing dead letters again.

use std::{collections::BTreeSet, time::Duration};

use sqlx::{AssertSqlSafe, query::QueryAs};
use tieline_domain::{
    DeliveryId, DestinationId, EventId, TenantId, Timestamp,
    attempt::Attempt,
    delivery::{Delivery, Status},
};

use crate::{
    Error, Result, Store,
    db::{in_tx, on_db},
    page::{Page, PageRequest},
    spine::lines::{self, LINE},
};

const COLUMNS: &str = "tenant_id, id, event_id, subscription_id, ordering_key, status, attempts, due_at, \
                       first_attempt_at, settled_at, created_at";

type DeliveryRow = (
    String,
    String,
    String,
    String,
    Option<String>,
    String,
    i64,
    i64,
    Option<i64>,
    Option<i64>,
    i64,
);
type LineRow = (String, Option<String>);
type AttemptRow = (String, i64, i64, i64, Option<i64>, Option<String>, String);

fn from_row(row: DeliveryRow) -> Result<Delivery> {
    let (
        tenant,
        id,
        event,
        subscription,
        ordering_key,
        status,
        attempts,
        due_at,
        first_attempt_at,
        settled_at,
        created_at,
    ) = row;
    let status: Status = status.parse().map_err(Error::content)?;
    Ok(Delivery {
        id: id.parse().map_err(Error::content)?,
        tenant_id: tenant.parse().map_err(Error::content)?,
        event_id: event.parse().map_err(Error::content)?,
        destination_id: subscription.parse().map_err(Error::content)?,
        ordering_key,
        status,
        attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
        due_at: (status == Status::Pending).then(|| Timestamp::from_micros(due_at)),
        first_attempt_at: first_attempt_at.map(Timestamp::from_micros),
        settled_at: settled_at.map(Timestamp::from_micros),
        created_at: Timestamp::from_micros(created_at),
    })
}

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
        let text = format!("SELECT {COLUMNS} FROM deliveries WHERE tenant_id = $1 AND id = $2");
        let row: Option<DeliveryRow> = on_db!(self.db(), |c| sqlx::query_as(AssertSqlSafe(text))
            .bind(tenant.to_string())
            .bind(id.to_string())
            .fetch_optional(c)
            .await?);
        row.map(from_row).transpose()
    }

    /// A page of deliveries, the newest first.
    pub async fn list_deliveries(
        &self,
        tenant: TenantId,
        filter: &DeliveryFilter,
        page: &PageRequest,
    ) -> Result<Page<Delivery>> {
        let narrowed = [
            filter.status.map(|status| ("status", status.to_string())),
            filter
                .destination_id
                .map(|id| ("subscription_id", id.to_string())),
            filter.event_id.map(|id| ("event_id", id.to_string())),
            page.after.clone().map(|after| ("after", after)),
        ];
        let mut text = format!("SELECT {COLUMNS} FROM deliveries WHERE tenant_id = $1");
        let mut values = Vec::new();
        for (column, value) in narrowed.into_iter().flatten() {
            values.push(value);
            let place = values.len() + 1;
            let clause = match column {
                "after" => format!(" AND id < ${place}"),
                column => format!(" AND {column} = ${place}"),
            };
            text.push_str(&clause);
        }
        text.push_str(" ORDER BY id DESC LIMIT ");
        text.push_str(&page.rows().to_string());
        let rows: Vec<DeliveryRow> = on_db!(self.db(), |c| {
            let query = sqlx::query_as(AssertSqlSafe(text)).bind(tenant.to_string());
            values
                .iter()
                .fold(query, QueryAs::bind)
                .fetch_all(c)
                .await?
        });
        let deliveries = rows.into_iter().map(from_row).collect::<Result<Vec<_>>>()?;
        Ok(Page::cut(deliveries, page, |delivery| delivery.id))
    }

    /// The attempts of a delivery, the first one first; at most 200.
    pub async fn list_attempts(
        &self,
        tenant: TenantId,
        delivery: DeliveryId,
    ) -> Result<Vec<Attempt>> {
        const LIST: &str = "SELECT id, number, started_at, duration_us, status_code, error_kind, seen \
                            FROM attempts WHERE delivery_id = $1 AND tenant_id = $2 ORDER BY id LIMIT 200";
        let rows: Vec<AttemptRow> = on_db!(self.db(), |c| sqlx::query_as(LIST)
            .bind(delivery.to_string())
            .bind(tenant.to_string())
            .fetch_all(c)
            .await?);
        let attempts = rows.into_iter().map(|row| {
            let (id, number, started_at, duration, status_code, error_kind, seen) = row;
            Ok(Attempt {
                id: id.parse().map_err(Error::content)?,
                delivery_id: delivery,
                tenant_id: tenant,
                number: u32::try_from(number).unwrap_or(u32::MAX),
                started_at: Timestamp::from_micros(started_at),
                duration: Duration::from_micros(duration.unsigned_abs()),
                status_code: status_code.and_then(|code| u16::try_from(code).ok()),
                error_kind,
                seen: serde_json::from_str(&seen).map_err(Error::content)?,
            })
        });
        attempts.collect()
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
        let retried: Option<LineRow> = in_tx!(tx, |c| sqlx::query_as(AssertSqlSafe(retry))
            .bind(now.as_micros())
            .bind(tenant.to_string())
            .bind(id.to_string())
            .fetch_optional(c)
            .await?);
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
        let cancelled: Option<LineRow> = in_tx!(tx, |c| sqlx::query_as(CANCEL)
            .bind(now.as_micros())
            .bind(tenant.to_string())
            .bind(id.to_string())
            .fetch_optional(c)
            .await?);
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
            called_off += in_tx!(tx, |c| sqlx::query(AssertSqlSafe(text))
                .bind(now.as_micros())
                .bind(subscription.to_string())
                .bind(tenant.to_string())
                .bind(limit as i64)
                .execute(c)
                .await?
                .rows_affected());
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
