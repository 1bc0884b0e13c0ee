//! Patterns of dates: strftime's (`%Y-%m-%d`), and those of letters (`YYYY-MM-DD`, Unicode's TR 35 and moment.js).

use jiff::civil::date;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use serde_json::Value;

use super::{DateError, Moment, read};
use crate::Fault;

/// Longest pattern, in characters.
pub const MAX_LENGTH: usize = 100;

/// Layouts that have a name.
const NAMED: [(&str, Form); 5] = [
    ("iso8601", Form::Rfc3339),
    ("rfc3339", Form::Rfc3339),
    ("rfc2822", Form::Rfc2822),
    ("epoch", Form::Seconds),
    ("epoch_ms", Form::Milliseconds),
];

/// How a run of one letter is written with strftime. The longest run comes first.
const FIELDS: [(&str, &str); 42] = [
    ("YYYY", "%Y"),
    ("yyyy", "%Y"),
    ("YY", "%y"),
    ("yy", "%y"),
    ("MMMM", "%B"),
    ("MMM", "%b"),
    ("MM", "%m"),
    ("M", "%-m"),
    ("DDDD", "%j"),
    ("DDD", "%-j"),
    ("DD", "%d"),
    ("D", "%-d"),
    ("dddd", "%A"),
    ("ddd", "%a"),
    ("dd", "%d"),
    ("d", "%-d"),
    ("EEEE", "%A"),
    ("EEE", "%a"),
    ("E", "%a"),
    ("HH", "%H"),
    ("H", "%-H"),
    ("hh", "%I"),
    ("h", "%-I"),
    ("mm", "%M"),
    ("m", "%-M"),
    ("ss", "%S"),
    ("s", "%-S"),
    ("SSSSSSSSS", "%9f"),
    ("SSSSSS", "%6f"),
    ("SSS", "%3f"),
    ("SS", "%2f"),
    ("S", "%1f"),
    ("A", "%p"),
    ("a", "%p"),
    ("ZZ", "%z"),
    ("Z", "%:z"),
    ("XXX", "%:z"),
    ("XX", "%z"),
    ("X", "%s"),
    ("VV", "%Q"),
    ("z", "%Z"),
    ("T", "T"),
];

/// How dates are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    source: String,
    form: Form,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    /// A pattern of strftime.
    Pattern(String),
    /// RFC 3339, with the offset.
    Rfc3339,
    Rfc2822,
    /// Numbers since 1970.
    Seconds,
    Milliseconds,
}

impl Layout {
    /// Reads a pattern: with a `%` it is one of strftime; `iso8601`, `rfc3339`, `rfc2822`, `epoch` and `epoch_ms` are
    /// names; anything else is made of letters, with other text in `'…'` or `[…]`.
    ///
    /// # Errors
    ///
    /// What is wrong with it, with an empty pointer.
    pub fn compile(source: &str) -> Result<Self, Fault> {
        if source.is_empty() || source.chars().count() > MAX_LENGTH {
            let detail = format!("a pattern of dates has 1 to {MAX_LENGTH} characters");
            return Err(Fault::new("", detail));
        }
        let mut named = NAMED.iter();
        let form = match named.find(|(name, _)| *name == source) {
            Some((_, form)) => form.clone(),
            None if source.contains('%') => Form::Pattern(source.to_owned()),
            None => Form::Pattern(translated(source)?),
        };
        let layout = Self {
            source: source.to_owned(),
            form,
        };
        layout.tried()
    }

    /// The pattern must be able to write some date.
    fn tried(self) -> Result<Self, Fault> {
        let sample = date(2024, 3, 10).at(15, 4, 5, 0).to_zoned(TimeZone::UTC);
        let sample = sample.map_err(|error| Fault::new("", error.to_string()))?;
        if let Form::Pattern(pattern) = &self.form {
            strtime::format(pattern, &sample).map_err(|error| {
                let reason = error.to_string();
                let detail = format!("not a pattern of dates: {}", crate::excerpt(&reason));
                Fault::new("", detail)
            })?;
        }
        Ok(self)
    }

    /// The pattern as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Writes a moment in the zone `to`; what has a time but no zone is one of `from`.
    ///
    /// # Errors
    ///
    /// A moment that cannot be written so.
    pub fn write(
        &self,
        moment: &Moment,
        from: &TimeZone,
        to: &TimeZone,
    ) -> Result<Value, DateError> {
        // A day stays that day, also where its midnight does not exist.
        if let (Moment::Day(day), Form::Pattern(pattern)) = (moment, &self.form)
            && let Ok(text) = strtime::format(pattern, day.at(0, 0, 0, 0))
        {
            return Ok(text.into());
        }
        let unwritable = || DateError::Unwritable(self.source.clone());
        let zoned = moment.shown_in(from, to).map_err(|_| unwritable())?;
        match &self.form {
            Form::Pattern(pattern) => strtime::format(pattern, &zoned).ok().map(Value::from),
            Form::Rfc3339 => Some(rfc3339(&zoned).into()),
            Form::Rfc2822 => jiff::fmt::rfc2822::to_string(&zoned).ok().map(Value::from),
            Form::Seconds => Some(zoned.timestamp().as_second().into()),
            Form::Milliseconds => Some(zoned.timestamp().as_millisecond().into()),
        }
        .ok_or_else(unwritable)
    }

    /// Reads what is written so.
    ///
    /// # Errors
    ///
    /// Text that is not.
    pub fn parse(&self, value: &Value) -> Result<Moment, DateError> {
        let per_second = match &self.form {
            Form::Pattern(pattern) => return self.parse_text(pattern, value),
            Form::Rfc3339 | Form::Rfc2822 => return read(value, false),
            Form::Seconds => 1,
            Form::Milliseconds => 1_000,
        };
        let text = value.as_str().map(str::trim);
        let count = text.map_or_else(|| value.as_i64(), |text| text.parse().ok());
        let count = count.ok_or_else(|| self.not_so())?;
        let timestamp = if per_second == 1 {
            Timestamp::from_second(count)
        } else {
            Timestamp::from_millisecond(count)
        };
        timestamp.map(Moment::at).map_err(|_| DateError::NoSuchDay)
    }

    fn parse_text(&self, pattern: &str, value: &Value) -> Result<Moment, DateError> {
        let number;
        let text = match value {
            Value::String(text) => text.trim(),
            Value::Number(given) => {
                number = given.to_string();
                &number
            }
            _ => return Err(DateError::Kind),
        };
        let broken = strtime::parse(pattern, text).map_err(|_| self.not_so())?;
        if let Ok(zoned) = broken.to_zoned() {
            return Ok(Moment::Instant(zoned));
        }
        if let Ok(timestamp) = broken.to_timestamp() {
            return Ok(Moment::at(timestamp));
        }
        if broken.hour().is_some() {
            let clock = broken.to_datetime().map_err(|_| self.not_so())?;
            return Ok(Moment::Clock(clock));
        }
        broken.to_date().map(Moment::Day).map_err(|_| self.not_so())
    }

    fn not_so(&self) -> DateError {
        DateError::Layout(self.source.clone())
    }
}

/// RFC 3339 with as many digits of the second as there are; UTC is `Z`.
fn rfc3339(zoned: &Zoned) -> String {
    if zoned.offset().is_zero() {
        return zoned.timestamp().to_string();
    }
    zoned
        .timestamp()
        .display_with_offset(zoned.offset())
        .to_string()
}

/// A pattern of letters as one of strftime.
fn translated(source: &str) -> Result<String, Fault> {
    let mut pattern = String::new();
    let mut runs = Vec::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let quote = match first {
            '\'' => Some('\''),
            '[' => Some(']'),
            _ => None,
        };
        if let Some(quote) = quote {
            let Some((text, after)) = rest[1..].split_once(quote) else {
                let detail = format!("`{first}` quotes text that nothing closes");
                return Err(Fault::new("", detail));
            };
            // Two quotes are a quote (TR 35).
            pattern.push_str(if text.is_empty() { "'" } else { text });
            rest = after;
            continue;
        }
        let length = rest
            .chars()
            .take_while(|c| *c == first)
            .map(char::len_utf8)
            .sum();
        let (run, after) = rest.split_at(length);
        if first.is_ascii_alphabetic() {
            let known = FIELDS.iter().find(|(letters, _)| *letters == run);
            let (letters, field) = known.ok_or_else(|| no_field(run))?;
            runs.push(*letters);
            pattern.push_str(field);
        } else {
            pattern.push_str(run);
        }
        rest = after;
    }
    mistaken_minutes(&runs)?;
    Ok(pattern)
}

fn no_field(run: &str) -> Fault {
    let detail = format!(
        "`{run}` is no field of a date; fields are such as YYYY, MM, DD, HH, mm and ss, and other text stands in '…'"
    );
    Fault::new("", detail)
}

/// `yyyy-mm-dd` would write the minutes where everybody means the month.
fn mistaken_minutes(runs: &[&str]) -> Result<(), Fault> {
    let has = |letters: &[char]| runs.iter().any(|run| run.starts_with(letters));
    if has(&['m']) && !has(&['M', 'H', 'h']) {
        let detail = "`mm` are minutes, and no hour goes with them; write MM for the month";
        return Err(Fault::new("", detail));
    }
    Ok(())
}
