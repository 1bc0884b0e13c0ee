//! A tenant's subscriptions, ready to send.

use std::{collections::HashMap, sync::Arc};

use tieline_domain::{
    SubscriptionId, TenantId,
    destination::{Destination, State},
    filter::{Document as EventDocument, Filter},
    signature::{KeyedSecret, StandardSigner},
    subscription::Subscription,
};
use tieline_store::documents::Document;

use super::Error;
use crate::outbound::{self, Outbound, Redactor};

/// One subscription, ready to send.
pub struct Route {
    /// Its id.
    pub id: SubscriptionId,
    /// Its tenant.
    pub tenant_id: TenantId,
    /// What it is.
    pub subscription: Subscription,
    /// Which events of the wanted types it takes.
    pub filter: Option<Filter>,
    /// Where it goes, or why it may not go there any more.
    pub destination: Result<outbound::Destination, String>,
    /// The health of its destination.
    pub health: Destination,
    /// What signs its deliveries.
    pub signer: StandardSigner,
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
        let filter = subscription.compiled_filter().map_err(|faults| {
            let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
            unusable(faults.join("; "))
        })?;
        let destination = outbound
            .check_url(&subscription.url)
            .map_err(|bad| bad.to_string());
        Ok(Self {
            id,
            tenant_id: document.tenant_id,
            filter,
            destination,
            health,
            signer: StandardSigner::new(secrets).map_err(|e| unusable(e.to_string()))?,
            redactor: Redactor::new(secrets.iter().map(KeyedSecret::expose)),
            subscription,
        })
    }
}

impl Route {
    /// Whether its filter lets the event pass.
    pub fn takes(&self, event: &EventDocument<'_>) -> bool {
        self.filter
            .as_ref()
            .is_none_or(|filter| filter.matches(event))
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

    /// The subscriptions that want the event, by its type and by their filters, and are not disabled.
    pub fn wanting<'a, 'e>(
        &'a self,
        event: &'e EventDocument<'e>,
    ) -> impl Iterator<Item = &'a Arc<Route>> + use<'a, 'e> {
        self.routes.iter().filter(move |route| {
            route.health.state != State::Disabled
                && route.subscription.wants(event.event_type)
                && route.takes(event)
        })
    }

    /// One subscription.
    pub fn get(&self, id: SubscriptionId) -> Option<&Arc<Route>> {
        self.by_id.get(&id).map(|i| &self.routes[*i])
    }
}
