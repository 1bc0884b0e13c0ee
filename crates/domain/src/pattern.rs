//! Event types and the patterns that subscriptions name them with.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// The longest event type, in bytes.
pub const MAX_LENGTH: usize = 128;

/// The type of an event: 1 to 128 of `A-Z a-z 0-9 _ - / :`, in segments parted by single dots,
/// as in `conversation.started`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventType(Arc<str>);

/// The text is no event type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "an event type has 1 to 128 of the characters A-Z a-z 0-9 _ - / : in segments parted by single \
     dots, such as `order.created`"
)]
pub struct BadEventType;

impl EventType {
    /// An event type of this program's own.
    pub fn known(text: &'static str) -> Self {
        debug_assert!(is_type(text), "{text}");
        Self(text.into())
    }

    /// The event type that comes closest to a third party's `text`: other characters become `_`,
    /// empty segments go, the end is cut. `None` if nothing is left.
    pub fn closest(text: &str) -> Option<Self> {
        let mut kept = String::with_capacity(text.len().min(MAX_LENGTH));
        for segment in text.split('.').filter(|segment| !segment.is_empty()) {
            if !kept.is_empty() {
                kept.push('.');
            }
            kept.extend(segment.chars().map(|c| if is_letter(c) { c } else { '_' }));
            if kept.len() > MAX_LENGTH {
                kept.truncate(MAX_LENGTH);
                break;
            }
        }
        kept.trim_end_matches('.').parse().ok()
    }

    /// The type as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_letter(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '/' | ':')
}

fn is_type(text: &str) -> bool {
    text.len() <= MAX_LENGTH
        && text
            .split('.')
            .all(|segment| !segment.is_empty() && segment.chars().all(is_letter))
}

impl FromStr for EventType {
    type Err = BadEventType;

    fn from_str(text: &str) -> Result<Self, BadEventType> {
        is_type(text).then(|| Self(text.into())).ok_or(BadEventType)
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which event types a subscription wants: `*` (all), `conversation.*` (all below), or one type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// `*`
    All,
    /// `conversation.*`: the prefix with its dot.
    Below(Arc<str>),
    /// One type.
    Exactly(EventType),
}

/// The text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected `*`, an event type such as `conversation.started`, or a prefix such as \
     `conversation.*`; a `*` stands only at the end, after a dot"
)]
pub struct BadPattern;

impl Pattern {
    /// Whether events of this type are wanted.
    pub fn matches(&self, event_type: &EventType) -> bool {
        match self {
            Self::All => true,
            Self::Below(prefix) => event_type.as_str().starts_with(&**prefix),
            Self::Exactly(wanted) => wanted == event_type,
        }
    }
}

impl FromStr for Pattern {
    type Err = BadPattern;

    fn from_str(text: &str) -> Result<Self, BadPattern> {
        if text == "*" {
            return Ok(Self::All);
        }
        match text.strip_suffix(".*") {
            Some(prefix) if is_type(prefix) => Ok(Self::Below(format!("{prefix}.").into())),
            Some(_) => Err(BadPattern),
            None => text.parse().map(Self::Exactly).map_err(|_| BadPattern),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::Below(prefix) => write!(f, "{prefix}*"),
            Self::Exactly(event_type) => event_type.fmt(f),
        }
    }
}

macro_rules! serde_as_text {
    ($($name:ident),*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(D::Error::custom)
            }
        }
    )*};
}
serde_as_text!(EventType, Pattern);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match() {
        let rows = [
            ("*", "a", true),
            ("*", "a.b.c", true),
            ("a.b", "a.b", true),
            ("a.b", "a.b.c", false),
            ("a.*", "a.b", true),
            ("a.*", "a.b.c", true),
            ("a.*", "a", false),
            ("a.*", "ab.c", false),
        ];
        for (pattern, event_type, matches) in rows {
            let parsed: Pattern = pattern.parse().unwrap();
            assert_eq!(parsed.to_string(), pattern);
            assert_eq!(
                parsed.matches(&event_type.parse().unwrap()),
                matches,
                "{pattern} {event_type}"
            );
        }
    }

    #[test]
    fn bad_patterns_are_refused() {
        let long = "a".repeat(129);
        for bad in [
            "", "a*", "*.a", "a.*.b", "a..b", ".a", "a.", "**", "a b", "ä", ".*", &long,
        ] {
            assert!(bad.parse::<Pattern>().is_err(), "{bad}");
        }
    }

    #[test]
    fn foreign_types_are_brought_close() {
        let rows = [
            ("orders/create", Some("orders/create")),
            ("a b.c", Some("a_b.c")),
            ("..a..b..", Some("a.b")),
            ("", None),
            ("...", None),
        ];
        for (text, closest) in rows {
            assert_eq!(
                EventType::closest(text).as_ref().map(EventType::as_str),
                closest,
                "{text}"
            );
        }
        assert_eq!(
            EventType::closest(&"x".repeat(500)).unwrap().as_str().len(),
            128
        );
    }
}
