//! A tenant's destinations, ready to deliver to.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tieline_domain::{
    DestinationId, TenantId,
    destination::{Destination, State},
    filter::{Document as EventDocument, Filter},
    ordering::{Keyed, OrderingPolicy},
    pace::RateLimit,
    pattern::{EventType, Pattern},
    retry::Schedule,
};
use tieline_mapping::path::Path;

use super::{OpenAgent, OpenTrigger, Webhook};

/// The pace that a destination asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// How fast deliveries go out at most, over all nodes.
    pub rate: Option<RateLimit>,
    /// How many attempts run at once at most, over all nodes.
    pub in_flight: Option<u32>,
}

/// How deliveries to a destination are tried; what is absent is as the operator has set it.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// The delays before each attempt.
    pub retry: Option<Schedule>,
    /// How long one attempt may take.
    pub timeout: Option<Duration>,
    /// How long a delivery may be held before it is a dead letter.
    pub max_age: Option<Duration>,
    /// What happens to those behind a dead letter.
    pub ordering: OrderingPolicy,
    /// The pace.
    pub limits: Limits,
}

/// What an attempt does: a kind of destination is one variant here, and its executor in `deliver/`.
pub enum Target {
    /// The event is posted.
    Webhook(Box<Webhook>),
    /// The agent takes its turn.
    Agent(Arc<OpenAgent>),
    /// The action is run for the job that the event asks for.
    Action,
    /// The steps of the trigger are taken.
    Trigger(Arc<OpenTrigger>),
}

/// One destination, ready to deliver to.
pub struct Route {
    /// Its id.
    pub id: DestinationId,
    /// Its tenant.
    pub tenant_id: TenantId,
    /// Which event types it wants by itself; what is owed to it explicitly it gets in any case.
    pub events: Vec<Pattern>,
    /// Which events of the wanted types it takes.
    pub filter: Option<Filter>,
    /// Its health.
    pub health: Destination,
    /// What finds the ordering key of an event, where order is kept.
    pub ordering: Option<Path>,
    /// How its deliveries are tried.
    pub policy: Policy,
    /// What an attempt does.
    pub target: Target,
}

impl Route {
    /// Whether it wants events of this type, as far as their type tells.
    pub fn wants(&self, event_type: &EventType) -> bool {
        self.events
            .iter()
            .any(|pattern| pattern.matches(event_type))
    }

    /// Whether its filter, or the condition of its trigger, lets the event pass.
    pub fn takes(&self, event: &EventDocument<'_>) -> bool {
        let passes = self
            .filter
            .as_ref()
            .is_none_or(|filter| filter.matches(event));
        passes
            && match &self.target {
                Target::Trigger(trigger) => trigger.may_start(event),
                Target::Webhook(_) | Target::Agent(_) | Target::Action => true,
            }
    }

    /// The pace that it asks for.
    pub fn limits(&self) -> Limits {
        self.policy.limits
    }

    /// The line in which deliveries of this event stand, if there is an order to keep.
    pub fn line(&self, event: &Keyed<'_>) -> Option<Arc<str>> {
        self.ordering.as_ref().and_then(|path| event.key(path))
    }

    /// Whether it leads to one place, so that one failure foretells the next and everything is held until it is back.
    /// What is done here fails and succeeds each for itself.
    pub fn is_a_place(&self) -> bool {
        match &self.target {
            Target::Webhook(_) | Target::Agent(_) => true,
            Target::Action | Target::Trigger(_) => false,
        }
    }

    /// Where it leads, for people: the URL of a webhook.
    pub fn url(&self) -> Option<&str> {
        match &self.target {
            Target::Webhook(webhook) => Some(&webhook.url),
            Target::Agent(_) | Target::Action | Target::Trigger(_) => None,
        }
    }

    /// The agent, if it leads to one.
    pub fn agent(&self) -> Option<&Arc<OpenAgent>> {
        match &self.target {
            Target::Agent(agent) => Some(agent),
            Target::Webhook(_) | Target::Action | Target::Trigger(_) => None,
        }
    }
}

/// The destinations of one tenant.
pub struct Routes {
    routes: Vec<Arc<Route>>,
    by_id: HashMap<DestinationId, usize>,
}

impl Routes {
    pub(super) fn new(routes: Vec<Arc<Route>>) -> Self {
        let by_id = routes
            .iter()
            .enumerate()
            .map(|(i, route)| (route.id, i))
            .collect();
        Self { routes, by_id }
    }

    /// The destinations that want the event, by its type and by their filters, and are not disabled.
    pub fn wanting<'a, 'e>(
        &'a self,
        event: &'e EventDocument<'e>,
    ) -> impl Iterator<Item = &'a Arc<Route>> + use<'a, 'e> {
        self.routes.iter().filter(move |route| {
            route.health.state != State::Disabled
                && route.wants(event.event_type)
                && route.takes(event)
        })
    }

    /// The agent that its tenant calls by this id: the one that was chosen for it, or its own.
    pub fn agent(&self, id: &str) -> Option<(&Arc<Route>, &Arc<OpenAgent>)> {
        let mut agents = self
            .routes
            .iter()
            .filter_map(|route| Some((route, route.agent()?)));
        agents.find(|(_, agent)| agent.handle == id || agent.id.to_string() == id)
    }

    /// One destination.
    pub fn get(&self, id: impl Into<DestinationId>) -> Option<&Arc<Route>> {
        self.by_id.get(&id.into()).map(|i| &self.routes[*i])
    }
}
