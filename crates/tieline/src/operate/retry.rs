//! Trying again inside of one call: only what cannot do anything twice, and only while there is time.

use std::time::Duration;

use rand::random;
use tieline_domain::operation::{CallError, ErrorKind};

/// How many times a request is sent at most.
pub(super) const ATTEMPTS: u32 = 3;

/// The wait before the second attempt; each later one waits twice as long.
const FIRST: Duration = Duration::from_millis(200);

/// Statuses after which the same request may succeed (RFC 9110, 15.6; RFC 6585, 4).
const PASSING: [u16; 4] = [429, 502, 503, 504];

/// How long to wait before the request is sent again; `None` if it must not be, or there is no time.
///
/// `attempt` counts from 1; `nothing_was_sent` says that the service saw nothing of the request; `may_repeat` that
/// the operation may be done twice; `left` is the time that the call still has.
pub(super) fn pause(
    error: &CallError,
    status: Option<u16>,
    attempt: u32,
    nothing_was_sent: bool,
    may_repeat: bool,
    left: Duration,
) -> Option<Duration> {
    let passes = match (error.kind, status) {
        (ErrorKind::UnknownOutcome | ErrorKind::Cancelled | ErrorKind::RefusedAddress, _) => false,
        (_, Some(status)) => PASSING.contains(&status) && may_repeat,
        (_, None) => nothing_was_sent,
    };
    if !passes || attempt >= ATTEMPTS {
        return None;
    }
    let own = FIRST * 2_u32.pow(attempt - 1);
    let own = own.mul_f64(0.75 + f64::from(random::<u16>()) / f64::from(u16::MAX) / 2.0);
    let asked = error.retry_after_ms.map(Duration::from_millis);
    let pause = asked.map_or(own, |asked| asked.max(own));
    (pause < left).then_some(pause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_harmless_is_tried_again() {
        use ErrorKind::{RateLimited, Retry, Timeout, UnknownOutcome, UpstreamError};
        let second = Duration::from_secs(1);
        let rows = [
            // kind, status, attempt, nothing was sent, may repeat, time left, again
            (Retry, None, 1, true, false, second * 9, true),
            (Retry, Some(503), 1, false, true, second * 9, true),
            (Retry, Some(503), 1, false, false, second * 9, false),
            (RateLimited, Some(429), 2, false, true, second * 9, true),
            (RateLimited, Some(429), 3, false, true, second * 9, false),
            (UpstreamError, Some(502), 1, false, true, second * 9, true),
            (UpstreamError, Some(500), 1, false, true, second * 9, false),
            (UnknownOutcome, None, 1, false, true, second * 9, false),
            (Timeout, None, 1, false, true, second * 9, false),
            (
                Retry,
                None,
                1,
                true,
                true,
                Duration::from_millis(100),
                false,
            ),
        ];
        for (kind, status, attempt, sent_nothing, may_repeat, left, expected) in rows {
            let error = CallError::new(kind, "");
            let found = pause(&error, status, attempt, sent_nothing, may_repeat, left);
            assert_eq!(found.is_some(), expected, "{kind:?} {status:?} {attempt}");
        }
        let asked = CallError::new(Retry, "").after(Some(5_000));
        assert_eq!(
            pause(&asked, Some(503), 1, false, true, second * 9),
            Some(second * 5)
        );
        assert_eq!(pause(&asked, Some(503), 1, false, true, second * 4), None);
    }
}
