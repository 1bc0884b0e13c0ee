//! The one clock. Whoever needs the time is given a `Clock`, so that tests can move it.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::Timestamp;

/// A source of instants; clones share it.
#[derive(Clone)]
pub struct Clock(Arc<Inner>);

struct Inner {
    hands: Hands,
    last: AtomicI64,
}

type Listener = Box<dyn Fn() + Send + Sync>;

enum Hands {
    System,
    Test {
        now: AtomicI64,
        listeners: Mutex<Vec<Listener>>,
    },
}

impl Clock {
    /// The clock of the machine.
    pub fn system() -> Self {
        Self::with(Hands::System)
    }

    /// A clock that stands at `start` until [`Clock::advance`] moves it.
    pub fn test(start: Timestamp) -> Self {
        Self::with(Hands::Test {
            now: AtomicI64::new(start.as_micros()),
            listeners: Mutex::default(),
        })
    }

    fn with(hands: Hands) -> Self {
        Self(Arc::new(Inner {
            hands,
            last: AtomicI64::new(0),
        }))
    }

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        match &self.0.hands {
            Hands::System => system_now(),
            Hands::Test { now, .. } => Timestamp::from_micros(now.load(Ordering::SeqCst)),
        }
    }

    /// The present instant, moved on by as many microseconds as it takes to be later than every
    /// earlier answer of this clock: ids made from it sort in the order in which they were made.
    pub fn unique_now(&self) -> Timestamp {
        let now = self.now().as_micros();
        let before = self
            .0
            .last
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |last| {
                Some(now.max(last + 1))
            })
            .unwrap_or(now);
        Timestamp::from_micros(now.max(before + 1))
    }

    /// True for a clock that only [`Clock::advance`] moves.
    pub fn is_test(&self) -> bool {
        matches!(self.0.hands, Hands::Test { .. })
    }

    /// Moves a test clock on and wakes its listeners; the machine's clock stays as it is.
    pub fn advance(&self, by: Duration) {
        if let Hands::Test { now, listeners } = &self.0.hands {
            let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
            now.fetch_add(micros, Ordering::SeqCst);
            let listeners = listeners.lock().unwrap_or_else(PoisonError::into_inner);
            listeners.iter().for_each(|wake| wake());
        }
    }

    /// Sets a test clock back, as a correction of the machine's clock would, and wakes its listeners; the
    /// machine's clock stays as it is.
    pub fn set_back(&self, by: Duration) {
        if let Hands::Test { now, .. } = &self.0.hands {
            let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
            now.fetch_sub(micros, Ordering::SeqCst);
            self.advance(Duration::ZERO);
        }
    }

    /// Has `wake` called each time that a test clock is moved.
    pub fn on_advance(&self, wake: impl Fn() + Send + Sync + 'static) {
        if let Hands::Test { listeners, .. } = &self.0.hands {
            listeners
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(Box::new(wake));
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one clock that everything else is given"
)]
fn system_now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_clock_moves_only_when_told() {
        let clock = Clock::test(Timestamp::from_micros(1_000));
        assert_eq!(clock.now().as_micros(), 1_000);
        clock.advance(Duration::from_micros(5));
        assert_eq!(clock.now().as_micros(), 1_005);
    }

    #[test]
    fn unique_instants_only_rise() {
        let clock = Clock::test(Timestamp::from_micros(7));
        let seen: Vec<_> = (0..3).map(|_| clock.unique_now().as_micros()).collect();
        assert_eq!(seen, [7, 8, 9]);
        clock.advance(Duration::from_hours(1));
        let ahead = clock.unique_now();
        clock.set_back(Duration::from_hours(1));
        assert_eq!(clock.now().as_micros(), 7);
        assert_eq!(clock.unique_now(), ahead.plus(Duration::from_micros(1)));
    }
}
