//! Signed timestamps: read, written, and held against the clock.

use super::Rejection;
use super::scheme::{TimestampRule, TimestampUnit};

const MICROS_PER_SECOND: i64 = 1_000_000;
const MICROS_PER_MILLI: i64 = 1_000;
/// Longer than any RFC 3339 timestamp that a sender writes.
const MAX_LENGTH: usize = 48;
/// Length of every `Tue, 14 Nov 2023 22:13:20 GMT`.
const HTTP_DATE_LENGTH: usize = 29;

impl TimestampRule {
    /// Accepts a timestamp, as it was received, that is near enough to `now_us` (Unix microseconds), or of any age
    /// where the rule has no tolerance.
    pub(super) fn check(self, raw: &[u8], now_us: i64) -> Result<(), Rejection> {
        let sent_us = self.unit.parse(raw).ok_or(Rejection::MalformedTimestamp {
            expected: self.unit.expected(),
        })?;
        let Some(tolerance_seconds) = self.tolerance_seconds else {
            return Ok(());
        };
        let age_us = i128::from(now_us) - i128::from(sent_us);
        let seconds =
            u64::try_from(age_us.unsigned_abs() / MICROS_PER_SECOND as u128).unwrap_or(u64::MAX);
        if age_us.unsigned_abs() <= u128::from(tolerance_seconds) * MICROS_PER_SECOND as u128 {
            Ok(())
        } else if age_us > 0 {
            Err(Rejection::StaleTimestamp {
                seconds,
                tolerance_seconds,
            })
        } else {
            Err(Rejection::FutureTimestamp {
                seconds,
                tolerance_seconds,
            })
        }
    }
}

impl TimestampUnit {
    /// Reads a timestamp into Unix microseconds. Numbers are plain digits: no sign, point, exponent or space.
    fn parse(self, raw: &[u8]) -> Option<i64> {
        let text = std::str::from_utf8(raw)
            .ok()
            .filter(|text| text.len() <= MAX_LENGTH)?;
        match self {
            Self::Seconds => parse_digits(text)?.checked_mul(MICROS_PER_SECOND),
            Self::Milliseconds => parse_digits(text)?.checked_mul(MICROS_PER_MILLI),
            Self::Iso8601 => text
                .parse::<jiff::Timestamp>()
                .ok()
                .map(jiff::Timestamp::as_microsecond),
            // RFC 2822 lets a weekday or a zero go; beside a body without a separator, such a letter could stand
            // in either.
            Self::HttpDate if text.len() != HTTP_DATE_LENGTH => None,
            Self::HttpDate => jiff::fmt::rfc2822::DateTimeParser::new()
                .parse_timestamp(text)
                .ok()
                .map(jiff::Timestamp::as_microsecond),
        }
    }

    /// Writes `now_us` (Unix microseconds) as a sender does.
    pub(super) fn format(self, now_us: i64) -> String {
        match self {
            Self::Seconds => now_us.div_euclid(MICROS_PER_SECOND).to_string(),
            Self::Milliseconds => now_us.div_euclid(MICROS_PER_MILLI).to_string(),
            Self::Iso8601 => second(now_us).to_string(),
            Self::HttpDate => second(now_us).strftime("%a, %d %b %Y %T GMT").to_string(),
        }
    }

    fn expected(self) -> &'static str {
        match self {
            Self::Seconds => "whole seconds since 1970, such as 1700000000",
            Self::Milliseconds => "whole milliseconds since 1970, such as 1700000000000",
            Self::Iso8601 => "a date and time such as 2026-01-31T12:00:00Z",
            Self::HttpDate => "a date and time such as Sat, 31 Jan 2026 12:00:00 GMT",
        }
    }
}

/// `now_us` (Unix microseconds) down to its second.
fn second(now_us: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(now_us.div_euclid(MICROS_PER_SECOND))
        .unwrap_or(jiff::Timestamp::MAX)
}

fn parse_digits(text: &str) -> Option<i64> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}
