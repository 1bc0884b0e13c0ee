//! How fast operations may be called, and how many at once: for each tenant, and for each operation that asks.
//!
//! On each node by itself, in memory: a limit protects a service, and a call that is refused is told when to come
//! again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use moka::sync::Cache;
use parking_lot::Mutex;
use tieline_domain::{
    TenantId,
    operation::{CallError, ErrorKind},
    pace::RateLimit,
};

use super::Offered;
use crate::config::CallLimits;

/// How many tenants and operations are remembered.
const CAPACITY: u64 = 100_000;

/// How long a pace that nobody asks for is remembered: long enough to be full again.
const IDLE: Duration = Duration::from_mins(10);

/// When to come again where too many calls run, in milliseconds: nobody knows how long those take.
const BUSY_MS: u64 = 500;

/// The paces of this node.
pub(super) struct Limits {
    of_tenant: Cache<TenantId, Arc<Pace>>,
    of_operation: Cache<String, Arc<Pace>>,
    settings: CallLimits,
}

/// How far one pace has come.
#[derive(Default)]
struct Pace {
    /// When the next call is due if calls came evenly (the "theoretical arrival time" of GCRA).
    due: Mutex<Option<Instant>>,
    in_flight: AtomicUsize,
}

/// Leave to make one call; it ends when this is dropped.
pub(super) struct Leave {
    _of_tenant: Running,
    _of_operation: Running,
}

/// One call under way.
struct Running(Arc<Pace>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Limits {
    pub(super) fn new(settings: CallLimits) -> Self {
        Self {
            of_tenant: paces(),
            of_operation: paces(),
            settings,
        }
    }

    /// Leave to call `operation` for `tenant`, or when to come again.
    pub(super) fn enter(&self, tenant: TenantId, operation: &Offered) -> Result<Leave, CallError> {
        let own = self
            .of_operation
            .get_with_by_ref(&operation.id, Arc::default);
        let most = operation.max_in_flight.map(|most| most as usize);
        let of_operation = own.begin(most).ok_or_else(|| {
            let most = most.unwrap_or_default();
            busy(format!(
                "`{}` runs {most} times at once, the most that it may",
                operation.name
            ))
        })?;
        let of_tenant = self.of_tenant.get_with(tenant, Arc::default);
        let running = of_tenant
            .begin(Some(self.settings.in_flight))
            .ok_or_else(|| {
                let most = self.settings.in_flight;
                busy(format!(
                    "{most} calls of the tenant run at once, the most that may"
                ))
            })?;
        let now = Instant::now();
        if let Some(RateLimit { per_second, burst }) = operation.rate_limit {
            own.take(now, per_second, burst.max(per_second))
                .map_err(|wait| {
                    let name = &operation.name;
                    fast(
                        format!("`{name}` is called more than {per_second} times a second"),
                        wait,
                    )
                })?;
        }
        let CallLimits {
            per_second, burst, ..
        } = self.settings;
        of_tenant.take(now, per_second, burst).map_err(|wait| {
            fast(
                format!("the tenant calls more than {per_second} times a second"),
                wait,
            )
        })?;
        Ok(Leave {
            _of_tenant: running,
            _of_operation: of_operation,
        })
    }
}

fn paces<K: std::hash::Hash + Eq + Send + Sync + 'static>() -> Cache<K, Arc<Pace>> {
    Cache::builder()
        .max_capacity(CAPACITY)
        .time_to_idle(IDLE)
        .build()
}

fn busy(message: String) -> CallError {
    CallError::new(ErrorKind::RateLimited, message).after(Some(BUSY_MS))
}

fn fast(message: String, wait: Duration) -> CallError {
    // Rounded up: a call that comes as late as it was told is let through.
    let ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    CallError::new(ErrorKind::RateLimited, message).after(Some(ms.saturating_add(1)))
}

impl Pace {
    /// Notes a call under way, unless `most` are.
    fn begin(self: &Arc<Self>, most: Option<usize>) -> Option<Running> {
        let most = most.unwrap_or(usize::MAX);
        let more = |running| (running < most).then_some(running + 1);
        let begun = self
            .in_flight
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        begun.ok().map(|_| Running(Arc::clone(self)))
    }

    /// Takes one of `per_second` calls, of which `at_once` may come after a pause; or says how long to wait.
    fn take(&self, now: Instant, per_second: u32, at_once: u32) -> Result<(), Duration> {
        let interval = Duration::from_secs(1) / per_second.max(1);
        let credit = interval * at_once.saturating_sub(1);
        let mut due = self.due.lock();
        let next = due.map_or(now, |due| due.max(now));
        let ahead = next.saturating_duration_since(now);
        if ahead > credit {
            return Err(ahead.saturating_sub(credit));
        }
        *due = Some(next + interval);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_lets_through_what_it_says() {
        let pace = Pace::default();
        let begin = Instant::now();
        let at = |ms| begin + Duration::from_millis(ms);
        let rows = [
            // milliseconds, let through or how long to wait: 10 a second, 3 at once
            (0, Ok(())),
            (0, Ok(())),
            (0, Ok(())),
            (0, Err(100)),
            (60, Err(40)),
            (100, Ok(())),
            (100, Err(100)),
            (5_000, Ok(())),
            (5_000, Ok(())),
            (5_000, Ok(())),
            (5_000, Err(100)),
        ];
        for (i, (ms, expected)) in rows.into_iter().enumerate() {
            let found = pace.take(at(ms), 10, 3);
            assert_eq!(found, expected.map_err(Duration::from_millis), "row {i}");
        }
    }

    #[test]
    fn calls_under_way_are_counted_until_they_end() {
        let pace = Arc::new(Pace::default());
        let first = pace.begin(Some(2)).unwrap();
        let _second = pace.begin(Some(2)).unwrap();
        assert!(pace.begin(Some(2)).is_none());
        drop(first);
        assert!(pace.begin(Some(2)).is_some());
    }
}
