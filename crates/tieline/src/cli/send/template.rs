//! Placeholders of samples and of `--data-template`.

use anyhow::bail;
use tieline_domain::Timestamp;

/// What placeholders stand for in one message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Values<'a> {
    /// `{{n}}`: counts from 1.
    pub(super) n: u64,
    /// `{{id}}`: another one in every message.
    pub(super) id: &'a str,
    /// `{{type}}`: the type of the event.
    pub(super) event_type: &'a str,
    /// `{{time}}` (RFC 3339), `{{unix}}` (seconds) and `{{millis}}`: now.
    pub(super) now: Timestamp,
}

impl Values<'_> {
    fn of(&self, name: &str) -> Option<String> {
        Some(match name {
            "n" => self.n.to_string(),
            "id" => self.id.to_owned(),
            "type" => self.event_type.to_owned(),
            "time" => self.now.to_string(),
            "unix" => self.now.as_seconds().to_string(),
            "millis" => (self.now.as_micros() / 1_000).to_string(),
            _ => return None,
        })
    }
}

/// Whether the template has a place for the type of the event.
pub(super) fn names_type(template: &str) -> bool {
    template.contains("{{type}}")
}

/// Fills in a template. Braces that enclose no word stay, for JSON has them too.
///
/// # Errors
/// A placeholder of another name.
pub(super) fn render(template: &str, values: &Values<'_>) -> anyhow::Result<String> {
    let mut out = String::with_capacity(template.len() + 64);
    let mut rest = template;
    while let Some(start) = rest.find("{{") {
        let (before, from) = rest.split_at(start);
        out.push_str(before);
        let name = from[2..].split_once("}}").map(|(inside, _)| inside.trim());
        match name.filter(|name| is_word(name)) {
            None => {
                out.push('{');
                rest = &from[1..];
            }
            Some(name) => {
                let Some(value) = values.of(name) else {
                    bail!(
                        "the template has the placeholder {{{{{name}}}}}; there are n, id, type, time, unix and millis"
                    );
                };
                out.push_str(&value);
                let end = from.find("}}").map_or(from.len(), |at| at + 2);
                rest = &from[end..];
            }
        }
    }
    out.push_str(rest);
    Ok(out)
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_in() {
        let values = Values {
            n: 7,
            id: "abc",
            event_type: "a.b",
            now: Timestamp::from_micros(1_700_000_000_123_000),
        };
        for (template, rendered) in [
            ("{{n}}", Some("7")),
            (r#"{"a":{"n":{{ n }}}}"#, Some(r#"{"a":{"n":7}}"#)),
            ("{{id}}/{{type}}", Some("abc/a.b")),
            ("{{time}}", Some("2023-11-14T22:13:20.123Z")),
            ("{{unix}} {{millis}}", Some("1700000000 1700000000123")),
            (r#"{"a":{"b":{}}}"#, Some(r#"{"a":{"b":{}}}"#)),
            ("{{{{n}}", Some("{{7")),
            ("{{n", Some("{{n")),
            ("{{name}}", None),
        ] {
            assert_eq!(
                render(template, &values).ok().as_deref(),
                rendered,
                "{template}"
            );
        }
    }
}
