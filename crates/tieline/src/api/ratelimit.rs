//! How fast requests may come: one token bucket for each tenant, and one for each address that sends
//! requests without a valid credential.

use std::{
    net::IpAddr,
    num::NonZeroU32,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
    middleware::StateInformationMiddleware,
    state::keyed::DefaultKeyedStateStore,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use tieline_domain::TenantId;

use super::problem::{Code, Problem};
use crate::config::Limits;

/// After so many requests the buckets that are full again are forgotten.
const SWEEP_EVERY: u32 = 16_384;

const HEADERS: [[HeaderName; 2]; 3] = [
    [
        HeaderName::from_static("ratelimit-limit"),
        HeaderName::from_static("x-ratelimit-limit"),
    ],
    [
        HeaderName::from_static("ratelimit-remaining"),
        HeaderName::from_static("x-ratelimit-remaining"),
    ],
    [
        HeaderName::from_static("ratelimit-reset"),
        HeaderName::from_static("x-ratelimit-reset"),
    ],
];

/// Whose bucket a request takes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bucket {
    /// The tenant that the credential opens.
    Tenant(TenantId),
    /// A sender without a valid credential, by its address where that is known.
    Stranger(Option<IpAddr>),
}

/// What is left in a bucket; written into headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Requests that fit into a full bucket.
    pub limit: u32,
    /// Requests that are left now.
    pub remaining: u32,
    /// Seconds until the bucket is full again.
    pub reset: u64,
}

/// A request that came too fast.
#[derive(Clone, Copy, Debug)]
pub struct TooFast {
    /// The empty bucket.
    pub allowance: Allowance,
    /// Seconds until the next request is let through.
    pub wait: u64,
}

type Governor =
    RateLimiter<Bucket, DefaultKeyedStateStore<Bucket>, DefaultClock, StateInformationMiddleware>;

/// The buckets of this process.
pub struct Limiter {
    governor: Governor,
    per_second: u32,
    burst: u32,
    until_sweep: AtomicU32,
}

impl Limiter {
    /// Buckets that hold `limits.requests_burst` requests and gain `limits.requests_per_second`.
    pub fn new(limits: &Limits) -> Self {
        let at_least_one = |n| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
        let per_second = at_least_one(limits.requests_per_second);
        let burst = at_least_one(limits.requests_burst);
        let quota = Quota::per_second(per_second).allow_burst(burst);
        Self {
            governor: RateLimiter::keyed(quota).with_middleware(),
            per_second: per_second.get(),
            burst: burst.get(),
            until_sweep: AtomicU32::new(SWEEP_EVERY),
        }
    }

    /// Takes one request out of `bucket`.
    pub fn take(&self, bucket: Bucket) -> Result<Allowance, TooFast> {
        if self.until_sweep.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.until_sweep.store(SWEEP_EVERY, Ordering::Relaxed);
            self.governor.retain_recent();
        }
        match self.governor.check_key(&bucket) {
            Ok(state) => Ok(self.allowance(state.remaining_burst_capacity())),
            Err(until) => Err(TooFast {
                allowance: self.allowance(0),
                wait: seconds(until.wait_time_from(self.governor.clock().now())).max(1),
            }),
        }
    }

    fn allowance(&self, remaining: u32) -> Allowance {
        let missing = self.burst.saturating_sub(remaining);
        Allowance {
            limit: self.burst,
            remaining,
            reset: u64::from(missing.div_ceil(self.per_second)),
        }
    }
}

fn seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

impl Allowance {
    /// Writes the `RateLimit-*` headers and their older `X-RateLimit-*` twins.
    pub fn write(self, headers: &mut HeaderMap) {
        let values = [u64::from(self.limit), u64::from(self.remaining), self.reset];
        for (names, value) in HEADERS.into_iter().zip(values) {
            for name in names {
                headers.insert(name, HeaderValue::from(value));
            }
        }
    }
}

impl From<TooFast> for Problem {
    fn from(TooFast { allowance, wait }: TooFast) -> Self {
        let detail = format!(
            "more requests than the {} that may come at once; wait {wait} second(s)",
            allowance.limit
        );
        Self::new(Code::RateLimited, detail).retry_after(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bucket_empties_by_itself() {
        let limits = Limits {
            requests_per_second: 1,
            requests_burst: 3,
            ..Limits::default()
        };
        let limiter = Limiter::new(&limits);
        let one = Bucket::Stranger(None);
        let other = Bucket::Stranger(Some(IpAddr::from([127, 0, 0, 1])));
        let left: Vec<_> = (0..3)
            .map(|_| limiter.take(one).unwrap().remaining)
            .collect();
        assert_eq!(left, [2, 1, 0]);
        let refused = limiter.take(one).unwrap_err();
        assert_eq!(
            refused.allowance,
            Allowance {
                limit: 3,
                remaining: 0,
                reset: 3
            }
        );
        assert_eq!(refused.wait, 1);
        assert_eq!(
            limiter.take(other).unwrap(),
            Allowance {
                limit: 3,
                remaining: 2,
                reset: 1
            }
        );
    }
}
