//! Jobs: long work with progress.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{DeliveryId, JobId, TenantId, Timestamp};

/// The most errors that are kept with a job; the count of what failed goes on.
pub const MOST_ERRORS: usize = 100;

/// What kind of work it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Delivers events of the log again.
    Replay,
    /// Runs an action.
    ActionRun,
}

/// Every kind with the word the API uses for it.
const KINDS: [(Kind, &str); 2] = [
    (Kind::Replay, "events.replay"),
    (Kind::ActionRun, "action.run"),
];

/// How far a job has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// No node has taken it yet.
    Waiting,
    /// A node works on it.
    Running,
    /// All was done.
    Completed,
    /// It ended before all was done, by a fault.
    Failed,
    /// It ended before all was done, because someone called it off.
    Cancelled,
}

/// Every status with the word the API uses for it.
const STATUSES: [(Status, &str); 5] = [
    (Status::Waiting, "waiting"),
    (Status::Running, "running"),
    (Status::Completed, "completed"),
    (Status::Failed, "failed"),
    (Status::Cancelled, "cancelled"),
];

impl Status {
    /// Whether nothing more will happen.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// The text is none of the words of a list.
#[derive(Debug, thiserror::Error)]
#[error("`{given}` is no {what}; use {words}")]
pub struct UnknownWord {
    given: String,
    what: &'static str,
    words: String,
}

macro_rules! words {
    ($name:ident, $table:ident, $what:literal) => {
        impl $name {
            /// The word the API uses for it.
            pub fn as_str(self) -> &'static str {
                let found = $table.iter().find(|(each, _)| *each == self);
                found.map_or("", |(_, word)| word)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                let found = $table.iter().find(|(_, word)| *word == text);
                found.map(|(each, _)| *each).ok_or_else(|| UnknownWord {
                    given: text.to_owned(),
                    what: $what,
                    words: $table.map(|(_, word)| word).join(", "),
                })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(D::Error::custom)
            }
        }
    };
}

words!(Kind, KINDS, "kind of job");
words!(Status, STATUSES, "status of a job");

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
        for (kind, word) in KINDS {
            assert_eq!(word.parse::<Kind>().unwrap(), kind);
        }
        for (status, word) in STATUSES {
            assert_eq!(word.parse::<Status>().unwrap(), status);
        }
        let refusal = "done".parse::<Status>().unwrap_err().to_string();
        assert!(refusal.contains("completed"), "{refusal}");
    }
}
