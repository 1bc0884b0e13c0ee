//! Delivering events again: `/v1/events/{id}/replay`, `/v1/events/replay`.

use std::{sync::Arc, time::Duration};

use axum::extract::State;
use serde::{Deserialize, Serialize};
use tieline_domain::{
    EventId, SubscriptionId, Timestamp, Violation,
    access::{Area::Deliveries, Right},
    job::Kind,
    pattern::Pattern,
};
use tieline_store::spine::replay::Fate;
use utoipa::ToSchema;

use super::{
    answer::{Accepted, Shown},
    caller::Caller,
    jobs::JobView,
    json::Json,
    page::Id,
    problem::{Code, Problem},
};
use crate::{
    app::App,
    jobs::{
        self,
        replay::{Asked, Count, preview as count, wanting},
    },
};

/// The most types in one filter.
const MAX_TYPES: usize = 100;

/// The longest source and subject, in characters.
const MAX_TEXT: usize = 256;

/// To whom one event goes again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"webhook_id": "wh_01kb3f9z5qf8m9w2v7x4t6n0hd"}))]
pub struct ReplayOne {
    /// Only to this webhook; to all that want it if absent.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    webhook_id: Option<SubscriptionId>,
}

/// The deliveries of an event that was replayed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"deliveries": [{"id": "dlv_01kb3f9z5qf8m9w2v7x4t6n0he", "webhook_id": "wh_01kb3f9z5qf8m9w2v7x4t6n0hd", "outcome": "again"}]}))]
pub struct ReplayedEventView {
    /// One for each webhook that wants the event.
    deliveries: Vec<ReplayedDeliveryView>,
}

/// What became of one delivery of an event that was replayed.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReplayedDeliveryView {
    /// Its id, which is the `webhook-id` that the receiver sees.
    id: String,
    /// Where it goes.
    webhook_id: String,
    /// `made`: there was none; `again`: it had ended and has a new schedule; `waiting`: it was on its way already.
    outcome: &'static str,
}

/// Which events; every field narrows it.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayFilter {
    /// Of one of these types; a prefix such as `order.*` takes all below it.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    types: Vec<Pattern>,
    /// From this source.
    #[serde(default)]
    source: Option<String>,
    /// About this.
    #[serde(default)]
    subject: Option<String>,
    /// Only to this webhook; to all that want them if absent.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    webhook_id: Option<SubscriptionId>,
}

/// Which events go out again, and how fast.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"filter": {"types": ["order.*"], "webhook_id": "wh_01kb3f9z5qf8m9w2v7x4t6n0hd"}, "from": "2026-11-21T00:00:00Z", "to": "2026-11-22T00:00:00Z", "rate_per_second": 200}))]
pub struct ReplayMany {
    /// Which events; all if absent.
    #[serde(default)]
    filter: ReplayFilter,
    /// Published then or later.
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    /// Published before then; the time of the request if absent, or later than that.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
    /// Deliveries per second, at most `limits.replay_per_second_max` (10000); `limits.replay_per_second` if absent.
    #[serde(default)]
    rate_per_second: Option<u32>,
}

/// How much a replay would do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"events": 98_000, "deliveries": 100_000, "complete": true}))]
pub struct ReplayPreviewView {
    /// Events that would go out.
    events: u64,
    /// Deliveries that would be made, be made again, or are on their way already.
    deliveries: u64,
    /// Whether this is all. A preview looks at no more than `limits.preview_events_max` events (200000) and for no longer than
    /// `limits.preview_seconds` (10); the job counts all.
    complete: bool,
}

impl ReplayMany {
    fn violations(&self, fastest: u32) -> Vec<Violation> {
        let mut found = Vec::new();
        if self.filter.types.len() > MAX_TYPES {
            let detail = format!("give at most {MAX_TYPES} types");
            found.push(Violation::new("/filter/types", detail));
        }
        let texts = [
            ("/filter/source", &self.filter.source),
            ("/filter/subject", &self.filter.subject),
        ];
        for (pointer, text) in texts {
            let text = text.iter();
            found.extend(text.filter_map(|text| {
                tieline_domain::violation::length(pointer, text, 1, MAX_TEXT).or_else(|| {
                    let detail = "must not contain control characters such as line breaks";
                    let bad = text.chars().any(char::is_control);
                    bad.then(|| Violation::new(pointer, detail))
                })
            }));
        }
        if self.to.is_some_and(|to| to <= self.from) {
            found.push(Violation::new("/to", "must be later than `from`"));
        }
        if self
            .rate_per_second
            .is_some_and(|rate| !(1..=fastest).contains(&rate))
        {
            let detail = format!("give 1 to {fastest} deliveries per second");
            found.push(Violation::new("/rate_per_second", detail));
        }
        found
    }
}

/// What is asked for, once it was checked.
async fn asked(app: &App, caller: &Caller, wanted: ReplayMany) -> Result<Asked, Problem> {
    let fastest = app.config.limits.replay_per_second_max;
    Problem::check(wanted.violations(fastest))?;
    let ReplayMany {
        filter,
        from,
        to,
        rate_per_second,
    } = wanted;
    let ReplayFilter {
        types,
        source,
        subject,
        webhook_id,
    } = filter;
    if let Some(id) = webhook_id {
        let routes = app.registry.routes(caller.tenant_id).await;
        let routes = routes.map_err(jobs::Error::from)?;
        if routes.get(id).is_none() {
            return Err(no_webhook("/filter/webhook_id"));
        }
    }
    // Whatever is published from now on is delivered anyway.
    let now = app.clock.unique_now();
    let to = to.map_or(now, |to| to.min(now));
    Ok(Asked {
        types,
        source,
        subject,
        webhook_id,
        after: EventId::new(from.minus(Duration::from_micros(1)), u64::MAX),
        before: EventId::new(to, 0),
        rate_per_second: rate_per_second.unwrap_or(app.config.limits.replay_per_second),
    })
}

fn no_webhook(pointer: &str) -> Problem {
    let detail = "there is no such webhook; check the id";
    Problem::new(Code::InvalidInput, format!("{pointer}: {detail}")).at(pointer, detail)
}

/// Replay an event
///
/// To every webhook that wants it now, or to one of these. A delivery that has ended gets a new schedule and
/// keeps its id, so that its receiver sees the same `webhook-id`; one that was never made is made.
#[utoipa::path(post, path = "/events/{id}/replay", operation_id = "replay_event", tag = "Events",
    params(("id" = String, Path, description = "Id of the event", example = "evt_01kb3f9z5qf8m9w2v7x4t6n0hf")),
    extensions(("x-required-scope" = json!("deliveries:write"))))]
pub async fn one(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<EventId>,
    Json(ReplayOne { webhook_id }): Json<ReplayOne>,
) -> Result<Accepted<ReplayedEventView>, Problem> {
    caller.require(Deliveries, Right::Write)?;
    let tenant = caller.tenant_id;
    let event = app.store.find_event(tenant, id).await?;
    let event = Arc::new(event.ok_or_else(|| Problem::not_found("event"))?);
    if !app.store.erasures(tenant, &[id]).await?.is_empty() {
        let detail = "the content of this event was deleted; there is nothing to deliver";
        return Err(Problem::new(Code::Conflict, detail));
    }
    let routes = app
        .registry
        .routes(tenant)
        .await
        .map_err(jobs::Error::from)?;
    if webhook_id.is_some_and(|id| routes.get(id).is_none()) {
        return Err(no_webhook("/webhook_id"));
    }
    let wanted = wanting(&routes, &event)
        .into_iter()
        .filter(|route| webhook_id.is_none_or(|id| route.id == id.into()));
    let again: Vec<_> = wanted.map(|route| app.jobs.again(&event, route)).collect();
    if again.is_empty() && webhook_id.is_some() {
        let detail =
            "this webhook does not take events of this type, or is disabled; change it first";
        return Err(Problem::new(Code::Conflict, detail));
    }
    let replayed = app.store.replay_event(&again, app.clock.now()).await?;
    app.dispatcher.wake();
    let views = again.iter().zip(replayed.fates).map(|(one, (fate, id))| {
        let outcome = match fate {
            Fate::Made => "made",
            Fate::Again => "again",
            Fate::Waiting => "waiting",
            Fate::Gone => return None,
        };
        Some(ReplayedDeliveryView {
            id: id.to_string(),
            webhook_id: one.destination_id.to_string(),
            outcome,
        })
    });
    let deliveries: Option<Vec<_>> = views.collect();
    let deliveries = deliveries.ok_or_else(|| Problem::not_found("event"))?;
    Ok(Accepted(ReplayedEventView { deliveries }))
}

/// Count what a replay would do
///
/// The events of the log that the filter takes now, and the deliveries that they are owed. Nothing is made.
#[utoipa::path(post, path = "/events/replay/preview", operation_id = "preview_replay", tag = "Events",
    extensions(("x-required-scope" = json!("deliveries:write"))))]
pub async fn preview(
    State(app): State<App>,
    caller: Caller,
    Json(wanted): Json<ReplayMany>,
) -> Result<Shown<ReplayPreviewView>, Problem> {
    caller.require(Deliveries, Right::Write)?;
    let asked = asked(&app, &caller, wanted).await?;
    let Count {
        events,
        deliveries,
        complete,
    } = count(&app, caller.tenant_id, &asked).await?;
    Ok(Shown::new(ReplayPreviewView {
        events,
        deliveries,
        complete,
    }))
}

/// Replay events
///
/// Those of a stretch of time that the filter takes, each to every webhook that wants it now, in the order of
/// the log, at a rate. The answer is a job: it counts first, then delivers, and can be cancelled.
#[utoipa::path(post, path = "/events/replay", operation_id = "replay_events", tag = "Events",
    extensions(("x-required-scope" = json!("deliveries:write"))))]
pub async fn many(
    State(app): State<App>,
    caller: Caller,
    Json(wanted): Json<ReplayMany>,
) -> Result<Accepted<JobView>, Problem> {
    caller.require(Deliveries, Right::Write)?;
    let asked = asked(&app, &caller, wanted).await?;
    let asked = serde_json::to_string(&asked).map_err(|_| Problem::internal())?;
    let (tenant, most) = (caller.tenant_id, app.config.limits.jobs_per_tenant);
    let by = caller.change(&app);
    let job = app.jobs.ask(tenant, Kind::Replay, asked, most, &by).await?;
    let job = job.ok_or_else(|| {
        let detail = format!(
            "{most} jobs of this tenant have not ended; wait for one, or cancel one at /v1/jobs"
        );
        Problem::new(Code::Conflict, detail)
    })?;
    Ok(Accepted(JobView::new(job, app.clock.now())?))
}

impl From<jobs::Error> for Problem {
    fn from(error: jobs::Error) -> Self {
        match error {
            jobs::Error::Store(error) => error.into(),
            jobs::Error::Registry(error) => crate::publish::Error::Registry(error).into(),
            jobs::Error::Unreadable(error) => {
                tracing::error!(%error, "a job cannot be read");
                Self::internal()
            }
        }
    }
}
