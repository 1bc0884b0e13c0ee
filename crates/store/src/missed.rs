//! Bringing a subscription up to date with the events that it has missed while it was off.
//!
//! A cursor on its destination goes through the log in steps, each one commit that moves the cursor and
//! writes what is owed for the events before it: a node that dies leaves it where the next one goes on, and
//! of two nodes that take the same step one fails. The destination is paused meanwhile, so that what is
//! made up for and what is new go out together, in the order of the events.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use sqlx::{AssertSqlSafe, query::QueryAs};
use tieline_domain::{
    DestinationId, EventId, TenantId, Timestamp,
    destination::{CatchingUp, State},
    event::Event,
};

use crate::{
    ChangeBy, Error, Result, Store,
    audit::{Action, Change, record},
    db::{Tx, in_tx, on_db},
    events,
    spine::{self, Entry, NewDelivery, lines},
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
        let begun = in_tx!(tx, |c| sqlx::query(BEGIN)
            .bind(reason)
            .bind(by.at.as_micros())
            .bind(wanted.after.to_string())
            .bind(wanted.before.as_micros())
            .bind(i64::try_from(wanted.found).unwrap_or(i64::MAX))
            .bind(tenant.to_string())
            .bind(subscription.to_string())
            .execute(c)
            .await?
            .rows_affected());
        if begun == 0 {
            return Ok(false);
        }
        let after = format!("{{\"status\":\"paused\",\"reason\":\"{reason}\"}}");
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
            state: State::Paused,
            reason: reason.to_owned(),
        };
        note_turn(&mut tx, subscription, &turn).await?;
        spine::write_notice(&mut tx, notice).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The destinations that catch up with events made before `before`.
    pub async fn catching_up(&self, before: Timestamp) -> Result<Vec<(TenantId, DestinationId)>> {
        const LIST: &str = "SELECT tenant_id, subscription_id FROM destinations \
                            WHERE replay_after IS NOT NULL AND replay_before <= $1 LIMIT 1000";
        let rows: Vec<(String, String)> = on_db!(self.db(), |c| sqlx::query_as(LIST)
            .bind(before.as_micros())
            .fetch_all(c)
            .await?);
        let parsed = rows.into_iter().map(|(tenant, subscription)| {
            let tenant = tenant.parse().map_err(Error::content)?;
            Ok((tenant, subscription.parse().map_err(Error::content)?))
        });
        parsed.collect()
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
        let text = format!(
            "SELECT {} FROM events WHERE tenant_id = $1 AND id > $2 AND id < $3 ORDER BY id LIMIT $4",
            events::COLUMNS
        );
        let rows: Vec<events::EventRow> =
            on_db!(self.db(), |c| sqlx::query_as(AssertSqlSafe(text))
                .bind(tenant.to_string())
                .bind(from.after.to_string())
                .bind(EventId::new(from.before, 0).to_string())
                .bind(limit as i64)
                .fetch_all(c)
                .await?);
        rows.into_iter().map(events::from_row).collect()
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
        let ended = in_tx!(tx, |c| sqlx::query(END)
            .bind(State::Active.as_str())
            .bind(now.as_micros())
            .bind(subscription.to_string())
            .bind(at.after.to_string())
            .execute(c)
            .await?
            .rows_affected());
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
    let places: Vec<_> = (2..events.len() + 2)
        .map(|place| format!("${place}"))
        .collect();
    let text = format!(
        "SELECT event_id FROM deliveries WHERE subscription_id = $1 AND event_id IN ({})",
        places.join(",")
    );
    let rows: Vec<(String,)> = in_tx!(tx, |c| {
        let query = sqlx::query_as(AssertSqlSafe(text)).persistent(false);
        let query = query.bind(subscription.to_string());
        let ids = events.map(ToString::to_string);
        ids.fold(query, QueryAs::bind).fetch_all(c).await?
    });
    let parsed = rows
        .into_iter()
        .map(|(id,)| id.parse().map_err(Error::content));
    parsed.collect()
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
    let advanced = in_tx!(tx, |c| sqlx::query(ADVANCE)
        .bind(to.to_string())
        .bind(found as i64)
        .bind(subscription.to_string())
        .bind(from.to_string())
        .execute(c)
        .await?
        .rows_affected());
    Ok(advanced > 0)
}
