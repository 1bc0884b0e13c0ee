//! The health of destinations.

use std::time::Duration;

use sqlx::AssertSqlSafe;
use tieline_domain::{
    DestinationId, TenantId, Timestamp,
    destination::{CatchingUp, Destination, State},
};

use crate::{
    ChangeBy, Error, Result, Store,
    audit::{Action, Change, record},
    db::{in_tx, on_db},
    spine::{self, Entry, lines},
    statistics::{PastTurn, note_turn},
};

const COLUMNS: &str = "subscription_id, state, reason, since, failing_since, last_success_at, \
                       failed_probes, probe_at, replay_after, replay_before, replayed";

type Row = (
    String,
    String,
    String,
    i64,
    Option<i64>,
    Option<i64>,
    i64,
    Option<i64>,
    Option<String>,
    Option<i64>,
    Option<i64>,
);

fn from_row(row: Row) -> Result<Destination> {
    let (
        subscription,
        state,
        reason,
        since,
        failing_since,
        last_success_at,
        failed_probes,
        probe_at,
        replay_after,
        replay_before,
        replayed,
    ) = row;
    let catching_up = match (replay_after, replay_before) {
        (Some(after), Some(before)) => Some(CatchingUp {
            after: after.parse().map_err(Error::content)?,
            before: Timestamp::from_micros(before),
            found: replayed.unwrap_or_default().unsigned_abs(),
        }),
        _ => None,
    };
    Ok(Destination {
        id: subscription.parse().map_err(Error::content)?,
        state: state.parse().map_err(Error::content)?,
        reason,
        since: Timestamp::from_micros(since),
        failing_since: failing_since.map(Timestamp::from_micros),
        last_success_at: last_success_at.map(Timestamp::from_micros),
        failed_probes: u32::try_from(failed_probes).unwrap_or(u32::MAX),
        probe_at: probe_at.map(Timestamp::from_micros),
        catching_up,
    })
}

impl Store {
    /// The destinations of a tenant.
    pub async fn destinations(&self, tenant: TenantId) -> Result<Vec<Destination>> {
        let text = format!("SELECT {COLUMNS} FROM destinations WHERE tenant_id = $1");
        let rows: Vec<Row> = on_db!(self.db(), |c| sqlx::query_as(AssertSqlSafe(text))
            .bind(tenant.to_string())
            .fetch_all(c)
            .await?);
        rows.into_iter().map(from_row).collect()
    }

    /// One destination.
    pub async fn find_destination(
        &self,
        tenant: TenantId,
        subscription: DestinationId,
    ) -> Result<Option<Destination>> {
        let text = format!(
            "SELECT {COLUMNS} FROM destinations WHERE tenant_id = $1 AND subscription_id = $2"
        );
        let row: Option<Row> = on_db!(self.db(), |c| sqlx::query_as(AssertSqlSafe(text))
            .bind(tenant.to_string())
            .bind(subscription.to_string())
            .fetch_optional(c)
            .await?);
        row.map(from_row).transpose()
    }

    /// The tenants and subscriptions whose state was changed at `since` or later.
    pub async fn destinations_changed_since(
        &self,
        since: Timestamp,
    ) -> Result<Vec<(TenantId, DestinationId, Timestamp)>> {
        const CHANGED: &str = "SELECT tenant_id, subscription_id, changed_at FROM destinations WHERE changed_at >= $1";
        let rows: Vec<(String, String, i64)> = on_db!(self.db(), |c| sqlx::query_as(CHANGED)
            .bind(since.as_micros())
            .fetch_all(c)
            .await?);
        let parsed = rows.into_iter().map(|(tenant, subscription, at)| {
            Ok((
                tenant.parse().map_err(Error::content)?,
                subscription.parse().map_err(Error::content)?,
                Timestamp::from_micros(at),
            ))
        });
        parsed.collect()
    }

    /// Sets the state by hand, with the event that tells of it and a row of the audit log, all in one
    /// commit; says whether it changed.
    pub async fn set_destination_state(
        &self,
        tenant: TenantId,
        subscription: DestinationId,
        to: State,
        reason: &str,
        notice: &Entry,
        by: &ChangeBy,
    ) -> Result<bool> {
        const SET: &str = "UPDATE destinations SET state = $1, reason = $2, since = $3, changed_at = $3, \
                           failing_since = NULL, failed_probes = 0, probe_at = NULL, \
                           replay_after = NULL, replay_before = NULL \
                           WHERE tenant_id = $4 AND subscription_id = $5 \
                           AND (state <> $1 OR replay_after IS NOT NULL)";
        let mut tx = self.db().begin().await?;
        lines::lock(&mut tx, lines::joined_by(notice).collect()).await?;
        let changed = in_tx!(tx, |c| sqlx::query(SET)
            .bind(to.as_str())
            .bind(reason)
            .bind(by.at.as_micros())
            .bind(tenant.to_string())
            .bind(subscription.to_string())
            .execute(c)
            .await?
            .rows_affected());
        if changed == 0 {
            return Ok(false);
        }
        let after = format!("{{\"status\":\"{to}\"}}");
        let change = Change {
            tenant_id: tenant,
            action: Action::Update,
            kind: "subscription",
            id: &subscription.to_string(),
            before: None,
            after: Some(&after),
        };
        record(&mut tx, change, by).await?;
        let turn = PastTurn {
            at: by.at,
            state: to,
            reason: reason.to_owned(),
        };
        note_turn(&mut tx, subscription, &turn).await?;
        spine::write_notice(&mut tx, notice).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The destinations in `error` whose next probe is due: its time has come, or is further away than the
    /// `longest` wait because the clock was set back.
    pub async fn due_probes(
        &self,
        now: Timestamp,
        longest: Duration,
    ) -> Result<Vec<(TenantId, DestinationId)>> {
        const DUE: &str = "SELECT tenant_id, subscription_id FROM destinations WHERE state = 'error' \
                           AND (probe_at <= $1 OR probe_at > $2) ORDER BY probe_at LIMIT 1000";
        let rows: Vec<(String, String)> = on_db!(self.db(), |c| sqlx::query_as(DUE)
            .bind(now.as_micros())
            .bind(now.plus(longest).as_micros())
            .fetch_all(c)
            .await?);
        let parsed = rows.into_iter().map(|(tenant, subscription)| {
            let tenant = tenant.parse().map_err(Error::content)?;
            Ok((tenant, subscription.parse().map_err(Error::content)?))
        });
        parsed.collect()
    }

    /// Holds the oldest delivery that died while the destination was failing, with a new schedule: where
    /// nothing else is held, it is what a probe can send. It goes back to its place in its line, unless
    /// another of that line is at work.
    pub async fn revive_oldest(&self, subscription: DestinationId) -> Result<()> {
        const REVIVE: &str = "UPDATE deliveries SET status = 'held', earlier_attempts = attempts, \
                              first_attempt_at = NULL, settled_at = NULL, position = \
                              CASE WHEN ordering_key IS NULL THEN NULL ELSE COALESCE(position, created_at) END \
                              WHERE id = (SELECT id FROM deliveries AS dead WHERE subscription_id = $1 AND status = 'dead' \
                              AND settled_at >= (SELECT failing_since FROM destinations \
                              WHERE subscription_id = $1) AND (ordering_key IS NULL OR position IS NOT NULL \
                              OR NOT EXISTS (SELECT 1 FROM deliveries WHERE subscription_id = $1 \
                              AND ordering_key = dead.ordering_key AND position IS NOT NULL \
                              AND status IN ('pending', 'held', 'dead'))) ORDER BY settled_at LIMIT 1) \
                              AND subscription_id = $1 AND status = 'dead'";
        let mut tx = self.db().begin().await?;
        lines::lock(&mut tx, [subscription].into()).await?;
        in_tx!(tx, |c| sqlx::query(REVIVE)
            .bind(subscription.to_string())
            .execute(c)
            .await?
            .rows_affected());
        tx.commit().await
    }

    /// Takes the right to send the next probe, for the node that asks first: true once per wait, of which
    /// none is longer than `longest`.
    pub async fn take_probe(
        &self,
        subscription: DestinationId,
        now: Timestamp,
        next: Timestamp,
        longest: Duration,
    ) -> Result<bool> {
        const TAKE: &str = "UPDATE destinations SET probe_at = $1 WHERE subscription_id = $2 \
                            AND state = 'error' AND (probe_at IS NULL OR probe_at <= $3 OR probe_at > $4)";
        let mut tx = self.db().begin().await?;
        let taken = in_tx!(tx, |c| sqlx::query(TAKE)
            .bind(next.as_micros())
            .bind(subscription.to_string())
            .bind(now.as_micros())
            .bind(now.plus(longest).as_micros())
            .execute(c)
            .await?
            .rows_affected());
        tx.commit().await?;
        Ok(taken > 0)
    }
}
