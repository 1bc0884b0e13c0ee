//! Amounts as people write them on a command line, and as they read them.

use std::time::Duration;

/// The longest time that a flag takes.
const LONGEST: Duration = Duration::from_hours(1);

/// Reads a time such as `250ms`, `2s`, `1m 30s`, or a number of seconds; at most an hour.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let read = match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        Err(_) => text
            .parse::<jiff::SignedDuration>()
            .ok()
            .and_then(|duration| duration.try_into().ok()),
    };
    read.filter(|duration| *duration <= LONGEST)
        .ok_or_else(|| "write a time up to an hour, such as 250ms or 2s".to_owned())
}

/// Reads a share between 0 and 1.
pub(super) fn ratio(text: &str) -> Result<f64, String> {
    let read = text.parse().ok();
    read.filter(|ratio| (0.0..=1.0).contains(ratio))
        .ok_or_else(|| "write a number from 0 to 1, such as 0.3".to_owned())
}

/// Reads how often a second something happens.
pub(super) fn rate(text: &str) -> Result<f64, String> {
    let read = text.parse().ok();
    read.filter(|rate| (0.001..=1_000_000.0).contains(rate))
        .ok_or_else(|| "write a number per second from 0.001 to 1000000".to_owned())
}

/// A time as people read it: `0.8 ms`, `12 ms`, `1.25 s`.
pub(super) fn time_in_words(time: Duration) -> String {
    let millis = time.as_secs_f64() * 1_000.0;
    match millis {
        ..10.0 => format!("{millis:.1} ms"),
        ..1_000.0 => format!("{millis:.0} ms"),
        _ => format!("{:.2} s", millis / 1_000.0),
    }
}

/// A number of bytes as people read it: `312 B`, `1.5 KiB`, `61.8 GiB`.
pub(super) fn bytes_in_words(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut amount = bytes as f64 / 1024.0;
    let mut unit = 0;
    while amount >= 1024.0 && unit + 1 < UNITS.len() {
        amount /= 1024.0;
        unit += 1;
    }
    format!("{amount:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        for (text, millis) in [
            ("250ms", Some(250)),
            ("2s", Some(2_000)),
            ("1m 30s", Some(90_000)),
            ("0.5", Some(500)),
            ("0", Some(0)),
            ("2h", None),
            ("-1s", None),
            ("NaN", None),
            ("soon", None),
        ] {
            let read = duration(text).ok().map(|d| d.as_millis());
            assert_eq!(read, millis, "{text}");
        }
    }

    #[test]
    fn amounts_are_shown_as_people_read_them() {
        for (micros, words) in [(800, "0.8 ms"), (12_345, "12 ms"), (1_250_000, "1.25 s")] {
            assert_eq!(time_in_words(Duration::from_micros(micros)), words);
        }
        for (bytes, words) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1536, "1.5 KiB"),
            (5 << 30, "5.0 GiB"),
        ] {
            assert_eq!(bytes_in_words(bytes), words);
        }
    }

    #[test]
    fn shares_and_rates_have_bounds() {
        let rows = [
            ("0.3", true, true),
            ("0", true, false),
            ("2", false, true),
            ("-1", false, false),
            ("NaN", false, false),
        ];
        for (text, is_ratio, is_rate) in rows {
            assert_eq!(ratio(text).is_ok(), is_ratio, "{text}");
            assert_eq!(rate(text).is_ok(), is_rate, "{text}");
        }
    }
}
