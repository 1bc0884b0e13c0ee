//! The health of the place where deliveries go (seed 002, API.md 6).

use std::time::Duration;

use crate::{DestinationId, EventId, Timestamp, words::words};

words! {
    /// Whether deliveries to a destination go out.
    #[derive(Default)]
    State, "state of a destination" {
        /// They do.
        #[default]
        Active = "active",
        /// A delivery failed its last attempt and nothing succeeded meanwhile: everything is held, and
        /// one delivery now and then probes whether the destination is back.
        Error = "error",
        /// Held by hand.
        Paused = "paused",
        /// Ended: by its receiver (410), or by hand. Events are only recorded.
        Disabled = "disabled",
    }
}

impl State {
    /// Whether deliveries wait without a date: neither sent nor dropped.
    pub fn holds(self) -> bool {
        self != Self::Active
    }
}

/// The health of one destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// Its id.
    pub id: DestinationId,
    /// Its state.
    pub state: State,
    /// Why it is in that state, in a sentence; empty while active.
    pub reason: String,
    /// Since when it is in that state.
    pub since: Timestamp,
    /// The first failed attempt of the delivery that put it in `error`: what died since then is
    /// queued again when it recovers.
    pub failing_since: Option<Timestamp>,
    /// The last success, to the second.
    pub last_success_at: Option<Timestamp>,
    /// How many probes failed since it turned `error`.
    pub failed_probes: u32,
    /// When the next probe may go out.
    pub probe_at: Option<Timestamp>,
    /// How far it has caught up with what it has missed, while it does.
    pub catching_up: Option<CatchingUp>,
}

/// The events with which a destination that was off catches up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CatchingUp {
    /// Up to this event, inclusive, it has.
    pub after: EventId,
    /// It does with those that were made before this; it begins a little later, so that all of them are
    /// on disk.
    pub before: Timestamp,
    /// How many it was owed so far.
    pub found: u64,
}

/// How long to wait before the next probe: `first`, doubled after each failed one, at most `longest`.
pub fn probe_wait(failed_probes: u32, first: Duration, longest: Duration) -> Duration {
    first
        .saturating_mul(1_u32.checked_shl(failed_probes).unwrap_or(u32::MAX))
        .min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_back_off_from_a_minute_to_an_hour() {
        let wait = |n| probe_wait(n, Duration::from_mins(1), Duration::from_hours(1)).as_secs();
        assert_eq!(
            [0, 1, 5, 6, 31, 32, 99].map(wait),
            [60, 120, 1_920, 3_600, 3_600, 3_600, 3_600]
        );
    }

    #[test]
    fn states_read_what_they_write() {
        for word in ["active", "error", "paused", "disabled"] {
            assert_eq!(word.parse::<State>().unwrap().to_string(), word);
        }
        assert!("broken".parse::<State>().is_err());
    }
}
