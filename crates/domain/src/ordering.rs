//! Order: deliveries of one subscription with the same key arrive one after the other (API.md 6).

use std::{cell::OnceCell, sync::Arc};

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tieline_mapping::path::{Path, Selection};

use crate::event::Event;

/// The longest key that is kept as it is, in bytes; of a longer one, its hash stands in.
pub const MAX_KEY: usize = 256;

/// What happens to the deliveries behind one that has become a dead letter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderingPolicy {
    /// The next one goes out.
    #[default]
    Continue,
    /// They wait until it was delivered after all, or is called off.
    Block,
}

impl OrderingPolicy {
    /// Whether it is the one that holds where nothing is said.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// An event as ordering keys read it: parsed once, and only if a subscription asks.
pub struct Keyed<'e> {
    event: &'e Event,
    document: OnceCell<Value>,
}

impl<'e> Keyed<'e> {
    /// An event of which nothing is read yet.
    pub fn new(event: &'e Event) -> Self {
        Self {
            event,
            document: OnceCell::new(),
        }
    }

    /// The key that `path` finds in the event (`$.data.order.id`, `$.subject`): the JSON text of what
    /// it selects, of several values that of their list. `None` if it finds nothing, or only `null`:
    /// such an event stands in no line.
    pub fn key(&self, path: &Path) -> Option<Arc<str>> {
        let document = self.document.get_or_init(|| document(self.event));
        let text = match path.select(document) {
            Selection::None | Selection::One(Value::Null) => return None,
            Selection::One(value) => value.to_string(),
            Selection::Many(values) => json!(values).to_string(),
        };
        if text.len() <= MAX_KEY {
            return Some(text.into());
        }
        let hash = hex::encode(digest(&SHA256, text.as_bytes()));
        Some(format!("sha256:{hash}").into())
    }
}

/// The event as the API shows it, without its tenant. What is no JSON cannot have been accepted.
fn document(event: &Event) -> Value {
    json!({
        "id": event.id,
        "type": event.event_type,
        "source": event.source,
        "subject": event.subject,
        "time": event.time,
        "data": serde_json::from_str::<Value>(&event.data).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EventId, TenantId, Timestamp};

    #[test]
    fn keys() {
        let event = Event {
            id: EventId::new(Timestamp::from_micros(0), 1),
            tenant_id: TenantId::new(Timestamp::from_micros(0), 1),
            event_type: "order.created".parse().unwrap(),
            source: "/v1/events".into(),
            subject: Some("order/1".into()),
            time: Timestamp::from_micros(0),
            data: json!({"id": 7, "text": "7", "none": null, "lines": [1, "a"], "long": "x".repeat(300)})
                .to_string()
                .into(),
            cause_id: None,
            trace_id: "0".into(),
            trust: None,
        };
        let rows = [
            ("$.data.id", Some("7")),
            ("$.data.text", Some("\"7\"")),
            ("data.id", Some("7")),
            ("$.subject", Some("\"order/1\"")),
            ("$.type", Some("\"order.created\"")),
            ("$.data.none", None),
            ("$.data.missing", None),
            ("$.data.lines[*]", Some("[1,\"a\"]")),
            ("$.data.lines", Some("[1,\"a\"]")),
        ];
        let keyed = Keyed::new(&event);
        for (path, expected) in rows {
            let key = keyed.key(&path.parse().unwrap());
            assert_eq!(key.as_deref(), expected, "{path}");
        }
        let long = keyed.key(&"$.data.long".parse().unwrap()).unwrap();
        assert_eq!((long.len(), &long[..7]), (71, "sha256:"));
    }
}
