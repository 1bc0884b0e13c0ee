//! A mapping applied to many records as they come: `POST /v1/mappings/{id}/apply`.
//!
//! Lines are read, mapped and answered chunk by chunk, so that memory is bounded however long the body is.

use std::{collections::BTreeMap, io, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};
use http::header;
use http_body_util::BodyExt as _;
use serde::Deserialize;
use serde_json::{Value, json};
use tieline_domain::access::{Area, Right};
use tieline_mapping::{
    batch::{Apply, DEFAULT_MAX_LINE},
    plan::{Plan, Way},
};
use utoipa::{
    IntoResponses,
    openapi::{ContentBuilder, RefOr, ResponseBuilder},
};

use super::{
    caller::Caller,
    document::content,
    json::{essence, parse, read_body},
    mapping_trial::way_of,
    mappings::MAPPINGS,
    page::{Filters, Id},
    problem::{Code, Problem},
};
use crate::{app::App, mappings::Written};

const NDJSON: &str = "application/x-ndjson";
const JSON: &str = "application/json";
/// Other names of the same.
const ALSO_NDJSON: [&str; 3] = [NDJSON, "application/ndjson", "application/jsonl"];

/// Which way records go.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Applied {
    /// `to_external` or `from_external`; without it the way that the mapping is written in.
    #[param(value_type = Option<String>, example = "to_external")]
    direction: Option<Way>,
}

/// Records mapped, in the form in which they came.
pub struct Mapped {
    media_type: &'static str,
    body: Body,
}

impl IntoResponse for Mapped {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, self.media_type)], self.body).into_response()
    }
}

impl IntoResponses for Mapped {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        let good = json!({"line": 1, "output": {"Email": "ada@example.com"}});
        let bad = json!({"line": 2, "errors": [{"pointer": "/mappings/0", "source": "email", "target": "Email", "code": "missing", "detail": "is required, and is not there"}]});
        let lines = format!("{good}\n{bad}\n");
        let ndjson = ContentBuilder::new().example(Some(json!(lines))).build();
        let list = ContentBuilder::new()
            .example(Some(json!([good, bad])))
            .build();
        let response = ResponseBuilder::new()
            .description(
                "What became of each record, in their order; an output, or why there is none",
            )
            .content(NDJSON, ndjson)
            .content(JSON, list);
        BTreeMap::from([("200".to_owned(), response.build().into())])
    }
}

/// Apply a mapping to many records
///
/// NDJSON in and out: a record on each line, and a line for each record, as they come. A record that is rejected, or
/// no JSON, is told in its place, and the next is as if nothing had been. A JSON array is answered with an array.
#[utoipa::path(post, path = "/mappings/{id}/apply", operation_id = "apply_mapping", tag = "Mappings",
    params(Applied, ("id" = String, Path, description = "Id or name", example = "contacts")),
    request_body(description = "Records: one on each line, of at most 1 MiB; or a JSON array", content(
        (String = "application/x-ndjson", example = json!("{\"email\": \"Ada@Example.com\"}\n{}\n")),
        (Vec<Object> = "application/json", example = json!([{"email": "Ada@Example.com"}, {}])))),
    extensions(("x-required-scope" = json!("mappings:read"))))]
pub async fn apply(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<String>,
    Filters(Applied { direction }): Filters<Applied>,
    request: Request,
) -> Result<Mapped, Problem> {
    caller.require(Area::Mappings, Right::Read)?;
    let media_type = essence(request.headers()).unwrap_or_default();
    let written = Written::read(content(&MAPPINGS.find(&app, &caller, &id).await?)?)?;
    let mapper = Mapper {
        way: way_of(&written.plan, direction),
        plan: written.plan,
        max_depth: app.config.limits.json_depth_max,
    };
    let within = app.config.limits.body_timeout;
    if ALSO_NDJSON.contains(&media_type.as_str()) {
        return Ok(Mapped {
            media_type: NDJSON,
            body: Body::from_stream(lines(mapper, request.into_body(), within)),
        });
    }
    if media_type != JSON {
        let detail = "this takes records: send `content-type: application/x-ndjson`, or application/json for an array";
        return Err(Problem::new(Code::UnsupportedMediaType, detail));
    }
    let most = app.config.limits.api_body_max_bytes;
    let body = read_body(request.into_body(), most, within).await?;
    let records: Vec<Value> = parse(&body, mapper.max_depth)?;
    let mapped = tokio::task::spawn_blocking(move || mapper.list(&records)).await;
    let mapped = mapped.map_err(|_| Problem::internal())?;
    Ok(Mapped {
        media_type: JSON,
        body: Body::from(mapped),
    })
}

/// A plan that goes one way.
#[derive(Clone)]
struct Mapper {
    plan: Arc<Plan>,
    way: Way,
    max_depth: usize,
}

impl Mapper {
    fn apply(&self) -> Apply<'_> {
        Apply {
            max_depth: self.max_depth,
            ..Apply::new(&self.plan, self.way)
        }
    }

    fn list(&self, records: &[Value]) -> Vec<u8> {
        let apply = self.apply();
        let lines = (1_u64..).zip(records);
        let lines: Vec<_> = lines
            .map(|(number, record)| apply.record(number, record))
            .collect();
        serde_json::to_vec(&lines).expect("names and values of JSON can be written as JSON")
    }

    fn lines(&self, first: u64, lines: &[Vec<u8>]) -> Vec<u8> {
        let apply = self.apply();
        let mapped = (first..)
            .zip(lines)
            .filter_map(|(number, line)| apply.line(number, line));
        mapped.flat_map(|line| line.to_bytes()).collect()
    }
}

/// What becomes of the lines of a body, as they come; an error breaks the answer off.
fn lines(
    mapper: Mapper,
    body: Body,
    within: Duration,
) -> impl Stream<Item = Result<Bytes, io::Error>> {
    let begin = (Some(body), Lines::default(), mapper);
    let pieces = stream::try_unfold(begin, move |(body, mut lines, mapper)| async move {
        let Some(mut body) = body else {
            return Ok(None);
        };
        let frame = tokio::time::timeout(within, body.frame()).await;
        let frame = frame.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?;
        let (whole, body) = match frame.transpose().map_err(io::Error::other)? {
            Some(frame) => {
                let chunk = frame.into_data().unwrap_or_default();
                (lines.split(&chunk), Some(body))
            }
            None => (lines.end(), None),
        };
        let first = lines.number + 1 - whole.len() as u64;
        let work = {
            let mapper = mapper.clone();
            move || Bytes::from(mapper.lines(first, &whole))
        };
        let mapped = tokio::task::spawn_blocking(work)
            .await
            .map_err(io::Error::other)?;
        Ok(Some((mapped, (body, lines, mapper))))
    });
    pieces.filter(|piece| {
        let empty = piece.as_ref().is_ok_and(Bytes::is_empty);
        futures::future::ready(!empty)
    })
}

/// Cuts chunks into lines. Of a line that is too long only the beginning is kept, enough to refuse it.
#[derive(Default)]
struct Lines {
    begun: Vec<u8>,
    /// Lines that were ended so far.
    number: u64,
}

impl Lines {
    fn split(&mut self, chunk: &[u8]) -> Vec<Vec<u8>> {
        let mut whole = Vec::new();
        let mut pieces = chunk.split(|byte| *byte == b'\n').peekable();
        while let Some(piece) = pieces.next() {
            let room = (DEFAULT_MAX_LINE + 1).saturating_sub(self.begun.len());
            self.begun
                .extend_from_slice(&piece[..piece.len().min(room)]);
            if pieces.peek().is_some() {
                whole.push(std::mem::take(&mut self.begun));
            }
        }
        self.number += whole.len() as u64;
        whole
    }

    /// The last line, which may lack its end.
    fn end(&mut self) -> Vec<Vec<u8>> {
        self.number += 1;
        vec![std::mem::take(&mut self.begun)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_become_lines_wherever_they_are_cut() {
        let text = b"one\ntwo\r\n\nfour";
        for at in 0..=text.len() {
            let mut lines = Lines::default();
            let mut found = lines.split(&text[..at]);
            found.extend(lines.split(&text[at..]));
            found.extend(lines.end());
            assert_eq!(found, [&b"one"[..], b"two\r", b"", b"four"], "cut at {at}");
            assert_eq!(lines.number, 4);
        }
    }

    #[test]
    fn a_line_without_end_takes_bounded_memory() {
        let mut lines = Lines::default();
        let piece = vec![b'x'; 64 * 1024];
        for _ in 0..100 {
            assert!(lines.split(&piece).is_empty());
        }
        assert_eq!(lines.begun.len(), DEFAULT_MAX_LINE + 1);
        assert_eq!(lines.split(b"\ny\n").len(), 2);
    }
}
