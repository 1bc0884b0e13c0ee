//! Taking the secrets of a call out of everything that leaves it.

use std::{borrow::Cow, sync::Arc};

use serde_json::{Map, Value};

use crate::{outbound::REDACTED, registry::NamedSecret};

/// What takes the secrets of one call out of whatever is shown of it.
#[derive(Default)]
pub(crate) struct Redaction(Vec<Arc<NamedSecret>>);

impl Redaction {
    pub(super) fn new(secrets: impl IntoIterator<Item = Arc<NamedSecret>>) -> Self {
        Self(secrets.into_iter().collect())
    }

    /// `text` without the secrets.
    pub(super) fn text(&self, text: &str) -> String {
        let clean = self.0.iter().fold(Cow::Borrowed(text), |text, secret| {
            match secret.redactor.text(&text) {
                Cow::Borrowed(_) => text,
                Cow::Owned(clean) => Cow::Owned(clean),
            }
        });
        clean.into_owned()
    }

    /// Text that was cut at its end, without the secrets.
    pub(super) fn cut(&self, bytes: &[u8]) -> String {
        let clean = self.0.iter().fold(Cow::Borrowed(bytes), |bytes, secret| {
            Cow::Owned(secret.redactor.cut(&bytes).into_owned())
        });
        String::from_utf8_lossy(&clean).replace('\0', "\u{fffd}")
    }

    /// A header's value without the secrets.
    pub(super) fn header(&self, value: &[u8]) -> String {
        let clean = self.0.iter().fold(Cow::Borrowed(value), |value, secret| {
            Cow::Owned(secret.redactor.header_value(&value).into_owned())
        });
        String::from_utf8_lossy(&clean).into_owned()
    }

    /// `value` without the secrets: in strings, in keys, and where a number is one.
    pub(super) fn value(&self, value: Value) -> Value {
        if self.0.is_empty() {
            return value;
        }
        match value {
            Value::String(text) => self.text(&text).into(),
            Value::Array(items) => items.into_iter().map(|item| self.value(item)).collect(),
            Value::Object(members) => {
                let members = members
                    .into_iter()
                    .map(|(key, member)| (self.text(&key), self.value(member)));
                Value::Object(members.collect::<Map<_, _>>())
            }
            Value::Number(number) => {
                let text = number.to_string();
                let is_secret = self.0.iter().any(|secret| *secret.text == text);
                if is_secret {
                    REDACTED.into()
                } else {
                    Value::Number(number)
                }
            }
            other => other,
        }
    }
}
