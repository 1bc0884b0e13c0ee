//! Dates and times as people and systems write them: read, and written as a pattern says.

mod layout;
mod read;
mod words;
mod zone;

#[cfg(test)]
mod tests;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use serde_json::Value;

pub use layout::{Layout, MAX_LENGTH};
pub use read::read;
pub use zone::zone;

/// What a written date tells, and no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moment {
    /// A day without a time: it is the same day in every zone.
    Day(Date),
    /// A time on a clock without a zone.
    Clock(DateTime),
    /// An instant.
    Instant(Zoned),
}

impl Moment {
    /// An instant of this time since 1970, in UTC.
    fn at(timestamp: Timestamp) -> Self {
        Self::Instant(timestamp.to_zoned(TimeZone::UTC))
    }

    /// The moment in the zone `to`; what has a time but no zone is one of `from`.
    ///
    /// # Errors
    ///
    /// A time outside of the years that can be reckoned with (-9999 to 9999).
    fn shown_in(&self, from: &TimeZone, to: &TimeZone) -> Result<Zoned, jiff::Error> {
        match self {
            Self::Day(day) => day.to_datetime(Time::midnight()).to_zoned(to.clone()),
            Self::Clock(time) => Ok(time.to_zoned(from.clone())?.with_time_zone(to.clone())),
            Self::Instant(instant) => Ok(instant.with_time_zone(to.clone())),
        }
    }
}

/// Why a value is no date, or cannot be written as asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DateError {
    /// Text that is none of the written forms.
    #[error(
        "is no date in a form that is known: write it as 2024-03-10 or 2024-03-10T15:00:00Z, or give `input_format`"
    )]
    Form,
    /// A day that no calendar has, or a time that no clock shows.
    #[error("names a day or a time that there is not")]
    NoSuchDay,
    /// Text that is not as the pattern says.
    #[error("is not written as {0}")]
    Layout(String),
    /// A value that is neither text nor a number.
    #[error("must be text or a number")]
    Kind,
    /// A date that the pattern cannot show, such as the zone of a day without a time.
    #[error("cannot be written as {0}")]
    Unwritable(String),
}

/// Whether a value is a date in one of the written forms, or as the layout says.
pub(crate) fn is_date(value: &Value, layout: Option<&Layout>) -> bool {
    match layout {
        Some(layout) => layout.parse(value).is_ok(),
        None => read(value, false).is_ok(),
    }
}
