//! What of a request is for an agent: a message, in the conversation to which it belongs.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use tieline_domain::{TenantId, clock::Clock, event::types};
use tieline_mapping::transform::Transformed;
use tieline_store::Store;

use super::{Content, Preview, Refusal};
use crate::{
    converse::Note,
    publish::{NewEvent, own_type},
    registry::{OpenSource, Registry},
};

/// Where such conversations are held, as far as it is known.
const CHANNEL: &str = "webhook";

/// A message that a request brought for the agent of its source.
#[derive(Debug)]
pub(super) struct ForAgent {
    agent: String,
    content: String,
    metadata: Map<String, Value>,
    key: Option<String>,
}

impl ForAgent {
    /// What a request brings: the message of its transform, or the whole body where that has none; nothing where the
    /// transform finds no message.
    pub(super) fn of(source: &OpenSource, content: &Content, preview: &Preview) -> Option<Self> {
        let agent = source.source.agent_id.clone()?;
        if preview.no_message.is_some() {
            return None;
        }
        let transformed = preview.transformed.as_ref();
        let text = match transformed.and_then(|found| found.message.as_ref()) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => content.json().to_owned(),
        };
        let key = source.conversation_key.as_ref();
        let key = key.and_then(|path| content.select(path)).map(text_of);
        Some(Self {
            agent,
            content: text,
            metadata: transformed
                .map(|found| found.metadata.clone())
                .unwrap_or_default(),
            key: key.filter(|key| !key.is_empty()),
        })
    }
}

/// Why a transform finds no message, as what its path matches: nothing, or what tells an agent nothing.
pub(super) fn no_message(source: &OpenSource, transformed: &Transformed) -> Option<&'static str> {
    if transformed.message_missing {
        return Some("nothing in the body");
    }
    source.source.agent_id.as_ref()?;
    match transformed.message.as_ref()? {
        Value::Null => Some("`null`, which says nothing to an agent"),
        Value::String(text) if text.trim().is_empty() => {
            Some("an empty text, which says nothing to an agent")
        }
        _ => None,
    }
}

/// A key as text, no longer than it may be.
fn text_of(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    text.chars().take(256).collect()
}

/// Makes messages for agents.
#[derive(Clone)]
pub(super) struct Messenger {
    pub(super) clock: Clock,
    pub(super) store: Store,
    pub(super) registry: Registry,
    /// The longest message, in bytes.
    pub(super) most: usize,
}

impl Messenger {
    /// The event that tells the agent: in the open conversation of its key, or in a new one. Of an agent that is not
    /// there any more, the event that says so.
    pub(super) async fn event(
        &self,
        tenant: TenantId,
        message: ForAgent,
        like: &NewEvent,
    ) -> Result<NewEvent, Refusal> {
        let ForAgent {
            agent,
            mut content,
            metadata,
            key,
        } = message;
        let event = |event_type, data: Value, owed| NewEvent {
            event_type: own_type(event_type),
            data: data.to_string().into(),
            subject: data["conversation_id"].as_str().map(Into::into),
            owed,
            source: Arc::clone(&like.source),
            trace_id: Arc::clone(&like.trace_id),
            trust: like.trust,
        };
        let routes = self.registry.routes(tenant).await?;
        let Some((_, agent)) = routes.agent(&agent) else {
            let reason = format!("there is no agent `{agent}` any more");
            let data = json!({"source_id": like.source.trim_start_matches("/sources/"), "pointer": "/agent_id", "reason": reason});
            return Ok(event(types::TRANSFORM_FAILED, data, None));
        };
        if content.len() > self.most {
            content.truncate(content.floor_char_boundary(self.most));
        }
        let note = Note {
            content,
            metadata,
            key,
            channel: CHANNEL,
        };
        let told = note.for_agent(agent, &self.store, &self.clock).await;
        let (data, owed) = told.map_err(crate::publish::Error::from)?;
        Ok(event(types::USER_MESSAGE, data, Some(owed)))
    }
}
