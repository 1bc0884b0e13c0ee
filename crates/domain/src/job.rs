//! Jobs: long work with progress.

use serde::{Deserialize, Serialize};

use crate::{DeliveryId, JobId, TenantId, Timestamp, words::words};

/// The most errors that are kept with a job; the count of what failed goes on.
pub const MOST_ERRORS: usize = 100;

words! {
    /// What kind of work it is.
    Kind, "kind of job" {
        /// Delivers events of the log again.
        Replay = "events.replay",
        /// Runs an action.
        ActionRun = "action.run",
    }
}

words! {
    /// How far a job has come.
    Status, "status of a job" {
        /// No node has taken it yet.
        Waiting = "waiting",
        /// A node works on it.
        Running = "running",
        /// All was done.
        Completed = "completed",
        /// It ended before all was done, by a fault.
        Failed = "failed",
        /// It ended before all was done, because someone called it off.
        Cancelled = "cancelled",
    }
}

impl Status {
    /// Whether nothing more will happen.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// One thing that went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// What it was about: an id, or nothing where it was the whole job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// What went wrong and what to do, in a sentence.
    pub detail: String,
}

/// How far a job has come, in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// How many items there are, once that is known.
    pub total: Option<u64>,
    /// How many of them are done, those that failed included.
    pub done: u64,
    /// How many of those that are done failed.
    pub failed: u64,
    /// What went wrong: the first [`MOST_ERRORS`].
    pub errors: Vec<Fault>,
}

/// A job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// The tenant it works for.
    pub tenant_id: TenantId,
    /// What kind of work it is.
    pub kind: Kind,
    /// How far it has come.
    pub status: Status,
    /// What is to be done: JSON text that its kind understands.
    pub asked: String,
    /// Where it goes on: JSON text that its kind understands; `None` before the beginning.
    pub place: Option<String>,
    /// How far it has come, in numbers.
    pub progress: Progress,
    /// Who asked for it.
    pub created_by: String,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When a node first took it.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// The delivery that is its work, where it is one: whoever has that delivery works on the job.
    pub delivery_id: Option<DeliveryId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_back() {
        for word in ["events.replay", "action.run"] {
            assert_eq!(word.parse::<Kind>().unwrap().as_str(), word);
        }
        for word in ["waiting", "running", "completed", "failed", "cancelled"] {
            assert_eq!(word.parse::<Status>().unwrap().as_str(), word);
        }
        let refusal = "done".parse::<Status>().unwrap_err().to_string();
        assert!(refusal.contains("completed"), "{refusal}");
    }
}
