//! Receiving: request → verified → deduplicated → transformed → event.
//!
//! The order of the work is fixed (facts: webhooks 3.6): the source, the handshake, the signature over
//! the raw bytes, and only then anything that reads the body. A request that is refused changes nothing
//! but its counter and its line in a capped log.

mod content;
mod for_agent;
mod incoming;
mod outcome;
mod questions;
mod rejections;
mod senders;

use std::{cell::LazyCell, sync::Arc};

use aws_lc_rs::digest::{Context, SHA256};
use http::{HeaderMap, HeaderValue};
use serde_json::json;
use tieline_domain::{
    SourceId, Timestamp,
    clock::Clock,
    event::types,
    pattern::EventType,
    signature::{HandshakeAnswer, Rejection, Trust, Verified},
    source::TypeRule,
};
use tieline_mapping::{plan::Issue, transform::Transformed};
use tieline_store::{Store, spine::Once};

use crate::{
    mappings::{self, Rejected},
    outbound::Outbound,
    publish::{NewEvent, NewItem, Publisher, own_type},
    registry::{DedupeRule, OpenSource, Registry},
    telemetry,
    webhooks::Sources,
};
use content::Content;
use for_agent::{ForAgent, Messenger};
use incoming::Fields;
use questions::Questions;
use rejections::Rejections;
use senders::Senders;
use url::Url;

pub use incoming::Incoming;
pub use outcome::{Receipt, Refusal};

/// What a request would become, for a preview.
#[derive(Debug)]
pub struct Preview {
    /// The events, the first one first.
    pub events: Vec<NewEvent>,
    /// What the transform finds; `None` without one.
    pub transformed: Option<Transformed>,
    /// What the path of its message matches instead of one.
    pub no_message: Option<&'static str>,
}

/// Receives requests to sources; clones share it.
#[derive(Clone)]
pub struct Receiver {
    clock: Clock,
    registry: Registry,
    publisher: Publisher,
    rejections: Rejections,
    questions: Questions,
    senders: Senders,
    messenger: Messenger,
    max_depth: usize,
}

/// What a [`Receiver`] is made of.
pub struct Parts {
    /// The one clock.
    pub clock: Clock,
    /// What lasts.
    pub store: Store,
    /// The sources in memory.
    pub registry: Registry,
    /// Takes the events.
    pub publisher: Publisher,
    /// Changes sources where their senders ask for it.
    pub sources: Sources,
    /// The way out.
    pub outbound: Outbound,
    /// The server that is asked in place of senders' hosts.
    pub mirror: Option<Url>,
    /// How many refused requests are kept of each source.
    pub kept: usize,
    /// How deep a body may be nested.
    pub max_depth: usize,
    /// The longest message for an agent, in bytes.
    pub message_bytes: usize,
}

impl Receiver {
    /// A receiver made of these.
    pub fn new(parts: Parts) -> Self {
        let Parts {
            clock,
            store,
            registry,
            publisher,
            sources,
            outbound,
            mirror,
            kept,
            max_depth,
            message_bytes,
        } = parts;
        let senders = Senders::new(outbound, mirror, clock.clone());
        Self {
            messenger: Messenger {
                clock: clock.clone(),
                store: store.clone(),
                registry: registry.clone(),
                most: message_bytes,
            },
            rejections: Rejections::start(store.clone(), clock.clone(), kept),
            questions: Questions::start(store, clock.clone(), sources, senders.clone()),
            senders,
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
        let item = match self.admit(source, incoming).await? {
            Admitted::Item(mut item, message) => {
                // Boxed, because most requests are for no agent.
                if let (Some(message), Some(first)) = (message, item.events.first()) {
                    let told = self.messenger.event(source.tenant_id, *message, first);
                    let told = Box::pin(told).await?;
                    item.events.push(told);
                }
                item
            }
            Admitted::Question(answer) => {
                Box::pin(self.questions.conclude(source, &answer)).await?;
                return Ok(Receipt::Handshake(answer));
            }
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

    /// The answer to a request that is no event by its method, if it is a question of the sender.
    pub async fn ask(
        &self,
        source: &OpenSource,
        incoming: Incoming<'_>,
    ) -> Result<Option<HandshakeAnswer>, Refusal> {
        let answer = {
            let fields = Fields(incoming.headers);
            let request = incoming.signed(&fields);
            let now = self.clock.now().as_micros();
            let verified = || source.verifier.verify(&request, now).is_ok();
            source.handshakes.answer(&request, &verified)
        };
        if let Some(answer) = &answer {
            self.questions.conclude(source, answer).await?;
        }
        Ok(answer)
    }

    /// Everything that comes before the durable write.
    async fn admit(
        &self,
        source: &OpenSource,
        incoming: Incoming<'_>,
    ) -> Result<Admitted, Refusal> {
        let wanted = source
            .verifier
            .key_request(&incoming.signed(&Fields(incoming.headers)));
        let refused = |rejection| self.refuse(source, incoming, rejection);
        let Some(wanted) = wanted.map_err(refused)? else {
            return self.judge(source, incoming, None).map_err(refused)?;
        };
        let document = Box::pin(self.senders.document(source.id, &wanted, false)).await;
        let document = document.map_err(refused)?;
        match self.judge(source, incoming, Some(&document)) {
            Err(Rejection::UnknownKey) if wanted.changes => {
                let document = Box::pin(self.senders.document(source.id, &wanted, true)).await;
                let document = document.map_err(refused)?;
                self.judge(source, incoming, Some(&document))
                    .map_err(refused)?
            }
            judged => judged.map_err(refused)?,
        }
    }

    /// Counts and keeps a request that is not believed.
    fn refuse(&self, source: &OpenSource, incoming: Incoming<'_>, rejection: Rejection) -> Refusal {
        self.rejections.note(source, incoming, &rejection);
        if rejection == Rejection::KeyUnavailable {
            Refusal::NoKey(rejection)
        } else {
            Refusal::Rejected(rejection)
        }
    }

    /// Believes a request or not, with the keys that it needs; the outer error is why it is not believed.
    fn judge(
        &self,
        source: &OpenSource,
        incoming: Incoming<'_>,
        document: Option<&[u8]>,
    ) -> Result<Result<Admitted, Refusal>, Rejection> {
        let fields = Fields(incoming.headers);
        let request = incoming.signed(&fields);
        let now = self.clock.now();
        let verified = LazyCell::new(|| {
            let verifier = &source.verifier;
            verifier.verify_with(&request, now.as_micros(), document)
        });
        if let Some(answer) = source.handshakes.answer(&request, &|| verified.is_ok()) {
            return Ok(Ok(Admitted::Question(answer)));
        }
        let verified = (*verified).clone()?;
        Ok(self.item(source, incoming, &verified, now))
    }

    /// The events of a request that is believed.
    fn item(
        &self,
        source: &OpenSource,
        incoming: Incoming<'_>,
        verified: &Verified<'_>,
        now: Timestamp,
    ) -> Result<Admitted, Refusal> {
        let content = self
            .read(source, incoming)
            .inspect_err(|_| telemetry::count_rejected("body", Some(source.tenant_id)))?;
        let once = source.dedupe.as_ref().map(|rule| Once {
            key: dedupe_key(source, rule, incoming, verified, &content),
            expires_at: now.plus(source.dedupe_window),
        });
        let proof = Proof {
            trust: verified.trust,
            key_id: verified.key_id.as_deref(),
        };
        let preview = events(source, incoming, &content, proof);
        let message = ForAgent::of(source, &content, &preview).map(Box::new);
        let events = preview.events;
        Ok(Admitted::Item(NewItem { once, events }, message))
    }

    /// What a request with this body would become, its signature not looked at.
    pub fn preview(&self, source: &OpenSource, incoming: Incoming<'_>) -> Result<Preview, Refusal> {
        let content = self.read(source, incoming)?;
        let proof = Proof {
            trust: Trust::Unsigned,
            key_id: None,
        };
        Ok(events(source, incoming, &content, proof))
    }

    fn read(&self, source: &OpenSource, incoming: Incoming<'_>) -> Result<Content, Refusal> {
        let needs_value = source.transform.is_some()
            || source.mapping.is_some()
            || matches!(source.dedupe, Some(DedupeRule::Body(_)))
            || matches!(source.event_type, Some(TypeRule::Body(_)))
            || source.conversation_key.is_some();
        let unwrapped = source.verifier.content(incoming.body);
        let body = unwrapped.as_deref().unwrap_or(incoming.body);
        Content::read(incoming.headers, body, needs_value, self.max_depth).map_err(Refusal::Body)
    }
}

/// What a request proved.
#[derive(Clone, Copy)]
struct Proof<'v> {
    trust: Trust,
    /// The secret that matched.
    key_id: Option<&'v str>,
}

/// A request that proved where it comes from.
enum Admitted {
    Item(NewItem, Option<Box<ForAgent>>),
    Question(HandshakeAnswer),
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
        DedupeRule::Headers(names) => {
            let value = |name: &String| incoming.headers.get(name).map(HeaderValue::as_bytes);
            let values: Option<Vec<&[u8]>> = names.iter().map(value).collect();
            // No header can hold a line feed, so that what stands where is plain.
            values.map(|values| values.join(&b'\n'))
        }
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
fn events(
    source: &OpenSource,
    incoming: Incoming<'_>,
    content: &Content,
    proof: Proof<'_>,
) -> Preview {
    let transformed = match (&source.transform, content.value()) {
        (Some(transform), Some(value)) => {
            let known = [Some(proof.trust.as_str()), proof.key_id];
            Some(transform.apply(value, known))
        }
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
        trust: Some(proof.trust),
        owed: None,
    };
    let meant = type_of(source, incoming.headers, content)
        .map(|event_type| (event_type, meant_data(source, content)));
    let left_out = meant
        .as_ref()
        .and_then(|(_, meant)| meant.as_ref().ok())
        .map_or(&[][..], |meant| &meant.left_out);
    let data = received_data(source, content, transformed.as_ref(), left_out, proof);
    let mut events = vec![event(own_type(types::WEBHOOK_RECEIVED), data)];
    if let Some((event_type, meant)) = meant {
        events.push(match meant {
            Ok(meant) => event(event_type, meant.data),
            Err(rejected) => event(
                own_type(types::TRANSFORM_FAILED),
                not_mapped(source, &rejected),
            ),
        });
    }
    let no_message = transformed
        .as_ref()
        .and_then(|found| for_agent::no_message(source, found));
    if let Some(matched) = no_message {
        events.push(event(
            own_type(types::TRANSFORM_FAILED),
            without_message(source, matched),
        ));
    }
    Preview {
        events,
        transformed,
        no_message,
    }
}

/// The content of the event that a request means.
struct Meant {
    data: Arc<str>,
    /// What the mapping left out of it.
    left_out: Vec<Issue>,
}

/// The body, or what the mapping makes of it.
fn meant_data(source: &OpenSource, content: &Content) -> Result<Meant, Rejected> {
    let Some(plan) = &source.mapping else {
        return Ok(Meant {
            data: content.json().into(),
            left_out: Vec::new(),
        });
    };
    let mapped = mappings::inward(plan, content.json())?;
    Ok(Meant {
        data: mapped.data.to_string().into(),
        left_out: mapped.warnings,
    })
}

fn without_message(source: &OpenSource, matched: &str) -> Arc<str> {
    let transform = source.source.transform.as_ref();
    let path = transform.and_then(|transform| transform.message.as_deref());
    let path = path.unwrap_or_default();
    let reason = format!("the transform's message path {path} matches {matched}");
    let data = json!({"source_id": source.id, "pointer": "/transform/message", "reason": reason});
    data.to_string().into()
}

fn not_mapped(source: &OpenSource, rejected: &Rejected) -> Arc<str> {
    let Rejected { reason, errors } = rejected;
    let data =
        json!({"source_id": source.id, "pointer": "/mapping", "reason": reason, "errors": errors});
    data.to_string().into()
}

/// The content of `webhook.received`; the body stands in it as it came.
fn received_data(
    source: &OpenSource,
    content: &Content,
    transformed: Option<&Transformed>,
    left_out: &[Issue],
    proof: Proof<'_>,
) -> Arc<str> {
    let trust = proof.trust.as_str();
    let mut data = format!("{{\"source_id\":\"{}\",\"trust\":\"{trust}\"", source.id);
    if let Some(key_id) = proof.key_id {
        data.push_str(",\"key_id\":");
        data.push_str(&json!(key_id).to_string());
    }
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
    if !left_out.is_empty() {
        data.push_str(",\"mapping_warnings\":");
        data.push_str(&json!(left_out).to_string());
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
