//! Counting what attempts show, for the statistics of destinations: in memory by the minute, written down
//! every few seconds. A node that dies takes the last of these seconds with it; the attempts themselves
//! are recorded all the same.

use std::{collections::HashMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tieline_domain::{DestinationId, TenantId, Timestamp, tally::Tally};
use tieline_store::statistics::Minute;
use tokio::time::sleep;

use super::Dispatcher;

/// How often what was counted is written down.
const WRITE_EVERY: Duration = Duration::from_secs(3);

/// A minute, in microseconds.
const MINUTE: i64 = 60_000_000;

/// What this node has counted in minutes that are not over, or not written down.
pub(super) struct Tallies {
    /// Tells apart what several nodes count, and what several lives of one do.
    node: String,
    minutes: Mutex<HashMap<(DestinationId, Timestamp), Counted>>,
}

struct Counted {
    tenant: TenantId,
    tally: Tally,
    /// Whether something was counted that is not written down.
    fresh: bool,
}

impl Tallies {
    pub(super) fn new() -> Self {
        Self {
            node: format!("{:032x}", rand::random::<u128>()),
            minutes: Mutex::default(),
        }
    }

    /// Counts an attempt that ended at `at`.
    pub(super) fn note(
        &self,
        (tenant, subscription): (TenantId, DestinationId),
        at: Timestamp,
        error: Option<&str>,
        took: Duration,
    ) {
        let minute = Timestamp::from_micros(at.as_micros() - at.as_micros().rem_euclid(MINUTE));
        let mut minutes = self.minutes.lock();
        let counted = minutes
            .entry((subscription, minute))
            .or_insert_with(|| Counted {
                tenant,
                tally: Tally::default(),
                fresh: true,
            });
        counted.tally.note(error, took);
        counted.fresh = true;
    }

    /// What is not written down yet; noted as written.
    fn fresh(&self) -> Vec<Minute> {
        let mut minutes = self.minutes.lock();
        let fresh = minutes.iter_mut().filter(|(_, counted)| counted.fresh);
        let fresh = fresh.map(|((subscription, at), counted)| {
            counted.fresh = false;
            Minute {
                destination_id: *subscription,
                tenant_id: counted.tenant,
                at: *at,
                tally: counted.tally.clone(),
            }
        });
        fresh.collect()
    }

    /// Notes that these could not be written down.
    fn not_written(&self, unwritten: &[Minute]) {
        let mut minutes = self.minutes.lock();
        for minute in unwritten {
            if let Some(counted) = minutes.get_mut(&(minute.destination_id, minute.at)) {
                counted.fresh = true;
            }
        }
    }

    /// Forgets what is written down of minutes that were over a minute ago.
    fn forget_before(&self, now: Timestamp) {
        let before = now.minus(Duration::from_mins(2));
        self.minutes
            .lock()
            .retain(|(_, at), counted| counted.fresh || *at >= before);
    }
}

impl Dispatcher {
    pub(super) async fn write_tallies(self: Arc<Self>) {
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = sleep(WRITE_EVERY) => self.write_tallies_down().await,
            }
        }
    }

    /// Writes down what was counted so far.
    pub async fn write_tallies_down(&self) {
        let fresh = self.tallies.fresh();
        let written = self.parts.store.put_minutes(&self.tallies.node, &fresh);
        if let Err(error) = written.await {
            tracing::warn!(%error, "cannot write statistics; will try again");
            self.tallies.not_written(&fresh);
        }
        self.tallies.forget_before(self.parts.clock.now());
    }
}
