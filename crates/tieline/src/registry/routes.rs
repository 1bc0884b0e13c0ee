//! A tenant's subscriptions, ready to send.

use std::{collections::HashMap, sync::Arc};

use tieline_domain::{
    SubscriptionId, TenantId,
    destination::{Destination, State},
    ordering::Keyed,
    pace::RateLimit,
    pattern::EventType,
    signature::{KeyedSecret, StandardSigner},
    subscription::Subscription,
};
use tieline_mapping::path::Path;
use tieline_store::documents::Document;

use super::Error;
use crate::outbound::{self, Outbound, Redactor};

/// The pace that a subscription asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// How fast deliveries go out at most, over all nodes.
    pub rate: Option<RateLimit>,
    /// How many attempts run at once at most, over all nodes.
    pub in_flight: Option<u32>,
}

/// One subscription, ready to send.
pub struct Route {
    /// Its id.
    pub id: SubscriptionId,
    /// Its tenant.
    pub tenant_id: TenantId,
    /// What it is.
    pub subscription: Subscription,
    /// Where it goes, or why it may not go there any more.
    pub destination: Result<outbound::Destination, String>,
    /// The health of its destination.
    pub health: Destination,
    /// What signs its deliveries.
    pub signer: StandardSigner,
    /// What finds the ordering key of an event, where order is kept.
    pub ordering: Option<Path>,
    /// What takes its secrets out of what is recorded.
    pub redactor: Redactor,
}

impl Route {
    pub(super) fn open(
        document: &Document,
        health: Option<Destination>,
        secrets: &[KeyedSecret],
        outbound: &Outbound,
    ) -> Result<Self, Error> {
        let unusable = |detail: String| Error::Unusable {
            kind: "subscription",
            id: document.id.clone(),
            detail,
        };
        let subscription: Subscription =
            serde_json::from_str(&document.body).map_err(|e| unusable(e.to_string()))?;
        let id = document
            .id
            .parse()
            .map_err(|_| unusable("its id is malformed".to_owned()))?;
        let health = health.ok_or_else(|| unusable("its destination is missing".to_owned()))?;
        let destination = outbound
            .check_url(&subscription.url)
            .map_err(|bad| bad.to_string());
        let ordering = subscription.ordering_key.as_deref().map(Path::parse);
        Ok(Self {
            id,
            tenant_id: document.tenant_id,
            destination,
            health,
            signer: StandardSigner::new(secrets).map_err(|e| unusable(e.to_string()))?,
            ordering: ordering
                .transpose()
                .map_err(|e| unusable(format!("ordering_key {e}")))?,
            redactor: Redactor::new(secrets.iter().map(KeyedSecret::expose)),
            subscription,
        })
    }
}

impl Route {
    /// The pace that it asks for.
    pub fn limits(&self) -> Limits {
        Limits {
            rate: self.subscription.rate_limit,
            in_flight: self.subscription.max_in_flight,
        }
    }

    /// The line in which deliveries of this event stand, if there is an order to keep.
    pub fn line(&self, event: &Keyed<'_>) -> Option<Arc<str>> {
        self.ordering.as_ref().and_then(|path| event.key(path))
    }
}

/// The subscriptions of one tenant.
pub struct Routes {
    routes: Vec<Arc<Route>>,
    by_id: HashMap<SubscriptionId, usize>,
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

    /// The subscriptions that want events of this type and are not disabled.
    pub fn wanting<'a>(
        &'a self,
        event_type: &'a EventType,
    ) -> impl Iterator<Item = &'a Arc<Route>> {
        self.routes.iter().filter(move |route| {
            route.health.state != State::Disabled && route.subscription.wants(event_type)
        })
    }

    /// One subscription.
    pub fn get(&self, id: SubscriptionId) -> Option<&Arc<Route>> {
        self.by_id.get(&id).map(|i| &self.routes[*i])
    }
}
