//! What follows from an attempt: a pure decision.

use std::time::Duration;

use tieline_domain::{destination::State, retry::Schedule};

/// What an attempt showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Showed {
    /// An answer with this status, and the wait that it asks for.
    Status(u16, Option<Duration>),
    /// No answer.
    Nothing,
    /// What was to be done is done.
    Done,
    /// It is not done; another try may succeed, not before this wait.
    NotYet(Option<Duration>),
    /// It is not done, and no other try would help.
    Hopeless,
    /// It was called off before it was begun.
    CalledOff,
}

/// Where the delivery stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing<'a> {
    /// The delays between attempts.
    pub(super) schedule: &'a Schedule,
    /// Attempts made in this schedule, the present one included.
    pub(super) made: u32,
    /// Whether this attempt probed a destination in `error`.
    pub(super) probe: bool,
    /// The state of the destination, as known here.
    pub(super) state: State,
    /// The share by which a wait may differ.
    pub(super) jitter: f64,
    /// A random number from 0 to 1.
    pub(super) chance: f64,
    /// The longest wait that a receiver can ask for.
    pub(super) longest_wait: Duration,
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Done; `recovers`: the destination was in `error` and is back.
    Delivered { recovers: bool },
    /// Try again after this wait.
    Retry(Duration),
    /// Hold it again: the probe failed.
    HoldAgain,
    /// A dead letter, and the destination may be in trouble.
    Dead,
    /// A dead letter, and the receiver wants no more (410).
    Gone,
    /// A dead letter, about which the destination can do nothing.
    Failed,
    /// It is called off.
    CalledOff,
}

pub(super) fn decide(showed: &Showed, standing: Standing<'_>) -> Decision {
    let retry_after = match showed {
        Showed::Status(200..=299, _) | Showed::Done => {
            let recovers = standing.probe || standing.state == State::Error;
            return Decision::Delivered { recovers };
        }
        Showed::Status(410, _) => return Decision::Gone,
        Showed::Hopeless => return Decision::Failed,
        Showed::CalledOff => return Decision::CalledOff,
        // A wait is honoured where RFC 9110 gives it a meaning for a retry.
        Showed::Status(429 | 503, wait) | Showed::NotYet(wait) => {
            wait.map(|wait| wait.min(standing.longest_wait))
        }
        Showed::Status(..) | Showed::Nothing => None,
    };
    if standing.probe {
        return Decision::HoldAgain;
    }
    let wait =
        standing
            .schedule
            .wait_after(standing.made, standing.jitter, standing.chance, retry_after);
    wait.map_or(Decision::Dead, Decision::Retry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions() {
        let schedule = Schedule(vec![0, 10]);
        let wait = Duration::from_secs;
        let rows = [
            (
                Showed::Done,
                1,
                false,
                State::Active,
                Decision::Delivered { recovers: false },
            ),
            (
                Showed::NotYet(Some(wait(60))),
                1,
                false,
                State::Active,
                Decision::Retry(wait(60)),
            ),
            (
                Showed::NotYet(None),
                2,
                false,
                State::Active,
                Decision::Dead,
            ),
            (Showed::Hopeless, 1, false, State::Active, Decision::Failed),
            (
                Showed::CalledOff,
                1,
                false,
                State::Active,
                Decision::CalledOff,
            ),
            (
                Showed::Status(200, None),
                1,
                false,
                State::Active,
                Decision::Delivered { recovers: false },
            ),
            (
                Showed::Status(204, None),
                9,
                true,
                State::Error,
                Decision::Delivered { recovers: true },
            ),
            (
                Showed::Status(410, None),
                1,
                false,
                State::Active,
                Decision::Gone,
            ),
            (
                Showed::Status(410, None),
                1,
                true,
                State::Error,
                Decision::Gone,
            ),
            (
                Showed::Status(302, None),
                1,
                false,
                State::Active,
                Decision::Retry(wait(10)),
            ),
            (
                Showed::Status(500, Some(wait(60))),
                1,
                false,
                State::Active,
                Decision::Retry(wait(10)),
            ),
            (
                Showed::Status(503, Some(wait(60))),
                1,
                false,
                State::Active,
                Decision::Retry(wait(60)),
            ),
            (
                Showed::Status(429, Some(Duration::from_secs(u64::MAX))),
                1,
                false,
                State::Active,
                Decision::Retry(wait(90)),
            ),
            (
                Showed::Status(429, Some(wait(3))),
                1,
                false,
                State::Active,
                Decision::Retry(wait(10)),
            ),
            (
                Showed::Nothing,
                1,
                false,
                State::Active,
                Decision::Retry(wait(10)),
            ),
            (Showed::Nothing, 2, false, State::Active, Decision::Dead),
            (
                Showed::Status(500, None),
                2,
                true,
                State::Error,
                Decision::HoldAgain,
            ),
        ];
        for (showed, made, probe, state, expected) in rows {
            let standing = Standing {
                schedule: &schedule,
                made,
                probe,
                state,
                jitter: 0.2,
                chance: 0.5,
                longest_wait: wait(90),
            };
            assert_eq!(
                decide(&showed, standing),
                expected,
                "{showed:?} {made} {probe}"
            );
        }
    }
}
