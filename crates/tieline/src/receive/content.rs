//! The body of a request as JSON: forms become objects, other texts become strings.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, header};
use serde_json::{Map, Value, json, value::RawValue};
use tieline_mapping::{
    check_depth,
    path::{Path, Selection},
};

/// A body, as JSON.
#[derive(Debug)]
pub(super) struct Content {
    json: String,
    value: Option<Value>,
}

impl Content {
    /// Reads a body. `needs_value`: the source looks into it, so that it must be JSON or a form. The
    /// error is a sentence for the sender.
    pub(super) fn read(
        headers: &HeaderMap,
        body: &[u8],
        needs_value: bool,
        max_depth: usize,
    ) -> Result<Self, String> {
        let media_type = media_type(headers);
        if media_type == "application/x-www-form-urlencoded" {
            return form(body, max_depth);
        }
        let says_json = media_type.ends_with("/json") || media_type.ends_with("+json");
        match json_text(body, max_depth) {
            Ok(text) => {
                let value = needs_value.then(|| serde_json::from_str(text)).transpose();
                let value =
                    value.map_err(|error| format!("the body is not usable JSON: {error}"))?;
                Ok(Self {
                    json: text.to_owned(),
                    value,
                })
            }
            Err(error) if needs_value || says_json => Err(error),
            Err(_) => Ok(Self {
                json: other(body).to_string(),
                value: None,
            }),
        }
    }

    /// The body as JSON text, as it came if it was JSON.
    pub(super) fn json(&self) -> &str {
        &self.json
    }

    /// The body as a value, if the source looks into it.
    pub(super) fn value(&self) -> Option<&Value> {
        self.value.as_ref()
    }

    /// The one value that a path finds.
    pub(super) fn select(&self, path: &Path) -> Option<&Value> {
        match path.select(self.value.as_ref()?) {
            Selection::One(value) if !value.is_null() => Some(value),
            _ => None,
        }
    }
}

fn media_type(headers: &HeaderMap) -> Cow<'_, str> {
    let value = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = value
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    if essence.bytes().any(|b| b.is_ascii_uppercase()) {
        essence.to_ascii_lowercase().into()
    } else {
        essence.into()
    }
}

/// The body, if it is one JSON document that is not nested too deeply.
fn json_text(body: &[u8], max_depth: usize) -> Result<&str, String> {
    if body.is_empty() {
        return Err("the body is empty; this webhook needs JSON".to_owned());
    }
    check_depth(body, max_depth).map_err(|error| format!("the body cannot be read: {error}"))?;
    let raw: &RawValue =
        serde_json::from_slice(body).map_err(|error| format!("the body is not JSON: {error}"))?;
    Ok(raw.get())
}

/// A form: an object of its fields; a field that stands there several times is an array. A form whose
/// only field is `payload` with JSON in it (GitHub, Slack) is that JSON.
fn form(body: &[u8], max_depth: usize) -> Result<Content, String> {
    let fields: Vec<(String, String)> = serde_urlencoded::from_bytes(body)
        .map_err(|error| format!("the body is not the form that its content type says: {error}"))?;
    if let [(name, payload)] = fields.as_slice()
        && name == "payload"
        && let Ok(text) = json_text(payload.as_bytes(), max_depth)
    {
        let value = serde_json::from_str(text)
            .map_err(|e| format!("the payload is not usable JSON: {e}"))?;
        return Ok(Content {
            json: text.to_owned(),
            value: Some(value),
        });
    }
    let mut object = Map::new();
    for (name, text) in fields {
        match object.get_mut(&name) {
            None => drop(object.insert(name, Value::String(text))),
            Some(Value::Array(several)) => several.push(Value::String(text)),
            Some(one) => *one = json!([one.take(), text]),
        }
    }
    let value = Value::Object(object);
    Ok(Content {
        json: value.to_string(),
        value: Some(value),
    })
}

/// What is neither JSON nor a form: a string, or where it is no text, its base64.
fn other(body: &[u8]) -> Value {
    match std::str::from_utf8(body) {
        Ok("") => Value::Null,
        Ok(text) => Value::String(text.to_owned()),
        Err(_) => json!({"base64": STANDARD.encode(body)}),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(media_type: &'static str, body: &[u8], needs_value: bool) -> Result<String, String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        Content::read(&headers, body, needs_value, 64).map(|content| content.json().to_owned())
    }

    #[test]
    fn bodies_become_json() {
        const FORM: &str = "application/x-www-form-urlencoded";
        let rows: [(&'static str, &[u8], &str); 9] = [
            (
                "application/json",
                b"{\"n\": 12345678901234567890.10}",
                "{\"n\": 12345678901234567890.10}",
            ),
            ("text/plain", b"[1]", "[1]"),
            ("text/plain", b"hello", "\"hello\""),
            ("text/xml; charset=utf-8", b"<a/>", "\"<a/>\""),
            ("", b"", "null"),
            (
                "application/octet-stream",
                b"\xff\x00",
                "{\"base64\":\"/wA=\"}",
            ),
            (
                FORM,
                b"a=1&b=x+y&a=2&a=3",
                "{\"a\":[\"1\",\"2\",\"3\"],\"b\":\"x y\"}",
            ),
            (FORM, b"payload=%7B%22a%22%3A1%7D", "{\"a\":1}"),
            (FORM, b"payload=hello", "{\"payload\":\"hello\"}"),
        ];
        for (media_type, body, json) in rows {
            assert_eq!(
                read(media_type, body, false).as_deref(),
                Ok(json),
                "{media_type}"
            );
        }
    }

    #[test]
    fn a_body_that_must_be_json_and_is_not_is_refused() {
        let deep = "[".repeat(65) + &"]".repeat(65);
        let rows: [(&'static str, &[u8], bool, &str); 6] = [
            ("application/json", b"{", false, "the body is not JSON"),
            (
                "application/vnd.api+json",
                b"{",
                false,
                "the body is not JSON",
            ),
            ("text/plain", b"hello", true, "the body is not JSON"),
            ("text/plain", b"", true, "the body is empty"),
            ("application/json", b"{} {}", false, "the body is not JSON"),
            (
                "application/json",
                deep.as_bytes(),
                false,
                "the body cannot be read",
            ),
        ];
        for (media_type, body, needs_value, begins) in rows {
            let error = read(media_type, body, needs_value).unwrap_err();
            assert!(error.starts_with(begins), "{error}");
        }
    }
}
