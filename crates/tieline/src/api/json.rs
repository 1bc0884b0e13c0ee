//! JSON in: a body is bounded in size and depth before it is parsed, and every fault says where it is.

use std::time::Duration;

use axum::{
    body::Body,
    extract::{FromRequest, OptionalFromRequest, Request},
};
use bytes::Bytes;
use http::{HeaderMap, header};
use http_body::Body as _;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use tieline_domain::violation::pointer_step;
use tieline_mapping::check_depth;

use super::problem::{Code, Problem};
use crate::app::App;

/// The JSON body of a request.
///
/// Refuses what is no JSON (400 with line and column), a wrong shape (400 with a pointer), a body that
/// is too large (413) and another content type (415). Rules about values are for the handler: 422.
#[derive(Clone, Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let limits = &app.config.limits;
        require_json(request.headers())?;
        let body = request.into_body();
        let body = read_body(body, limits.api_body_max_bytes, limits.body_timeout).await?;
        parse(&body, limits.json_depth_max).map(Self)
    }
}

/// A body that may be left out.
impl<T: DeserializeOwned> OptionalFromRequest<App> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Option<Self>, Problem> {
        if request.body().size_hint().exact() == Some(0) {
            return Ok(None);
        }
        <Self as FromRequest<App>>::from_request(request, app)
            .await
            .map(Some)
    }
}

/// Whether the content type is `application/json`, or a format that is JSON by its `+json` suffix.
pub fn is_json(headers: &HeaderMap) -> bool {
    essence(headers).is_some_and(|essence| {
        essence == "application/json"
            || essence
                .strip_prefix("application/")
                .is_some_and(|subtype| subtype.ends_with("+json"))
    })
}

/// The media type of the body in lower case, without its parameters.
pub fn essence(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let essence = text.split(';').next().unwrap_or_default();
    Some(essence.trim().to_ascii_lowercase())
}

fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    if is_json(headers) {
        return Ok(());
    }
    let given = match essence(headers) {
        Some(essence) => format!("`{essence}`"),
        None => "none".to_owned(),
    };
    let detail = format!("this takes JSON: send `content-type: application/json` (given: {given})");
    Err(Problem::new(Code::UnsupportedMediaType, detail))
}

/// Reads a whole body of at most `limit` bytes, and not one byte more than needed to tell; it must be there
/// `within` this time.
pub async fn read_body(body: Body, limit: usize, within: Duration) -> Result<Bytes, Problem> {
    let too_large = || {
        let detail = format!(
            "the body has more than {limit} bytes, the most that is taken; send less at once"
        );
        Problem::new(Code::BodyTooLarge, detail)
    };
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large());
    }
    let whole = Limited::new(body, limit).collect();
    let Ok(whole) = tokio::time::timeout(within, whole).await else {
        let seconds = within.as_secs();
        let detail = format!("the body was not there after {seconds} seconds; send it faster");
        return Err(Problem::new(Code::RequestTimeout, detail));
    };
    match whole {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(_) => {
            let detail = "the body ended before it was complete; send the request again";
            Err(Problem::new(Code::MalformedJson, detail))
        }
    }
}

/// Parses `body` as one JSON value of the shape of `T` that nests at most `max_depth` levels.
pub fn parse<T: DeserializeOwned>(body: &[u8], max_depth: usize) -> Result<T, Problem> {
    check_depth(body, max_depth)
        .map_err(|error| Problem::new(Code::JsonTooDeep, error.to_string()))?;
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let pointer = pointer(error.path());
        refusal(&pointer, error.inner())
    })?;
    deserializer.end().map_err(|error| refusal("", &error))?;
    Ok(value)
}

/// The path as a JSON Pointer (RFC 6901).
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer += &pointer_step(&index.to_string()),
            Segment::Map { key } => pointer += &pointer_step(key),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

fn refusal(pointer: &str, error: &serde_json::Error) -> Problem {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let what = text.strip_suffix(&place).unwrap_or(&text);
    if !error.is_data() {
        let (line, column) = (error.line(), error.column());
        let detail = format!("the body is not JSON: {what} at line {line}, column {column}");
        return Problem::new(Code::MalformedJson, detail);
    }
    // Of a field that is not there, only the text of the error tells the name.
    let named = |prefix| what.strip_prefix(prefix)?.split('`').next();
    let pointer = match named("missing field `").or_else(|| named("duplicate field `")) {
        Some(name) if !pointer.ends_with(&pointer_step(name)) => {
            format!("{pointer}{}", pointer_step(name))
        }
        _ => pointer.to_owned(),
    };
    let detail = if pointer.is_empty() {
        what.to_owned()
    } else {
        format!("{pointer}: {what}")
    };
    Problem::new(Code::InvalidBody, detail).at(pointer, what)
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse as _;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only whether it parses matters")]
    struct Outer {
        name: String,
        #[serde(default)]
        items: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only whether it parses matters")]
    struct Inner {
        count: u8,
    }

    #[test]
    fn faults_say_where_they_are() {
        let deep = format!("{}{}", "[".repeat(65), "]".repeat(65));
        let rows: &[(&str, Code, &str)] = &[
            ("", Code::MalformedJson, "line 1, column 0"),
            (
                "{\n\"name\" 1}",
                Code::MalformedJson,
                "expected `:` at line 2, column 8",
            ),
            (
                r#"{"name":"a"} x"#,
                Code::MalformedJson,
                "trailing characters at line 1, column 14",
            ),
            (
                "{\"name\":\"\u{1}\"}",
                Code::MalformedJson,
                "control character",
            ),
            (&deep, Code::JsonTooDeep, "64 levels"),
            ("{}", Code::InvalidBody, "/name: missing field `name`"),
            ("[]", Code::InvalidBody, "invalid length 0"),
            (
                r#"{"nmae":1}"#,
                Code::InvalidBody,
                "/nmae: unknown field `nmae`, expected `name` or `items`",
            ),
            (
                r#"{"name":1}"#,
                Code::InvalidBody,
                "/name: invalid type: integer `1`, expected a string",
            ),
            (
                r#"{"name":"a","name":"b"}"#,
                Code::InvalidBody,
                "/name: duplicate field `name`",
            ),
            (
                r#"{"name":"a","items":[{"count":1},{"count":300}]}"#,
                Code::InvalidBody,
                "/items/1/count: invalid value",
            ),
            (
                r#"{"name":"a","items":[{"count":1,"a/b~":2}]}"#,
                Code::InvalidBody,
                "/items/0/a~1b~0: unknown field",
            ),
            (
                r#"{"name":"a","items":[{}]}"#,
                Code::InvalidBody,
                "/items/0/count: missing field `count`",
            ),
        ];
        for (body, code, says) in rows {
            let problem = parse::<Outer>(body.as_bytes(), 64).unwrap_err();
            assert_eq!(problem.code(), *code, "{body}");
            let shown = format!("{problem:?}");
            assert!(
                shown.contains(&says.replace('"', "\\\"")),
                "{body}: {shown}"
            );
        }
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_its_limit() {
        let within = Duration::from_mins(1);
        let body = read_body(Body::from("12345"), 5, within).await.unwrap();
        assert_eq!(body, "12345");
        let chunks = futures::stream::iter(["123", "456"].map(Ok::<_, std::io::Error>));
        for body in [Body::from("123456"), Body::from_stream(chunks)] {
            let problem = read_body(body, 5, within).await.unwrap_err();
            assert_eq!(problem.into_response().status(), 413);
        }
        let never = futures::stream::pending::<Result<&str, std::io::Error>>();
        let late = read_body(Body::from_stream(never), 5, Duration::from_millis(1)).await;
        assert_eq!(late.unwrap_err().into_response().status(), 408);
    }

    #[test]
    fn content_types_that_are_json() {
        let rows = [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("application/merge-patch+json", true),
            ("application/cloudevents+json", true),
            ("text/json", false),
            ("application/x-www-form-urlencoded", false),
            ("", false),
        ];
        for (value, expected) in rows {
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, value.parse().unwrap())]);
            assert_eq!(is_json(&headers), expected, "{value}");
        }
        assert!(!is_json(&HeaderMap::new()));
    }
}
