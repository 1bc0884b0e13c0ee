//! Evaluating a filter, and telling why it holds or not.

use std::{cell::OnceCell, fmt::Write as _};

use serde_json::{Value, json};

use super::{
    Asks, Condition, Filter, Node, Order, Test,
    compare::{equal, order},
};
use crate::{EventId, Timestamp, event::Event, pattern::EventType};

/// How much of a value an explanation shows, in characters.
const SHOWN: usize = 100;

/// An event as filters see it: `{"type", "source", "subject", "data"}`. Its content is parsed when the
/// first filter looks, and once for all of them.
pub struct Document<'a> {
    /// Its type.
    pub event_type: &'a EventType,
    /// Where it came from.
    pub source: &'a str,
    /// What it is about.
    pub subject: Option<&'a str>,
    data: &'a str,
    /// Its id and its time, once it has them.
    minted: Option<(EventId, Timestamp)>,
    parsed: OnceCell<Value>,
    whole: OnceCell<Value>,
}

impl<'a> Document<'a> {
    /// The document of an event with these attributes and this content, JSON text.
    pub fn new(
        event_type: &'a EventType,
        source: &'a str,
        subject: Option<&'a str>,
        data: &'a str,
    ) -> Self {
        Self {
            event_type,
            source,
            subject,
            data,
            minted: None,
            parsed: OnceCell::new(),
            whole: OnceCell::new(),
        }
    }

    /// The document of `event`.
    pub fn of(event: &'a Event) -> Self {
        let subject = event.subject.as_deref();
        Self {
            minted: Some((event.id, event.time)),
            ..Self::new(&event.event_type, &event.source, subject, &event.data)
        }
    }

    /// The event as expressions and templates see it: `{"id", "type", "source", "subject", "time", "data"}`, with
    /// `null` for what it does not have.
    pub fn whole(&self) -> &Value {
        self.whole.get_or_init(|| {
            let (id, time) = self.minted.unzip();
            json!({
                "id": id,
                "type": self.event_type,
                "source": self.source,
                "subject": self.subject,
                "time": time,
                "data": self.value()["data"],
            })
        })
    }

    fn value(&self) -> &Value {
        self.parsed.get_or_init(|| {
            // What is on the log was JSON when it came. Should it not be readable after all, it has no
            // field that a filter could meet.
            let data: Value = serde_json::from_str(self.data).unwrap_or_default();
            let mut document =
                json!({"type": self.event_type, "source": self.source, "data": data});
            if let Some(subject) = self.subject {
                document["subject"] = Value::from(subject);
            }
            document
        })
    }
}

/// Whether one condition of a filter holds, and what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// JSON Pointer to the condition within the filter.
    pub pointer: String,
    /// Whether it holds.
    pub holds: bool,
    /// What was found, in a sentence.
    pub detail: String,
}

impl Filter {
    /// Whether the event is wanted.
    pub fn matches(&self, document: &Document<'_>) -> bool {
        self.root.holds(document)
    }

    /// Whether each of its conditions holds, in the order in which they stand.
    pub fn explain(&self, document: &Document<'_>) -> Vec<Explained> {
        let mut found = Vec::new();
        self.root.explain(document, String::new(), &mut found);
        found
    }
}

impl Node {
    fn holds(&self, document: &Document<'_>) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(document)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(document)),
            Self::Not(part) => !part.holds(document),
            Self::Field(condition) => condition.holds(document),
        }
    }

    fn explain(&self, document: &Document<'_>, pointer: String, found: &mut Vec<Explained>) {
        let (word, parts) = match self {
            Self::All(parts) => ("all", parts),
            Self::Any(parts) => ("any", parts),
            Self::Not(part) => return part.explain(document, pointer + "/not", found),
            Self::Field(condition) => {
                found.push(condition.explain(document, pointer));
                return;
            }
        };
        for (i, part) in parts.iter().enumerate() {
            part.explain(document, format!("{pointer}/{word}/{i}"), found);
        }
    }
}

impl Condition {
    fn holds(&self, document: &Document<'_>) -> bool {
        let selected = self.path.select(document.value());
        let mut values = selected.values().iter();
        match &self.asks {
            Asks::Exists(wanted) => values.next().is_some() == *wanted,
            Asks::Passes(tests) => {
                values.any(|value| tests.iter().all(|test| test.passed_by(value)))
            }
        }
    }

    fn explain(&self, document: &Document<'_>, pointer: String) -> Explained {
        let selected = self.path.select(document.value());
        let found = match selected.values() {
            [] => "is missing".to_owned(),
            [only] => format!("is {}", cut(&only.to_string())),
            several => format!("has {} values", several.len()),
        };
        let mut detail = format!("`{}` {found}; asked for: ", self.path);
        match &self.asks {
            Asks::Exists(wanted) => {
                let _ = write!(detail, "exists {wanted}");
            }
            Asks::Passes(tests) => {
                let words: Vec<_> = tests.iter().map(Test::words).collect();
                detail.push_str(&words.join(" and "));
            }
        }
        Explained {
            pointer,
            holds: self.holds(document),
            detail,
        }
    }
}

impl Test {
    fn passed_by(&self, value: &Value) -> bool {
        match self {
            Self::Equals(wanted) => equal(value, wanted),
            Self::OneOf(wanted) => wanted.iter().any(|wanted| equal(value, wanted)),
            Self::Order(wanted, limit) => {
                order(value, limit).is_some_and(|ordering| wanted.allows(ordering))
            }
            Self::Prefix(prefix) => value.as_str().is_some_and(|text| text.starts_with(prefix)),
        }
    }

    fn words(&self) -> String {
        match self {
            Self::Equals(wanted) => format!("eq {}", cut(&wanted.to_string())),
            Self::OneOf(wanted) => format!("in {}", cut(&json!(wanted).to_string())),
            Self::Order(order, limit) => format!("{} {}", order.word(), cut(&limit.to_string())),
            Self::Prefix(prefix) => format!("prefix {}", cut(&json!(prefix).to_string())),
        }
    }
}

impl Order {
    fn word(self) -> &'static str {
        match self {
            Self::Greater => "gt",
            Self::GreaterOrEqual => "gte",
            Self::Less => "lt",
            Self::LessOrEqual => "lte",
        }
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
