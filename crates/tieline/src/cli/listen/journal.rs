//! What came so far: numbers, the rate, and which ids were seen before.

use std::collections::{HashSet, VecDeque};

use tieline_domain::Timestamp;

use super::judge::{Judged, Verdict};

/// How many ids are remembered to tell repeats.
const REMEMBERED: usize = 10_000;
/// Over how many of the last webhooks the rate is taken.
const RATED: usize = 50;

/// The record of a sink.
#[derive(Debug, Default)]
pub(super) struct Journal {
    count: u64,
    verified: u64,
    rejected: u64,
    ids: HashSet<String>,
    ids_in_order: VecDeque<String>,
    arrivals: VecDeque<Timestamp>,
}

/// What the record says of one webhook.
#[derive(Debug)]
pub(super) struct Entry {
    /// Its number, from 1.
    pub(super) number: u64,
    /// Whether its id was seen before.
    pub(super) repeat: bool,
    /// How many came per second lately; `None` for the first.
    pub(super) per_second: Option<f64>,
}

impl Journal {
    /// Records a webhook that came at `at`.
    pub(super) fn enter(&mut self, judged: &Judged, at: Timestamp) -> Entry {
        self.count += 1;
        match judged.verdict {
            Verdict::Verified(_) => self.verified += 1,
            Verdict::Rejected(_) => self.rejected += 1,
            Verdict::Unchecked(_) => {}
        }
        Entry {
            number: self.count,
            repeat: judged.id.as_deref().is_some_and(|id| self.seen_before(id)),
            per_second: self.rate(at),
        }
    }

    /// How many came.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// What to print in the end.
    pub(super) fn summary(&self) -> String {
        let unchecked = self.count - self.verified - self.rejected;
        format!(
            "{} received: {} verified, {} not verified, {unchecked} not checked",
            self.count, self.verified, self.rejected
        )
    }

    fn seen_before(&mut self, id: &str) -> bool {
        if !self.ids.insert(id.to_owned()) {
            return true;
        }
        self.ids_in_order.push_back(id.to_owned());
        if self.ids_in_order.len() > REMEMBERED
            && let Some(oldest) = self.ids_in_order.pop_front()
        {
            self.ids.remove(&oldest);
        }
        false
    }

    fn rate(&mut self, at: Timestamp) -> Option<f64> {
        self.arrivals.push_back(at);
        if self.arrivals.len() > RATED {
            self.arrivals.pop_front();
        }
        let intervals = self.arrivals.len() - 1;
        let span = at.since(*self.arrivals.front()?).as_secs_f64();
        (intervals > 0 && span > 0.0).then(|| intervals as f64 / span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(id: &str) -> Judged {
        Judged {
            preset: None,
            verdict: Verdict::Unchecked("a test"),
            event_type: None,
            id: Some(id.to_owned()),
            json: None,
            handshake: None,
        }
    }

    #[test]
    fn repeats_are_told_among_the_last_ids() {
        let mut journal = Journal::default();
        let mut enter = |id: &str| journal.enter(&judged(id), Timestamp::default()).repeat;
        assert_eq!([enter("a"), enter("b"), enter("a")], [false, false, true]);
        for n in 0..REMEMBERED {
            enter(&n.to_string());
        }
        assert!(!enter("a"), "forgotten long ago");
        assert!(enter("9999"));
    }

    #[test]
    fn the_rate_is_that_of_the_last_webhooks() {
        let mut journal = Journal::default();
        let mut enter = |millis: i64| {
            let at = Timestamp::from_micros(millis * 1_000);
            journal.enter(&judged("a"), at).per_second
        };
        assert_eq!(enter(0), None);
        assert_eq!(enter(500), Some(2.0));
        assert_eq!(enter(1_000), Some(2.0));
    }
}
