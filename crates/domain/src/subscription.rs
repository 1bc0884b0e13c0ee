//! Subscriptions: a tenant's outgoing webhooks.

use serde::{Deserialize, Serialize};

use tieline_mapping::path::Path;

use crate::{
    Violation, ordering::OrderingPolicy, pace::RateLimit, pattern::EventType, pattern::Pattern,
    retry::Schedule, violation,
};

/// The most patterns in one subscription.
pub const MAX_PATTERNS: usize = 100;

/// What a subscription is made from, and how it is kept; its secret is kept by the vault, its health
/// beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subscription {
    /// Where deliveries go: `http` or `https`.
    pub url: String,
    /// Which events are wanted: 1 to 100 patterns.
    pub events: Vec<Pattern>,
    /// What it is for, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The delays before each attempt, in seconds; the operator's list if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Schedule>,
    /// How long one attempt may take, in seconds: 1 to 60; the operator's time-out if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<u32>,
    /// How long a delivery may be held, in seconds, before it is a dead letter: 60 to 2,592,000
    /// (30 days); the operator's limit (3 days) if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u32>,
    /// A JSONPath on the event: deliveries for which it finds the same arrive in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordering_key: Option<String>,
    /// What happens to those behind a dead letter.
    #[serde(default, skip_serializing_if = "OrderingPolicy::is_default")]
    pub ordering_policy: OrderingPolicy,
    /// How fast deliveries go out at most, over all nodes; as fast as they come if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
    /// How many attempts run at once at most, over all nodes: 1 to 1,000; the operator's bound for each
    /// node holds beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_in_flight: Option<u32>,
}

impl Subscription {
    /// A subscription of `events` to `url`; everything else as it is by default.
    pub fn to(url: impl Into<String>, events: Vec<Pattern>) -> Self {
        Self {
            url: url.into(),
            events,
            description: None,
            retry: None,
            timeout_seconds: None,
            max_age: None,
            ordering_key: None,
            ordering_policy: OrderingPolicy::default(),
            rate_limit: None,
            max_in_flight: None,
        }
    }

    /// Everything that is wrong with it, apart from the `url`, which the guard of outgoing calls
    /// checks.
    pub fn violations(&self) -> Vec<Violation> {
        let mut found = Vec::new();
        if self.events.is_empty() || self.events.len() > MAX_PATTERNS {
            let detail =
                format!("give 1 to {MAX_PATTERNS} event patterns, such as [\"conversation.*\"]");
            found.push(Violation::new("/events", detail));
        }
        if let Some(description) = &self.description {
            found.extend(violation::length("/description", description, 0, 500));
        }
        if let Some(retry) = &self.retry {
            found.extend(retry.violations().into_iter().map(|v| v.under("/retry")));
        }
        if self.timeout_seconds.is_some_and(|s| !(1..=60).contains(&s)) {
            found.push(Violation::new("/timeout_seconds", "give 1 to 60 seconds"));
        }
        if self.max_age.is_some_and(|s| !(60..=2_592_000).contains(&s)) {
            found.push(Violation::new(
                "/max_age",
                "give 60 to 2592000 seconds (30 days)",
            ));
        }
        found.extend(self.flow_violations());
        found
    }

    fn flow_violations(&self) -> Vec<Violation> {
        let mut found = Vec::new();
        if let Some(Err(fault)) = self.ordering_key.as_deref().map(Path::parse) {
            found.push(Violation::new("/ordering_key", fault.to_string()));
        }
        if self.ordering_key.is_none() && !self.ordering_policy.is_default() {
            let detail =
                "without an `ordering_key` there is no order to keep; give one, or leave this out";
            found.push(Violation::new("/ordering_policy", detail));
        }
        if let Some(limit) = &self.rate_limit {
            found.extend(
                limit
                    .violations()
                    .into_iter()
                    .map(|v| v.under("/rate_limit")),
            );
        }
        if self
            .max_in_flight
            .is_some_and(|n| !(1..=1_000).contains(&n))
        {
            found.push(Violation::new("/max_in_flight", "give 1 to 1000 attempts"));
        }
        found
    }

    /// Whether it wants events of this type.
    pub fn wants(&self, event_type: &EventType) -> bool {
        self.events
            .iter()
            .any(|pattern| pattern.matches(event_type))
    }
}
