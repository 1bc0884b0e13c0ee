//! A URL with placeholders in its path and its query. Scheme, host, port and the number of segments are its
//! author's, whatever the values.

use tieline_mapping::template::{Gaps, Part, Place, Scope, Syntax, Text};
use url::Url;

use crate::Violation;

/// A URL with placeholders, ready to be rendered.
#[derive(Clone, Debug)]
pub(super) struct UrlTemplate {
    /// Scheme, host and port.
    origin: String,
    segments: Vec<Text>,
    query: Vec<(String, Text)>,
    /// The URL with a letter for each placeholder: what can be checked when it is saved.
    probe: String,
}

impl UrlTemplate {
    /// Reads a URL; says what is wrong with it, if it is none.
    pub(super) fn parse(written: &str) -> Result<Self, String> {
        let text = Text::parse(written, Syntax::Double).map_err(|error| error.to_string())?;
        let marks = Marks::of(&text);
        let url = Url::parse(&marks.marked).map_err(|error| {
            format!("this is not a URL ({error}); write it whole, as https://example.com/customers")
        })?;
        if !matches!(url.scheme(), "http" | "https") && !marks.are_in(url.scheme()) {
            let scheme = url.scheme();
            return Err(format!(
                "the URL starts with \"{scheme}:\"; only http:// and https:// can be called"
            ));
        }
        let path_and_query = |url: &Url| match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        let origin = url.as_str();
        let origin = origin
            .strip_suffix(&path_and_query(&url))
            .ok_or("the URL has a part after \"#\", which is never sent; remove it")?;
        if marks.are_in(origin) {
            let detail = "placeholders stand in the path and in the query; scheme, host and port are written out";
            return Err(detail.to_owned());
        }
        let path = url.path().strip_prefix('/').unwrap_or(url.path());
        let segments = path.split('/').map(|segment| marks.text(segment)).collect();
        let mut query = Vec::new();
        for pair in url.query().unwrap_or_default().split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if marks.are_in(name) {
                let detail =
                    "the name of a query parameter cannot hold a placeholder; put it in its value";
                return Err(detail.to_owned());
            }
            if !pair.is_empty() {
                query.push((name.to_owned(), marks.text(value)));
            }
        }
        Ok(Self {
            origin: origin.to_owned(),
            segments,
            query,
            probe: marks.probe(url.as_str()),
        })
    }

    /// The URL with a letter for each placeholder.
    pub(super) fn probe(&self) -> &str {
        &self.probe
    }

    /// Every text with placeholders in it.
    pub(super) fn texts(&self) -> impl Iterator<Item = &Text> {
        let values = self.query.iter().map(|(_, value)| value);
        self.segments.iter().chain(values)
    }

    /// Its query parameters.
    pub(super) fn query(&self) -> &[(String, Text)] {
        &self.query
    }

    /// The URL up to its query.
    pub(super) fn render(&self, scope: &(impl Scope + ?Sized)) -> Result<String, Vec<Violation>> {
        let mut url = self.origin.clone();
        let mut faults = Vec::new();
        for segment in &self.segments {
            url.push('/');
            match rendered(segment, scope) {
                Ok(text) => url.push_str(&text),
                Err(fault) => faults.push(fault),
            }
        }
        if faults.is_empty() {
            Ok(url)
        } else {
            Err(faults)
        }
    }
}

/// One segment of the path. What a server could read as a step up, or as no segment at all, is refused: encoding
/// cannot hide a dot (WHATWG URL, "double-dot path segment").
fn rendered(segment: &Text, scope: &(impl Scope + ?Sized)) -> Result<String, Violation> {
    let name = segment.names().next().map(ToString::to_string);
    let fault = |detail: &str| {
        let name = name.clone().unwrap_or_default();
        let pointer: String = name
            .split('.')
            .map(crate::violation::pointer_step)
            .collect();
        Violation::new(pointer, format!("`{name}` {detail}"))
    };
    let text = segment
        .render(scope, Place::PathSegment, Gaps::Drop)
        .map_err(|error| fault(&error.reason.to_string()))?;
    let text = text.ok_or_else(|| fault("is needed in the path of the URL and is absent"))?;
    if segment.literal().is_some() {
        return Ok(text);
    }
    if text.is_empty() {
        return Err(fault("stands in the path of the URL and cannot be empty"));
    }
    let plain = text.to_ascii_lowercase().replace("%2e", ".");
    if plain == "." || plain == ".." {
        return Err(fault(
            "makes `.` or `..` of a part of the path, which would lead elsewhere",
        ));
    }
    Ok(text)
}

/// A text in which each placeholder is replaced by a mark that a URL parser leaves as it is.
struct Marks {
    mark: String,
    marked: String,
    placeholders: Vec<Text>,
}

impl Marks {
    fn of(text: &Text) -> Self {
        let literal: String = text
            .parts()
            .filter_map(|part| match part {
                Part::Literal(text) => Some(text.to_ascii_lowercase()),
                Part::Placeholder(_) => None,
            })
            .collect();
        // Lower-case letters only: a host is lower-cased, and nothing is encoded.
        let mut mark = "placeholderq".to_owned();
        while literal.contains(&mark) {
            mark.push('q');
        }
        let (mut marked, mut placeholders) = (String::new(), Vec::new());
        for part in text.parts() {
            match part {
                Part::Literal(text) => marked.push_str(&text),
                Part::Placeholder(text) => {
                    let number = placeholders.len().to_string();
                    marked.extend([mark.as_str(), &number, "z"]);
                    placeholders.push(text);
                }
            }
        }
        Self {
            mark,
            marked,
            placeholders,
        }
    }

    fn are_in(&self, text: &str) -> bool {
        !self.placeholders.is_empty() && text.contains(&self.mark)
    }

    /// The text that `marked` stands for.
    fn text(&self, marked: &str) -> Text {
        let mut parts = Vec::new();
        let mut pieces = marked.split(self.mark.as_str());
        let first = pieces.next().unwrap_or_default();
        let literal = |text: &str| (!text.is_empty()).then(|| Part::Literal(text.to_owned()));
        parts.extend(literal(first));
        for piece in pieces {
            let (number, rest) = piece.split_once('z').unwrap_or((piece, ""));
            let placeholder = number
                .parse()
                .ok()
                .and_then(|i: usize| self.placeholders.get(i));
            parts.extend(placeholder.cloned().map(Part::Placeholder));
            parts.extend(literal(rest));
        }
        Text::from_parts(parts)
    }

    fn probe(&self, marked: &str) -> String {
        let mut pieces = marked.split(self.mark.as_str());
        let mut probe = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            probe.push('x');
            probe.push_str(piece.split_once('z').map_or("", |(_, rest)| rest));
        }
        probe
    }
}
