//! When a failed delivery is tried again.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Bounds, Violation};

/// The delays before each attempt, in seconds; the first is before the first attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Schedule(pub Vec<u32>);

impl Default for Schedule {
    /// At once, then after 5 s, 30 s, 5 min and 30 min (API.md 6).
    fn default() -> Self {
        Self(vec![0, 5, 30, 300, 1_800])
    }
}

impl Schedule {
    /// Everything that is wrong with it, with pointers relative to the list.
    pub fn violations(&self, bounds: &Bounds) -> Vec<Violation> {
        if self.0.is_empty() || self.0.len() > bounds.retries {
            let most = bounds.retries;
            let detail = format!("give 1 to {most} delays in seconds, such as [0, 5, 30]");
            return vec![Violation::new("", detail)];
        }
        let longest = bounds.retry_delay.as_secs();
        let long = |(i, _)| {
            let detail = format!("a delay is at most {longest} seconds");
            Violation::new(format!("/{i}"), detail)
        };
        let too_long = |(_, delay): &(usize, &u32)| u64::from(**delay) > longest;
        self.0
            .iter()
            .enumerate()
            .filter(too_long)
            .map(long)
            .collect()
    }

    /// The delay before the first attempt.
    pub fn first_delay(&self) -> Duration {
        Duration::from_secs(self.0.first().copied().unwrap_or(0).into())
    }

    /// How long to wait after attempt number `made` (counted from 1) has failed; `None` after the
    /// last. `jitter` is the share by which the wait may differ either way (0.2 for ±20 %),
    /// `chance` a random number from 0 to 1. A receiver's `retry_after` makes the wait longer, never
    /// shorter.
    pub fn wait_after(
        &self,
        made: u32,
        jitter: f64,
        chance: f64,
        retry_after: Option<Duration>,
    ) -> Option<Duration> {
        let delay = Duration::from_secs((*self.0.get(made as usize)?).into());
        let wait = delay.mul_f64((1.0 + jitter * (2.0 * chance - 1.0)).max(0.0));
        Some(wait.max(retry_after.unwrap_or_default()))
    }
}

/// The wait that a `Retry-After` header (RFC 9110, 10.2.3) asks for, however long: seconds, or an HTTP
/// date seen from `now`.
pub fn parse_retry_after(value: &str, now: crate::Timestamp) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let at = jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(value)
        .ok()?;
    Some(crate::Timestamp::from_micros(at.as_microsecond()).since(now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;

    #[test]
    fn waits_follow_the_list_with_jitter() {
        let schedule = Schedule::default();
        let seconds = |made, chance, after: Option<u64>| {
            schedule
                .wait_after(made, 0.2, chance, after.map(Duration::from_secs))
                .map(|wait| wait.as_secs_f64())
        };
        assert_eq!(seconds(1, 0.5, None), Some(5.0));
        assert_eq!(seconds(1, 0.0, None), Some(4.0));
        assert_eq!(seconds(1, 1.0, None), Some(6.0));
        assert_eq!(seconds(4, 0.5, None), Some(1_800.0));
        assert_eq!(seconds(5, 0.5, None), None);
        assert_eq!(seconds(1, 0.5, Some(60)), Some(60.0));
        assert_eq!(seconds(3, 0.5, Some(60)), Some(300.0));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        let rows = [
            ("120", Some(120)),
            ("18446744073709551615", Some(u64::MAX)),
            ("Sun, 29 Nov 2026 10:00:00 GMT", Some(604_800)),
            (" 7 ", Some(7)),
            ("Sun, 22 Nov 2026 10:01:00 GMT", Some(60)),
            ("Sun, 22 Nov 2026 09:00:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
            ("", None),
        ];
        for (text, seconds) in rows {
            assert_eq!(
                parse_retry_after(text, now),
                seconds.map(Duration::from_secs),
                "{text}"
            );
        }
    }

    #[test]
    fn bad_schedules_are_named() {
        assert_eq!(
            Schedule(vec![]).violations(&Bounds::default())[0].pointer,
            ""
        );
        assert_eq!(
            Schedule(vec![0; 51]).violations(&Bounds::default())[0].pointer,
            ""
        );
        assert_eq!(
            Schedule(vec![0, 604_801]).violations(&Bounds::default())[0].pointer,
            "/1"
        );
        assert!(
            Schedule::default()
                .violations(&Bounds::default())
                .is_empty()
        );
    }
}
