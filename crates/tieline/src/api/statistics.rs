//! Statistics of a webhook: what its attempts showed, what waits for it, how its state has changed.

use std::{collections::BTreeMap, time::Duration};

use axum::extract::State;
use serde::{Deserialize, Serialize};
use tieline_domain::{
    SubscriptionId, Timestamp, Violation,
    access::{Area::Webhooks, Right},
    tally::Tally,
};
use tieline_store::statistics::{PastTurn, Waiting};
use utoipa::ToSchema;

use super::{
    answer::Shown,
    caller::Caller,
    page::{Filters, Id},
    problem::Problem,
    subscriptions::WEBHOOKS,
};
use crate::app::App;

/// The time that is looked at unless another is asked for.
const DAY: Duration = Duration::from_hours(24);
/// The most points in a series.
const MOST_POINTS: u128 = 1_500;
/// How many changes of state are shown.
const TURNS: usize = 100;

/// The length of a point in a series.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Interval {
    Minute,
    Hour,
    Day,
}

impl Interval {
    fn length(self) -> Duration {
        match self {
            Self::Minute => Duration::from_mins(1),
            Self::Hour => Duration::from_hours(1),
            Self::Day => DAY,
        }
    }
}

/// Which statistics are wanted.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WantedStatistics {
    /// From when, to the minute; a day before `to` if absent.
    #[param(value_type = Option<String>, format = DateTime, example = "2026-11-21T10:00:00Z")]
    from: Option<Timestamp>,
    /// Until when; now if absent. At most `limits.statistics_days` (31) after `from`.
    #[param(value_type = Option<String>, format = DateTime, example = "2026-11-22T10:00:00Z")]
    to: Option<Timestamp>,
    /// With a series of a point for each `minute`, `hour` or `day` (UTC) in which something was attempted; at most
    /// 1500 points.
    #[param(value_type = Option<String>, example = "hour")]
    interval: Option<Interval>,
}

/// What attempts showed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"attempts": 1200, "succeeded": 1188, "success_rate": 0.99, "errors": {"timeout": 2, "status": 10}, "latency_ms": {"p50": 41.2, "p95": 97.1, "p99": 180.4}}))]
pub struct TallyView {
    /// How many attempts were made.
    attempts: u64,
    /// How many of them were answered with 2xx.
    succeeded: u64,
    /// Their share, from 0 to 1; null without attempts.
    success_rate: Option<f64>,
    /// How many went wrong, by kind.
    errors: BTreeMap<String, u64>,
    /// How long they took.
    latency_ms: LatencyView,
}

/// Percentiles of the duration of attempts, in milliseconds, at most an eighth too high; null without attempts.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"p50": 41.2, "p95": 97.1, "p99": 180.4}))]
pub struct LatencyView {
    p50: Option<f64>,
    p95: Option<f64>,
    p99: Option<f64>,
}

/// What the attempts of a part of the time showed.
#[derive(Debug, Serialize, ToSchema)]
pub struct PointView {
    /// When it begins.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    #[serde(flatten)]
    tally: TallyView,
}

/// What waits.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"pending": 3, "held": 0, "queued": 0, "oldest_made_at": "2026-11-22T09:59:58.000Z", "oldest_age_seconds": 2.0}))]
pub struct QueueView {
    /// Deliveries that are under way or wait for their next attempt; counted among the 100000 of this server that
    /// are due next.
    pending: u64,
    /// Deliveries that are held; at 100000 there may be more.
    held: u64,
    /// Deliveries behind others with the same ordering key; at 100000 there may be more.
    queued: u64,
    /// When the oldest of them was made.
    #[schema(value_type = Option<String>, format = DateTime)]
    oldest_made_at: Option<Timestamp>,
    /// How long ago that is, in seconds.
    oldest_age_seconds: Option<f64>,
}

/// A state that the webhook turned to.
#[derive(Debug, Serialize, ToSchema)]
pub struct StateTurnView {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// `active`, `error`, `paused` or `disabled`.
    status: &'static str,
    /// Why; null for `active`.
    reason: Option<String>,
}

/// Statistics of a webhook.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"webhook_id": "wh_01kb3f9z5qf8m9w2v7x4t6n0hd", "from": "2026-11-21T10:00:00.000Z", "to": "2026-11-22T10:00:00.000Z", "totals": {"attempts": 1200, "succeeded": 1188, "success_rate": 0.99, "errors": {"timeout": 2, "status": 10}, "latency_ms": {"p50": 41.2, "p95": 97.1, "p99": 180.4}}, "series": [], "queue": {"pending": 3, "held": 0, "queued": 0, "oldest_made_at": "2026-11-22T09:59:58.000Z", "oldest_age_seconds": 2.0}, "states": [{"at": "2026-11-22T08:00:00.000Z", "status": "active", "reason": null}]}))]
pub struct StatisticsView {
    /// The webhook.
    webhook_id: String,
    /// From when.
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    /// Until when.
    #[schema(value_type = String, format = DateTime)]
    to: Timestamp,
    /// What all attempts of this time showed. The last few seconds may be missing: nodes count in memory and write
    /// every 3 seconds.
    totals: TallyView,
    /// The same by interval, the first one first.
    series: Vec<PointView>,
    /// What waits now.
    queue: QueueView,
    /// The latest 100 changes of its status, the newest first.
    states: Vec<StateTurnView>,
}

fn millis(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1_000.0
}

impl From<&Tally> for TallyView {
    fn from(tally: &Tally) -> Self {
        let at = |share| tally.percentile(share).map(millis);
        let succeeded = tally.successes();
        let rate = succeeded as f64 / tally.attempts.max(1) as f64;
        Self {
            attempts: tally.attempts,
            succeeded,
            success_rate: (tally.attempts > 0).then_some(rate),
            errors: tally.errors.clone(),
            latency_ms: LatencyView {
                p50: at(0.5),
                p95: at(0.95),
                p99: at(0.99),
            },
        }
    }
}

impl QueueView {
    fn of(waiting: &[Waiting], now: Timestamp) -> Self {
        let count = |word| {
            let of_it = waiting.iter().find(|one| one.status.as_str() == word);
            of_it.map_or(0, |one| one.count)
        };
        let oldest = waiting.iter().filter_map(|one| one.oldest).min();
        Self {
            pending: count("pending"),
            held: count("held"),
            queued: count("queued"),
            oldest_made_at: oldest,
            oldest_age_seconds: oldest.map(|at| now.since(at).as_secs_f64()),
        }
    }
}

impl From<PastTurn> for StateTurnView {
    fn from(PastTurn { at, state, reason }: PastTurn) -> Self {
        Self {
            at,
            status: state.as_str(),
            reason: (!reason.is_empty()).then_some(reason),
        }
    }
}

/// The beginning of the interval in which a time lies.
fn begin(at: Timestamp, length: Duration) -> Timestamp {
    let length = i64::try_from(length.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(at.as_micros() - at.as_micros().rem_euclid(length))
}

fn series(minutes: &[(Timestamp, Tally)], length: Duration) -> Vec<PointView> {
    let mut points: BTreeMap<Timestamp, Tally> = BTreeMap::new();
    for (at, tally) in minutes {
        points.entry(begin(*at, length)).or_default().add(tally);
    }
    let view = |(at, tally): (&Timestamp, &Tally)| PointView {
        at: *at,
        tally: tally.into(),
    };
    points.iter().map(view).collect()
}

fn check(
    from: Timestamp,
    to: Timestamp,
    interval: Option<Interval>,
    longest: Duration,
) -> Result<(), Problem> {
    let time = to.since(from);
    let too_many =
        |interval: Interval| time.as_micros() / interval.length().as_micros() > MOST_POINTS;
    let fault = if from >= to {
        Violation::new("/from", "give a time before `to`")
    } else if time > longest {
        let days = longest.as_secs() / DAY.as_secs();
        Violation::new("/from", format!("look at no more than {days} days at once"))
    } else if interval.is_some_and(too_many) {
        Violation::new(
            "/interval",
            "a series has at most 1500 points; take a longer interval or less time",
        )
    } else {
        return Ok(());
    };
    Problem::check(vec![fault])
}

/// Show the statistics of a webhook
///
/// What its attempts showed in some time, what waits for it now, and how its status has changed.
#[utoipa::path(get, path = "/webhooks/{id}/statistics", operation_id = "get_webhook_statistics", tag = "Webhooks",
    params(WantedStatistics, ("id" = String, Path, description = "Id of the webhook", example = "wh_01kb3f9z5qf8m9w2v7x4t6n0hd")),
    extensions(("x-required-scope" = json!("webhooks:read"))))]
pub async fn get(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<SubscriptionId>,
    Filters(wanted): Filters<WantedStatistics>,
) -> Result<Shown<StatisticsView>, Problem> {
    caller.require(Webhooks, Right::Read)?;
    let WantedStatistics { from, to, interval } = wanted;
    let now = app.clock.now();
    let to = to.unwrap_or(now);
    let from = from.unwrap_or_else(|| to.minus(DAY));
    check(from, to, interval, app.config.limits.statistics)?;
    WEBHOOKS.find(&app, &caller, &id).await?;
    let from = begin(from, Interval::Minute.length());
    let minutes = app
        .store
        .minutes(caller.tenant_id, id.into(), from, to)
        .await?;
    let mut total = Tally::default();
    for (_, tally) in &minutes {
        total.add(tally);
    }
    let waiting = app.store.waiting(caller.tenant_id, id.into()).await?;
    let turns = app.store.turns(id.into(), TURNS).await?;
    Ok(Shown::new(StatisticsView {
        webhook_id: id.to_string(),
        from,
        to,
        totals: (&total).into(),
        series: interval.map_or_else(Vec::new, |interval| series(&minutes, interval.length())),
        queue: QueueView::of(&waiting, now),
        states: turns.into_iter().map(StateTurnView::from).collect(),
    }))
}
