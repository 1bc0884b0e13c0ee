//! A text in which secrets stand by name: `Bearer {{secrets.CRM_API_KEY}}`.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::Value;
use tieline_mapping::template::{Gaps, Name, Place, RenderError, Scope, Syntax, Text};

/// The longest text, in bytes, before its secrets are put in.
const MAX_BYTES: usize = 4_096;

/// The root of the names of secrets.
const SECRETS: &str = "secrets";

/// A text in which secrets stand by name. It can be kept and shown: it holds no secret itself.
#[derive(Clone, Debug, PartialEq)]
pub struct SecretText {
    text: String,
    parsed: Text,
}

/// What opens secrets by their names.
pub struct Opened<F>(pub F);

impl<F: Fn(&str) -> Option<String>> Scope for Opened<F> {
    fn find(&self, name: &Name) -> Option<Cow<'_, Value>> {
        let secret = (self.0)(secret_name(name)?)?;
        Some(Cow::Owned(Value::String(secret)))
    }
}

impl SecretText {
    /// Reads a text; what is wrong with it, in a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_BYTES {
            return Err(format!("it has more than {MAX_BYTES} bytes"));
        }
        if text.chars().any(char::is_control) {
            return Err("it has a control character such as a line break".to_owned());
        }
        let parsed = Text::parse(text, Syntax::Double).map_err(|error| error.to_string())?;
        if let Some(other) = parsed.names().find(|name| secret_name(name).is_none()) {
            return Err(format!(
                "`{{{{{other}}}}}` is no secret; only {{{{secrets.NAME}}}} can stand here"
            ));
        }
        Ok(Self {
            text: text.to_owned(),
            parsed,
        })
    }

    /// The names of its secrets.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parsed.names().filter_map(secret_name)
    }

    /// The text as the value of a header, with the secrets that `scope` opens; `None` if one is missing.
    pub fn render(&self, scope: &impl Scope) -> Result<Option<String>, RenderError> {
        self.parsed.render(scope, Place::Header, Gaps::Drop)
    }
}

/// The secret that a name means; `None` if it means something else.
fn secret_name(name: &Name) -> Option<&str> {
    match name.steps() {
        [root, secret] if root == SECRETS => Some(secret),
        _ => None,
    }
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
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_put_where_they_stand() {
        let opened = Opened(|name: &str| (name == "KEY").then(|| "s3cr3t".to_owned()));
        let rows = [
            ("{{secrets.KEY}}", Some("s3cr3t")),
            ("Bearer {{ secrets.KEY }}!", Some("Bearer s3cr3t!")),
            ("plain", Some("plain")),
            ("", Some("")),
            ("{{secrets.OTHER}}", None),
        ];
        for (text, expected) in rows {
            let parsed = SecretText::parse(text).unwrap();
            assert_eq!(
                parsed.render(&opened).unwrap().as_deref(),
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
            "{{secrets.A.B}}",
            "{{secrets.KEY",
            "a\nb",
            "{{ }}",
        ] {
            assert!(SecretText::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_secret_that_breaks_a_header_is_refused() {
        let opened = Opened(|_: &str| Some("a\r\nx-evil: 1".to_owned()));
        let text = SecretText::parse("{{secrets.KEY}}").unwrap();
        assert!(text.render(&opened).is_err());
    }
}
