//! How a webhook is shown: to people in colour, to programs as a line of JSON.

use std::{borrow::Cow, io};

use bytes::Bytes;
use http::{HeaderMap, request::Parts};
use serde_json::{Map, Value, json};
use tieline_domain::{Timestamp, signature::Trust};

use super::{
    journal::Entry,
    judge::{Judged, Verdict},
};
use crate::cli::{
    amount::bytes_in_words,
    terminal::{Ink, Terminal, say, visible},
};

/// The most lines of a body that people are shown, unless they want it whole.
const BODY_LINES: usize = 40;
/// The most characters of a body that people are shown, unless they want it whole.
const BODY_CHARACTERS: usize = 4_000;
/// The most characters of a header's value that people are shown.
const HEADER_CHARACTERS: usize = 72;

/// Headers of every request, which tell people nothing.
const DULL_HEADERS: [&str; 6] = [
    "host",
    "content-length",
    "connection",
    "accept",
    "accept-encoding",
    "transfer-encoding",
];

/// How to show webhooks.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    /// For people.
    Text {
        /// Whether bodies are shown whole.
        full: bool,
    },
    /// One JSON object a line.
    Json,
}

/// Shows webhooks.
pub(super) struct Display {
    /// Where.
    pub(super) terminal: Terminal,
    /// How.
    pub(super) form: Form,
}

impl Display {
    /// Shows a webhook that came at `at` and is answered with `status`.
    pub(super) fn show(
        &self,
        parts: &Parts,
        body: &Bytes,
        judged: &Judged,
        entry: &Entry,
        at: Timestamp,
        status: u16,
    ) -> io::Result<()> {
        match self.form {
            Form::Json => say(as_json(parts, body, judged, entry, at, status)),
            Form::Text { full } => {
                let mut lines = vec![self.head(parts, body, judged, entry, at)];
                lines.push(self.verdict(judged));
                lines.extend(self.headers(&parts.headers));
                lines.extend(shown_body(body, judged.json.as_ref(), full));
                say(lines.join("\n   ") + "\n")
            }
        }
    }

    /// Number, time, request, type, size, rate, and whether it is a repeat.
    fn head(
        &self,
        parts: &Parts,
        body: &Bytes,
        judged: &Judged,
        entry: &Entry,
        at: Timestamp,
    ) -> String {
        let strong = |text: &str| self.terminal.paint(Ink::Strong, text).into_owned();
        let request = format!("{} {}", parts.method, parts.uri);
        let event_type = judged.event_type.as_deref().map(visible);
        let words = [
            Some(strong(&format!("#{}", entry.number))),
            Some(at.to_string()),
            Some(visible(&request).into_owned()),
            event_type.map(|event_type| strong(&event_type)),
            Some(bytes_in_words(body.len() as u64)),
            entry.per_second.map(|rate| format!("{rate:.1}/s")),
            entry
                .repeat
                .then(|| self.terminal.paint(Ink::Warning, "repeat").into_owned()),
        ];
        let words: Vec<String> = words.into_iter().flatten().collect();
        words.join(" ")
    }

    fn verdict(&self, judged: &Judged) -> String {
        let scheme = judged.preset.map_or("unknown scheme", |preset| preset.name);
        let (ink, text) = match &judged.verdict {
            Verdict::Verified(Trust::Verified) => (Ink::Good, "verified".to_owned()),
            Verdict::Verified(_) => (Ink::Good, "verified (sender only, not the body)".to_owned()),
            Verdict::Rejected(reason) => (Ink::Bad, format!("NOT VERIFIED: {reason}")),
            Verdict::Unchecked(reason) => (Ink::Warning, format!("not checked: {reason}")),
        };
        let asked = judged.handshake.as_ref();
        let asked = asked.map_or(String::new(), |answer| {
            format!(", answered {}", answer.name)
        });
        format!(
            "{} [{scheme}]{asked}",
            self.terminal.paint(ink, &visible(&text))
        )
    }

    fn headers(&self, headers: &HeaderMap) -> impl Iterator<Item = String> {
        let interesting = headers
            .iter()
            .filter(|(name, _)| !DULL_HEADERS.contains(&name.as_str()));
        interesting.map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            let line = format!("{name}: {}", visible(&shortened(&value)));
            self.terminal.paint(Ink::Dim, &line).into_owned()
        })
    }
}

fn as_json(
    parts: &Parts,
    body: &Bytes,
    judged: &Judged,
    entry: &Entry,
    at: Timestamp,
    status: u16,
) -> Value {
    let (verified, reason) = match &judged.verdict {
        Verdict::Verified(_) => (Some(true), None),
        Verdict::Rejected(reason) => (Some(false), Some(reason.as_str())),
        Verdict::Unchecked(reason) => (None, Some(*reason)),
    };
    let mut headers = Map::new();
    for (name, value) in &parts.headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        match headers.get_mut(name.as_str()) {
            Some(Value::String(before)) => *before = format!("{before}, {value}"),
            _ => drop(headers.insert(name.to_string(), value.into())),
        }
    }
    let body_value = match &judged.json {
        Some(json) => json.clone(),
        None => String::from_utf8_lossy(body).into(),
    };
    json!({
        "number": entry.number,
        "at": at,
        "method": parts.method.as_str(),
        "path": parts.uri.to_string(),
        "scheme": judged.preset.map(|preset| preset.name),
        "verified": verified,
        "reason": reason,
        "event_type": judged.event_type,
        "id": judged.id,
        "repeat": entry.repeat,
        "answered": status,
        "size": body.len(),
        "headers": headers,
        "body": body_value,
    })
}

/// The lines of the body for people: JSON laid out, other text as it is, cut at a length one can
/// read.
fn shown_body(body: &Bytes, json: Option<&Value>, full: bool) -> Vec<String> {
    let text: Cow<'_, str> = match json {
        Some(json) => format!("{json:#}").into(),
        None => String::from_utf8_lossy(body),
    };
    let text = visible(&text);
    let shown = if full { &*text } else { beginning(&text) };
    let mut lines: Vec<String> = shown.lines().map(str::to_owned).collect();
    if shown.len() < text.len() {
        let rest = bytes_in_words((text.len() - shown.len()) as u64);
        lines.push(format!("… {rest} more; --full shows it"));
    }
    lines
}

fn beginning(text: &str) -> &str {
    let by_characters = text.char_indices().nth(BODY_CHARACTERS).map(|(at, _)| at);
    let by_lines = text
        .match_indices('\n')
        .nth(BODY_LINES - 1)
        .map(|(at, _)| at);
    let end = by_characters.into_iter().chain(by_lines).min();
    &text[..end.unwrap_or(text.len())]
}

fn shortened(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(HEADER_CHARACTERS) {
        Some((at, _)) => format!("{}…", &text[..at]).into(),
        None => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_bodies_are_cut_with_a_marker_unless_wanted_whole() {
        let body = |text: String| Bytes::from(text);
        let short = shown_body(&body("hello".to_owned()), None, false);
        assert_eq!(short, ["hello"]);
        for (long, kept) in [
            ("x".repeat(5_000), 4_000),
            ("line\n".repeat(50), 40 * "line".len()),
            ("é".repeat(4_001), 4_000 * "é".len()),
        ] {
            let mut cut = shown_body(&body(long.clone()), None, false);
            let marker = cut.pop().expect("a marker");
            assert!(marker.ends_with("more; --full shows it"), "{marker}");
            assert_eq!(cut.concat().len(), kept);
            let whole = shown_body(&body(long.clone()), None, true);
            assert_eq!(whole.concat(), long.replace('\n', ""));
        }
    }
}
