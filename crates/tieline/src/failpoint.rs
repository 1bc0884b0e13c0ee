//! Places where a test lets the process die, to see that nothing is lost between two durable steps.
//! Debug builds only: in a release build they are nothing.

#[cfg(debug_assertions)]
mod armed {
    use std::sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    };

    struct Plan {
        place: String,
        passes: AtomicU64,
    }

    static PLAN: OnceLock<Option<Plan>> = OnceLock::new();

    /// `TIELINE_FAILPOINT=<place>:<n>` ends the process when the place is passed for the n-th time.
    #[expect(
        clippy::disallowed_methods,
        reason = "a switch for tests of crashes is no setting: it must not be offered to operators"
    )]
    fn plan() -> Option<Plan> {
        let text = std::env::var("TIELINE_FAILPOINT").ok()?;
        let (place, passes) = text.split_once(':')?;
        Some(Plan {
            place: place.to_owned(),
            passes: AtomicU64::new(passes.parse().ok()?),
        })
    }

    pub(crate) fn hit(place: &str) {
        if let Some(plan) = PLAN.get_or_init(plan)
            && plan.place == place
            && plan.passes.fetch_sub(1, Ordering::SeqCst) == 1
        {
            std::process::abort();
        }
    }
}

#[cfg(debug_assertions)]
pub(crate) use armed::hit;

#[cfg(not(debug_assertions))]
pub(crate) fn hit(_place: &str) {}
