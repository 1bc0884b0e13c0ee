//! The settings of calls of tools and actions.

use std::time::Duration;

use super::{super::setting::Setting, HOUR, KIB, MIB, background::row};

/// All of them.
pub(super) fn limits() -> Vec<Setting> {
    vec![
        row(
            "limits.calls_per_second",
            "calls",
            (1, 1_000_000),
            |c, v| c.limits.calls.per_second = v as u32,
            "100",
            "Sustained calls of tools and actions per second and tenant, on each node.",
        ),
        row(
            "limits.calls_burst",
            "calls",
            (1, 1_000_000),
            |c, v| c.limits.calls.burst = v as u32,
            "200",
            "Calls of tools and actions that a tenant may make at once before the rate applies, on each node.",
        ),
        row(
            "limits.calls_in_flight_per_tenant",
            "calls",
            (1, 100_000),
            |c, v| c.limits.calls.in_flight = v as usize,
            "200",
            "Calls of tools and actions under way at once for one tenant, on each node.",
        ),
        row(
            "limits.call_output_max_bytes",
            "bytes",
            (KIB, 64 * MIB),
            |c, v| c.limits.calls.output_bytes = v as usize,
            "262_144",
            "Largest output of a call that is handed over; of a larger one the beginning is, and the whole is kept as an artifact (256 KiB).",
        ),
        row(
            "limits.call_answer_max_bytes",
            "bytes",
            (KIB, 64 * MIB),
            |c, v| c.limits.calls.answer_bytes = v as usize,
            "5_242_880",
            "Largest answer of a service that is taken (5 MiB).",
        ),
        row(
            "limits.artifact_hours",
            "hours",
            (1, 720),
            |c, v| c.limits.calls.artifact_age = Duration::from_secs(v * HOUR),
            "24",
            "How long an output that was too large is kept.",
        ),
        row(
            "limits.artifacts_per_tenant",
            "artifacts",
            (0, 100_000),
            |c, v| c.limits.calls.artifacts = v as usize,
            "200",
            "Outputs that were too large and are kept, of one tenant; the oldest go first.",
        ),
    ]
}
