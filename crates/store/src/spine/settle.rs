//! Settling: outcomes of attempts, many in one commit.

use std::{collections::BTreeMap, sync::Arc};

use sqlx::AssertSqlSafe;
use tieline_domain::{
    DestinationId, Timestamp, attempt::Attempt, delivery::Status, destination::State,
};

use super::{
    Settled, Settlement, Turn, Verdict, accept,
    batch::{Bulk, Cell, Kind},
    lines::{self, LINE},
};
use crate::{
    Error, Result,
    db::Tx,
    sql::sql,
    statistics::{PastTurn, note_turn},
};

/// An attempt that is there already was written by a commit whose answer got lost; it is settled again.
pub(super) static ATTEMPTS: Bulk = Bulk::new(
    "INSERT INTO attempts (delivery_id, id, tenant_id, number, started_at, duration_us, status_code, \
     error_kind, seen)",
    &[
        Kind::Text,
        Kind::Text,
        Kind::Text,
        Kind::Int,
        Kind::Int,
        Kind::Int,
        Kind::Int,
        Kind::Text,
        Kind::Text,
    ],
    "ON CONFLICT (delivery_id, id) DO NOTHING",
);

/// A settlement counts only while the node that makes it still holds the lease.
pub(super) static OUTCOMES: Bulk = Bulk::new(
    "WITH v (tenant_id, id, owner, status, attempts, due_at, first_attempt_at, settled_at) AS (",
    &[
        Kind::Text,
        Kind::Text,
        Kind::Text,
        Kind::Text,
        Kind::Int,
        Kind::Int,
        Kind::Int,
        Kind::Int,
    ],
    ") UPDATE deliveries SET status = v.status, attempts = v.attempts, due_at = v.due_at, \
     first_attempt_at = v.first_attempt_at, settled_at = v.settled_at, owner = NULL FROM v \
     WHERE deliveries.tenant_id = v.tenant_id AND deliveries.id = v.id AND deliveries.owner = v.owner",
);

/// A settlement as rows. Made by whoever waits for it, so that the writer has less to do.
pub(super) struct Encoded {
    pub(super) attempt: Vec<Cell>,
    pub(super) outcome: Vec<Cell>,
    pub(super) settlement: Arc<Settlement>,
}

impl Encoded {
    pub(super) fn new(node: &str, settlement: Arc<Settlement>) -> Result<Self> {
        let (mut attempt, mut outcome) = (Vec::new(), Vec::new());
        if let Some(made) = &settlement.attempt {
            push_attempt(&mut attempt, made)?;
        }
        push_outcome(&mut outcome, node, &settlement);
        Ok(Self {
            attempt,
            outcome,
            settlement,
        })
    }

    /// Whether it changes nothing but its delivery.
    pub(super) fn is_plain(&self) -> bool {
        match &self.settlement.verdict {
            Verdict::Delivered { recovery } => recovery.is_none() && self.settlement.line.is_none(),
            Verdict::Cancelled => self.settlement.line.is_none(),
            Verdict::Retry { .. } => true,
            Verdict::Hold { .. } | Verdict::Dead { .. } => false,
        }
    }
}

/// Writes the settlements and says what each changed beside its delivery.
pub(super) async fn settle(
    tx: &mut Tx,
    node: &str,
    settlements: &[&Encoded],
) -> Result<Vec<Settled>> {
    let (mut attempts, mut outcomes) = (Vec::new(), Vec::new());
    for encoded in settlements {
        attempts.extend_from_slice(&encoded.attempt);
        outcomes.extend_from_slice(&encoded.outcome);
    }
    ATTEMPTS.run(tx, attempts).await?;
    OUTCOMES.run(tx, outcomes).await?;
    for (subscription, at) in successes(settlements) {
        note_success(tx, subscription, at).await?;
    }
    let mut answers = Vec::with_capacity(settlements.len());
    for encoded in settlements {
        let mut answer = follow_up(tx, node, &encoded.settlement).await?;
        answer.released = lines::leave(tx, &encoded.settlement).await?;
        answers.push(answer);
    }
    Ok(answers)
}

/// When something last succeeded, for each destination where something did.
pub(super) fn successes(settlements: &[&Encoded]) -> BTreeMap<DestinationId, Timestamp> {
    let mut latest: BTreeMap<_, Timestamp> = BTreeMap::new();
    for Encoded { settlement, .. } in settlements {
        if matches!(settlement.verdict, Verdict::Delivered { .. }) {
            let at = latest.entry(settlement.destination_id).or_default();
            *at = settlement.at.max(*at);
        }
    }
    latest
}

fn push_attempt(cells: &mut Vec<Cell>, attempt: &Attempt) -> Result<()> {
    let Attempt {
        id,
        delivery_id,
        tenant_id,
        number,
        started_at,
        duration,
        status_code,
        error_kind,
        seen,
    } = attempt;
    cells.extend([
        Cell::id(delivery_id),
        Cell::id(id),
        Cell::id(tenant_id),
        Cell::Int(Some((*number).into())),
        Cell::Int(Some(started_at.as_micros())),
        Cell::Int(Some(
            i64::try_from(duration.as_micros()).unwrap_or(i64::MAX),
        )),
        Cell::Int(status_code.map(Into::into)),
        error_kind.as_deref().map_or(Cell::Text(None), Cell::id),
        Cell::Text(Some(
            serde_json::to_string(seen).map_err(Error::content)?.into(),
        )),
    ]);
    Ok(())
}

/// Dead letters are not among these: they change something else too, and only if the lease holds.
fn push_outcome(cells: &mut Vec<Cell>, node: &str, settlement: &Settlement) {
    let at = settlement.at.as_micros();
    let (status, due_at, settled_at) = match &settlement.verdict {
        Verdict::Delivered { .. } => (Status::Delivered, at, Some(at)),
        Verdict::Retry { due_at } => (Status::Pending, due_at.as_micros(), None),
        Verdict::Hold { .. } => (Status::Held, at, None),
        Verdict::Cancelled => (Status::Cancelled, at, Some(at)),
        Verdict::Dead { .. } => return,
    };
    cells.extend([
        Cell::id(settlement.tenant_id),
        Cell::id(settlement.delivery_id),
        Cell::id(node),
        Cell::id(status),
        Cell::Int(Some(settlement.attempts.into())),
        Cell::Int(Some(due_at)),
        Cell::Int(Some(settlement.first_attempt_at.as_micros())),
        Cell::Int(settled_at),
    ]);
}

/// Notes when something last succeeded at a destination, to the second.
pub(super) const NOTE_SUCCESS: &str = "UPDATE destinations SET last_success_at = $1 \
     WHERE subscription_id = $2 AND (last_success_at IS NULL OR last_success_at < $1 - 1000000)";

async fn note_success(tx: &mut Tx, subscription: DestinationId, at: Timestamp) -> Result<()> {
    let note = sql(NOTE_SUCCESS).bind(at).bind(subscription);
    note.run(tx).await.map(drop)
}

async fn follow_up(tx: &mut Tx, node: &str, settlement: &Settlement) -> Result<Settled> {
    let turn = match &settlement.verdict {
        Verdict::Delivered { recovery } => recovery,
        Verdict::Retry { .. } | Verdict::Cancelled => &None,
        Verdict::Hold { probe_at } => {
            put_off_probe(tx, settlement, *probe_at).await?;
            &None
        }
        Verdict::Dead { notice, turn } => {
            if !bury(tx, node, settlement).await? {
                return Ok(Settled::default());
            }
            if let Some(notice) = notice {
                accept::write(tx, node, notice).await?;
            }
            turn
        }
    };
    let turned = match turn {
        Some(turn) if self::turn(tx, node, settlement, turn).await? => Some(turn.to),
        _ => None,
    };
    Ok(Settled {
        turned,
        released: false,
    })
}

async fn put_off_probe(tx: &mut Tx, settlement: &Settlement, probe_at: Timestamp) -> Result<()> {
    const PUT_OFF: &str = "UPDATE destinations SET failed_probes = failed_probes + 1, probe_at = $1 \
                           WHERE subscription_id = $2 AND state = 'error'";
    let put_off = sql(PUT_OFF).bind(probe_at).bind(settlement.destination_id);
    put_off.run(tx).await.map(drop)
}

/// Makes a delivery a dead letter; false if another node has it now, or it is no longer held.
async fn bury(tx: &mut Tx, node: &str, settlement: &Settlement) -> Result<bool> {
    const BURY: &str = "UPDATE deliveries SET status = 'dead', attempts = $1, first_attempt_at = $2, \
                        settled_at = $3, owner = NULL WHERE tenant_id = $4 AND id = $5 \
                        AND (owner = $6 OR (status = 'held' AND $7))";
    let bury = sql(BURY)
        .bind(settlement.attempts)
        .bind(settlement.first_attempt_at)
        .bind(settlement.at)
        .bind(settlement.tenant_id)
        .bind(settlement.delivery_id)
        .bind(node)
        .bind(settlement.attempt.is_none());
    Ok(bury.run(tx).await? > 0)
}

/// Turns a destination's state if it is in one of the states to turn from; tells of it if it did.
async fn turn(tx: &mut Tx, node: &str, settlement: &Settlement, turn: &Turn) -> Result<bool> {
    const TURN: &str = "UPDATE destinations SET state = $1, reason = $2, since = $3, failing_since = $4, \
                        probe_at = $5, failed_probes = 0, replay_after = NULL, replay_before = NULL, \
                        changed_at = $3 WHERE subscription_id = $6 \
                        AND state IN ($7, $8, $9) AND (last_success_at IS NULL OR last_success_at < $10)";
    let unless = turn
        .unless_success_since
        .map_or(i64::MAX, Timestamp::as_micros);
    let from = |i: usize| {
        turn.from
            .get(i)
            .or(turn.from.first())
            .map_or("", |state| state.as_str())
    };
    let since = if turn.to == State::Active {
        requeue_failed(tx, settlement).await?;
        None
    } else {
        turn.failing_since
    };
    let turned = sql(TURN)
        .bind(turn.to)
        .bind(&turn.reason)
        .bind(settlement.at)
        .bind(since)
        .bind(turn.probe_at)
        .bind(settlement.destination_id)
        .bind(from(0))
        .bind(from(1))
        .bind(from(2))
        .bind(unless);
    if turned.run(tx).await? == 0 {
        return Ok(false);
    }
    let past = PastTurn {
        at: settlement.at,
        state: turn.to,
        reason: turn.reason.clone(),
    };
    note_turn(tx, settlement.destination_id, &past).await?;
    if let Some(notice) = &turn.notice {
        accept::write(tx, node, notice).await?;
    }
    Ok(true)
}

/// What died while the destination was failing gets a new schedule (seed 002, API.md 6).
async fn requeue_failed(tx: &mut Tx, settlement: &Settlement) -> Result<()> {
    let requeue = format!(
        "UPDATE deliveries SET {}, due_at = $2 WHERE subscription_id = $1 AND status = 'dead' AND settled_at >= \
         (SELECT failing_since FROM destinations WHERE subscription_id = $1 AND state = 'error') \
         RETURNING {LINE}",
        lines::again(Status::Held)
    );
    let requeue = sql(AssertSqlSafe(requeue))
        .bind(settlement.destination_id)
        .bind(settlement.at);
    let rows = requeue.list_in(tx).await?;
    let lines = rows.into_iter().map(lines::line);
    let lines = lines
        .filter_map(Result::transpose)
        .collect::<Result<Vec<_>>>()?;
    lines::advance_all(tx, lines, settlement.at, Status::Held).await
}
