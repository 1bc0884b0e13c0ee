//! The public receiver of sources: `/in/{id}`. Outside of `/v1`: the sender proves itself by the
//! source's signature, not by a credential.

use axum::{
    body::Body,
    extract::{Path, Request, State},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts};
use serde::Serialize;
use tieline_domain::{
    SourceId,
    signature::{Acknowledgement, HandshakeAnswer, acknowledgement},
};
use utoipa::ToSchema;

use super::{
    frame::RequestTrace,
    json::read_body,
    problem::{Code, Problem},
};
use crate::{
    app::App,
    config::Limits,
    publish,
    receive::{Incoming, Receipt, Refusal},
    registry,
};

/// When a request whose key cannot be had now may come again, in seconds.
const RETRY_KEY_SECONDS: u64 = 30;

/// Where the receivers stand.
pub(super) const PREFIX: &str = "/in/";
/// What the metrics call them.
pub(super) const ROUTE: &str = "/in/{id}";

/// How a request that was taken is answered.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"status": "accepted", "event_id": "evt_01kb3f9z5qf8m9w2v7x4t6n0hc"}))]
pub struct ReceiptView {
    /// `accepted`, or `duplicate` for a repeat.
    #[schema(example = "accepted")]
    status: &'static str,
    /// The event; for a repeat, that of the first copy.
    event_id: String,
}

/// Receive a webhook
///
/// The signature is checked over the raw bytes before anything else reads the body. A 2xx means that the
/// event is on disk. A repeat is answered with 200 and the event of the first copy.
#[utoipa::path(post, path = "/in/{id}", operation_id = "receive_webhook", tag = "Receiving", security(()),
    params(("id" = String, Path, description = "The id of the incoming webhook", example = "wh_in_01kb3f9z5qf8m9w2v7x4t6n0hc")),
    request_body(content = Object, description = "What the sender sends: JSON, a form, or anything else", example = json!({"event": "lead.created", "data": {"id": "lead_123", "description": "Interested in enterprise plan"}})),
    responses(
        (status = 200, description = "Taken before", body = ReceiptView, example = json!({"status": "duplicate", "event_id": "evt_01kb3f9z5qf8m9w2v7x4t6n0hc"})),
        (status = 202, description = "Accepted and on disk", body = ReceiptView, example = json!({"status": "accepted", "event_id": "evt_01kb3f9z5qf8m9w2v7x4t6n0hc"})),
    ))]
pub async fn receive(
    State(app): State<App>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Receive, Problem> {
    let id = id.parse().map_err(|_| Problem::from(Refusal::NotFound))?;
    take(&app, id, request).await
}

/// Takes a request to a source.
pub(super) async fn take(app: &App, id: SourceId, request: Request) -> Result<Receive, Problem> {
    let (parts, body) = request.into_parts();
    let trace = RequestTrace::noted(&parts);
    let source = app.receiver.source(id).await?;
    let body = read(body, &parts.headers, &app.config.limits).await?;
    let incoming = Incoming {
        method: parts.method.as_str(),
        query: parts.uri.query(),
        headers: &parts.headers,
        body: &body,
        trace: trace.context,
    };
    let acknowledgement = acknowledgement(source.preset);
    match app.receiver.receive(&source, incoming).await {
        Ok(receipt) => {
            let echo = echoed(acknowledgement, &parts.headers);
            Ok(Receive::Taken(receipt, acknowledgement, echo))
        }
        Err(Refusal::Rejected(_)) if matches!(acknowledgement, Acknowledgement::Empty { .. }) => {
            Ok(Receive::Refused(StatusCode::UNAUTHORIZED))
        }
        Err(refusal) => Err(refusal.into()),
    }
}

/// The answer to a question that a sender asks without a body (GET, HEAD, OPTIONS); `None` if it is none, so that
/// the method is not for this path.
pub(super) async fn ask(
    app: &App,
    id: SourceId,
    parts: &Parts,
) -> Option<Result<Receive, Problem>> {
    let source = app.receiver.source(id).await.ok()?;
    if !source.handshakes.come_by(parts.method.as_str()) {
        return None;
    }
    let incoming = Incoming {
        method: parts.method.as_str(),
        query: parts.uri.query(),
        headers: &parts.headers,
        body: &Bytes::new(),
        trace: RequestTrace::noted(parts).context,
    };
    match app.receiver.ask(&source, incoming).await {
        Ok(answer) => {
            let receipt = Receipt::Handshake(answer?);
            Some(Ok(Receive::Taken(receipt, Acknowledgement::Receipt, None)))
        }
        Err(refusal) => Some(Err(refusal.into())),
    }
}

/// Reads the raw body; a signature covers it as it was sent, so that it must not be compressed.
async fn read(body: Body, headers: &HeaderMap, limits: &Limits) -> Result<Bytes, Problem> {
    match headers
        .get(header::CONTENT_ENCODING)
        .map(HeaderValue::as_bytes)
    {
        None | Some(b"identity" | b"") => {
            read_body(body, limits.body_max_bytes, limits.body_timeout).await
        }
        Some(_) => {
            let detail = "send the body without `content-encoding`: its signature is checked over the bytes as they come";
            Err(Problem::new(Code::UnsupportedMediaType, detail))
        }
    }
}

/// The answer to a request that was taken.
pub enum Receive {
    /// As its sender wants to hear it, with a header of its own where it looks for that.
    Taken(
        Receipt,
        Acknowledgement,
        Option<Box<(HeaderName, HeaderValue)>>,
    ),
    /// Not taken, by a sender that wants the status alone.
    Refused(StatusCode),
}

impl IntoResponse for Receive {
    fn into_response(self) -> Response {
        let (receipt, acknowledgement, echo) = match self {
            Self::Taken(receipt, acknowledgement, echo) => (receipt, acknowledgement, echo),
            Self::Refused(status) => return status.into_response(),
        };
        let (status, word, event_id) = match receipt {
            Receipt::Accepted { event_id, status } => (status, "accepted", event_id),
            Receipt::Duplicate { event_id } => (200, "duplicate", event_id),
            Receipt::Handshake(answer) => return answered(answer),
        };
        let as_wanted = |status| StatusCode::from_u16(status).unwrap_or(StatusCode::ACCEPTED);
        match acknowledgement {
            Acknowledgement::Receipt | Acknowledgement::Echo { .. } => {
                let mut response = taken(as_wanted(status), word, &event_id.to_string());
                response.headers_mut().extend(echo.map(|echo| *echo));
                response
            }
            Acknowledgement::Empty { status } => as_wanted(status).into_response(),
            Acknowledgement::Body { content_type, body } => {
                let media_type = HeaderValue::from_static(content_type);
                ([(header::CONTENT_TYPE, media_type)], body).into_response()
            }
        }
    }
}

/// The header of a believed request that its sender wants to see again.
fn echoed(
    acknowledgement: Acknowledgement,
    headers: &HeaderMap,
) -> Option<Box<(HeaderName, HeaderValue)>> {
    let Acknowledgement::Echo { header } = acknowledgement else {
        return None;
    };
    let value = headers.get(header)?.clone();
    Some(Box::new((HeaderName::from_static(header), value)))
}

fn taken(status: StatusCode, word: &str, event_id: &str) -> Response {
    let body = format!("{{\"status\":\"{word}\",\"event_id\":\"{event_id}\"}}");
    let media_type = [(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    )];
    (status, media_type, body).into_response()
}

fn answered(answer: HandshakeAnswer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let media_type = [(
        header::CONTENT_TYPE,
        HeaderValue::from_static(answer.content_type),
    )];
    let mut response = (status, media_type, answer.body).into_response();
    for (name, value) in answer.headers {
        // What cannot stand in a header was refused when the answer was made.
        if let Ok(value) = HeaderValue::try_from(value) {
            let headers = response.headers_mut();
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    response
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound => Self::not_found("webhook"),
            Refusal::TooFast { seconds } => {
                Self::new(Code::RateLimited, refusal.to_string()).retry_after(seconds)
            }
            Refusal::Rejected(rejection) => {
                Self::new(Code::SignatureRejected, rejection.to_string())
            }
            Refusal::Body(detail) => Self::new(Code::MalformedJson, detail),
            Refusal::Publish(error) => error.into(),
            Refusal::Change(error) => error.into(),
            Refusal::NoKey(rejection) => {
                Self::new(Code::Unavailable, rejection.to_string()).retry_after(RETRY_KEY_SECONDS)
            }
        }
    }
}

impl From<publish::Error> for Problem {
    fn from(error: publish::Error) -> Self {
        match error {
            publish::Error::Store(error)
            | publish::Error::Registry(registry::Error::Store(error)) => error.into(),
            publish::Error::Registry(error) => {
                tracing::error!(%error, "configuration cannot be loaded");
                Self::internal()
            }
            gone @ publish::Error::NoDestination { .. } => {
                Self::new(Code::Conflict, gone.to_string())
            }
        }
    }
}

impl utoipa::IntoResponses for Receive {
    fn responses()
    -> std::collections::BTreeMap<String, utoipa::openapi::RefOr<utoipa::openapi::Response>> {
        std::collections::BTreeMap::new()
    }
}
