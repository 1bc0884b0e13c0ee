//! Keeping a destination's pace: turns in time for a rate limit, permits for attempts at once. Only
//! subscriptions with such a limit come here.
//!
//! Turns are one interval apart, over all nodes. A node that comes late for its turn lets it go: by no more
//! than half of the guard can two deliveries come closer than their turns, so that no second sees one more
//! than the limit (`domain/src/pace.rs`).

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use rand::Rng as _;
use tieline_domain::{
    DestinationId,
    pace::{GUARD, RateLimit},
};
use tieline_store::pace::{Permit, SharedPace};
use tokio::{
    sync::Mutex,
    time::{Instant, sleep, sleep_until},
};

use crate::registry::Limits;

/// How far ahead turns are taken: what a node does not use is lost to the others.
const AHEAD: Duration = Duration::from_millis(250);

/// How long to wait before the database is asked again.
const ASK_AGAIN: Duration = Duration::from_millis(50);

/// How long a permit is used for one delivery after the other before others may have it.
const KEEP_PERMIT: Duration = Duration::from_secs(2);

/// How long others have to take a permit that was given back.
const LEAVE_PERMIT: Duration = Duration::from_millis(100);

/// The paces of all destinations that have one.
pub(super) struct Paces {
    shared: Option<SharedPace>,
    /// When this node began: it does not know what another life of it has just sent.
    began: Instant,
    by_subscription: Mutex<HashMap<DestinationId, Arc<Mutex<Pace>>>>,
}

/// Whoever has this waits for the next turn; the others wait for this.
struct Pace {
    turns: VecDeque<Turn>,
    /// When the next turn is, where this node decides alone.
    next: Instant,
    limit: Option<RateLimit>,
}

/// A time to send in.
#[derive(Clone, Copy)]
struct Turn {
    from: Instant,
    until: Instant,
}

/// A permit for attempts, and since when it is used.
pub(super) struct Permitted {
    permit: Permit,
    since: Instant,
}

impl Paces {
    pub(super) fn new(shared: Option<SharedPace>) -> Self {
        Self {
            shared,
            began: Instant::now(),
            by_subscription: Mutex::default(),
        }
    }

    /// Waits for the next turn of a destination for which `waiting` deliveries wait; answers until when it
    /// may be used.
    pub(super) async fn turn(
        &self,
        subscription: DestinationId,
        limit: RateLimit,
        waiting: usize,
    ) -> Instant {
        let pace = self.pace(subscription).await;
        let mut pace = pace.lock().await;
        if pace.limit != Some(limit) {
            pace.turns.clear();
            pace.limit = Some(limit);
        }
        loop {
            let Some(turn) = pace.turns.pop_front() else {
                self.take_turns(subscription, limit, waiting, &mut pace)
                    .await;
                continue;
            };
            if Instant::now() <= turn.until {
                sleep_until(turn.from).await;
            }
            if Instant::now() <= turn.until {
                return turn.until;
            }
        }
    }

    async fn pace(&self, subscription: DestinationId) -> Arc<Mutex<Pace>> {
        let mut all = self.by_subscription.lock().await;
        let pace = all.entry(subscription).or_insert_with(|| {
            let first = self.began + Duration::from_secs(1) + GUARD;
            Arc::new(Mutex::new(Pace {
                turns: VecDeque::new(),
                next: first,
                limit: None,
            }))
        });
        Arc::clone(pace)
    }

    async fn take_turns(
        &self,
        subscription: DestinationId,
        limit: RateLimit,
        waiting: usize,
        pace: &mut Pace,
    ) {
        let interval = limit.interval();
        let fit = AHEAD.as_micros() / interval.as_micros().max(1);
        let count = u32::try_from(fit.min(waiting as u128 + 1)).unwrap_or(1);
        let count = count.max(1);
        let asked = Instant::now();
        let Some(shared) = &self.shared else {
            let credited = asked.checked_sub(limit.credit()).unwrap_or(asked);
            let first = pace.next.max(credited);
            pace.next = first + interval * count;
            let turns = (0..count).map(|i| first + interval * i);
            pace.turns.extend(turns.map(|at| Turn {
                from: at,
                until: at.max(asked) + GUARD / 2,
            }));
            return;
        };
        match shared.take_turns(subscription, &limit, count).await {
            Ok(wait) => {
                // What the database calls now was between these two.
                let answered = Instant::now();
                let turns = (0..count).map(|i| after(wait, interval * i));
                pace.turns.extend(turns.map(|wait| Turn {
                    from: answered + wait,
                    until: asked + wait + GUARD / 2,
                }));
            }
            Err(error) => {
                tracing::warn!(%error, %subscription, "cannot take turns; deliveries wait");
                sleep(ASK_AGAIN).await;
            }
        }
    }

    /// Makes sure of a permit for an attempt that takes at most `time`: keeps the one there is, or waits for
    /// another. `None` where none is needed.
    pub(super) async fn permit(
        &self,
        subscription: DestinationId,
        limits: Limits,
        time: Duration,
        held: Option<Permitted>,
    ) -> Option<Permitted> {
        let most = limits.in_flight?;
        let shared = self.shared.as_ref()?;
        // The end of an attempt is noted a little after its deadline.
        let time = time + Duration::from_secs(1);
        if let Some(held) = held {
            if held.since.elapsed() < KEEP_PERMIT {
                if shared
                    .keep_permit(&held.permit, time)
                    .await
                    .unwrap_or(false)
                {
                    return Some(held);
                }
            } else {
                self.give_back(Some(held)).await;
                sleep(LEAVE_PERMIT).await;
            }
        }
        loop {
            let owner = format!("{:032x}", rand::rng().random::<u128>());
            match shared.take_permit(subscription, most, owner, time).await {
                Ok(Some(permit)) => {
                    return Some(Permitted {
                        permit,
                        since: Instant::now(),
                    });
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(%error, %subscription, "cannot take a permit; deliveries wait");
                }
            }
            sleep(ASK_AGAIN).await;
        }
    }

    /// Lets others have a permit.
    pub(super) async fn give_back(&self, held: Option<Permitted>) {
        let (Some(shared), Some(held)) = (&self.shared, held) else {
            return;
        };
        if let Err(error) = shared.give_permit_back(&held.permit).await {
            tracing::debug!(%error, "cannot give a permit back; it ends by itself");
        }
    }
}

/// `wait` microseconds and `more`, but not less than nothing.
fn after(wait: i64, more: Duration) -> Duration {
    let more = i64::try_from(more.as_micros()).unwrap_or(i64::MAX);
    let micros = wait.saturating_add(more);
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}
