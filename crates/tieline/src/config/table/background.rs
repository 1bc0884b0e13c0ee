//! The settings of what stands before the requests and of what runs beside them.

use std::time::Duration;

use super::{
    super::setting::{Fallback::Value, Setting},
    Config, HOUR, amount,
};

pub(super) fn row(
    key: &'static str,
    unit: &'static str,
    range: (u64, u64),
    set: fn(&mut Config, u64),
    default: &'static str,
    doc: &'static str,
) -> Setting {
    Setting::new(key, amount(unit, range, set), Value(default), doc)
}

/// The door, and jobs.
pub(super) fn limits() -> Vec<Setting> {
    vec![
        row(
            "limits.requests_in_flight",
            "requests",
            (1, 1_000_000),
            |c, v| c.limits.requests_in_flight = v as usize,
            "8192",
            "Requests under way at once before more are answered 503.",
        ),
        row(
            "limits.connections",
            "connections",
            (1, 1_000_000),
            |c, v| c.limits.connections = v as usize,
            "8192",
            "Connections open at once before more are answered 503; the system must allow as many open files.",
        ),
        row(
            "limits.head_timeout_seconds",
            "seconds",
            (1, HOUR),
            |c, v| c.limits.head_timeout = Duration::from_secs(v),
            "30",
            "Time that the head of a request may take to arrive; then the connection is closed.",
        ),
        row(
            "limits.body_timeout_seconds",
            "seconds",
            (1, HOUR),
            |c, v| c.limits.body_timeout = Duration::from_secs(v),
            "30",
            "Time that the body of a request may take to arrive; then it is answered 408.",
        ),
        row(
            "limits.jobs_at_once",
            "jobs",
            (1, 100),
            |c, v| c.limits.jobs_at_once = v as usize,
            "4",
            "Jobs that a node works on at once, one per tenant.",
        ),
        row(
            "limits.jobs_per_tenant",
            "jobs",
            (1, 10_000),
            |c, v| c.limits.jobs_per_tenant = v as usize,
            "20",
            "Jobs of one tenant that have not ended, before more are refused.",
        ),
        row(
            "limits.replay_per_second",
            "deliveries",
            (1, 10_000),
            |c, v| c.limits.replay_per_second = v as u32,
            "200",
            "Deliveries per second of a replay that does not ask for another rate; live traffic does not feel as many.",
        ),
    ]
}

/// How long each kind of data is kept.
pub(super) fn retention() -> Vec<Setting> {
    vec![
        row(
            "retention.days",
            "days",
            (1, 36_500),
            |c, v| c.retention.days = v as u32,
            "30",
            "Days that events, deliveries and attempts are kept, unless a tenant says otherwise.",
        ),
        row(
            "retention.attempts_days",
            "days",
            (1, 36_500),
            |c, v| c.retention.attempts_days = v as u32,
            "30",
            "Days that attempts are kept, if that is shorter than their event.",
        ),
        row(
            "retention.rejected_days",
            "days",
            (1, 36_500),
            |c, v| c.retention.rejected_days = v as u32,
            "30",
            "Days that refused requests are kept.",
        ),
        row(
            "retention.audit_days",
            "days",
            (1, 36_500),
            |c, v| c.retention.audit_days = v as u32,
            "365",
            "Days that the audit log is kept.",
        ),
        row(
            "retention.jobs_days",
            "days",
            (1, 36_500),
            |c, v| c.retention.jobs_days = v as u32,
            "30",
            "Days that jobs are kept after they were asked for.",
        ),
        row(
            "retention.calls_days",
            "days",
            (1, 36_500),
            |c, v| c.retention.calls_days = v as u32,
            "30",
            "Days that the log of calls of tools and actions is kept.",
        ),
        row(
            "retention.conversations_days",
            "days",
            (1, 36_500),
            |c, v| c.retention.conversations_days = v as u32,
            "30",
            "Days that conversations are kept after something was last said or done in them.",
        ),
    ]
}
