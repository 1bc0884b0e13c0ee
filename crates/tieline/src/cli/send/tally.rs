//! What became of the messages: counts, times, the first failure.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    cli::{
        amount::time_in_words,
        terminal::{Ink, Terminal, visible},
    },
    outbound::{Answer, Error},
};

/// The most characters of an answer's body that are shown.
const EXCERPT: usize = 500;

/// The outcomes so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    accepted: u64,
    failed: u64,
    /// How many ended in which way: a status, or the code of an error.
    ways: BTreeMap<String, u64>,
    /// The time of each answer, in microseconds.
    micros: Vec<u32>,
    first_answer: Option<String>,
    first_failure: Option<String>,
}

impl Tally {
    /// Counts the outcome of one message, which came after `time`.
    pub(super) fn add(&mut self, outcome: Result<Answer, Error>, time: Duration) {
        let (way, accepted, said) = match &outcome {
            Ok(answer) => (
                answer.status.to_string(),
                answer.status.is_success(),
                described(answer),
            ),
            Err(error) => (
                format!("no answer ({})", error.kind()),
                false,
                error.to_string(),
            ),
        };
        *self.ways.entry(way).or_default() += 1;
        if outcome.is_ok() {
            let micros = u32::try_from(time.as_micros()).unwrap_or(u32::MAX);
            self.micros.push(micros);
        }
        if accepted {
            self.accepted += 1;
            self.first_answer.get_or_insert(said);
        } else {
            self.failed += 1;
            self.first_failure.get_or_insert(said);
        }
    }

    /// Whether every message was answered with a 2xx.
    pub(super) fn all_accepted(&self) -> bool {
        self.failed == 0
    }

    /// The counts, to stand beside a bar.
    pub(super) fn in_short(&self) -> String {
        format!("{} accepted, {} failed", self.accepted, self.failed)
    }

    /// What to print in the end.
    pub(super) fn summary(&mut self, took: Duration, terminal: Terminal) -> Vec<String> {
        self.micros.sort_unstable();
        let sent = self.accepted + self.failed;
        let ink = if self.failed == 0 {
            Ink::Good
        } else {
            Ink::Bad
        };
        let outcome = terminal.paint(ink, &self.in_short()).into_owned();
        let per_second = sent as f64 / took.as_secs_f64().max(f64::EPSILON);
        let mut lines = vec![format!(
            "{sent} sent in {} ({per_second:.0}/s): {outcome}",
            time_in_words(took)
        )];
        lines.extend(
            self.ways
                .iter()
                .map(|(way, count)| format!("  {way}: {count}")),
        );
        if let Some(longest) = self.micros.last() {
            lines.push(format!(
                "latency p50 {}, p99 {}, longest {}",
                self.percentile(50),
                self.percentile(99),
                time_in_words(Duration::from_micros((*longest).into()))
            ));
        }
        if let Some(failure) = &self.first_failure {
            lines.push(format!("first failure: {}", visible(failure)));
        } else if let (1, Some(answer)) = (sent, &self.first_answer) {
            lines.push(format!("answer: {}", visible(answer)));
        }
        lines
    }

    /// The time that `percent` of the answers did not exceed (nearest rank); the times are sorted.
    fn percentile(&self, percent: usize) -> String {
        let rank = (self.micros.len() * percent).div_ceil(100).max(1);
        let micros = self.micros.get(rank - 1).copied().unwrap_or_default();
        time_in_words(Duration::from_micros(micros.into()))
    }
}

/// The status and the beginning of the body.
fn described(answer: &Answer) -> String {
    let body = String::from_utf8_lossy(&answer.body);
    let body = body.trim();
    let end = body
        .char_indices()
        .nth(EXCERPT)
        .map_or(body.len(), |(at, _)| at);
    let marker = if end < body.len() || answer.body_truncated() {
        " …"
    } else {
        ""
    };
    format!("{} {}{marker}", answer.status, &body[..end])
        .trim_end()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let tally = |micros: Vec<u32>| Tally {
            micros,
            ..Tally::default()
        };
        let hundred = tally((1..=100).map(|ms| ms * 1_000).collect());
        assert_eq!(hundred.percentile(50), "50 ms");
        assert_eq!(hundred.percentile(99), "99 ms");
        assert_eq!(tally(vec![3_000]).percentile(99), "3.0 ms");
    }
}
