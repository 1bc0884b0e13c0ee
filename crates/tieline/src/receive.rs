//! Receiving: request → verified → deduplicated → transformed → event.
//!
//! The order of the work is fixed (facts: webhooks 3.6): the source, the handshake, the signature over
//! the raw bytes, and only then anything that reads the body. A request that is refused changes nothing
//! but its counter and its line in a capped log.

mod content;
mod rejections;

use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use http::HeaderMap;
use serde_json::json;
use tieline_domain::{
    EventId, SourceId,
    clock::Clock,
    event::types,
    pattern::EventType,
    signature::{HandshakeAnswer, Headers, Rejection, SignedRequest, Trust, Verified, handshake},
    source::TypeRule,
    trace::TraceContext,
};
use tieline_mapping::transform::Transformed;
use tieline_store::{Store, spine::Once};

use crate::{
    publish::{self, NewEvent, NewItem, Publisher, own_type},
    registry::{self, DedupeRule, OpenSource, Registry},
    telemetry,
};
use content::Content;
use rejections::Rejections;

/// A request to a source, its body read.
#[derive(Clone, Copy)]
pub struct Incoming<'r> {
    /// The method.
    pub method: &'r str,
    /// The query, undecoded.
    pub query: Option<&'r str>,
    /// The headers.
    pub headers: &'r HeaderMap,
    /// The raw body.
    pub body: &'r Bytes,
    /// The trace that it belongs to.
    pub trace: TraceContext,
}

/// What became of a request that was taken.
#[derive(Debug)]
pub enum Receipt {
    /// It is an event now, on disk.
    Accepted {
        /// The event.
        event_id: EventId,
        /// The status that the source answers with.
        status: u16,
    },
    /// It was taken before.
    Duplicate {
        /// The event of the first copy.
        event_id: EventId,
    },
    /// It was a question of the sender, and no event.
    Handshake(HandshakeAnswer),
}

/// Why a request was not taken.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// There is no such source, or it takes no requests.
    #[error("there is no such webhook, or it is paused")]
    NotFound,
    /// The request does not prove where it comes from.
    #[error("{0}")]
    Rejected(Rejection),
    /// The body is not what the source needs.
    #[error("{0}")]
    Body(String),
    /// It could not be stored: nothing was written.
    #[error(transparent)]
    Publish(#[from] publish::Error),
}

impl From<registry::Error> for Refusal {
    fn from(error: registry::Error) -> Self {
        Self::Publish(error.into())
    }
}

/// What a request would become, for a preview.
#[derive(Debug)]
pub struct Preview {
    /// The events, the first one first.
    pub events: Vec<NewEvent>,
    /// What the transform finds; `None` without one.
    pub transformed: Option<Transformed>,
}

/// Receives requests to sources; clones share it.
#[derive(Clone)]
pub struct Receiver {
    clock: Clock,
    registry: Registry,
    publisher: Publisher,
    rejections: Rejections,
    max_depth: usize,
}

impl Receiver {
    /// A receiver that publishes through `publisher` and keeps up to `kept` refused requests per source.
    pub fn new(
        clock: Clock,
        store: Store,
        registry: Registry,
        publisher: Publisher,
        kept: usize,
        max_depth: usize,
    ) -> Self {
        Self {
            rejections: Rejections::start(store, clock.clone(), kept),
            clock,
            registry,
            publisher,
            max_depth,
        }
    }

    /// The source behind an id, if it takes requests.
    pub async fn source(&self, id: SourceId) -> Result<Arc<OpenSource>, Refusal> {
        let source = self.registry.source(id).await?;
        let active = source.filter(|source| source.is_active());
        active.ok_or_else(|| {
            telemetry::count_rejected("unknown_source", None);
            Refusal::NotFound
        })
    }

    /// Takes a request: answers when its event is on disk, or with the reason why there is none.
    pub async fn receive(
        &self,
        source: &OpenSource,
        incoming: Incoming<'_>,
    ) -> Result<Receipt, Refusal> {
        let item = match self.admit(source, incoming)? {
            Admitted::Item(item) => item,
            Admitted::Question(answer) => return Ok(Receipt::Handshake(answer)),
        };
        let published = self.publisher.publish(source.tenant_id, vec![item]).await?;
        let first = published.first().ok_or(Refusal::NotFound)?;
        let event_id = first.event_id;
        telemetry::count_accepted(source.tenant_id, first.duplicate);
        if first.duplicate {
            return Ok(Receipt::Duplicate { event_id });
        }
        let response = source.source.response;
        let status = response.map_or(202, |response| response.status);
        Ok(Receipt::Accepted { event_id, status })
    }

    /// Everything that comes before the durable write.
    fn admit(&self, source: &OpenSource, incoming: Incoming<'_>) -> Result<Admitted, Refusal> {
        let request = SignedRequest {
            method: incoming.method,
            url_query: incoming.query,
            headers: &Fields(incoming.headers),
            body: incoming.body,
        };
        let now = self.clock.now();
        if let Some(answer) = handshake(source.preset, &request, &source.verifier, now.as_micros())
        {
            tracing::info!(source = %source.id, handshake = answer.name, "answered a handshake");
            return Ok(Admitted::Question(answer));
        }
        let verified = match source.verifier.verify(&request, now.as_micros()) {
            Ok(verified) => verified,
            Err(rejection) => {
                self.rejections.note(source, incoming, &rejection);
                return Err(Refusal::Rejected(rejection));
            }
        };
        let content = self
            .read(source, incoming)
            .inspect_err(|_| telemetry::count_rejected("body", Some(source.tenant_id)))?;
        let once = source.dedupe.as_ref().map(|rule| Once {
            key: dedupe_key(source, rule, incoming, &verified, &content),
            expires_at: now.plus(source.dedupe_window),
        });
        let events = events(source, incoming, &content, verified.trust).events;
        Ok(Admitted::Item(NewItem { once, events }))
    }

    /// What a request with this body would become, its signature not looked at.
    pub fn preview(&self, source: &OpenSource, incoming: Incoming<'_>) -> Result<Preview, Refusal> {
        let content = self.read(source, incoming)?;
        Ok(events(source, incoming, &content, Trust::Unsigned))
    }

    fn read(&self, source: &OpenSource, incoming: Incoming<'_>) -> Result<Content, Refusal> {
        let needs_value = source.transform.is_some()
            || matches!(source.dedupe, Some(DedupeRule::Body(_)))
            || matches!(source.event_type, Some(TypeRule::Body(_)));
        Content::read(incoming.headers, incoming.body, needs_value, self.max_depth)
            .map_err(Refusal::Body)
    }
}

/// A request that proved where it comes from.
enum Admitted {
    Item(NewItem),
    Question(HandshakeAnswer),
}

/// The headers of a request, as the verifier reads them.
struct Fields<'r>(&'r HeaderMap);

impl Headers for Fields<'_> {
    fn each_value<'h>(&'h self, name: &str, each: &mut dyn FnMut(&'h [u8])) {
        for value in self.0.get_all(name) {
            each(value.as_bytes());
        }
    }
}

/// The key under which the request is taken once: a hash of the source and of the sender's id, or of
/// the body where there is no id.
fn dedupe_key(
    source: &OpenSource,
    rule: &DedupeRule,
    incoming: Incoming<'_>,
    verified: &Verified<'_>,
    content: &Content,
) -> [u8; 16] {
    let id = match rule {
        DedupeRule::Header(name) => incoming
            .headers
            .get(name)
            .map(|value| value.as_bytes().to_vec()),
        DedupeRule::Body(path) => content
            .select(path)
            .map(|value| value.to_string().into_bytes()),
        DedupeRule::MessageId => verified.message_id.map(|id| id.as_bytes().to_vec()),
        DedupeRule::BodyHash => None,
    };
    let mut hash = Context::new(&SHA256);
    hash.update(&source.id.as_u128().to_be_bytes());
    if let Some(id) = id.filter(|id| !id.is_empty()) {
        hash.update(b"i");
        hash.update(&id);
    } else {
        hash.update(b"b");
        hash.update(incoming.body);
    }
    let mut key = [0; 16];
    key.copy_from_slice(&hash.finish().as_ref()[..16]);
    key
}

/// The events of a request: that it was received, what it means, and that its message is missing.
fn events(source: &OpenSource, incoming: Incoming<'_>, content: &Content, trust: Trust) -> Preview {
    let transformed = match (&source.transform, content.value()) {
        (Some(transform), Some(value)) => Some(transform.apply(value)),
        _ => None,
    };
    let from: Arc<str> = format!("/sources/{}", source.id).into();
    let trace_id: Arc<str> = incoming.trace.trace_text().into();
    let event = |event_type: EventType, data: Arc<str>| NewEvent {
        event_type,
        source: Arc::clone(&from),
        subject: None,
        data,
        trace_id: Arc::clone(&trace_id),
    };
    let data = received_data(source, content, transformed.as_ref(), trust);
    let mut events = vec![event(own_type(types::WEBHOOK_RECEIVED), data)];
    if let Some(event_type) = type_of(source, incoming.headers, content) {
        events.push(event(event_type, content.json().into()));
    }
    if transformed
        .as_ref()
        .is_some_and(|transformed| transformed.message_missing)
    {
        let path = source
            .source
            .transform
            .as_ref()
            .and_then(|transform| transform.message.as_deref());
        let reason = format!(
            "the transform's message path {} matches nothing in the body",
            path.unwrap_or_default()
        );
        let data =
            json!({"source_id": source.id, "pointer": "/transform/message", "reason": reason});
        events.push(event(
            own_type(types::TRANSFORM_FAILED),
            data.to_string().into(),
        ));
    }
    Preview {
        events,
        transformed,
    }
}

/// The content of `webhook.received`; the body stands in it as it came.
fn received_data(
    source: &OpenSource,
    content: &Content,
    transformed: Option<&Transformed>,
    trust: Trust,
) -> Arc<str> {
    let trust = match trust {
        Trust::Verified => "verified",
        Trust::Authenticated => "authenticated",
        Trust::OriginOnly => "origin_only",
        Trust::Unsigned => "unsigned",
    };
    let mut data = format!("{{\"source_id\":\"{}\",\"trust\":\"{trust}\"", source.id);
    if let Some(agent) = &source.source.agent_id {
        data.push_str(",\"agent_id\":");
        data.push_str(&json!(agent).to_string());
    }
    if let Some(transformed) = transformed {
        if let Some(message) = &transformed.message {
            data.push_str(",\"message\":");
            data.push_str(&message.to_string());
        }
        data.push_str(",\"metadata\":");
        data.push_str(&json!(transformed.metadata).to_string());
    }
    data.push_str(",\"body\":");
    data.push_str(content.json());
    data.push('}');
    data.into()
}

fn type_of(source: &OpenSource, headers: &HeaderMap, content: &Content) -> Option<EventType> {
    match source.event_type.as_ref()? {
        TypeRule::Fixed(event_type) => Some(event_type.clone()),
        TypeRule::Header(name) => EventType::closest(headers.get(name)?.to_str().ok()?),
        TypeRule::Body(path) => EventType::closest(content.select(path)?.as_str()?),
    }
}
