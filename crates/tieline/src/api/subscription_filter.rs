//! Trying a webhook's filter on an event.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use tieline_domain::{
    EventId, SubscriptionId, Violation,
    access::{Area::Events, Area::Webhooks, Right},
    filter::{Document, Explained, Filter},
    pattern::EventType,
    subscription::Subscription,
};
use utoipa::ToSchema;

use super::{
    answer::Shown, caller::Caller, document, event_view::any_json, events::SOURCE, json::Json,
    page::Id, problem::Problem, subscriptions::WEBHOOKS,
};
use crate::{app::App, publish::NewEvent};

/// An event to try a filter on, and perhaps another filter.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"event": {"type": "order.created", "data": {"total": 99.5}}, "filter": {"field": "data.total", "gte": 100}}))]
pub struct FilterTrial {
    /// An event that was published.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    event_id: Option<EventId>,
    /// Or a sample of one.
    #[serde(default)]
    event: Option<SampleEvent>,
    /// The filter to try in place of the webhook's own.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    filter: Option<Value>,
}

/// A sample of an event.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SampleEvent {
    /// Its type.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    event_type: EventType,
    /// Its content; `{}` if absent.
    #[serde(default, deserialize_with = "any_json")]
    #[schema(value_type = Option<Value>)]
    data: Option<Box<RawValue>>,
    /// What it is about.
    #[serde(default)]
    subject: Option<String>,
    /// Where it comes from; `/v1/events` if absent.
    #[serde(default)]
    source: Option<String>,
}

/// Whether the webhook would get the event, and why.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"matched": false, "type_wanted": true, "filter_matched": false, "conditions": [{"pointer": "", "holds": false, "detail": "`data.total` is 99.5; asked for: gte 100"}]}))]
pub struct FilterTrialView {
    /// Whether it would get the event.
    matched: bool,
    /// Whether one of its `events` names the type.
    type_wanted: bool,
    /// Whether its filter lets the event pass; true without a filter.
    filter_matched: bool,
    /// What each condition of the filter found.
    conditions: Vec<ConditionView>,
}

/// What a condition found.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConditionView {
    /// JSON Pointer to the condition within the filter.
    pointer: String,
    /// Whether it holds.
    holds: bool,
    /// What was found and what was asked for.
    detail: String,
}

impl FilterTrialView {
    fn of(subscription: &Subscription, filter: Option<&Filter>, event: &Document<'_>) -> Self {
        let type_wanted = subscription.wants(event.event_type);
        let filter_matched = filter.is_none_or(|filter| filter.matches(event));
        let explained = filter.map(|filter| filter.explain(event));
        let view = |explained| {
            let Explained {
                pointer,
                holds,
                detail,
            } = explained;
            ConditionView {
                pointer,
                holds,
                detail,
            }
        };
        Self {
            matched: type_wanted && filter_matched,
            type_wanted,
            filter_matched,
            conditions: explained.into_iter().flatten().map(view).collect(),
        }
    }
}

impl From<SampleEvent> for NewEvent {
    fn from(sample: SampleEvent) -> Self {
        let SampleEvent {
            event_type,
            data,
            subject,
            source,
        } = sample;
        Self {
            event_type,
            source: source.map_or_else(|| SOURCE.into(), Into::into),
            subject: subject.map(Into::into),
            data: data.map_or_else(|| "{}".into(), |data| data.get().into()),
            trace_id: Arc::default(),
            trust: None,
            owed: None,
        }
    }
}

/// Try the filter of a webhook
///
/// On an event that was published, or on a sample: would the webhook get it, and what does each condition
/// find? With `filter`, another filter is tried before it is saved. Nothing is sent or stored.
#[utoipa::path(post, path = "/webhooks/{id}/test-filter", operation_id = "test_webhook_filter", tag = "Webhooks",
    params(("id" = String, Path, description = "Id of the webhook", example = "wh_01kb3f9z5qf8m9w2v7x4t6n0hd")),
    extensions(("x-required-scope" = json!("webhooks:read"))))]
pub async fn test_filter(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<SubscriptionId>,
    Json(trial): Json<FilterTrial>,
) -> Result<Shown<FilterTrialView>, Problem> {
    caller.require(Webhooks, Right::Read)?;
    let mut subscription: Subscription =
        document::content(&WEBHOOKS.find(&app, &caller, &id).await?)?;
    if let Some(filter) = trial.filter {
        subscription.filter = Some(filter);
    }
    let filter = subscription
        .compiled_filter(app.config.limits.bounds.filter_parts)
        .map_err(|faults| {
            let faults = faults.into_iter().map(|fault| fault.under("/filter"));
            faults.collect::<Vec<_>>()
        })?;
    let view = match (trial.event_id, trial.event) {
        (Some(id), None) => {
            caller.require(Events, Right::Read)?;
            let event = app.store.find_event(caller.tenant_id, id).await?;
            let event = event.ok_or_else(|| Problem::not_found("event"))?;
            FilterTrialView::of(&subscription, filter.as_ref(), &Document::of(&event))
        }
        (None, Some(sample)) => {
            let event = NewEvent::from(sample);
            FilterTrialView::of(&subscription, filter.as_ref(), &event.document())
        }
        _ => {
            let detail = "give either `event_id` or `event`, a sample";
            return Err(vec![Violation::new("/event", detail)].into());
        }
    };
    Ok(Shown::new(view))
}
