//! Time zones by name.

use jiff::tz::{Offset, TimeZone};

use crate::Fault;

/// The zone of this name: one of the IANA database (`Europe/Berlin`), or a fixed offset (`+02:00`).
///
/// # Errors
///
/// An unknown name, with the nearest and an empty pointer.
pub fn zone(name: &str) -> Result<TimeZone, Fault> {
    if let Some(offset) = offset(name) {
        return Ok(TimeZone::fixed(offset));
    }
    TimeZone::get(name).map_err(|_| {
        let known: Vec<String> = jiff::tz::db().available().map(|n| n.to_string()).collect();
        Fault::unknown("", "no time zone", name, known.iter().map(String::as_str))
    })
}

/// `Z`, `+01`, `+0100` or `+01:00`.
pub(super) fn offset(text: &str) -> Option<Offset> {
    if matches!(text, "Z" | "z") {
        return Some(Offset::UTC);
    }
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits = text[1..].replacen(':', "", 1);
    if !matches!(digits.len(), 2 | 4) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let hours: i32 = digits[..2].parse().ok()?;
    let minutes: i32 = digits
        .get(2..)
        .filter(|m| !m.is_empty())
        .map_or(Ok(0), str::parse)
        .ok()?;
    if minutes > 59 {
        return None;
    }
    Offset::from_seconds(sign * (hours * 3_600 + minutes * 60)).ok()
}
