//! Subscriptions: a tenant's outgoing webhooks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tieline_mapping::path::Path;

use crate::{
    Bounds, Violation,
    auth::Auth,
    custom_headers,
    filter::Filter,
    ordering::OrderingPolicy,
    pace::RateLimit,
    pattern::{EventType, Pattern},
    retry::Schedule,
    violation,
};

/// Who signs a delivery, by the identifier that its signature bears (Standard Webhooks).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Signature {
    /// The subscription's own secret.
    V1,
    /// The tenant's Ed25519 key, whose public half is published.
    V1a,
}

/// What a subscription is made from, and how it is kept; its secret is kept by the vault, its health
/// beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subscription {
    /// Where deliveries go: `http` or `https`.
    pub url: String,
    /// Which events are wanted: 1 or more patterns, as many as [`Bounds`] allow.
    pub events: Vec<Pattern>,
    /// Which of these it takes by their content: see [`crate::filter`]; all if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<Value>,
    /// The id or the name of the mapping that makes the delivered data of an event's; as it is if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapping: Option<String>,
    /// What it is for, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The delays before each attempt, in seconds; the operator's list if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Schedule>,
    /// How long one attempt may take, in seconds, as [`Bounds`] allow; the operator's time-out if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<u32>,
    /// How long a delivery may be held, in seconds, before it is a dead letter: 60 or more, as [`Bounds`]
    /// allow; the operator's limit (3 days) if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u32>,
    /// Who signs its deliveries; its own secret if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signatures: Option<Vec<Signature>>,
    /// Headers that its deliveries carry beside ours.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// How its deliveries authenticate, without the secret, which the vault keeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<Auth>,
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
            filter: None,
            mapping: None,
            description: None,
            retry: None,
            timeout_seconds: None,
            max_age: None,
            signatures: None,
            headers: BTreeMap::new(),
            auth: None,
            ordering_key: None,
            ordering_policy: OrderingPolicy::default(),
            rate_limit: None,
            max_in_flight: None,
        }
    }

    /// Whether deliveries are signed by this one.
    pub fn is_signed_by(&self, signature: Signature) -> bool {
        match &self.signatures {
            Some(wanted) => wanted.contains(&signature),
            None => signature == Signature::V1,
        }
    }

    /// Everything that is wrong with it, apart from what the `url` leads to, which the guard of outgoing
    /// calls checks.
    pub fn violations(&self, bounds: &Bounds) -> Vec<Violation> {
        let mut found = Vec::new();
        if self.url.len() > bounds.url_bytes {
            let (bytes, most) = (self.url.len(), bounds.url_bytes);
            let detail = format!("the URL has {bytes} bytes; at most {most} are accepted");
            found.push(Violation::new("/url", detail));
        }
        if self.events.is_empty() || self.events.len() > bounds.patterns {
            let most = bounds.patterns;
            let detail = format!("give 1 to {most} event patterns, such as [\"conversation.*\"]");
            found.push(Violation::new("/events", detail));
        }
        if let Err(faults) = self.compiled_filter(bounds.filter_parts) {
            found.extend(faults.into_iter().map(|v| v.under("/filter")));
        }
        if let Some(description) = &self.description {
            found.extend(violation::length("/description", description, 0, 500));
        }
        found.extend(self.time_violations(bounds));
        if let Some(wanted) = &self.signatures
            && !matches!(wanted[..], [_])
            && !matches!(wanted[..], [one, other] if one != other)
        {
            let detail = "give \"v1\", \"v1a\" or both, each once";
            found.push(Violation::new("/signatures", detail));
        }
        found.extend(custom_headers::violations(&self.headers, bounds));
        found.extend(self.auth.iter().flat_map(Auth::violations));
        if let Some(name) = self.auth.as_ref().and_then(|auth| auth.name.as_deref())
            && self
                .headers
                .keys()
                .any(|own| own.eq_ignore_ascii_case(name))
        {
            let detail = format!("`headers` sets `{name}` too; leave one of them out");
            found.push(Violation::new("/auth/name", detail));
        }
        found.extend(self.flow_violations());
        found
    }

    fn time_violations(&self, bounds: &Bounds) -> Vec<Violation> {
        let retry = self.retry.iter().flat_map(|retry| retry.violations(bounds));
        let mut found: Vec<_> = retry.map(|violation| violation.under("/retry")).collect();
        let times = [
            ("/timeout_seconds", self.timeout_seconds, 1, bounds.timeout),
            ("/max_age", self.max_age, 60, bounds.max_age),
        ];
        for (pointer, seconds, least, most) in times {
            let most = most.as_secs();
            if seconds.is_some_and(|seconds| !(least..=most).contains(&u64::from(seconds))) {
                found.push(Violation::new(
                    pointer,
                    format!("give {least} to {most} seconds"),
                ));
            }
        }
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

    /// Its filter, compiled, if it has at most so many parts; or what is wrong with it, with pointers
    /// relative to it.
    pub fn compiled_filter(&self, parts: usize) -> Result<Option<Filter>, Vec<Violation>> {
        let filter = self.filter.as_ref();
        filter
            .map(|filter| Filter::compile(filter, parts))
            .transpose()
    }

    /// Whether it wants events of this type, as far as their type tells.
    pub fn wants(&self, event_type: &EventType) -> bool {
        self.events
            .iter()
            .any(|pattern| pattern.matches(event_type))
    }
}
