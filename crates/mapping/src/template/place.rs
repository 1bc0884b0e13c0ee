//! How a value is written where it stands, so that it cannot become anything but a value there.

use std::fmt::Write as _;

/// Where a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// Text that nobody parses, and strings of JSON, which are escaped when the whole is written.
    Plain,
    /// Inside of one segment of a URL's path (RFC 3986, 3.3).
    PathSegment,
    /// A value in a URL's query, or in a form.
    Query,
    /// A header's value (RFC 9110, 5.5).
    Header,
    /// The text of an XML or HTML document.
    Markup,
}

/// Why a value cannot be written where it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unwritable {
    /// A control character in a path or a header.
    #[error("holds a control character (such as a line break), which cannot stand {0}")]
    Control(&'static str),
    /// What is rendered is larger than anybody may ask for.
    #[error(
        "makes the request longer than {} bytes; give a shorter value",
        super::MAX_RENDERED
    )]
    TooLong,
}

impl Place {
    /// `value` as it is written here.
    pub fn encode(self, value: &str) -> Result<String, Unwritable> {
        let mut out = String::with_capacity(value.len());
        self.write(value, &mut out).map(|()| out)
    }

    /// Writes `value` at the end of `out`.
    pub(super) fn write(self, value: &str, out: &mut String) -> Result<(), Unwritable> {
        match self {
            Self::Plain => out.push_str(value),
            Self::Markup => escape_markup(value, out),
            Self::Query => percent_encode(value, out),
            Self::PathSegment => {
                refuse_controls(value, "in the path of a URL")?;
                percent_encode(value, out);
            }
            Self::Header => {
                refuse_controls(value, "in a header")?;
                out.push_str(value);
            }
        }
        Ok(())
    }
}

fn refuse_controls(value: &str, place: &'static str) -> Result<(), Unwritable> {
    if value.chars().any(char::is_control) {
        return Err(Unwritable::Control(place));
    }
    Ok(())
}

/// Encodes everything but the unreserved characters of RFC 3986, 2.3.
pub(super) fn percent_encode(value: &str, out: &mut String) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("writing into a string cannot fail");
        }
    }
}

/// Escapes what has a meaning in XML and HTML, in text and in quoted attributes.
pub(super) fn escape_markup(value: &str, out: &mut String) {
    for c in value.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
}
