//! One attempt at telling an agent: the turn is taken within it.

use std::time::{Duration, Instant};

use tieline_domain::{attempt::Seen, event::Event};

use super::{attempt::Tried, verdict::Showed};
use crate::{
    converse::{Setback, Turns},
    registry::OpenAgent,
};

/// Tells an agent of an event.
pub(super) async fn tell(turns: &Turns, agent: &OpenAgent, event: &Event) -> Tried {
    let begun = Instant::now();
    let taken = turns.take(agent, event).await;
    let seen = Seen {
        url: format!("/v1/agents/{}", agent.handle),
        ..Seen::default()
    };
    match taken {
        Ok(()) => Tried {
            showed: Showed::Status(200, None),
            status_code: None,
            error_kind: None,
            took: begun.elapsed(),
            seen,
        },
        Err(setback) => set_back(setback, begun.elapsed(), seen),
    }
}

fn set_back(setback: Setback, took: Duration, seen: Seen) -> Tried {
    let Setback {
        kind,
        detail,
        status,
        wait,
    } = setback;
    Tried {
        // What a model answers says nothing about the agent, but for how long it wants to be left alone.
        showed: match status {
            Some(status @ (429 | 503)) => Showed::Status(status, wait),
            _ => Showed::Nothing,
        },
        status_code: status,
        error_kind: Some(kind),
        took,
        seen: Seen {
            error: Some(detail),
            ..seen
        },
    }
}
