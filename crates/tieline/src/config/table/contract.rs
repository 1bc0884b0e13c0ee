//! The settings of what tenants may ask for: the contract between the operator and them.

use std::time::Duration;

use super::{super::setting::Setting, DAY, HOUR, background::row};

/// All of them.
pub(super) fn limits() -> Vec<Setting> {
    let groups = [long_work(), small_things(), sizes(), times()];
    groups.into_iter().flatten().collect()
}

/// Jobs, and what reads or changes much at once.
fn long_work() -> Vec<Setting> {
    vec![
        row(
            "limits.replay_per_second_max",
            "deliveries",
            (1, 100_000),
            |c, v| c.limits.replay_per_second_max = v as u32,
            "10_000",
            "Deliveries per second that a replay may ask for.",
        ),
        row(
            "limits.preview_events_max",
            "events",
            (1, 100_000_000),
            |c, v| c.limits.preview_events = v,
            "200_000",
            "Events that the preview of a replay looks at; it says when there are more.",
        ),
        row(
            "limits.preview_seconds",
            "seconds",
            (1, 60),
            |c, v| c.limits.preview_time = Duration::from_secs(v),
            "10",
            "Time that the preview of a replay takes; it says when it was not enough.",
        ),
        row(
            "limits.retried_at_once",
            "deliveries",
            (1, 10_000_000),
            |c, v| c.limits.retried_at_once = v,
            "100_000",
            "Deliveries or dead letters that one request tries again.",
        ),
        row(
            "limits.statistics_days",
            "days",
            (1, 366),
            |c, v| c.limits.statistics = Duration::from_secs(v * DAY),
            "31",
            "Days that statistics are asked for at once.",
        ),
    ]
}

/// Secrets and connections.
fn small_things() -> Vec<Setting> {
    vec![
        row(
            "limits.secret_max_bytes",
            "bytes",
            (8, 1_048_576),
            |c, v| c.limits.secret_bytes = v as usize,
            "65_536",
            "Largest value of a named secret (64 KiB).",
        ),
        row(
            "limits.http2_streams",
            "requests",
            (1, 10_000),
            |c, v| c.limits.http2_streams = v as u32,
            "128",
            "Requests under way at once on one HTTP/2 connection.",
        ),
    ]
}

/// How large a webhook may be.
fn sizes() -> Vec<Setting> {
    vec![
        row(
            "limits.webhook_url_max_bytes",
            "bytes",
            (64, 8_192),
            |c, v| c.limits.bounds.url_bytes = v as usize,
            "2048",
            "Longest URL of a webhook.",
        ),
        row(
            "limits.webhook_patterns",
            "patterns",
            (1, 1_000),
            |c, v| c.limits.bounds.patterns = v as usize,
            "100",
            "Event patterns of one webhook.",
        ),
        row(
            "limits.webhook_filter_parts",
            "parts",
            (1, 256),
            |c, v| c.limits.bounds.filter_parts = v as usize,
            "64",
            "Parts of a webhook's filter: each condition, all, any and not counts.",
        ),
        row(
            "limits.webhook_retries",
            "delays",
            (1, 1_000),
            |c, v| c.limits.bounds.retries = v as usize,
            "50",
            "Delays in a webhook's own retry list.",
        ),
        row(
            "limits.webhook_headers",
            "headers",
            (0, 100),
            |c, v| c.limits.bounds.headers = v as usize,
            "20",
            "Headers that a webhook adds to its deliveries.",
        ),
        row(
            "limits.webhook_headers_max_bytes",
            "bytes",
            (0, 65_536),
            |c, v| c.limits.bounds.header_bytes = v as usize,
            "8192",
            "Size of these headers, names and values together (8 KiB).",
        ),
        row(
            "limits.transform_keys",
            "keys",
            (0, 256),
            |c, v| c.limits.bounds.transform_keys = v as usize,
            "64",
            "Metadata keys of a transform.",
        ),
    ]
}

/// How long a webhook may have things take.
fn times() -> Vec<Setting> {
    vec![
        row(
            "limits.webhook_retry_delay_seconds",
            "seconds",
            (1, 2_592_000),
            |c, v| c.limits.bounds.retry_delay = Duration::from_secs(v),
            "604_800",
            "Longest delay in a webhook's own retry list (7 days).",
        ),
        row(
            "limits.webhook_timeout_seconds",
            "seconds",
            (1, 300),
            |c, v| c.limits.bounds.timeout = Duration::from_secs(v),
            "60",
            "Longest time-out that a webhook may ask for.",
        ),
        row(
            "limits.webhook_max_age_hours",
            "hours",
            (1, 8_760),
            |c, v| c.limits.bounds.max_age = Duration::from_secs(v * HOUR),
            "720",
            "Longest time that a webhook may have its deliveries held (30 days).",
        ),
        row(
            "limits.retry_after_seconds",
            "seconds",
            (0, 604_800),
            |c, v| c.limits.retry_after = Duration::from_secs(v),
            "86_400",
            "Longest wait that a receiver can ask for with Retry-After (24 hours).",
        ),
        row(
            "limits.overlap_hours_max",
            "hours",
            (0, 8_760),
            |c, v| c.limits.bounds.overlap_hours = v as u32,
            "720",
            "Longest overlap of a secret or key with the one that replaces it (30 days).",
        ),
        row(
            "limits.source_dedupe_hours_max",
            "hours",
            (1, 8_760),
            |c, v| c.limits.bounds.dedupe_hours = v as u32,
            "720",
            "Longest window in which an incoming webhook tells repeats (30 days).",
        ),
    ]
}
