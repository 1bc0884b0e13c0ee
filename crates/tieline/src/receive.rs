//! Receiving: request → verified → deduplicated → transformed → event.
//!
//! The order of the work is fixed (facts: webhooks 3.6): the source, the handshake, the signature over
//! the raw bytes, and only then anything that reads the body. A request that is refused changes nothing
//! but its counter and its line in a capped log.

mod becomes;
mod content;
mod for_agent;
mod incoming;
mod outcome;
mod questions;
mod rejections;
mod senders;

use std::{cell::LazyCell, sync::Arc};

use tieline_domain::{
    SourceId, Timestamp,
    clock::Clock,
    signature::{HandshakeAnswer, Rejection, Trust, Verified},
    source::TypeRule,
};
use tieline_store::{Store, spine::Once};

use crate::{
    outbound::Outbound,
    publish::{NewItem, Publisher},
    registry::{DedupeRule, Intake, OpenSource, Registry},
    telemetry,
    webhooks::Sources,
};
use becomes::{Proof, dedupe_key, events};
use content::Content;
use for_agent::{ForAgent, Messenger};
use incoming::Fields;
use questions::Questions;
use rejections::Rejections;
use senders::Senders;
use url::Url;

pub use becomes::Preview;
pub use incoming::Incoming;
pub use outcome::{Receipt, Refusal};

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
        let senders = Senders::new(outbound, mirror, clock.clone(), registry.clone());
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

    /// The source behind an id, if it takes requests, and takes one more now.
    pub async fn source(&self, id: SourceId) -> Result<Arc<OpenSource>, Refusal> {
        let source = self.registry.source(id).await?;
        let active = source.filter(|source| source.is_active());
        let source = active.ok_or_else(|| {
            telemetry::count_rejected("unknown_source", None);
            Refusal::NotFound
        })?;
        let taken = source.intake.as_ref().map_or(Ok(()), Intake::take);
        taken.map_err(|seconds| {
            telemetry::count_rejected("rate_limited", Some(source.tenant_id));
            Refusal::TooFast { seconds }
        })?;
        Ok(source)
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
        let document = Box::pin(self.senders.document(source, &wanted.request, false)).await;
        let document = document.map_err(refused)?;
        match self.judge(source, incoming, Some(&document)) {
            Err(Rejection::UnknownKey) if wanted.changes => {
                let document = Box::pin(self.senders.document(source, &wanted.request, true)).await;
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

/// A request that proved where it comes from.
enum Admitted {
    Item(NewItem, Option<Box<ForAgent>>),
    Question(HandshakeAnswer),
}
