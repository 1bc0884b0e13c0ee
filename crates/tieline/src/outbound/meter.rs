//! How long calls take, by outcome.

use std::time::Duration;

use http::StatusCode;
use metrics::{Histogram, histogram};

use super::error::Error;

/// The classes of status, as labels.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// The histogram `tieline_outbound_seconds` with the label `outcome`: the class of the status
/// or the kind of the error. The handles are taken once, from the recorder that is installed
/// when the meter is made.
pub(super) struct Meter {
    classes: [Histogram; CLASSES.len()],
    kinds: [Histogram; Error::KINDS.len()],
}

impl Meter {
    pub(super) fn new() -> Self {
        let handle = |outcome| histogram!("tieline_outbound_seconds", "outcome" => outcome);
        Self {
            classes: CLASSES.map(handle),
            kinds: Error::KINDS.map(handle),
        }
    }

    pub(super) fn record(&self, outcome: Result<StatusCode, &Error>, took: Duration) {
        let histogram = match outcome {
            Ok(status) => {
                let class = usize::from(status.as_u16() / 100).clamp(1, CLASSES.len());
                &self.classes[class - 1]
            }
            Err(error) => &self.kinds[error.kind_index()],
        };
        histogram.record(took);
    }
}
