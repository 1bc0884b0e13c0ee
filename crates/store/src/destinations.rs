//! The health of destinations.

use std::time::Duration;

use serde_json::{Value, json};
use tieline_domain::{
    DestinationId, TenantId, Timestamp,
    destination::{CatchingUp, Destination, State},
};

use crate::{
    ChangeBy, Result, Store,
    audit::{Action, Change, record},
    db::Tx,
    spine::{self, Entry, lines},
    sql::{Noun, Read, Row, select, sql},
    statistics::{PastTurn, note_turn},
};

impl Noun for Destination {
    const TABLE: &str = "destinations";
    const COLUMNS: &str = "subscription_id, state, reason, since, failing_since, last_success_at, failed_probes, \
                           probe_at, replay_after, replay_before, replayed";
}

impl Read for Destination {
    fn read(row: &Row) -> Result<Self> {
        let replayed: Option<u64> = row.get("replayed")?;
        let catching_up = match (row.get("replay_after")?, row.get("replay_before")?) {
            (Some(after), Some(before)) => Some(CatchingUp {
                after,
                before,
                found: replayed.unwrap_or_default(),
            }),
            _ => None,
        };
        Ok(Self {
            id: row.get("subscription_id")?,
            state: row.get("state")?,
            reason: row.get("reason")?,
            since: row.get("since")?,
            failing_since: row.get("failing_since")?,
            last_success_at: row.get("last_success_at")?,
            failed_probes: row.get("failed_probes")?,
            probe_at: row.get("probe_at")?,
            catching_up,
        })
    }
}

impl Store {
    /// The destinations of a tenant.
    pub async fn destinations(&self, tenant: TenantId) -> Result<Vec<Destination>> {
        let all = select(tenant).list("subscription_id", self.db());
        all.await
    }

    /// One destination.
    pub async fn find_destination(
        &self,
        tenant: TenantId,
        subscription: DestinationId,
    ) -> Result<Option<Destination>> {
        let destination = select(tenant).with("subscription_id = ?", subscription);
        destination.find(self.db()).await
    }

    /// The tenants and subscriptions whose state was changed at `since` or later.
    pub async fn destinations_changed_since(
        &self,
        since: Timestamp,
    ) -> Result<Vec<(TenantId, DestinationId, Timestamp)>> {
        const CHANGED: &str = "SELECT tenant_id, subscription_id, changed_at FROM destinations WHERE changed_at >= $1";
        sql(CHANGED).bind(since).list(self.db()).await
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
        let changed = sql(SET)
            .bind(to)
            .bind(reason)
            .bind(by.at)
            .bind(tenant)
            .bind(subscription)
            .run(&mut tx)
            .await?;
        if changed == 0 {
            return Ok(false);
        }
        let turn = PastTurn {
            at: by.at,
            state: to,
            reason: reason.to_owned(),
        };
        let after = json!({"status": to.as_str()});
        record_turn(&mut tx, tenant, subscription, &turn, &after, by).await?;
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
        let due = sql(DUE).bind(now).bind(now.plus(longest));
        due.list(self.db()).await
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
        sql(REVIVE).bind(subscription).run(&mut tx).await?;
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
        let taken = sql(TAKE)
            .bind(next)
            .bind(subscription)
            .bind(now)
            .bind(now.plus(longest))
            .commit(self.db())
            .await?;
        Ok(taken > 0)
    }
}

/// Notes a turn that someone asked for, among the turns of the destination and in the audit log.
pub(crate) async fn record_turn(
    tx: &mut Tx,
    tenant: TenantId,
    destination: DestinationId,
    turn: &PastTurn,
    after: &Value,
    by: &ChangeBy,
) -> Result<()> {
    let change = Change {
        tenant_id: tenant,
        action: Action::Update,
        kind: "subscription",
        id: &destination.to_string(),
        before: None,
        after: Some(&after.to_string()),
    };
    record(tx, change, by).await?;
    note_turn(tx, destination, turn).await
}
