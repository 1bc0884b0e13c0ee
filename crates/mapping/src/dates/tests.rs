//! The written forms that are read, and the patterns that are written.

use serde_json::{Value, json};

use super::*;

fn shown(value: &Value, day_first: bool) -> String {
    match read(value, day_first) {
        Ok(Moment::Day(day)) => day.to_string(),
        Ok(Moment::Clock(clock)) => clock.to_string(),
        Ok(Moment::Instant(instant)) => instant.timestamp().to_string(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn usual_forms_are_read() {
    let rows: &[(&str, &str)] = &[
        ("2024-03-10", "2024-03-10"),
        ("2024/3/9", "2024-03-09"),
        ("2024.03.10", "2024-03-10"),
        ("20240310", "2024-03-10"),
        ("2024-03-10T15:04", "2024-03-10T15:04:00"),
        ("2024-03-10 15:04:05.25", "2024-03-10T15:04:05.25"),
        ("2024-03-10T15:04:05Z", "2024-03-10T15:04:05Z"),
        ("2024-03-10t15:04:05z", "2024-03-10T15:04:05Z"),
        (
            "2024-03-10T15:04:05.123456789+01:00",
            "2024-03-10T14:04:05.123456789Z",
        ),
        ("2024-03-10T15:04:05-0530", "2024-03-10T20:34:05Z"),
        ("2024-03-10T15:04:05+01", "2024-03-10T14:04:05Z"),
        ("20240310T150405Z", "2024-03-10T15:04:05Z"),
        (
            "2024-03-10T15:04:05+01:00[Europe/Berlin]",
            "2024-03-10T14:04:05Z",
        ),
        ("2024-03-10T23:59:60Z", "2024-03-10T23:59:59Z"),
        ("Sun, 10 Mar 2024 15:04:05 +0100", "2024-03-10T14:04:05Z"),
        ("10 Mar 2024 15:04:05 GMT", "2024-03-10T15:04:05Z"),
        ("Sun Mar 10 2024 15:04:05 EST", "2024-03-10T20:04:05Z"),
        ("03/04/2024", "2024-03-04"),
        ("25/12/2024", "2024-12-25"),
        ("3/4/24", "2024-03-04"),
        ("3/4/99 3:05 PM", "1999-03-04T15:05:00"),
        ("04.03.2024", "2024-03-04"),
        ("04.03.2024 15:04", "2024-03-04T15:04:00"),
        ("04-Mar-2024", "2024-03-04"),
        ("March 4, 2024", "2024-03-04"),
        ("4th of March 2024", "2024-03-04"),
        ("Monday, March 4, 2024 at 12:30 a.m.", "2024-03-04T00:30:00"),
        ("4 March 2024 3pm", "2024-03-04T15:00:00"),
        ("Sept 1 2024", "2024-09-01"),
        ("1710082800", "2024-03-10T15:00:00Z"),
        ("1710082800000", "2024-03-10T15:00:00Z"),
        ("1710082800000000", "2024-03-10T15:00:00Z"),
        (" 2024-03-10 ", "2024-03-10"),
    ];
    for (written, expected) in rows {
        assert_eq!(shown(&json!(written), false), *expected, "{written}");
    }
    assert_eq!(shown(&json!("03/04/2024"), true), "2024-04-03");
    let numbers = [
        (json!(0), "1970-01-01T00:00:00Z"),
        (json!(-1), "1969-12-31T23:59:59Z"),
        (json!(1_710_082_800), "2024-03-10T15:00:00Z"),
        (json!(1_710_082_800_123_i64), "2024-03-10T15:00:00.123Z"),
        (json!(1_710_082_800.5), "2024-03-10T15:00:00.5Z"),
    ];
    for (number, expected) in numbers {
        assert_eq!(shown(&number, false), expected);
    }
}

#[test]
fn what_is_no_date_is_refused() {
    let no_form = DateError::Form.to_string();
    let no_day = DateError::NoSuchDay.to_string();
    for written in [
        "",
        "today",
        "2024",
        "2024-03",
        "1/2",
        "12345",
        "2024-03-10T",
        "2024-03-10x",
        "10:30",
        "2024-03-10 10:30 Mars",
        "1 2 3 4 5",
        "--",
        "March",
        "2024-W10-1",
        "10/10/10/10",
        "2024-03-10T15:04:05+1",
        "٢٠٢٤-٠٣-١٠",
    ] {
        assert_eq!(shown(&json!(written), false), no_form, "{written}");
    }
    for written in [
        "2024-02-30",
        "2023-02-29",
        "13/13/2024",
        "2024-03-10T25:00",
        "3/4/24 13:00 PM",
        "99999999999999999999",
    ] {
        let found = shown(&json!(written), false);
        assert!(found == no_day || found == no_form, "{written}: {found}");
    }
    assert_eq!(shown(&json!([]), false), "must be text or a number");
    assert_eq!(shown(&json!(1e300), false), no_day);
}

fn written(pattern: &str, value: &str, to: &str) -> Value {
    let layout = Layout::compile(pattern).unwrap_or_else(|fault| panic!("{pattern}: {fault}"));
    let moment = read(&json!(value), false).expect(value);
    let to = zone(to).expect(to);
    let written = layout.write(&moment, &TimeZone::UTC, &to);
    written.unwrap_or_else(|error| panic!("{pattern} of {value}: {error}"))
}

#[test]
fn patterns_write_and_read_back() {
    let at = "2024-03-10T15:04:05.678Z";
    let rows: &[(&str, &str, &str, Value)] = &[
        ("YYYY-MM-DD", at, "UTC", json!("2024-03-10")),
        ("%Y-%m-%d", at, "UTC", json!("2024-03-10")),
        ("D/M/YY", at, "UTC", json!("10/3/24")),
        (
            "dddd, MMMM D, YYYY h:mm A",
            at,
            "America/New_York",
            json!("Sunday, March 10, 2024 11:04 AM"),
        ),
        (
            "yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
            at,
            "Europe/Berlin",
            json!("2024-03-10T16:04:05.678+01:00"),
        ),
        (
            "YYYY-MM-DDTHH:mm:ssZ",
            at,
            "Europe/Berlin",
            json!("2024-03-10T16:04:05+01:00"),
        ),
        ("[Week] YYYY", at, "UTC", json!("Week 2024")),
        ("rfc3339", at, "UTC", json!("2024-03-10T15:04:05.678Z")),
        (
            "iso8601",
            at,
            "Asia/Kolkata",
            json!("2024-03-10T20:34:05.678+05:30"),
        ),
        (
            "rfc2822",
            at,
            "UTC",
            json!("Sun, 10 Mar 2024 15:04:05 +0000"),
        ),
        ("epoch", at, "Asia/Tokyo", json!(1_710_083_045)),
        ("epoch_ms", at, "UTC", json!(1_710_083_045_678_i64)),
        // A day has no zone, and its midnight need not exist: 2024-03-31 in Beirut began at 01:00.
        (
            "YYYY-MM-DD",
            "2024-03-31",
            "Asia/Beirut",
            json!("2024-03-31"),
        ),
        (
            "YYYY-MM-DD",
            "2024-03-10",
            "Pacific/Honolulu",
            json!("2024-03-10"),
        ),
        // Before and after the clocks go forward in New York.
        (
            "HH:mm Z",
            "2024-03-10T06:59:00Z",
            "America/New_York",
            json!("01:59 -05:00"),
        ),
        (
            "HH:mm Z",
            "2024-03-10T07:00:00Z",
            "America/New_York",
            json!("03:00 -04:00"),
        ),
        (
            "YYYY-MM-DD HH:mm",
            "2024-03-10 23:30",
            "+02:00",
            json!("2024-03-11 01:30"),
        ),
    ];
    for (pattern, value, to, expected) in rows {
        assert_eq!(
            written(pattern, value, to),
            *expected,
            "{pattern} of {value} in {to}"
        );
    }
    for pattern in [
        "YYYY-MM-DD HH:mm:ss.SSSZ",
        "%Y%m%dT%H%M%S.%3f%z",
        "rfc3339",
        "epoch_ms",
    ] {
        let layout = Layout::compile(pattern).expect(pattern);
        let back = layout
            .parse(&written(pattern, at, "Asia/Tokyo"))
            .expect(pattern);
        let Moment::Instant(back) = back else {
            panic!("{pattern}: {back:?}")
        };
        assert_eq!(back.timestamp().to_string(), at, "{pattern}");
    }
    let layout = Layout::compile("DD.MM.YYYY").expect("compiles");
    assert_eq!(
        layout.parse(&json!("04.03.2024")),
        Ok(Moment::Day(jiff::civil::date(2024, 3, 4)))
    );
    assert_eq!(
        layout.parse(&json!("2024-03-04")),
        Err(DateError::Layout("DD.MM.YYYY".into()))
    );
}

#[test]
fn bad_patterns_are_refused() {
    let rows = [
        ("", "a pattern of dates has 1 to 100 characters"),
        (
            "yyyy-mm-dd",
            "`mm` are minutes, and no hour goes with them; write MM for the month",
        ),
        (
            "QQ",
            "`QQ` is no field of a date; fields are such as YYYY, MM, DD, HH, mm and ss, and other text stands in '…'",
        ),
        ("YYYY 'open", "`'` quotes text that nothing closes"),
    ];
    for (pattern, expected) in rows {
        let fault = Layout::compile(pattern).expect_err(pattern);
        assert_eq!(fault.to_string(), expected, "{pattern}");
    }
    let fault = Layout::compile("%Y-%k-%!").expect_err("no pattern");
    assert!(
        fault.to_string().starts_with("not a pattern of dates: "),
        "{fault}"
    );
    let fault = zone("Europe/Berlim").expect_err("no zone");
    assert_eq!(fault.nearest.as_deref(), Some("Europe/Berlin"));
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in "[0-9TZtz:/., +aApPmMarJunSept-]{0,30}", pattern in "[%YMDHhmsSaAZXzT\\[\\]' -]{0,20}") {
        let moment = read(&json!(text), true);
        if let (Ok(moment), Ok(layout)) = (moment, Layout::compile(&pattern)) {
            let utc = TimeZone::UTC;
            let written = layout.write(&moment, &utc, &utc);
            let _whatever = written.map(|written| layout.parse(&written));
        }
    }

    #[test]
    fn epochs_are_read_back(seconds in -62_000_000_000_i64..90_000_000_000) {
        let moment = read(&json!(seconds), false).expect("read");
        let layout = Layout::compile("epoch").expect("compiles");
        let utc = TimeZone::UTC;
        proptest::prop_assert_eq!(layout.write(&moment, &utc, &utc), Ok(json!(seconds)));
    }
}
