//! Reads the usual written forms: ISO 8601 and RFC 3339, RFC 2822, slashes, dots and hyphens, names of months, and
//! seconds or milliseconds since 1970.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp, Zoned};
use serde_json::{Number, Value};

use super::words::{is_filler, is_weekday, month, zone_hours};
use super::zone::offset;
use super::{DateError, Moment};

/// Longest written date, in bytes.
const MAX_LENGTH: usize = 80;

/// Reads a date: text in one of the written forms, or a number of seconds or milliseconds since 1970.
///
/// In `03/04/2024` the month comes first unless `day_first`; between dots the day always does.
pub fn read(value: &Value, day_first: bool) -> Result<Moment, DateError> {
    match value {
        Value::Number(number) => epoch(number),
        Value::String(text) => read_text(text.trim(), day_first),
        _ => Err(DateError::Kind),
    }
}

/// Seconds below 100 billion, which are reached in the year 5138; then milli-, micro- and nanoseconds.
fn epoch(number: &Number) -> Result<Moment, DateError> {
    const UNITS: [(i64, i64); 3] = [
        (100_000_000_000, 1),
        (100_000_000_000_000, 1_000),
        (100_000_000_000_000_000, 1_000_000),
    ];
    let Some(count) = number.as_i64() else {
        let seconds = number.as_f64().ok_or(DateError::NoSuchDay)?;
        let duration = SignedDuration::try_from_secs_f64(seconds).ok();
        let duration = duration.ok_or(DateError::NoSuchDay)?;
        return Timestamp::from_duration(duration)
            .map(Moment::at)
            .map_err(|_| DateError::NoSuchDay);
    };
    let per_second = UNITS
        .iter()
        .find(|(below, _)| count.unsigned_abs() < below.unsigned_abs())
        .map_or(1_000_000_000, |(_, per_second)| *per_second);
    let seconds = count.div_euclid(per_second);
    let rest = count.rem_euclid(per_second) * (1_000_000_000 / per_second);
    let nanoseconds = i32::try_from(rest).map_err(|_| DateError::NoSuchDay)?;
    Timestamp::new(seconds, nanoseconds)
        .map(Moment::at)
        .map_err(|_| DateError::NoSuchDay)
}

fn read_text(text: &str, day_first: bool) -> Result<Moment, DateError> {
    if text.len() > MAX_LENGTH || !text.is_ascii() {
        return Err(DateError::Form);
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return match digits.len() {
            8 if !text.starts_with('-') => compact(digits),
            9..=19 => epoch(
                &text
                    .parse::<i64>()
                    .map_err(|_| DateError::NoSuchDay)?
                    .into(),
            ),
            _ => Err(DateError::Form),
        };
    }
    // A zone by name in brackets says more than the offset before it (RFC 9557).
    if text.ends_with(']') {
        return text
            .parse::<Zoned>()
            .map(Moment::Instant)
            .map_err(|_| DateError::Form);
    }
    Reader::default().read(text, day_first)
}

fn compact(digits: &str) -> Result<Moment, DateError> {
    let number = |range: std::ops::Range<usize>| digits[range].parse::<i16>().unwrap_or_default();
    let (month, day) = (number(4..6) as i8, number(6..8) as i8);
    let date = Date::new(number(0..4), month, day);
    date.map(Moment::Day).map_err(|_| DateError::NoSuchDay)
}

/// What has been read of a date.
#[derive(Default)]
struct Reader {
    /// The numbers of the date, in the order written.
    numbers: Vec<Digits>,
    month: Option<i8>,
    /// Whether the month's name came before any number.
    month_leads: bool,
    separator: Option<char>,
    time: Option<Time>,
    zone: Option<Offset>,
}

/// A number, and how many digits it was written with.
#[derive(Clone, Copy)]
struct Digits {
    value: i32,
    written: usize,
}

impl Reader {
    fn read(mut self, text: &str, day_first: bool) -> Result<Moment, DateError> {
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            rest = match first {
                '0'..='9' => self.digits(rest)?,
                'T' | 't' if self.time_follows(rest) => &rest[1..],
                '+' | '-' if self.time.is_some() => self.offset(rest)?,
                'a'..='z' | 'A'..='Z' => self.word(rest)?,
                '/' | '.' | '-' => {
                    self.separator = self.separator.or(Some(first));
                    &rest[1..]
                }
                ' ' | ',' | '(' | ')' => &rest[1..],
                _ => return Err(DateError::Form),
            };
        }
        self.moment(day_first)
    }

    fn time_follows(&self, rest: &str) -> bool {
        let after = rest.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
        after && !self.numbers.is_empty()
    }

    /// A number of the date; or, with a colon behind it or all six digits after a `T`, a time.
    fn digits<'t>(&mut self, rest: &'t str) -> Result<&'t str, DateError> {
        let (number, after) = number(rest)?;
        let whole = self.numbers.len() + usize::from(self.month.is_some()) >= 3;
        let compact_day = self.numbers.len() == 1 && self.numbers[0].written == 8;
        if after.starts_with(':') || ((whole || compact_day) && self.time.is_none()) {
            return self.time(rest);
        }
        if self.numbers.len() == 3 || number.written == 3 || number.written > 8 {
            return Err(DateError::Form);
        }
        self.numbers.push(number);
        Ok(after)
    }

    /// `15:04`, `15:04:05`, `15:04:05.123`, `150405`, `3 PM`.
    fn time<'t>(&mut self, rest: &'t str) -> Result<&'t str, DateError> {
        if self.time.is_some() {
            return Err(DateError::Form);
        }
        let (first, mut rest) = number(rest)?;
        let (mut hour, mut minute, mut second, mut nanosecond) = (first.value, 0, 0, 0);
        let mut whole = true;
        if let Some(after) = rest.strip_prefix(':') {
            let (minutes, after) = number(after)?;
            (minute, rest) = (minutes.value, after);
            if let Some(after) = rest.strip_prefix(':') {
                let (seconds, after) = number(after)?;
                (second, rest) = (seconds.value, after);
            }
        } else if first.written == 6 {
            // A time without colons, as in 20240310T150405Z.
            (hour, minute, second) = (hour / 10_000, hour / 100 % 100, hour % 100);
        } else if first.written == 4 {
            (hour, minute) = (hour / 100, hour % 100);
        } else {
            whole = false;
        }
        if rest.starts_with(['.', ',']) && rest[1..].starts_with(|c: char| c.is_ascii_digit()) {
            let length = rest[1..].bytes().take_while(u8::is_ascii_digit).count();
            let fraction = format!("{:0<9}", &rest[1..=length.min(9)]);
            nanosecond = fraction.parse().map_err(|_| DateError::Form)?;
            rest = &rest[1 + length..];
        }
        let before = rest.len();
        let (hour, rest) = half_of_day(hour, rest)?;
        if !whole && rest.len() == before {
            return Err(DateError::Form);
        }
        let part = |value: i32| i8::try_from(value).map_err(|_| DateError::NoSuchDay);
        let time = Time::new(
            part(hour)?,
            part(minute)?,
            part(second.min(60))?.min(59),
            nanosecond,
        );
        self.time = Some(time.map_err(|_| DateError::NoSuchDay)?);
        Ok(rest)
    }

    fn offset<'t>(&mut self, rest: &'t str) -> Result<&'t str, DateError> {
        let length = rest[1..]
            .bytes()
            .take_while(|b| b.is_ascii_digit() || *b == b':')
            .count();
        let (text, after) = rest.split_at(1 + length);
        self.zone = Some(offset(text).ok_or(DateError::Form)?);
        Ok(after)
    }

    fn word<'t>(&mut self, rest: &'t str) -> Result<&'t str, DateError> {
        let length = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (word, after) = rest.split_at(length);
        if let Some(month) = month(word).filter(|_| self.month.is_none()) {
            self.month = Some(month);
            self.month_leads = self.numbers.is_empty();
        } else if let Some(hours) = zone_hours(word).filter(|_| self.time.is_some()) {
            self.zone = self.zone.or(Offset::from_hours(hours).ok());
        } else if !is_weekday(word) && !is_filler(word) {
            return Err(DateError::Form);
        }
        Ok(after)
    }

    fn moment(self, day_first: bool) -> Result<Moment, DateError> {
        let date = self.date(day_first)?;
        let Some(time) = self.time else {
            return Ok(Moment::Day(date));
        };
        let clock = DateTime::from_parts(date, time);
        let Some(zone) = self.zone else {
            return Ok(Moment::Clock(clock));
        };
        let instant = clock.to_zoned(TimeZone::fixed(zone));
        instant
            .map(Moment::Instant)
            .map_err(|_| DateError::NoSuchDay)
    }

    fn date(&self, day_first: bool) -> Result<Date, DateError> {
        let (year, month, day) = match (self.numbers.as_slice(), self.month) {
            ([compact], None) if compact.written == 8 => {
                let value = compact.value;
                return calendar_day(value / 10_000, value / 100 % 100, value % 100);
            }
            // March 4 2024, 4 March 2024, 2024 March 4
            ([a, b], Some(month)) if a.written == 4 => (*a, i32::from(month), b.value),
            ([a, b], Some(month)) => (*b, i32::from(month), a.value),
            // 2024-03-04, 2024/03/04, 2024.03.04
            ([a, b, c], None) if a.written == 4 => (*a, b.value, c.value),
            ([a, b, c], None) => {
                let day_first = day_first || self.separator == Some('.') || a.value > 12;
                let (month, day) = if day_first { (b, a) } else { (a, b) };
                (*c, month.value, day.value)
            }
            _ => return Err(DateError::Form),
        };
        calendar_day(full_year(year)?, month, day)
    }
}

/// Two digits mean 1969 to 2068, as POSIX has it.
fn full_year(year: Digits) -> Result<i32, DateError> {
    match (year.written, year.value) {
        (4, year) => Ok(year),
        (2, year @ 69..) => Ok(1_900 + year),
        (2, year) => Ok(2_000 + year),
        _ => Err(DateError::Form),
    }
}

fn calendar_day(year: i32, month: i32, day: i32) -> Result<Date, DateError> {
    let year = i16::try_from(year).map_err(|_| DateError::NoSuchDay)?;
    let month = i8::try_from(month).map_err(|_| DateError::NoSuchDay)?;
    let day = i8::try_from(day).map_err(|_| DateError::NoSuchDay)?;
    Date::new(year, month, day).map_err(|_| DateError::NoSuchDay)
}

fn number(rest: &str) -> Result<(Digits, &str), DateError> {
    let written = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, after) = rest.split_at(written);
    let value = digits.parse().map_err(|_| DateError::Form)?;
    Ok((Digits { value, written }, after))
}

/// The hour of 24, for an hour with AM or PM behind it.
fn half_of_day(hour: i32, rest: &str) -> Result<(i32, &str), DateError> {
    let word = rest.trim_start();
    let length = word
        .bytes()
        .take_while(|b| b.is_ascii_alphabetic() || *b == b'.')
        .count();
    let afternoon = match word[..length]
        .replace('.', "")
        .to_ascii_lowercase()
        .as_str()
    {
        "am" => false,
        "pm" => true,
        _ => return Ok((hour, rest)),
    };
    if !(1..=12).contains(&hour) {
        return Err(DateError::NoSuchDay);
    }
    Ok((hour % 12 + if afternoon { 12 } else { 0 }, &word[length..]))
}
