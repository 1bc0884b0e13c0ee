//! How a job stands when its delivery is tried, and what follows from that: a pure decision.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tieline_domain::job::{Job, Status};

/// Where a run goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Place {
    /// How many attempts of the delivery lay before the schedule in which this was written: more of them now mean
    /// that someone retried it by hand.
    pub(super) schedule: u32,
    /// Whether a call is under way.
    pub(super) calling: bool,
    /// What came out.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub(super) result: Value,
}

/// What follows from how a job stands when its delivery is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The action is called.
    Call,
    /// A call was under way when a node died; whether it did anything is not known.
    Unknown,
    /// It is done.
    Done,
    /// It failed for good in this schedule.
    Failed,
    /// It was called off.
    CalledOff,
}

/// What a delivery finds to do for a job. `earlier` counts the attempts before the present schedule.
pub(super) fn next(status: Status, place: Option<&Place>, earlier: u32, may_repeat: bool) -> Next {
    // Whoever retries by hand has looked whether a call that was under way was carried out.
    let place = place.filter(|place| place.schedule >= earlier);
    match (status, place) {
        (Status::Completed, _) => Next::Done,
        (Status::Cancelled, _) => Next::CalledOff,
        (Status::Failed, Some(_)) => Next::Failed,
        (Status::Running, Some(place)) if place.calling && !may_repeat => Next::Unknown,
        (Status::Failed | Status::Running | Status::Waiting, _) => Next::Call,
    }
}

pub(super) fn place_of(job: &Job) -> Option<Place> {
    serde_json::from_str(job.place.as_deref()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_delivery_finds_to_do() {
        let place = |schedule, calling| {
            Some(Place {
                schedule,
                calling,
                result: Value::Null,
            })
        };
        let rows = [
            // status, place, attempts before this schedule, may repeat, what follows
            (Status::Waiting, None, 0, false, Next::Call),
            (Status::Waiting, place(0, false), 0, false, Next::Call),
            (Status::Running, place(0, true), 0, true, Next::Call),
            (Status::Running, place(0, true), 0, false, Next::Unknown),
            (Status::Running, place(0, true), 3, false, Next::Call),
            (Status::Completed, place(0, false), 0, false, Next::Done),
            (Status::Completed, place(0, false), 3, false, Next::Done),
            (
                Status::Cancelled,
                place(0, false),
                3,
                false,
                Next::CalledOff,
            ),
            (Status::Failed, None, 0, false, Next::Call),
            (Status::Failed, place(0, false), 0, false, Next::Failed),
            (Status::Failed, place(2, false), 2, false, Next::Failed),
            (Status::Failed, place(2, false), 5, false, Next::Call),
        ];
        for (status, place, earlier, may_repeat, expected) in rows {
            assert_eq!(
                next(status, place.as_ref(), earlier, may_repeat),
                expected,
                "{status:?} {place:?} {earlier} {may_repeat}"
            );
        }
    }
}
