//! How fast one source takes requests, on this node.

use std::num::NonZeroU32;

use governor::{
    DefaultDirectRateLimiter, Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
};
use tieline_domain::source::Pace;

/// A token bucket of one source.
pub struct Intake(DefaultDirectRateLimiter);

impl Intake {
    /// A full bucket; `None` where every request is taken.
    pub(super) fn new(asked: Option<Pace>, default_per_second: u32) -> Option<Self> {
        let pace = asked.or((default_per_second > 0).then_some(Pace {
            per_second: default_per_second,
            burst: None,
        }))?;
        let per_second = NonZeroU32::new(pace.per_second)?;
        let burst = pace.burst.and_then(NonZeroU32::new).unwrap_or(per_second);
        let quota = Quota::per_second(per_second).allow_burst(burst);
        Some(Self(RateLimiter::direct(quota)))
    }

    /// Takes one request; the error says after how many seconds the next is taken.
    pub fn take(&self) -> Result<(), u64> {
        self.0.check().map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            wait.as_secs() + 1
        })
    }
}
