//! Lines: deliveries of one subscription with the same ordering key, one after the other.
//!
//! A delivery that joins a line in which nobody is becomes due as any other; one that finds someone
//! before it is `queued`. Of those in a line at most one is at work (`pending` or `held`), or blocks it
//! (`dead`, still with a position). Who leaves makes way for the next in the same commit.
//!
//! The order is that of durable acceptance. Two nodes may accept for one line at the same time, so whoever
//! changes lines of a subscription on Postgres locks them first, all of its transaction's at once and before
//! anything else: no two transactions wait for each other. SQLite has one writer anyway.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, LazyLock},
};

use tieline_domain::{DestinationId, Timestamp, delivery::Status};

use super::{
    Entry, Settlement, Verdict,
    accept::Encoded,
    batch::{Bulk, Cell, Kind},
};
use crate::{Result, db::Tx, locks, sql::sql};

/// As a new delivery is written that stands in a line.
static IN_LINE: Bulk = Bulk::new(
    "INSERT INTO deliveries (tenant_id, id, event_id, subscription_id, status, attempts, \
     earlier_attempts, due_at, owner, created_at, ordering_key, position)",
    &[
        Kind::Text,
        Kind::Text,
        Kind::Text,
        Kind::Text,
        Kind::Text,
        Kind::Int,
        Kind::Int,
        Kind::Int,
        Kind::Text,
        Kind::Int,
        Kind::Text,
        Kind::Int,
    ],
    "",
);

/// Where [`IN_LINE`] has the status.
const STATUS: usize = 4;

/// The end of a line: the last position of each status that one can have in it.
static STANDING: LazyLock<String> = LazyLock::new(|| {
    let last = |status| {
        format!(
            "(SELECT MAX(position) FROM deliveries WHERE subscription_id = $1 AND ordering_key = $2 \
             AND status = '{status}' AND position IS NOT NULL)"
        )
    };
    let lasts = ["queued", "pending", "held", "dead"].map(last);
    format!("SELECT {}", lasts.join(","))
});

/// Whoever is done leaves; whoever is not, because another node has it, stays.
const LEAVE: &str = "UPDATE deliveries SET position = NULL WHERE tenant_id = $1 AND id = $2 \
                     AND position IS NOT NULL AND status IN ('delivered', 'cancelled', 'dead')";

/// Puts the first that waits to work, if nobody is.
const ADVANCE: &str = "UPDATE deliveries SET status = $1, owner = NULL, \
     due_at = CASE WHEN due_at > $2 THEN due_at ELSE $2 END \
     WHERE (tenant_id, id) IN (SELECT tenant_id, id FROM deliveries WHERE subscription_id = $3 \
     AND ordering_key = $4 AND status = 'queued' AND position IS NOT NULL ORDER BY position LIMIT 1) \
     AND NOT EXISTS (SELECT 1 FROM deliveries WHERE subscription_id = $3 AND ordering_key = $4 \
     AND status IN ('pending', 'held', 'dead') AND position IS NOT NULL)";

/// How a delivery that is to be tried again takes its status and its old place: in a line it waits for its
/// turn. To stand in a SET of a statement that returns [`LINE`].
pub(crate) fn again(status: Status) -> String {
    format!(
        "status = CASE WHEN ordering_key IS NULL THEN '{status}' ELSE 'queued' END, \
         position = CASE WHEN ordering_key IS NULL THEN NULL ELSE COALESCE(position, created_at) END, \
         earlier_attempts = attempts, first_attempt_at = NULL, settled_at = NULL"
    )
}

/// The columns that name the line of a delivery, as [`line`] reads them.
pub(crate) const LINE: &str = "subscription_id, ordering_key";

/// A subscription and an ordering key.
pub(crate) type Line = (DestinationId, Arc<str>);

/// A row of [`LINE`]; `None` for a delivery that stands in none.
pub(crate) fn line((subscription, key): (String, Option<String>)) -> Result<Option<Line>> {
    let Some(key) = key else { return Ok(None) };
    Ok(Some((crate::store::parsed(&subscription)?, key.into())))
}

/// A delivery on its way into a line.
#[derive(Clone)]
pub(super) struct Joining {
    line: Line,
    made_at: i64,
    cells: Vec<Cell>,
}

impl Joining {
    /// The delivery whose cells, without those of its line, these are.
    pub(super) fn new(line: Line, made_at: Timestamp, cells: Vec<Cell>) -> Self {
        Self {
            line,
            made_at: made_at.as_micros(),
            cells,
        }
    }

    /// Takes its place behind `last`; says which that is.
    fn placed(&self, last: Option<i64>) -> (Vec<Cell>, i64) {
        let position = last.map_or(self.made_at, |last| self.made_at.max(last + 1));
        let mut cells = self.cells.clone();
        if last.is_some() {
            cells[STATUS] = Cell::id(Status::Queued);
            // No lease is taken on what is not sent.
            cells[8] = Cell::Text(None);
        }
        cells.push(Cell::text(&self.line.1));
        cells.push(Cell::Int(Some(position)));
        (cells, position)
    }
}

type Standing = (Option<i64>, Option<i64>, Option<i64>, Option<i64>);

fn last((queued, pending, held, dead): Standing) -> Option<i64> {
    queued.max(pending).max(held).max(dead)
}

/// Writes deliveries at the ends of their lines, in this order. Their subscriptions must be locked.
pub(super) async fn join<'j>(
    tx: &mut Tx,
    joining: impl Iterator<Item = &'j Joining>,
) -> Result<()> {
    let mut ends: BTreeMap<&Line, Option<i64>> = BTreeMap::new();
    let mut rows = Vec::new();
    for one in joining {
        let (subscription, key) = &one.line;
        let end = if let Some(end) = ends.get(&one.line) {
            *end
        } else {
            let standing = sql(&**STANDING).bind(*subscription).bind(key);
            standing.find_in(tx).await?.and_then(last)
        };
        let (cells, position) = one.placed(end);
        ends.insert(&one.line, Some(position));
        rows.extend(cells);
    }
    IN_LINE.run(tx, rows).await.map(drop)
}

/// Writes a delivery that takes the place of its own time in its line, wherever that is. [`reorder`] follows.
pub(super) async fn join_at(tx: &mut Tx, joining: &Joining) -> Result<()> {
    let mut cells = joining.placed(None).0;
    cells[STATUS] = Cell::id(Status::Queued);
    IN_LINE.run(tx, cells).await.map(drop)
}

/// Puts the first of a line to work that is held, where others have joined before it; whoever is being sent
/// goes first all the same. The subscription must be locked.
pub(crate) async fn reorder(tx: &mut Tx, line: &Line, now: Timestamp) -> Result<()> {
    const STEP_BACK: &str = "UPDATE deliveries SET status = 'queued' WHERE subscription_id = $1 \
                             AND ordering_key = $2 AND status = 'held' AND position IS NOT NULL";
    sql(STEP_BACK).bind(line.0).bind(&line.1).run(tx).await?;
    advance(tx, line, now, Status::Held).await.map(drop)
}

/// Lets a delivery that is settled leave its line, and puts the next one to work; says whether there is one.
/// Its subscription must be locked.
pub(super) async fn leave(tx: &mut Tx, settlement: &Settlement) -> Result<bool> {
    let Some(standing) = &settlement.line else {
        return Ok(false);
    };
    let stays = match settlement.verdict {
        Verdict::Delivered { .. } | Verdict::Cancelled => false,
        Verdict::Dead { .. } => standing.blocks,
        Verdict::Retry { .. } | Verdict::Hold { .. } => true,
    };
    if stays {
        return Ok(false);
    }
    let leave = sql(LEAVE)
        .bind(settlement.tenant_id)
        .bind(settlement.delivery_id);
    let left = leave.run(tx).await?;
    if left == 0 {
        return Ok(false);
    }
    // What ends without an attempt was held, and what comes after it is held as well.
    let to = match settlement.attempt {
        None if matches!(settlement.verdict, Verdict::Dead { .. }) => Status::Held,
        _ => Status::Pending,
    };
    let line = (settlement.destination_id, Arc::clone(&standing.key));
    advance(tx, &line, settlement.at, to).await
}

/// Puts the first that waits in a line to work, as `to`, if nobody in it is; says whether it did. The
/// subscription must be locked.
pub(crate) async fn advance(tx: &mut Tx, line: &Line, now: Timestamp, to: Status) -> Result<bool> {
    let advance = sql(ADVANCE).bind(to).bind(now).bind(line.0).bind(&line.1);
    Ok(advance.run(tx).await? > 0)
}

/// Advances each of these lines once.
pub(crate) async fn advance_all(
    tx: &mut Tx,
    lines: impl IntoIterator<Item = Line>,
    now: Timestamp,
    to: Status,
) -> Result<()> {
    for line in lines.into_iter().collect::<BTreeSet<_>>() {
        advance(tx, &line, now, to).await?;
    }
    Ok(())
}

/// Locks the lines of these subscriptions until the transaction ends. To be called once, before anything else.
pub(crate) async fn lock(tx: &mut Tx, subscriptions: BTreeSet<DestinationId>) -> Result<()> {
    let ids = subscriptions.iter().map(ToString::to_string);
    locks::lock(tx, ids).await
}

/// The subscriptions whose lines a batch changes: to be locked before it is written.
pub(super) fn touched<'w>(
    items: impl Iterator<Item = &'w Encoded>,
    settlements: impl Iterator<Item = &'w Settlement>,
) -> BTreeSet<DestinationId> {
    let joined = items.flat_map(|item| &item.joining).map(|one| one.line.0);
    let mut touched: BTreeSet<_> = joined.collect();
    for settlement in settlements {
        let (notices, requeues) = match &settlement.verdict {
            Verdict::Dead { notice, turn } => {
                let turned = turn.as_ref().and_then(|turn| turn.notice.as_ref());
                ([notice.as_deref(), turned], false)
            }
            Verdict::Delivered { recovery } => {
                let turned = recovery.as_ref().and_then(|turn| turn.notice.as_ref());
                ([None, turned], recovery.is_some())
            }
            Verdict::Retry { .. } | Verdict::Hold { .. } | Verdict::Cancelled => {
                ([None, None], false)
            }
        };
        touched.extend(notices.into_iter().flatten().flat_map(joined_by));
        if settlement.line.is_some() || requeues {
            touched.insert(settlement.destination_id);
        }
    }
    touched
}

/// The subscriptions whose lines the deliveries of an event join.
pub(crate) fn joined_by(entry: &Entry) -> impl Iterator<Item = DestinationId> {
    let joining = entry.deliveries.iter();
    let joining = joining.filter(|delivery| delivery.ordering_key.is_some());
    joining.map(|delivery| delivery.destination_id)
}
