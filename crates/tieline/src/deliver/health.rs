//! The health of destinations (seed 002): what turns it, and the events that tell of it.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use tieline_domain::{
    DeliveryId, Timestamp,
    destination::State,
    event::{self, Event, is_about_deliveries},
    filter::Document,
    ordering::OrderingPolicy,
};
use tieline_store::{
    Result,
    spine::{Entry, InLine, Overdue, Settlement, Turn, Verdict},
};

use super::Dispatcher;
use crate::{
    publish::{NewEvent, mint, notice, own_type},
    registry::Route,
    telemetry::{spans, traces},
};

/// How many overdue deliveries are buried in one look.
const MAX_BURIED: usize = 500;

impl Dispatcher {
    /// The turn to `error`, if nothing has succeeded since the first attempt.
    pub(super) async fn failing(
        &self,
        route: &Route,
        why: &str,
        at: Timestamp,
        first_attempt_at: Timestamp,
    ) -> Turn {
        let reason =
            format!("a delivery failed its last attempt and nothing succeeded meanwhile: {why}");
        Turn {
            to: State::Error,
            from: &[State::Active],
            unless_success_since: Some(first_attempt_at),
            notice: Some(self.status_changed(route, State::Error, &reason).await),
            reason,
            failing_since: Some(first_attempt_at),
            probe_at: Some(at.plus(self.probe_wait(0))),
        }
    }

    /// The turn back to `active`.
    pub(super) async fn recovery(&self, route: &Route) -> Turn {
        let reason = "a probe was delivered";
        Turn {
            to: State::Active,
            from: &[State::Error],
            unless_success_since: None,
            reason: String::new(),
            failing_since: None,
            probe_at: None,
            notice: Some(self.status_changed(route, State::Active, reason).await),
        }
    }

    /// The end of a subscription.
    pub(super) async fn ending(&self, route: &Route, reason: &str) -> Turn {
        Turn {
            to: State::Disabled,
            from: &[State::Active, State::Error, State::Paused],
            unless_success_since: None,
            reason: reason.to_owned(),
            failing_since: None,
            probe_at: None,
            notice: Some(self.disabled(route, reason).await),
        }
    }

    /// The event that tells of a state that was set by hand.
    pub async fn turned_by_hand(&self, route: &Route, to: State, reason: &str) -> Entry {
        if to == State::Disabled {
            self.disabled(route, reason).await
        } else {
            self.status_changed(route, to, reason).await
        }
    }

    async fn disabled(&self, route: &Route, reason: &str) -> Entry {
        let data = json!({"webhook_id": route.id, "url": route.url(), "reason": reason});
        self.tell(route, event::types::SUBSCRIPTION_DISABLED, &data, None)
            .await
    }

    /// The event that tells of a change of state.
    async fn status_changed(&self, route: &Route, to: State, reason: &str) -> Entry {
        let data = json!({
            "integration_id": route.id,
            "integration_type": route.id.kind(),
            "url": route.url(),
            "previous_status": route.health.state.as_str(),
            "status": to.as_str(),
            "reason": reason,
        });
        self.tell(route, event::types::STATUS_CHANGED, &data, None)
            .await
    }

    /// The event that tells of a dead letter; none for the dead letters of such events, or two dead
    /// receivers would feed each other.
    pub(super) async fn death_notice(
        &self,
        route: &Route,
        of: &Event,
        delivery: DeliveryId,
        attempts: u32,
        why: &str,
    ) -> Option<Entry> {
        if is_about_deliveries(&of.event_type) {
            return None;
        }
        let data = json!({
            "delivery_id": delivery,
            "webhook_id": route.id.webhook(),
            "destination_id": route.id,
            "url": route.url(),
            "event_id": of.id,
            "event": of.event_type,
            "attempts": attempts,
            "reason": why,
        });
        Some(
            self.tell(route, event::types::DELIVERY_DEAD_LETTERED, &data, Some(of))
                .await,
        )
    }

    async fn tell(
        &self,
        about: &Route,
        kind: &'static str,
        data: &serde_json::Value,
        cause: Option<&Event>,
    ) -> Entry {
        let trace_id = cause.map_or_else(
            || format!("{:032x}", rand::random::<u128>()).into(),
            |event| Arc::clone(&event.trace_id),
        );
        let new = NewEvent {
            event_type: own_type(kind),
            source: format!("/v1/{}s/{}", about.id.kind(), about.id).into(),
            subject: Some(about.id.to_string().into()),
            data: data.to_string().into(),
            trace_id,
            trust: None,
            owed: None,
        };
        let event = mint(
            &self.parts.clock,
            about.tenant_id,
            new,
            cause.map(|event| event.id),
        );
        let parent = cause.map(spans::accepted_at);
        let now = self.parts.clock.now();
        traces::record(|| spans::accepted(&event, parent, now, Duration::ZERO));
        match self.parts.registry.routes(about.tenant_id).await {
            Ok(routes) => {
                let wanting: Vec<_> = routes.wanting(&Document::of(&event)).collect();
                notice(&self.parts.clock, event, wanting.into_iter(), about.id)
            }
            Err(error) => {
                tracing::warn!(%error, "cannot load the subscriptions; an event about a delivery goes to none");
                notice(&self.parts.clock, event, std::iter::empty(), about.id)
            }
        }
    }

    /// Makes dead letters of what a destination has held for too long.
    pub(super) async fn bury_overdue(&self, route: &Route, now: Timestamp) -> Result<()> {
        let own = route.policy.max_age;
        let max_age = own.unwrap_or(self.parts.config.delivery.max_age);
        let before = now.minus(max_age);
        let mut buried = 0;
        // One that dies in a line makes way for the next, which is as overdue.
        while buried < MAX_BURIED {
            let overdue = self.parts.spine.held_before(route.id, before, MAX_BURIED);
            let overdue = overdue.await?;
            if overdue.is_empty() {
                break;
            }
            buried += overdue.len();
            self.bury(route, overdue, max_age, now).await?;
        }
        Ok(())
    }

    async fn bury(
        &self,
        route: &Route,
        overdue: Vec<Overdue>,
        max_age: Duration,
        now: Timestamp,
    ) -> Result<()> {
        for delivery in overdue {
            let Some(event) = self
                .parts
                .store
                .find_event(delivery.tenant_id, delivery.event_id)
                .await?
            else {
                continue;
            };
            let why = format!("it was held for longer than {} seconds", max_age.as_secs());
            self.give_up(route, &event, &why).await;
            let notice = self
                .death_notice(route, &event, delivery.id, delivery.attempts, &why)
                .await;
            let settlement = Settlement {
                delivery_id: delivery.id,
                tenant_id: delivery.tenant_id,
                destination_id: route.id,
                line: in_line(route, delivery.ordering_key),
                first_attempt_at: now,
                at: now,
                attempts: delivery.attempts,
                attempt: None,
                verdict: Verdict::Dead {
                    notice: notice.map(Box::new),
                    turn: None,
                },
            };
            self.settle(&Arc::new(settlement)).await;
        }
        Ok(())
    }
}

/// The line of a delivery with this key, as its subscription keeps it.
pub(super) fn in_line(route: &Route, key: Option<Arc<str>>) -> Option<InLine> {
    key.map(|key| InLine {
        key,
        blocks: route.policy.ordering == OrderingPolicy::Block,
    })
}
