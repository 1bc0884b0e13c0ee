//! What an answer is worth: a value, or a typed error.

use http::{StatusCode, header};
use serde_json::Value;
use tieline_domain::{
    Timestamp,
    operation::{CallError, Class, ErrorKind, OutputMapping, of_status},
    retry::parse_retry_after,
};
use tieline_mapping::{check_depth, depth::DEFAULT_MAX_DEPTH};

use super::redaction::Redaction;
use crate::outbound::{Answer, Error as OutboundError};

/// How much of what the service said goes into an error, in bytes.
const EXCERPT: usize = 2 * 1024;

/// What an answer says, apart from its status.
pub(super) enum Content {
    /// Nothing.
    Empty,
    /// JSON.
    Json(Value),
    /// Text that is no JSON.
    Text(String),
    /// A page for people.
    Html(String),
    /// It says that it is JSON and is not, or nests too deeply.
    Malformed(String),
}

impl Content {
    /// Reads the body of an answer, without the secrets.
    pub(super) fn read(answer: &Answer, redaction: &Redaction) -> Self {
        let body = &answer.body;
        if body.iter().all(u8::is_ascii_whitespace) {
            return Self::Empty;
        }
        let essence = essence(answer);
        let says_json = essence == "application/json"
            || essence.ends_with("+json")
            || essence == "text/json"
            || essence == "text/javascript";
        let looks_like_json = matches!(
            body.iter().find(|byte| !byte.is_ascii_whitespace()),
            Some(b'{' | b'[')
        );
        if says_json || (looks_like_json && essence != "text/html") {
            let read = check_depth(body, DEFAULT_MAX_DEPTH)
                .map_err(|error| error.to_string())
                .and_then(|()| serde_json::from_slice(body).map_err(|error| error.to_string()));
            match read {
                Ok(value) => return Self::Json(redaction.value(value)),
                Err(reason) if says_json => return Self::Malformed(reason),
                Err(_) => {}
            }
        }
        let text = redaction.text(&String::from_utf8_lossy(body));
        if essence == "text/html" || essence == "application/xhtml+xml" || is_html(&text) {
            Self::Html(text)
        } else {
            Self::Text(text)
        }
    }

    /// The content as a value, for whoever looks at the answer itself.
    pub(super) fn to_value(&self) -> Option<Value> {
        match self {
            Self::Empty | Self::Malformed(_) => None,
            Self::Json(value) => Some(value.clone()),
            Self::Text(text) | Self::Html(text) => Some(Value::from(text.as_str())),
        }
    }

    /// The beginning of the content, for an error.
    fn excerpt(&self) -> Option<String> {
        let text = match self {
            Self::Empty | Self::Html(_) | Self::Malformed(_) => return None,
            Self::Json(value) => value.to_string(),
            Self::Text(text) => text.clone(),
        };
        let end = text.floor_char_boundary(EXCERPT);
        let cut = if end < text.len() { "…" } else { "" };
        Some(format!("{}{cut}", &text[..end]))
    }
}

fn essence(answer: &Answer) -> String {
    let value = answer.headers.get(header::CONTENT_TYPE);
    let text = value
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

fn is_html(text: &str) -> bool {
    let begin: String = text.trim_start().chars().take(15).collect();
    let begin = begin.to_ascii_lowercase();
    begin.starts_with("<!doctype html") || begin.starts_with("<html")
}

/// The output that an answer with a good status gives.
pub(super) fn output(
    answer: &Answer,
    content: &Content,
    class: Class,
    mapping: Option<&OutputMapping>,
) -> Result<Value, CallError> {
    let bad = |message: String| Err(CallError::new(ErrorKind::BadAnswer, message));
    let says_nothing = matches!(
        answer.status,
        StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT
    );
    match (content, mapping) {
        (Content::Json(value), Some(mapping)) => Ok(mapping.apply(value)),
        (Content::Json(value), None) => Ok(value.clone()),
        (Content::Empty, None) if says_nothing || class != Class::Read => Ok(Value::Null),
        (Content::Empty, _) => bad("the service answered with an empty body".to_owned()),
        (Content::Html(_), _) => bad(
            "the service answered with an HTML page, not with data; check the URL, and whether it wants a login"
                .to_owned(),
        ),
        (Content::Malformed(reason), _) => bad(format!(
            "the answer says that it is JSON and cannot be read as such: {reason}"
        )),
        (Content::Text(text), None) => Ok(Value::from(text.as_str())),
        (Content::Text(_), Some(_)) => {
            bad("the service answered with text, and the output mapping needs JSON".to_owned())
        }
    }
}

/// The error that an answer with this status is; `None` if its status is good.
pub(super) fn status_error(
    answer: &Answer,
    content: &Content,
    now: Timestamp,
) -> Option<CallError> {
    let status = answer.status;
    let kind = of_status(status.as_u16())?;
    let message = if status.is_redirection() {
        format!(
            "the service answered {status}: it wants another URL to be called, and redirects are not followed; \
             give the final URL"
        )
    } else {
        format!("the service answered {status}")
    };
    let wait = answer.headers.get(header::RETRY_AFTER);
    let wait = wait
        .and_then(|value| value.to_str().ok())
        .and_then(|text| parse_retry_after(text, now));
    let wait = wait.map(|wait| wait.as_millis().try_into().unwrap_or(u64::MAX));
    Some(
        CallError::new(kind, message)
            .after(wait)
            .saying(content.excerpt()),
    )
}

/// The error that a call without an answer is.
pub(super) fn transport_error(error: &OutboundError, redaction: &Redaction) -> CallError {
    let kind = match error {
        OutboundError::RefusedAddress(_) => ErrorKind::RefusedAddress,
        OutboundError::Timeout { .. } if !error.nothing_was_sent() => ErrorKind::Timeout,
        OutboundError::UnknownOutcome { .. } => ErrorKind::UnknownOutcome,
        OutboundError::Protocol { .. } | OutboundError::TooLarge { .. } => ErrorKind::BadAnswer,
        OutboundError::Dns { .. }
        | OutboundError::Connect { .. }
        | OutboundError::Tls { .. }
        | OutboundError::Timeout { .. } => ErrorKind::Retry,
    };
    CallError::new(kind, redaction.text(&error.to_string()))
}
