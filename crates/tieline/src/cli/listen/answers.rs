//! How the sink answers: the status, the delay, the share that fails.

use std::time::Duration;

/// The status of an answer that is made to fail.
const FAILURE: u16 = 500;

/// The behaviour that was asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answers {
    status: u16,
    delay: Duration,
    fail_ratio: f64,
}

impl Answers {
    /// Answers with `status` after `delay`, but with 500 to a `fail_ratio` (0 to 1) of the requests.
    pub(super) fn new(status: u16, delay: Duration, fail_ratio: f64) -> Self {
        Self {
            status,
            delay,
            fail_ratio,
        }
    }

    /// How long to wait before an answer.
    pub(super) fn delay(self) -> Duration {
        self.delay
    }

    /// The status of the answer to request `number`, counted from 1. The failures are spread evenly
    /// and are the same in every run: of 10 requests with 0.3, these are 4, 7 and 10.
    pub(super) fn status_of(self, number: u64) -> u16 {
        // A hair above, so that 10 × 0.3 reaches 3 in spite of rounding.
        let failed_by = |n: u64| (n as f64 * self.fail_ratio + 1e-9).floor();
        if failed_by(number) > failed_by(number - 1) {
            FAILURE
        } else {
            self.status
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_that_fails_is_exact_and_spread() {
        let failing = |ratio: f64| -> Vec<u64> {
            let answers = Answers::new(200, Duration::ZERO, ratio);
            (1..=10).filter(|n| answers.status_of(*n) == 500).collect()
        };
        assert!(failing(0.0).is_empty());
        assert_eq!(failing(0.3), [4, 7, 10]);
        assert_eq!(failing(0.5), [2, 4, 6, 8, 10]);
        assert_eq!(failing(1.0).len(), 10);
    }
}
