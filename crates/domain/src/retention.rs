//! How long data is kept.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Violation;

/// The fewest and the most days that data may be kept.
pub const DAYS: (u32, u32) = (1, 36_500);

const DAY: Duration = Duration::from_hours(24);

/// Days that each kind of data is kept, where that is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// Events, with their deliveries and attempts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events_days: Option<u32>,
    /// Attempts: what was sent, and what came back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts_days: Option<u32>,
    /// The log of refused requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected_days: Option<u32>,
    /// The audit log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit_days: Option<u32>,
    /// Jobs that have ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jobs_days: Option<u32>,
    /// The log of calls of tools and actions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls_days: Option<u32>,
    /// Conversations in which nothing happens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversations_days: Option<u32>,
}

/// How long each kind of data is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Periods {
    /// Events, with their deliveries and attempts.
    pub events: Duration,
    /// Attempts; never longer than their event.
    pub attempts: Duration,
    /// The log of refused requests.
    pub rejected: Duration,
    /// The audit log.
    pub audit: Duration,
    /// Jobs that have ended.
    pub jobs: Duration,
    /// The log of calls of tools and actions.
    pub calls: Duration,
    /// Conversations in which nothing happens.
    pub conversations: Duration,
}

impl Retention {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What holds: what is said here, and `otherwise` for the rest.
    pub fn over(&self, otherwise: Periods) -> Periods {
        let period = |days: Option<u32>, otherwise| days.map_or(otherwise, |days| DAY * days);
        Periods {
            events: period(self.events_days, otherwise.events),
            attempts: period(self.attempts_days, otherwise.attempts),
            rejected: period(self.rejected_days, otherwise.rejected),
            audit: period(self.audit_days, otherwise.audit),
            jobs: period(self.jobs_days, otherwise.jobs),
            calls: period(self.calls_days, otherwise.calls),
            conversations: period(self.conversations_days, otherwise.conversations),
        }
    }

    /// Everything that is wrong with it, with pointers relative to it.
    pub fn violations(&self) -> Vec<Violation> {
        let Self {
            events_days,
            attempts_days,
            rejected_days,
            audit_days,
            jobs_days,
            calls_days,
            conversations_days,
        } = self;
        let rows = [
            ("/events_days", events_days),
            ("/attempts_days", attempts_days),
            ("/rejected_days", rejected_days),
            ("/audit_days", audit_days),
            ("/jobs_days", jobs_days),
            ("/calls_days", calls_days),
            ("/conversations_days", conversations_days),
        ];
        let (least, most) = DAYS;
        let outside = |(pointer, days): (&str, &Option<u32>)| {
            let days = days.filter(|days| !(least..=most).contains(days))?;
            let detail = format!("give {least} to {most} days, not {days}");
            Some(Violation::new(pointer, detail))
        };
        rows.into_iter().filter_map(outside).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Periods = Periods {
        events: DAY,
        attempts: DAY,
        rejected: DAY,
        audit: DAY,
        jobs: DAY,
        calls: DAY,
        conversations: DAY,
    };

    #[test]
    fn what_a_tenant_says_goes_before_the_settings() {
        let own = Retention {
            attempts_days: Some(3),
            ..Retention::default()
        };
        let expected = Periods {
            attempts: DAY * 3,
            ..ALL
        };
        assert_eq!(own.over(ALL), expected);
        assert_eq!(Retention::default().over(ALL), ALL);
    }

    #[test]
    fn days_have_bounds() {
        let rows = [(0, false), (1, true), (36_500, true), (36_501, false)];
        for (days, good) in rows {
            let given = Retention {
                jobs_days: Some(days),
                ..Retention::default()
            };
            assert_eq!(given.violations().is_empty(), good, "{days}");
        }
    }
}
