//! Why a turn cannot go on now.

use std::time::Duration;

use super::model::Failure;
use crate::registry;

/// Why a turn cannot go on now. Its delivery is tried again.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{detail}")]
pub struct Setback {
    /// The kind, as attempts have it.
    pub kind: &'static str,
    /// What happened, in a sentence, without secrets.
    pub detail: String,
    /// The status that was answered, if there was one.
    pub status: Option<u16>,
    /// For how long whoever answered asked to be left alone.
    pub wait: Option<Duration>,
}

impl From<Failure> for Setback {
    fn from(failure: Failure) -> Self {
        let Failure {
            kind,
            detail,
            status,
            wait,
            passes: _,
        } = failure;
        Self {
            kind,
            detail,
            status,
            wait,
        }
    }
}

impl From<tieline_store::Error> for Setback {
    fn from(error: tieline_store::Error) -> Self {
        Self {
            kind: "storage",
            detail: error.to_string(),
            status: None,
            wait: None,
        }
    }
}

impl From<registry::Error> for Setback {
    fn from(error: registry::Error) -> Self {
        Self {
            kind: "storage",
            detail: error.to_string(),
            status: None,
            wait: None,
        }
    }
}
