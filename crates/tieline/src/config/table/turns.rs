//! The settings of agents and their turns.

use std::time::Duration;

use super::{super::setting::Setting, HOUR, KIB, MIB, background::row};

/// All of them.
pub(super) fn limits() -> Vec<Setting> {
    vec![
        row(
            "limits.turns_per_agent",
            "turns",
            (1, 65_535),
            |c, v| c.limits.turns.per_agent = v as usize,
            "256",
            "Turns of one agent under way at once, on each node.",
        ),
        row(
            "limits.turns_per_tenant",
            "turns",
            (1, 65_535),
            |c, v| c.limits.turns.per_tenant = v as usize,
            "512",
            "Turns of one tenant's agents under way at once, on each node.",
        ),
        row(
            "limits.turns_total",
            "turns",
            (1, 65_535),
            |c, v| c.limits.turns.total = v as usize,
            "1024",
            "Turns under way at once, on each node.",
        ),
        row(
            "limits.turn_seconds",
            "seconds",
            (1, HOUR),
            |c, v| c.limits.turns.time = Duration::from_secs(v),
            "600",
            "Time for which an agent may work on one turn; waiting for a person does not count.",
        ),
        row(
            "limits.turn_answer_bytes",
            "bytes",
            (KIB, 64 * MIB),
            |c, v| c.limits.turns.answer_bytes = v as usize,
            "1_048_576",
            "Answer of a model, or of the service in its place (1 MiB).",
        ),
        row(
            "limits.message_max_bytes",
            "bytes",
            (1, 16 * MIB),
            |c, v| c.limits.turns.message_bytes = v as usize,
            "65_536",
            "Content of a message (64 KiB).",
        ),
        row(
            "limits.history_messages",
            "messages",
            (1, 1_000),
            |c, v| c.limits.turns.history = v as usize,
            "100",
            "Messages of a conversation that a model is shown, the latest ones.",
        ),
        row(
            "limits.reply_wait_seconds",
            "seconds",
            (1, HOUR),
            |c, v| c.limits.turns.reply_wait = Duration::from_secs(v),
            "60",
            "Time for which a request waits for the reply to its message before it is answered 202.",
        ),
    ]
}
