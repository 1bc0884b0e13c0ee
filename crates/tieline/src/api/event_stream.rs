//! Events as they happen: `/v1/events/stream`, Server-Sent Events (WHATWG HTML, 9.2).

use std::{collections::BTreeMap, convert::Infallible, sync::Arc};

use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::StreamExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde::Deserialize;
use serde_json::json;
use tieline_domain::{
    EventId,
    access::{Area::Events, Right},
    event::Event,
    pattern::Pattern,
};
use utoipa::{
    IntoResponses,
    openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder},
};

use super::{
    caller::{Caller, X_API_KEY},
    event_view::EventView,
    frame::RequestId,
    page::Filters,
    problem::{Code, Problem},
};
use crate::{
    app::App,
    streams::{Piece, Stream},
};

const MEDIA_TYPE: &str = "text/event-stream";
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
/// How long a client waits before it comes back, in milliseconds.
const COME_BACK_MS: u32 = 2_000;
/// When a client that found all places taken may try again, in seconds.
const RETRY_SECONDS: u64 = 5;

const EXAMPLE: &str = "retry: 2000\n\nid: evt_01kb3f9z5qf8m9w2v7x4t6n0hf\nevent: order.created\ndata: {\"id\":\"evt_01kb3f9z5qf8m9w2v7x4t6n0hf\",\"type\":\"order.created\",\"source\":\"/v1/events\",\"subject\":null,\"time\":\"2026-11-22T10:00:00.000Z\",\"tenant_id\":\"tn_01kb3f9z5qf8m9w2v7x4t6n0hc\",\"data\":{\"total\":99.5},\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\"}\n\n";

/// Which events are wanted, and where the stream begins.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StreamWanted {
    /// Types and patterns as webhooks have them, separated by commas; all if absent.
    #[param(example = "order.*,conversation.started")]
    types: Option<String>,
    /// About this.
    #[param(example = "order/1042")]
    subject: Option<String>,
    /// Goes on behind this event, where a client cannot set the header `Last-Event-ID`, which counts more.
    #[param(value_type = Option<String>, example = "evt_01kb3f9z5qf8m9w2v7x4t6n0hf")]
    last_event_id: Option<EventId>,
}

/// The header, for the document.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(
    dead_code,
    reason = "describes the header to the document; `last_seen` reads it"
)]
pub struct LastEventId {
    /// Goes on behind this event, the last one that the client saw; browsers send it by themselves.
    #[param(rename = "Last-Event-ID", example = "evt_01kb3f9z5qf8m9w2v7x4t6n0hf")]
    last_event_id: Option<String>,
}

/// A stream of events.
pub struct EventStream(Body);

impl EventStream {
    /// A stream of these pieces.
    pub(super) fn of(body: Body) -> Self {
        Self(body)
    }
}

impl IntoResponse for EventStream {
    fn into_response(self) -> Response {
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE)),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
            // Proxies that gather answers before they pass them on would hold events back.
            (X_ACCEL_BUFFERING, HeaderValue::from_static("no")),
        ];
        (headers, self.0).into_response()
    }
}

impl IntoResponses for EventStream {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        let content = ContentBuilder::new().example(Some(json!(EXAMPLE))).build();
        let stream = ResponseBuilder::new()
            .description("Events as they happen, until the client or the server ends it")
            .content(MEDIA_TYPE, content);
        let gone = Ref::from_response_name("Problem410");
        BTreeMap::from([
            ("200".to_owned(), stream.build().into()),
            ("410".to_owned(), RefOr::Ref(gone)),
        ])
    }
}

/// Stream the events
///
/// As Server-Sent Events: `id` is the event's id, `event` its type, `data` the event as `GET /v1/events/{id}`
/// shows it. In the order of commits, each at least once; behind `Last-Event-ID` none is left out and none
/// repeated. Without it, the stream begins with what happens next. A comment comes every 15 seconds.
#[utoipa::path(get, path = "/events/stream", operation_id = "stream_events", tag = "Events", params(StreamWanted, LastEventId),
    extensions(("x-required-scope" = json!("events:read"))))]
pub async fn stream(
    State(app): State<App>,
    caller: Caller,
    request_id: RequestId,
    headers: HeaderMap,
    Filters(wanted): Filters<StreamWanted>,
) -> Result<EventStream, Problem> {
    caller.require(Events, Right::Read)?;
    let StreamWanted {
        types,
        subject,
        last_event_id,
    } = wanted;
    let patterns = types.as_deref();
    let most = app.config.limits.bounds.patterns;
    let patterns = patterns
        .map(|types| self::patterns(types, most))
        .transpose()?;
    let last = last_seen(&headers)?.or(last_event_id);
    let place = app.streams.place(caller.tenant_id);
    let place = place.ok_or_else(|| too_many(app.streams.most()))?;
    let position = match last {
        None => app.store.stream_end().await?,
        Some(id) => {
            let position = app.store.stream_position(caller.tenant_id, id).await?;
            position.ok_or_else(|| gone(id))?
        }
    };
    let wants = move |event: &Event| {
        let mut patterns = patterns.iter().flatten().peekable();
        let type_wanted =
            patterns.peek().is_none() || patterns.any(|p| p.matches(&event.event_type));
        type_wanted
            && subject
                .as_deref()
                .is_none_or(|wanted| event.subject.as_deref() == Some(wanted))
    };
    let credential = Arc::new(credential(&headers));
    let asking = app.clone();
    let allowed = move || {
        let (app, credential, id) = (asking.clone(), Arc::clone(&credential), request_id.clone());
        async move {
            let now = app.clock.now();
            let found = app.callers.identify(&app.store, &credential, now, id).await;
            found.is_ok_and(|caller| caller.require(Events, Right::Read).is_ok())
        }
    };
    let pieces = Stream {
        place,
        store: app.store.clone(),
        published: Arc::clone(app.publisher.published()),
        position,
        wants,
        allowed,
    };
    let pieces = futures::stream::unfold(pieces.begin(), |mut pieces| async {
        let piece = pieces.recv().await?;
        Some((Ok::<_, Infallible>(written(piece)), pieces))
    });
    let begin = Bytes::from(format!("retry: {COME_BACK_MS}\n\n"));
    let begin = futures::stream::once(async { Ok(begin) });
    Ok(EventStream(Body::from_stream(begin.chain(pieces))))
}

fn patterns(types: &str, most: usize) -> Result<Vec<Pattern>, Problem> {
    let patterns: Result<Vec<Pattern>, _> =
        types.split(',').map(|text| text.trim().parse()).collect();
    let patterns = patterns.map_err(|bad: tieline_domain::pattern::BadPattern| {
        Problem::new(Code::InvalidParameter, format!("types: {bad}"))
    })?;
    if patterns.len() > most {
        let detail = format!("types: give at most {most} patterns");
        return Err(Problem::new(Code::InvalidParameter, detail));
    }
    Ok(patterns)
}

/// The event that the client saw last, by the header; an empty one is what a browser sends that saw none.
fn last_seen(headers: &HeaderMap) -> Result<Option<EventId>, Problem> {
    let Some(value) = headers.get(LAST_EVENT_ID).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let id = value.to_str().ok().and_then(|text| text.parse().ok());
    id.map(Some).ok_or_else(|| {
        let detail =
            "Last-Event-ID: give the id of an event, such as evt_01kb3f9z5qf8m9w2v7x4t6n0hf";
        Problem::new(Code::InvalidParameter, detail)
    })
}

fn gone(id: EventId) -> Problem {
    let detail = format!(
        "there is no event {id} to go on from; list the events, then connect without Last-Event-ID"
    );
    Problem::new(Code::PositionGone, detail)
}

/// Too many streams are open.
pub(super) fn too_many(most: usize) -> Problem {
    let detail = format!(
        "the tenant has {most} streams open, the most that it may have here; close one or ask for several types in one"
    );
    Problem::new(Code::RateLimited, detail).retry_after(RETRY_SECONDS)
}

/// What the caller is known by, and nothing else of the request.
fn credential(headers: &HeaderMap) -> HeaderMap {
    let kept = [header::AUTHORIZATION, X_API_KEY];
    let kept = kept.into_iter().filter_map(|name| {
        let value = headers.get(&name)?.clone();
        Some((name, value))
    });
    kept.collect()
}

fn written(piece: Piece) -> Bytes {
    match piece {
        Piece::Beat(None) => Bytes::from_static(b":\n\n"),
        // Without data nothing is dispatched, but the client remembers the id.
        Piece::Beat(Some(id)) => format!(":\nid: {id}\n\n").into(),
        Piece::Event(event) => {
            let mut text = format!("id: {}\nevent: {}\n", event.id, event.event_type);
            let view = serde_json::to_string(&EventView::from(*event))
                .expect("views hold only what JSON can express");
            // The content stands in it as it came, perhaps on several lines.
            for line in view.split(['\n', '\r']) {
                text.push_str("data: ");
                text.push_str(line);
                text.push('\n');
            }
            text.push('\n');
            text.into()
        }
    }
}
