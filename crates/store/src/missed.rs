//! Bringing a subscription up to date with the events that it has missed while it was off.
//!
//! A cursor on its destination goes through the log in steps, each one commit that moves the cursor and
//! writes what is owed for the events before it: a node that dies leaves it where the next one goes on, and
//! of two nodes that take the same step one fails. The destination is paused meanwhile, so that what is
//! made up for and what is new go out together, in the order of the events.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::json;
use sqlx::AssertSqlSafe;
use tieline_domain::{
    DestinationId, EventId, TenantId, Timestamp,
    destination::{CatchingUp, State},
    event::Event,
};

use crate::{
    ChangeBy, Result, Store,
    db::Tx,
    destinations::record_turn,
    spine::{self, Entry, NewDelivery, lines, replay::of_events},
    sql::{select, sql},
    statistics::{PastTurn, note_turn},
};

/// How far a step has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// There may be more.
    Further,
    /// Nothing is missing any more.
    Done,
    /// It was called off, or another node has taken this step.
    Lost,
}

impl Store {
    /// Pauses a destination and lets it catch up with the events of `wanted`, which [`Store::catch_up`]
    /// does in steps; tells of the pause in the same commit. False if there is no such destination.
    pub async fn begin_catching_up(
        &self,
        tenant: TenantId,
        subscription: DestinationId,
        wanted: &CatchingUp,
        reason: &str,
        notice: &Entry,
        by: &ChangeBy,
    ) -> Result<bool> {
        const BEGIN: &str = "UPDATE destinations SET state = 'paused', reason = $1, since = $2, changed_at = $2, \
                             failing_since = NULL, failed_probes = 0, probe_at = NULL, replay_after = $3, \
                             replay_before = $4, replayed = $5 WHERE tenant_id = $6 AND subscription_id = $7";
        let mut tx = self.db().begin().await?;
        lines::lock(&mut tx, lines::joined_by(notice).collect()).await?;
        let begun = sql(BEGIN)
            .bind(reason)
            .bind(by.at)
            .bind(wanted.after)
            .bind(wanted.before)
            .bind(i64::try_from(wanted.found).unwrap_or(i64::MAX))
            .bind(tenant)
            .bind(subscription)
            .run(&mut tx)
            .await?;
        if begun == 0 {
            return Ok(false);
        }
        let turn = PastTurn {
            at: by.at,
            state: State::Paused,
            reason: reason.to_owned(),
        };
        let after = json!({"status": State::Paused.as_str(), "reason": reason});
        record_turn(&mut tx, tenant, subscription, &turn, &after, by).await?;
        spine::write_notice(&mut tx, notice).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The destinations that catch up with events made before `before`.
    pub async fn catching_up(&self, before: Timestamp) -> Result<Vec<(TenantId, DestinationId)>> {
        const LIST: &str = "SELECT tenant_id, subscription_id FROM destinations \
                            WHERE replay_after IS NOT NULL AND replay_before <= $1 LIMIT 1000";
        sql(LIST).bind(before).list(self.db()).await
    }

    /// Looks at up to `limit` events from `from` on, and writes the deliveries that `owed` makes of them, held;
    /// those of events that the subscription was owed already are left out.
    pub async fn catch_up(
        &self,
        tenant: TenantId,
        subscription: DestinationId,
        from: &CatchingUp,
        owed: impl Fn(&Event) -> Option<NewDelivery>,
        now: Timestamp,
        limit: usize,
    ) -> Result<Step> {
        let events = self.events_between(tenant, from, limit).await?;
        let Some(last) = events.last().map(|event| event.id) else {
            return Ok(Step::Done);
        };
        let owed = events
            .into_iter()
            .filter_map(|event| owed(&event).map(|delivery| (event, delivery)));
        let mut owed: BTreeMap<_, _> = owed
            .map(|(event, delivery)| (event.id, (event, delivery)))
            .collect();
        let mut tx = self.db().begin().await?;
        lines::lock(&mut tx, [subscription].into()).await?;
        for known in known(&mut tx, subscription, owed.keys()).await? {
            owed.remove(&known);
        }
        if !advance(&mut tx, subscription, from.after, last, owed.len()).await? {
            return Ok(Step::Lost);
        }
        let mut lines = BTreeSet::new();
        for (event, delivery) in owed.into_values() {
            if let Some(key) = &delivery.ordering_key {
                lines.insert((subscription, key.clone()));
            }
            spine::write_missed(&mut tx, event, delivery, now).await?;
        }
        for line in lines {
            lines::reorder(&mut tx, &line, now).await?;
        }
        tx.commit().await?;
        Ok(Step::Further)
    }

    async fn events_between(
        &self,
        tenant: TenantId,
        from: &CatchingUp,
        limit: usize,
    ) -> Result<Vec<Event>> {
        let events = select(tenant)
            .with("id > ?", from.after)
            .with("id < ?", EventId::new(from.before, 0));
        events.first(limit, "id", self.db()).await
    }

    /// Turns a destination that has caught up `active`; tells of it in the same commit. False if it was
    /// called off meanwhile.
    pub async fn end_catching_up(
        &self,
        subscription: DestinationId,
        at: &CatchingUp,
        notice: &Entry,
        now: Timestamp,
    ) -> Result<bool> {
        const END: &str = "UPDATE destinations SET state = $1, reason = '', since = $2, changed_at = $2, \
                           replay_after = NULL, replay_before = NULL \
                           WHERE subscription_id = $3 AND replay_after = $4";
        let mut tx = self.db().begin().await?;
        lines::lock(&mut tx, lines::joined_by(notice).collect()).await?;
        let ended = sql(END)
            .bind(State::Active)
            .bind(now)
            .bind(subscription)
            .bind(at.after)
            .run(&mut tx)
            .await?;
        if ended == 0 {
            return Ok(false);
        }
        let turn = PastTurn {
            at: now,
            state: State::Active,
            reason: String::new(),
        };
        note_turn(&mut tx, subscription, &turn).await?;
        spine::write_notice(&mut tx, notice).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// Which of these events the subscription was owed already.
async fn known<'e>(
    tx: &mut Tx,
    subscription: DestinationId,
    events: impl ExactSizeIterator<Item = &'e EventId>,
) -> Result<HashSet<EventId>> {
    if events.len() == 0 {
        return Ok(HashSet::new());
    }
    let text = of_events("event_id, subscription_id", events.len());
    let owed = sql(AssertSqlSafe(text)).bind_all(events.copied());
    let owed: Vec<(EventId, DestinationId)> = owed.list_in(tx).await?;
    let known = owed.into_iter().filter(|(_, to)| *to == subscription);
    Ok(known.map(|(event, _)| event).collect())
}

/// Moves the cursor on, if it still stands where this step began.
async fn advance(
    tx: &mut Tx,
    subscription: DestinationId,
    from: EventId,
    to: EventId,
    found: usize,
) -> Result<bool> {
    const ADVANCE: &str = "UPDATE destinations SET replay_after = $1, replayed = replayed + $2 \
                           WHERE subscription_id = $3 AND replay_after = $4";
    let advanced = sql(ADVANCE)
        .bind(to.to_string())
        .bind(found)
        .bind(subscription)
        .bind(from.to_string())
        .run(tx)
        .await?;
    Ok(advanced > 0)
}
