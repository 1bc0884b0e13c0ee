//! What a request that is believed becomes: its events, and the key by which a repeat is told.

use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use http::{HeaderMap, HeaderValue};
use serde_json::json;
use tieline_domain::{
    event::types,
    pattern::EventType,
    signature::{Trust, Verified},
    source::TypeRule,
};
use tieline_mapping::{plan::Issue, transform::Transformed};

use super::{Incoming, content::Content, for_agent};
use crate::{
    mappings::{self, Rejected},
    publish::{NewEvent, own_type},
    registry::{DedupeRule, OpenSource},
};

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

/// What a request proved.
#[derive(Clone, Copy)]
pub(super) struct Proof<'v> {
    pub(super) trust: Trust,
    /// The secret that matched.
    pub(super) key_id: Option<&'v str>,
}

/// The key under which the request is taken once: a hash of the source and of the sender's id, or of
/// the body where there is no id.
pub(super) fn dedupe_key(
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
pub(super) fn events(
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
