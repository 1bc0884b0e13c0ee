//! How fast a job goes: a rate, in small batches.

use std::time::Duration;

use tokio::time::Instant;

/// How many batches make a second, as long as they stay small: a batch goes out as one burst, and what is
/// published meanwhile shares the machine with it.
const BATCHES_PER_SECOND: u32 = 50;

/// The most items in one batch: few enough that a commit of them delays nobody.
const MOST: u32 = 100;

/// Spreads items evenly over time.
pub(super) struct Pace {
    per_second: u32,
    next: Option<Instant>,
}

impl Pace {
    pub(super) fn new(per_second: u32) -> Self {
        Self {
            per_second: per_second.max(1),
            next: None,
        }
    }

    /// How many items may go at once.
    pub(super) fn batch(&self) -> usize {
        (self.per_second / BATCHES_PER_SECOND).clamp(1, MOST) as usize
    }

    /// When the next batch, of `count` items, may go. Time that was lost is not made up for.
    pub(super) fn next(&mut self, now: Instant, count: usize) -> Instant {
        let turn = self.next.map_or(now, |next| next.max(now));
        self.next = Some(turn + Duration::from_secs(1) * count as u32 / self.per_second);
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_small() {
        let rows = [(1, 1), (20, 1), (100, 2), (500, 10), (10_000, 100)];
        for (rate, batch) in rows {
            assert_eq!(Pace::new(rate).batch(), batch, "{rate}");
        }
    }

    #[test]
    fn as_many_go_in_a_second_as_the_rate_says() {
        let begun = Instant::now();
        let (mut pace, mut gone) = (Pace::new(50), 0);
        while pace.next(begun, 10) < begun + Duration::from_secs(1) {
            gone += 10;
        }
        assert_eq!(gone, 50);
        let late = begun + Duration::from_mins(1);
        assert_eq!(pace.next(late, 10), late, "lost time is not made up for");
        assert!(pace.next(late, 10) > late);
    }
}
