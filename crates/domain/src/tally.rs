//! Tallies: what many attempts showed, in little room.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

/// How many latencies are told apart.
const BUCKETS: usize = 136;

/// Up to which latency each bucket reaches, in microseconds: each an eighth further than the one before,
/// from 100 µs to more than ten minutes. A percentile is at most so much too high.
const BOUNDS: [u64; BUCKETS] = {
    let mut bounds = [100; BUCKETS];
    let mut i = 1;
    while i < BUCKETS {
        bounds[i] = bounds[i - 1] * 9 / 8;
        i += 1;
    }
    bounds
};

/// What some attempts showed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// How many there were.
    pub attempts: u64,
    /// How many failed, by the kind of their error.
    pub errors: BTreeMap<String, u64>,
    /// How many took so long, by bucket.
    latencies: BTreeMap<usize, u64>,
}

impl Tally {
    /// Notes an attempt.
    pub fn note(&mut self, error: Option<&str>, took: Duration) {
        self.attempts += 1;
        if let Some(kind) = error {
            match self.errors.get_mut(kind) {
                Some(count) => *count += 1,
                None => drop(self.errors.insert(kind.to_owned(), 1)),
            }
        }
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.partition_point(|bound| *bound < micros);
        *self.latencies.entry(bucket.min(BUCKETS - 1)).or_default() += 1;
    }

    /// Adds what other attempts showed.
    pub fn add(&mut self, other: &Self) {
        self.attempts += other.attempts;
        for (kind, count) in &other.errors {
            *self.errors.entry(kind.clone()).or_default() += count;
        }
        for (bucket, count) in &other.latencies {
            *self.latencies.entry(*bucket).or_default() += count;
        }
    }

    /// How many succeeded.
    pub fn successes(&self) -> u64 {
        self.attempts
            .saturating_sub(self.errors.values().sum::<u64>())
    }

    /// The latency that `share` (0 to 1) of the attempts did not exceed, at most an eighth too high;
    /// `None` without attempts.
    pub fn percentile(&self, share: f64) -> Option<Duration> {
        let rank = (share * self.attempts as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        let bucket = self.latencies.iter().find(|(_, count)| {
            seen += **count;
            seen >= rank
        });
        bucket.map(|(bucket, _)| Duration::from_micros(BOUNDS[(*bucket).min(BUCKETS - 1)]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_at_most_an_eighth_too_high() {
        let mut tally = Tally::default();
        assert_eq!(tally.percentile(0.5), None);
        for millis in 1..=1_000 {
            tally.note(None, Duration::from_millis(millis));
        }
        for (share, exact) in [(0.5, 500_000.0), (0.95, 950_000.0), (0.99, 990_000.0)] {
            let found = tally.percentile(share).unwrap().as_micros() as f64;
            assert!(
                (exact..=exact * 1.126).contains(&found),
                "{share}: {found} for {exact}"
            );
        }
        tally.note(Some("timeout"), Duration::from_hours(9));
        assert!(tally.percentile(1.0).unwrap() > Duration::from_mins(10));
    }

    #[test]
    fn tallies_add_up_and_come_back_from_json() {
        let mut one = Tally::default();
        one.note(None, Duration::from_millis(3));
        one.note(Some("status"), Duration::from_millis(5));
        let mut other = Tally::default();
        other.note(Some("status"), Duration::from_millis(3));
        other.note(Some("dns"), Duration::ZERO);
        one.add(&other);
        assert_eq!((one.attempts, one.successes()), (4, 1));
        assert_eq!(one.errors["status"], 2);
        let text = serde_json::to_string(&one).unwrap();
        assert_eq!(serde_json::from_str::<Tally>(&text).unwrap(), one);
    }
}
