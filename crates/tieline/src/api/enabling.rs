//! Enabling a webhook, with what it has missed if that is wanted.

use std::{fmt, str::FromStr};

use axum::extract::State;
use serde::{Deserialize, Deserializer, de::Error as _};
use tieline_domain::{
    SubscriptionId, Timestamp, Violation,
    access::{Area::Webhooks, Right},
    destination::State as Status,
};
use tieline_store::retries::RetryFilter;
use utoipa::ToSchema;

use super::{
    answer::Shown,
    caller::Caller,
    json::Json,
    page::Id,
    problem::{Code, Problem},
    retries::retry_all,
    subscription_view::WebhookView,
    subscriptions::WEBHOOKS,
};
use crate::app::App;

/// How a webhook is enabled; nothing of it is needed.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"replay_since": "disabled", "retry_dead_letters": true}))]
pub struct Enable {
    /// Since when events are made up for that it wanted and was never owed: a time, or `disabled` for the time
    /// at which it was disabled. Until that is done, it is `paused`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    replay_since: Option<Since>,
    /// Whether its dead letters get a new schedule as well.
    #[serde(default)]
    retry_dead_letters: bool,
}

/// Since when events are made up for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Since {
    Disabled,
    Time(Timestamp),
}

impl FromStr for Since {
    type Err = BadSince;

    fn from_str(text: &str) -> Result<Self, BadSince> {
        if text == "disabled" {
            return Ok(Self::Disabled);
        }
        text.parse().map(Self::Time).map_err(|_| BadSince)
    }
}

/// The text is neither a time nor `disabled`.
#[derive(Clone, Copy, Debug)]
struct BadSince;

impl fmt::Display for BadSince {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("give a time such as 2026-11-22T10:00:00Z, or \"disabled\"")
    }
}

impl<'de> Deserialize<'de> for Since {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// Enable a webhook
///
/// Deliveries go out again, those that were held first. With `replay_since` it first catches up with the events
/// that it has missed: exactly those that it was never owed, in their order, and before what came since.
#[utoipa::path(post, path = "/webhooks/{id}/enable", operation_id = "enable_webhook", tag = "Webhooks",
    params(("id" = String, Path, description = "Id of the webhook", example = "wh_01kb3f9z5qf8m9w2v7x4t6n0hd")),
    request_body(content = Enable, description = "May be left out"),
    extensions(("x-required-scope" = json!("webhooks:write"))))]
pub async fn enable(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<SubscriptionId>,
    body: Option<Json<Enable>>,
) -> Result<Shown<WebhookView>, Problem> {
    caller.require(Webhooks, Right::Write)?;
    let Enable {
        replay_since,
        retry_dead_letters,
    } = body.map(|Json(enable)| enable).unwrap_or_default();
    let (tenant, by) = (caller.tenant_id, caller.change(&app));
    let found = WEBHOOKS.find(&app, &caller, &id).await?;
    match replay_since {
        None => {
            app.subscriptions
                .set_state(tenant, id, Status::Active, &by)
                .await?;
        }
        Some(since) => {
            let since = time_of(&app, &caller, id, since).await?;
            app.subscriptions.catch_up(tenant, id, since, &by).await?;
        }
    }
    if retry_dead_letters {
        let filter = RetryFilter::dead(Some(id.into()));
        retry_all(&app, tenant, &filter).await?;
    }
    WEBHOOKS.shown(&app, Some(found)).await
}

async fn time_of(
    app: &App,
    caller: &Caller,
    id: SubscriptionId,
    since: Since,
) -> Result<Timestamp, Problem> {
    let now = app.clock.now();
    match since {
        Since::Time(time) if time > now => {
            let detail = "this is in the future; give a time that has passed";
            Problem::check(vec![Violation::new("/replay_since", detail)])?;
            Ok(now)
        }
        Since::Time(time) => Ok(time),
        Since::Disabled => {
            let health = app
                .store
                .find_destination(caller.tenant_id, id.into())
                .await?;
            let health = health.ok_or_else(|| WEBHOOKS.missing())?;
            if health.state == Status::Disabled {
                return Ok(health.since);
            }
            let detail = format!(
                "this webhook is {}, not disabled; give the time since when it has missed something",
                health.state
            );
            Err(Problem::new(Code::Conflict, detail))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_since_can_be() {
        let rows = [
            ("disabled", Some(Since::Disabled)),
            (
                "1970-01-01T00:00:01Z",
                Some(Since::Time(Timestamp::from_micros(1_000_000))),
            ),
            ("yesterday", None),
            ("", None),
        ];
        for (text, expected) in rows {
            assert_eq!(text.parse().ok(), expected, "{text}");
        }
    }
}
