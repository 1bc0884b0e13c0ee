//! The pace of deliveries to one destination: how many a second, with what burst.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Violation;

/// The fastest pace that can be asked for, in deliveries a second.
pub const MAX_PER_SECOND: u32 = 10_000;

/// What is added to the second over which the deliveries of one second are spread: by so much some may
/// be late, and others not, before a second sees one more than the limit.
pub const GUARD: Duration = Duration::from_millis(100);

/// How fast deliveries go out at most, over all nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// How many in any second: 1 to [`MAX_PER_SECOND`].
    pub per_second: u32,
    /// How many may go out at once after a pause: 1 to [`MAX_PER_SECOND`]. With a burst of more than 1,
    /// a second sees up to `per_second + burst - 1`.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub burst: u32,
}

fn one() -> u32 {
    1
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_one(burst: &u32) -> bool {
    *burst == 1
}

impl RateLimit {
    /// The time between two deliveries.
    pub fn interval(&self) -> Duration {
        (Duration::from_secs(1) + GUARD) / self.per_second.max(1)
    }

    /// How much earlier than its turn a delivery may go out after a pause.
    pub fn credit(&self) -> Duration {
        self.interval() * self.burst.saturating_sub(1)
    }

    /// Everything that is wrong with it, with pointers relative to it.
    pub fn violations(&self) -> Vec<Violation> {
        let rows = [("/per_second", self.per_second), ("/burst", self.burst)];
        let bad = rows
            .iter()
            .filter(|(_, count)| !(1..=MAX_PER_SECOND).contains(count));
        let detail = format!("give 1 to {MAX_PER_SECOND}");
        bad.map(|(pointer, _)| Violation::new(*pointer, &*detail))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_more_than_the_limit_takes_longer_than_a_second() {
        for per_second in [1, 3, 10, 999, MAX_PER_SECOND] {
            let limit = RateLimit {
                per_second,
                burst: 1,
            };
            let spread = limit.interval() * per_second;
            assert!(
                spread > Duration::from_secs(1) + GUARD / 2,
                "{per_second} a second: {spread:?}"
            );
            assert_eq!(limit.credit(), Duration::ZERO);
        }
    }
}
