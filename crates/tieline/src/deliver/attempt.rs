//! One attempt: the signed request, the call, and what was seen.

use std::{borrow::Cow, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use tieline_domain::{
    DeliveryId, Timestamp,
    attempt::Seen,
    event::{Event, types},
    retry::parse_retry_after,
    trace::TraceContext,
};

use super::verdict::Showed;
use crate::{
    authorize::{self, Redaction},
    mappings::{self, Rejected},
    outbound::{Answer, BodyLimit, Outbound, REDACTED, Request},
    registry::{Route, Webhook},
    telemetry::{
        spans::{self, Attempted},
        traces,
    },
};

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");
const BODY_SIGNATURE: HeaderName = HeaderName::from_static("x-webhook-signature");

/// What an attempt showed, and all that was seen.
pub(super) struct Tried {
    pub(super) showed: Showed,
    pub(super) status_code: Option<u16>,
    pub(super) error_kind: Option<&'static str>,
    pub(super) took: Duration,
    pub(super) seen: Seen,
}

/// The content of a delivery: the event's as it was received, or what the mapping makes of it.
fn content<'e>(webhook: &Webhook, event: &'e Event) -> Result<Cow<'e, str>, Rejected> {
    match &webhook.mapping {
        Some(plan) if event.event_type.as_str() != types::WEBHOOK_TEST => {
            mappings::outward(plan, &event.data).map(|mapped| Cow::Owned(mapped.data.to_string()))
        }
        _ => Ok(Cow::Borrowed(&event.data)),
    }
}

/// The body of a delivery with this content.
fn body(event: &Event, data: &str) -> Bytes {
    let mut body = String::with_capacity(data.len() + 160);
    body.push_str("{\"id\":\"");
    body.push_str(&event.id.to_string());
    body.push_str("\",\"event\":\"");
    body.push_str(event.event_type.as_str());
    body.push_str("\",\"timestamp\":\"");
    body.push_str(&event.time.to_string());
    body.push_str("\",\"data\":");
    body.push_str(data);
    body.push('}');
    body.into()
}

/// The headers of a delivery (Standard Webhooks, and the signature of seed 000).
fn headers(webhook: &Webhook, id: DeliveryId, now: Timestamp, body: &[u8]) -> HeaderMap {
    let id = id.to_string();
    let seconds = now.as_seconds();
    let mut headers = HeaderMap::with_capacity(8 + webhook.headers.len());
    headers.extend(
        webhook
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), value.clone())),
    );
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    headers.insert(TIMESTAMP, seconds.into());
    let signature = webhook.signer.sign(&id, seconds, body);
    let texts = [
        (ID, Some(id)),
        (SIGNATURE, Some(signature)),
        (BODY_SIGNATURE, webhook.signer.body_hex(body)),
    ];
    for (name, text) in texts {
        if let Some(value) = text.and_then(|text| HeaderValue::try_from(text).ok()) {
            headers.insert(name, value);
        }
    }
    headers
}

/// The attempt as a span within the trace of the event.
pub(super) fn record(
    route: &Route,
    event: &Event,
    id: DeliveryId,
    context: TraceContext,
    now: Timestamp,
    tried: &Tried,
) {
    traces::record(|| {
        let seen = Attempted {
            context,
            route,
            event,
            delivery: id,
            status: tried.status_code,
            error_kind: tried.error_kind,
        };
        spans::attempt(&seen, now, tried.took)
    });
}

/// Posts an event to a webhook, signed.
#[expect(
    clippy::too_many_arguments,
    reason = "what an attempt needs, handed on as it is"
)]
pub(super) async fn exchange(
    outbound: &Outbound,
    webhook: &Webhook,
    event: &Event,
    id: DeliveryId,
    now: Timestamp,
    timeout: Duration,
    keep: usize,
    context: &TraceContext,
) -> Tried {
    let destination = match &webhook.destination {
        Ok(destination) => destination,
        Err(refusal) => return unsent(webhook, "refused_address", refusal),
    };
    let body = match content(webhook, event) {
        Ok(data) => body(event, &data),
        Err(rejected) => return unsent(webhook, "mapping", &rejected.reason),
    };
    let mut headers = headers(webhook, id, now, &body);
    headers.insert(traces::TRACEPARENT, traces::header(context));
    let authorization = webhook.authorization.as_ref();
    let mut sent = sent(&headers);
    let secret = authorization.and_then(|authorization| authorization.header());
    sent.extend(secret.map(|name| (name.as_str().to_owned(), REDACTED.to_owned())));
    let request = Request {
        method: Method::POST,
        uri: destination.uri().clone(),
        headers,
        body,
        deadline: timeout,
        body_limit: BodyLimit::Excerpt { keep },
    };
    let started = std::time::Instant::now();
    let authorize::Sent { answer, token } =
        authorize::send(outbound, authorization, request, now).await;
    let took = started.elapsed();
    let redaction = Redaction {
        own: &webhook.redactor,
        token: token.as_deref().map(authorize::Token::redactor),
    };
    let mut seen = Seen {
        url: destination.as_str().to_owned(),
        request_headers: sent,
        ..Seen::default()
    };
    match answer {
        Ok(answer) => answered(redaction, &answer, now, took, seen),
        Err(error) => {
            seen.error = Some(redaction.text(&error.to_string()));
            Tried {
                showed: Showed::Nothing,
                status_code: None,
                error_kind: Some(error.kind()),
                took,
                seen,
            }
        }
    }
}

/// Nothing was sent: the URL may not be called any more, since the operator's rules have changed, or the mapping
/// makes nothing of the event.
fn unsent(webhook: &Webhook, kind: &'static str, reason: &str) -> Tried {
    Tried {
        showed: Showed::Nothing,
        status_code: None,
        error_kind: Some(kind),
        took: Duration::ZERO,
        seen: Seen {
            url: webhook.url.clone(),
            error: Some(reason.to_owned()),
            ..Seen::default()
        },
    }
}

fn answered(
    redaction: Redaction<'_>,
    answer: &Answer,
    now: Timestamp,
    took: Duration,
    mut seen: Seen,
) -> Tried {
    let status = answer.status.as_u16();
    let wait = answer.headers.get(header::RETRY_AFTER);
    let wait = wait
        .and_then(|value| value.to_str().ok())
        .and_then(|text| parse_retry_after(text, now));
    seen.response_headers = recorded(&answer.headers, redaction);
    seen.response_excerpt = redaction.cut(&answer.body);
    seen.response_truncated = answer.body_truncated();
    let failed = !answer.status.is_success();
    if failed {
        seen.error = Some(format!(
            "the receiver answered {status}; only 2xx is a success"
        ));
    }
    Tried {
        showed: Showed::Status(status, wait),
        status_code: Some(status),
        error_kind: failed.then_some("status"),
        took,
        seen,
    }
}

/// The headers of a request as they are recorded: they are of our own making or the
/// tenant's, and hold no secret.
fn sent(headers: &HeaderMap) -> Vec<(String, String)> {
    let pair = |(name, value): (&HeaderName, &HeaderValue)| {
        let value = value.to_str().unwrap_or_default();
        (name.as_str().to_owned(), value.to_owned())
    };
    headers.iter().map(pair).collect()
}

/// Headers of an answer as they are recorded: without secrets, also where the receiver echoes them.
fn recorded(headers: &HeaderMap, redaction: Redaction<'_>) -> Vec<(String, String)> {
    let pair = |(name, value): (&HeaderName, &HeaderValue)| {
        let value = redaction.header_value(value.as_bytes());
        (name.as_str().to_owned(), value)
    };
    headers.iter().map(pair).collect()
}
