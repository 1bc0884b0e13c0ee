//! A text in which secrets stand by name: `Bearer {{secrets.CRM_API_KEY}}`.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// The longest text, in bytes, before its secrets are put in.
const MAX_BYTES: usize = 4_096;

/// A text in which secrets stand by name. It can be kept and shown: it holds no secret itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretText {
    text: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Secret(String),
}

/// Why a text cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadText {
    /// A placeholder that is not closed.
    #[error("`{{{{` is not closed by `}}}}`")]
    Open,
    /// A placeholder that names no secret.
    #[error("`{{{{{0}}}}}` is no secret; only {{{{secrets.NAME}}}} can stand here")]
    NoSecret(String),
    /// A control character, which no header can hold.
    #[error("it has a control character such as a line break")]
    Control,
    /// It is too long.
    #[error("it has more than {MAX_BYTES} bytes")]
    TooLong,
}

impl SecretText {
    /// Reads a text.
    pub fn parse(text: &str) -> Result<Self, BadText> {
        if text.len() > MAX_BYTES {
            return Err(BadText::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(BadText::Control);
        }
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some(at) = rest.find("{{") {
            let (before, from) = rest.split_at(at);
            let end = from.find("}}").ok_or(BadText::Open)?;
            let inside = from[2..end].trim();
            let name = inside.strip_prefix("secrets.").filter(|name| is_name(name));
            let name = name.ok_or_else(|| BadText::NoSecret(inside.to_owned()))?;
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(Part::Secret(name.to_owned()));
            rest = &from[end + 2..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self {
            text: text.to_owned(),
            parts,
        })
    }

    /// The names of its secrets.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Secret(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// The text with its secrets put in; the name of the first that `secret` does not know, if any.
    pub fn render<'s>(
        &'s self,
        secret: impl Fn(&str) -> Option<&'s str>,
    ) -> Result<String, &'s str> {
        let mut whole = String::new();
        for part in &self.parts {
            whole.push_str(match part {
                Part::Text(text) => text,
                Part::Secret(name) => secret(name).ok_or(name.as_str())?,
            });
        }
        Ok(whole)
    }
}

fn is_name(text: &str) -> bool {
    let mut characters = text.chars();
    let begins = characters
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    begins && characters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

impl fmt::Display for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for SecretText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_put_where_they_stand() {
        let secret = |name: &str| (name == "KEY").then_some("s3cr3t");
        let rows = [
            ("{{secrets.KEY}}", Ok("s3cr3t")),
            ("Bearer {{ secrets.KEY }}!", Ok("Bearer s3cr3t!")),
            ("plain", Ok("plain")),
            ("", Ok("")),
            ("{{secrets.OTHER}}", Err("OTHER")),
        ];
        for (text, expected) in rows {
            let parsed = SecretText::parse(text).unwrap();
            assert_eq!(
                parsed.render(secret).as_deref().map_err(|e| *e),
                expected,
                "{text}"
            );
            assert_eq!(parsed.to_string(), text);
        }
    }

    #[test]
    fn other_placeholders_are_refused() {
        for text in [
            "{{KEY}}",
            "{{secrets.}}",
            "{{secrets.A-B}}",
            "{{secrets.KEY",
            "a\nb",
            "{{ }}",
        ] {
            assert!(SecretText::parse(text).is_err(), "{text}");
        }
    }
}
