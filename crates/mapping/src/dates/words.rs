//! The English words of dates.

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// The month, from 1, of a name or its first three letters or more.
pub(super) fn month(word: &str) -> Option<i8> {
    let index = MONTHS.iter().position(|name| begins(name, word))?;
    i8::try_from(index + 1).ok()
}

/// Whether it is the name of a day of the week, or its first letters.
pub(super) fn is_weekday(word: &str) -> bool {
    WEEKDAYS.iter().any(|name| begins(name, word))
}

/// Whether it is an ending such as in `1st`, or a word that stands between: `of`, `at`.
pub(super) fn is_filler(word: &str) -> bool {
    const FILLERS: [&str; 6] = ["st", "nd", "rd", "th", "of", "at"];
    FILLERS
        .iter()
        .any(|filler| filler.eq_ignore_ascii_case(word))
}

/// The offset in hours of the abbreviations that RFC 2822 gives a meaning (section 4.3).
pub(super) fn zone_hours(word: &str) -> Option<i8> {
    const ZONES: [(&str, i8); 12] = [
        ("UTC", 0),
        ("GMT", 0),
        ("UT", 0),
        ("Z", 0),
        ("EST", -5),
        ("EDT", -4),
        ("CST", -6),
        ("CDT", -5),
        ("MST", -7),
        ("MDT", -6),
        ("PST", -8),
        ("PDT", -7),
    ];
    let mut zones = ZONES.iter();
    zones.find_map(|(name, hours)| name.eq_ignore_ascii_case(word).then_some(*hours))
}

fn begins(name: &str, word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    word.len() >= 3 && (name.starts_with(&word) || (name == "september" && word == "sept"))
}
