//! Events, as the API takes and shows them.

use std::{collections::HashMap, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::Error as _};
use serde_json::value::RawValue;
use tieline_domain::{
    EventId, TenantId, Timestamp, Violation, event::Event, event_type, pattern::EventType,
    signature::Trust, trace::TraceContext, violation,
};
use tieline_store::Result;
use utoipa::ToSchema;

use super::delivery_view::DeliveryView;
use crate::{app::App, registry::EventTypes};

/// The longest id that a publisher may give, in characters.
const MAX_ID: usize = 255;
/// The longest subject, in characters.
const MAX_SUBJECT: usize = 256;

/// JSON text that stands in an answer as it is, so that no digit is lost.
#[derive(Clone, Debug)]
pub(super) struct RawJson(pub(super) Arc<str>);

impl Serialize for RawJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(S::Error::custom)?;
        raw.serialize(serializer)
    }
}

/// An event to publish.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"type": "order.created", "data": {"order_id": "1042", "total": 99.5}, "subject": "order/1042", "id": "order-1042-created"}))]
pub struct NewEvent {
    /// Its type, such as `order.created`: up to 128 of `A-Z a-z 0-9 _ - / :` in segments parted by dots.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    pub(super) event_type: EventType,
    /// Its content: any JSON, kept as it is; `{}` if absent.
    #[serde(default, deserialize_with = "any_json")]
    #[schema(value_type = Option<Value>)]
    pub(super) data: Option<Box<RawValue>>,
    /// What it is about: up to 256 characters.
    #[serde(default)]
    pub(super) subject: Option<String>,
    /// Your own id of it: up to 255 characters. An event whose id was published before is accepted once.
    #[serde(default)]
    pub(super) id: Option<String>,
    /// What a CloudEvent says beside it.
    #[serde(skip)]
    #[schema(ignore)]
    pub(super) cloud: Option<CloudOrigin>,
}

/// What a CloudEvent says that the API's own form does not.
#[derive(Debug)]
pub(super) struct CloudOrigin {
    /// Where it comes from; with the id it tells repeats.
    pub(super) source: Arc<str>,
    /// The trace that it belongs to.
    pub(super) trace: Option<TraceContext>,
}

/// One event, or several.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"type": "order.created", "data": {"order_id": "1042", "total": 99.5}, "subject": "order/1042", "id": "order-1042-created"}))]
pub struct Publication {
    /// Its type, such as `order.created`: up to 128 of `A-Z a-z 0-9 _ - / :` in segments parted by dots.
    #[serde(default, rename = "type")]
    #[schema(value_type = Option<String>)]
    event_type: Option<EventType>,
    /// Its content: any JSON, kept as it is; `{}` if absent.
    #[serde(default, deserialize_with = "any_json")]
    #[schema(value_type = Option<Value>)]
    data: Option<Box<RawValue>>,
    /// What it is about: up to 256 characters.
    #[serde(default)]
    subject: Option<String>,
    /// Your own id of it: up to 255 characters. An event whose id was published before is accepted once.
    #[serde(default)]
    id: Option<String>,
    /// Several events, in place of the fields above: all are accepted in one commit, or none.
    #[serde(default)]
    events: Option<Vec<NewEvent>>,
}

/// JSON of any kind, `null` included.
pub(super) fn any_json<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(deserializer).map(Some)
}

/// What a publication asks for.
#[derive(Debug)]
pub enum Wanted {
    /// One event.
    One(NewEvent),
    /// Several.
    Several {
        /// The events.
        events: Vec<NewEvent>,
        /// JSON Pointer to their list.
        place: &'static str,
    },
}

impl Publication {
    /// One event or several: which of them was meant. `None` if there is neither a `type` nor `events`.
    pub(super) fn wanted(self) -> Result<Option<Wanted>, Violation> {
        let Self {
            event_type,
            data,
            subject,
            id,
            events,
        } = self;
        let single = event_type.is_some() || data.is_some() || subject.is_some() || id.is_some();
        if let Some(events) = events {
            let detail = "give either `events` or the fields of one event, not both";
            return if single {
                Err(Violation::new("/events", detail))
            } else {
                Ok(Some(Wanted::Several {
                    events,
                    place: "/events",
                }))
            };
        }
        Ok(event_type.map(|event_type| {
            Wanted::One(NewEvent {
                event_type,
                data,
                subject,
                id,
                cloud: None,
            })
        }))
    }
}

impl NewEvent {
    /// Everything that is wrong with it, with pointers relative to it.
    pub(super) fn violations(&self, types: &EventTypes) -> Vec<Violation> {
        let data = self.data.as_deref().map_or("{}", RawValue::get);
        let mut found = types.violations(&self.event_type, data);
        if event_type::own(self.event_type.as_str()).is_some_and(|own| !own.also_yours) {
            let detail = format!(
                "`{}` is published by Tieline itself, so that it can be trusted; choose a type of your own, such as `order.created`",
                self.event_type
            );
            found.push(Violation::new("/type", detail));
        }
        let texts = [
            ("/subject", &self.subject, MAX_SUBJECT),
            ("/id", &self.id, MAX_ID),
        ];
        for (pointer, text, most) in texts {
            let Some(text) = text else { continue };
            found.extend(violation::length(pointer, text, 1, most));
            if text.chars().any(char::is_control) {
                let detail = "must not contain control characters such as line breaks";
                found.push(Violation::new(pointer, detail));
            }
        }
        found
    }
}

/// What became of a published event.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": "evt_01kb3f9z5qf8m9w2v7x4t6n0hf", "status": "accepted"}))]
pub struct PublishedEvent {
    /// Its id; of a duplicate, that of the first copy.
    pub(super) id: String,
    /// `accepted`, or `duplicate`.
    pub(super) status: &'static str,
}

/// What became of what was published.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(example = json!({"id": "evt_01kb3f9z5qf8m9w2v7x4t6n0hf", "status": "accepted"}))]
pub enum PublishedView {
    /// Of one event.
    One(PublishedEvent),
    /// Of several.
    Several {
        /// What became of each, in the order in which they were given.
        events: Vec<PublishedEvent>,
    },
}

/// An event.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": "evt_01kb3f9z5qf8m9w2v7x4t6n0hf", "type": "order.created", "source": "/v1/events", "subject": "order/1042", "time": "2026-11-22T10:00:00.000Z", "tenant_id": "tn_01kb3f9z5qf8m9w2v7x4t6n0hc", "data": {"order_id": "1042", "total": 99.5}, "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"}))]
pub struct EventView {
    /// Its id.
    id: String,
    /// Its type.
    r#type: String,
    /// Where it came from.
    #[schema(value_type = String)]
    source: Arc<str>,
    /// What it is about.
    #[schema(value_type = Option<String>)]
    subject: Option<Arc<str>>,
    /// When it happened.
    #[schema(value_type = String, format = DateTime)]
    time: Timestamp,
    /// The tenant on whose log it stands.
    tenant_id: String,
    /// Its content, as it was received.
    #[schema(value_type = Value)]
    data: RawJson,
    /// When its content was deleted; `data` is null since then.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    data_deleted_at: Option<Timestamp>,
    /// The trace it belongs to (W3C Trace Context).
    #[schema(value_type = String)]
    trace_id: Arc<str>,
    /// The event that caused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    cause_id: Option<EventId>,
    /// What the request that it came with proved: `verified` (signed), `authenticated` (a shared token),
    /// `origin_only` or `unsigned`. Absent for events that came through no incoming webhook.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, pattern = "^(verified|authenticated|origin_only|unsigned)$")]
    trust: Option<Trust>,
}

impl From<Event> for EventView {
    fn from(event: Event) -> Self {
        let Event {
            id,
            tenant_id,
            event_type,
            source,
            subject,
            time,
            data,
            cause_id,
            trace_id,
            trust,
        } = event;
        Self {
            id: id.to_string(),
            r#type: event_type.to_string(),
            source,
            subject,
            time,
            tenant_id: tenant_id.to_string(),
            data: RawJson(data),
            data_deleted_at: None,
            trace_id,
            cause_id,
            trust,
        }
    }
}

impl EventView {
    /// The events, with the time at which the content of some was deleted.
    pub(super) async fn of(app: &App, tenant: TenantId, events: Vec<Event>) -> Result<Vec<Self>> {
        // What was deleted has no content; most of what has no content was never looked up for it.
        let empty = events.iter().filter(|event| &*event.data == "null");
        let empty: Vec<_> = empty.map(|event| event.id).collect();
        let deleted: HashMap<_, _> = app
            .store
            .erasures(tenant, &empty)
            .await?
            .into_iter()
            .collect();
        let view = |event: Event| Self {
            data_deleted_at: deleted.get(&event.id).copied(),
            ..event.into()
        };
        Ok(events.into_iter().map(view).collect())
    }
}

/// An event with what it caused.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": "evt_01kb3f9z5qf8m9w2v7x4t6n0hf", "type": "order.created", "source": "/v1/events", "subject": "order/1042", "time": "2026-11-22T10:00:00.000Z", "tenant_id": "tn_01kb3f9z5qf8m9w2v7x4t6n0hc", "data": {"order_id": "1042"}, "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "caused": {"deliveries": [{"id": "dlv_01kb3f9z5qf8m9w2v7x4t6n0he", "event_id": "evt_01kb3f9z5qf8m9w2v7x4t6n0hf", "webhook_id": "wh_01kb3f9z5qf8m9w2v7x4t6n0hd", "status": "delivered", "attempt_count": 1, "due_at": null, "first_attempt_at": "2026-11-22T10:00:00.012Z", "settled_at": "2026-11-22T10:00:00.096Z", "created_at": "2026-11-22T10:00:00.000Z"}], "events": [], "truncated": false}}))]
pub struct EventTreeView {
    #[serde(flatten)]
    pub(super) view: EventView,
    /// What it caused.
    pub(super) caused: CausedView,
}

/// What an event caused.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct CausedView {
    /// The deliveries that it was owed to, the newest first.
    pub(super) deliveries: Vec<DeliveryView>,
    /// The events that its outcome caused, with what these caused.
    #[schema(no_recursion)]
    pub(super) events: Vec<EventTreeView>,
    /// Whether it caused more than is shown.
    pub(super) truncated: bool,
}
