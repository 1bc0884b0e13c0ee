//! Events: `/v1/events`.

use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use axum::extract::State;
use futures::future::BoxFuture;
use http::HeaderMap;
use serde::Deserialize;
use tieline_domain::{
    EventId, TenantId, Timestamp, Violation,
    access::{Area::Events, Right},
    event::Event,
    pattern::EventType,
};
use tieline_store::{PageRequest, deliveries::DeliveryFilter, events::EventFilter, spine::Once};

use super::{
    answer::{Accepted, ListView, Shown},
    caller::Caller,
    cloudevents::{self, CloudBatch, CloudEvent, Negotiated},
    event_view::{
        CausedView, EventTreeView, EventView, NewEvent, Publication, PublishedEvent, PublishedView,
        Wanted,
    },
    frame::RequestTrace,
    page::{Filters, Id, Page},
    problem::Problem,
};
use crate::{
    app::App,
    publish::{self, NewItem, Published},
    registry::EventTypes,
};

/// Where events come from that clients publish.
pub(super) const SOURCE: &str = "/v1/events";
/// How many faults of a publication are told at most.
const MAX_VIOLATIONS: usize = 100;
/// How many levels of causes are shown.
const MAX_DEPTH: usize = 4;
/// How many events are shown in one tree; fewer than the store reads of one cause, so that a tree that
/// is cut says so.
const MAX_TREE: usize = 99;
/// How many deliveries of each event are shown in a tree.
const MAX_DELIVERIES: usize = 100;

/// Which events are wanted; each narrows the list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventsWanted {
    /// Of this type.
    #[param(value_type = Option<String>, example = "order.created")]
    r#type: Option<EventType>,
    /// From this source.
    #[param(example = "/v1/events")]
    source: Option<String>,
    /// About this.
    #[param(example = "order/1042")]
    subject: Option<String>,
}

/// Publish events
///
/// One, or several in one commit. The answer means that they are on disk, with the deliveries that they are
/// owed. An event with an `id` of its own is accepted once. CloudEvents 1.0 are taken in the structured form
/// and in batches.
#[utoipa::path(post, path = "/events", operation_id = "publish_events", tag = "Events",
    request_body(content((Publication = "application/json"), (CloudEvent = "application/cloudevents+json"), (CloudBatch = "application/cloudevents-batch+json"))),
    extensions(("x-required-scope" = json!("events:write"))))]
pub async fn publish(
    State(app): State<App>,
    caller: Caller,
    trace: RequestTrace,
    wanted: Wanted,
) -> Result<Accepted<PublishedView>, Problem> {
    caller.require(Events, Right::Write)?;
    let types = app.registry.event_types(caller.tenant_id).await;
    let types = types.map_err(publish::Error::from)?;
    let most = app.config.limits.event_batch_max;
    let (events, several) = match wanted {
        Wanted::One(event) => {
            Problem::check(event.violations(&types))?;
            (vec![event], false)
        }
        Wanted::Several { events, place } => {
            Problem::check(violations(&events, place, most, &types))?;
            (events, true)
        }
    };
    let now = app.clock.now();
    let expires_at = now.plus(app.config.limits.dedupe_window);
    let trace_id: Arc<str> = trace.context.trace_text().into();
    let items = events
        .into_iter()
        .map(|event| item(caller.tenant_id, event, expires_at, &trace_id))
        .collect();
    let published = app.publisher.publish(caller.tenant_id, items).await?;
    let mut views = published.into_iter().map(view);
    let view = if several {
        PublishedView::Several {
            events: views.collect(),
        }
    } else {
        PublishedView::One(views.next().ok_or_else(Problem::internal)?)
    };
    Ok(Accepted(view))
}

/// Everything that is wrong with several events, which stand at `place`.
fn violations(events: &[NewEvent], place: &str, most: usize, types: &EventTypes) -> Vec<Violation> {
    if events.is_empty() || events.len() > most {
        let detail = format!("give 1 to {most} events at once, not {}", events.len());
        return vec![Violation::new(place, detail)];
    }
    let of_each = events.iter().enumerate().flat_map(|(i, event)| {
        let place = format!("{place}/{i}");
        let violations = event.violations(types).into_iter();
        violations.map(move |violation| violation.under(&place))
    });
    of_each.take(MAX_VIOLATIONS).collect()
}

fn item(tenant: TenantId, event: NewEvent, expires_at: Timestamp, trace_id: &Arc<str>) -> NewItem {
    let NewEvent {
        event_type,
        data,
        subject,
        id,
        cloud,
    } = event;
    let source = cloud.as_ref().map(|cloud| Arc::clone(&cloud.source));
    let once = id.map(|id| Once {
        key: once_key(tenant, source.as_deref(), &id),
        expires_at,
    });
    let own_trace = cloud.and_then(|cloud| cloud.trace);
    let event = publish::NewEvent {
        event_type,
        source: source.unwrap_or_else(|| SOURCE.into()),
        subject: subject.map(Into::into),
        data: data.map_or_else(|| "{}".into(), |data| data.get().into()),
        trace_id: own_trace.map_or_else(|| Arc::clone(trace_id), |own| own.trace_text().into()),
        trust: None,
        owed: None,
    };
    NewItem {
        once,
        events: vec![event],
    }
}

/// The key under which a publisher's own id is taken once; that of a CloudEvent counts within its source
/// (CloudEvents 1.0, 3.1.1).
fn once_key(tenant: TenantId, source: Option<&str>, id: &str) -> [u8; 16] {
    let mut hash = Context::new(&SHA256);
    hash.update(&tenant.as_u128().to_be_bytes());
    match source {
        None => hash.update(b"e"),
        Some(source) => {
            hash.update(b"c");
            hash.update(&(source.len() as u64).to_be_bytes());
            hash.update(source.as_bytes());
        }
    }
    hash.update(id.as_bytes());
    let mut key = [0; 16];
    key.copy_from_slice(&hash.finish().as_ref()[..16]);
    key
}

fn view(published: Published) -> PublishedEvent {
    let Published {
        event_id,
        duplicate,
    } = published;
    PublishedEvent {
        id: event_id.to_string(),
        status: if duplicate { "duplicate" } else { "accepted" },
    }
}

/// List the events
///
/// With `Accept: application/cloudevents-batch+json` as a batch of CloudEvents 1.0.
#[utoipa::path(get, path = "/events", operation_id = "list_events", tag = "Events", params(Page, EventsWanted),
    extensions(("x-required-scope" = json!("events:read"))))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    page: Page,
    Filters(wanted): Filters<EventsWanted>,
    headers: HeaderMap,
) -> Result<Negotiated<ListView<EventView>>, Problem> {
    caller.require(Events, Right::Read)?;
    let EventsWanted {
        r#type,
        source,
        subject,
    } = wanted;
    let filter = EventFilter {
        event_type: r#type.map(|event_type| event_type.to_string()),
        source,
        subject,
    };
    let tenant = caller.tenant_id;
    let page = page.request();
    let found = app.store.list_events(tenant, &filter, &page).await?;
    Ok(if cloudevents::is_wanted(&headers, cloudevents::BATCH) {
        Negotiated::cloud_batch(found.items)
    } else {
        Negotiated::Plain(ListView {
            data: EventView::of(&app, tenant, found.items).await?,
            next_cursor: found.next,
        })
    })
}

/// Show an event
///
/// With the tree of what it caused: its deliveries, and the events that tell of their outcome. With
/// `Accept: application/cloudevents+json` as a CloudEvent 1.0.
#[utoipa::path(get, path = "/events/{id}", operation_id = "get_event", tag = "Events",
    params(("id" = String, Path, description = "Id of the event", example = "evt_01kb3f9z5qf8m9w2v7x4t6n0hf")),
    extensions(("x-required-scope" = json!("events:read"))))]
pub async fn get(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<EventId>,
    headers: HeaderMap,
) -> Result<Negotiated<Shown<EventTreeView>>, Problem> {
    caller.require(Events, Right::Read)?;
    let event = app.store.find_event(caller.tenant_id, id).await?;
    let event = event.ok_or_else(|| Problem::not_found("event"))?;
    if cloudevents::is_wanted(&headers, cloudevents::STRUCTURED) {
        return Ok(Negotiated::cloud(event));
    }
    let mut room = MAX_TREE;
    let tree = tree(&app, event, MAX_DEPTH, &mut room).await?;
    Ok(Negotiated::Plain(Shown::new(tree)))
}

/// The tree under `event`: as deep as `levels`, with as many events as there is `room` for.
fn tree<'a>(
    app: &'a App,
    event: Event,
    levels: usize,
    room: &'a mut usize,
) -> BoxFuture<'a, Result<EventTreeView, Problem>> {
    Box::pin(async move {
        let filter = DeliveryFilter {
            event_id: Some(event.id),
            ..DeliveryFilter::default()
        };
        let page = PageRequest::first(MAX_DELIVERIES);
        let deliveries = app
            .store
            .list_deliveries(event.tenant_id, &filter, &page)
            .await?;
        let caused = app
            .store
            .events_caused_by(event.tenant_id, event.id)
            .await?;
        let mut view = CausedView {
            truncated: deliveries.next.is_some(),
            deliveries: deliveries.items.into_iter().map(Into::into).collect(),
            events: Vec::new(),
        };
        for next in caused {
            if levels == 0 || *room == 0 {
                view.truncated = true;
                break;
            }
            *room -= 1;
            view.events.push(tree(app, next, levels - 1, room).await?);
        }
        let shown = EventView::of(app, event.tenant_id, vec![event]).await?;
        Ok(EventTreeView {
            view: shown.into_iter().next().ok_or_else(Problem::internal)?,
            caused: view,
        })
    })
}
