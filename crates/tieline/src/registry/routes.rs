//! A tenant's subscriptions, ready to send.

use std::{collections::HashMap, sync::Arc};

use http::{HeaderMap, HeaderName, HeaderValue};
use tieline_domain::{
    SubscriptionId, TenantId,
    destination::{Destination, State},
    filter::{Document as EventDocument, Filter, MOST_NODES},
    ordering::Keyed,
    pace::RateLimit,
    signature::{KeyedSecret, StandardSigner},
    subscription::{Signature, Subscription},
};
use tieline_mapping::path::Path;
use tieline_store::documents::Document;
use zeroize::Zeroizing;

use super::{Error, SigningKey};
use crate::{
    authorize::{Authorization, Credential, Tokens},
    outbound::{self, Outbound, Redactor},
};

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
    /// Which events of the wanted types it takes.
    pub filter: Option<Filter>,
    /// Where it goes, or why it may not go there any more.
    pub destination: Result<outbound::Destination, String>,
    /// The health of its destination.
    pub health: Destination,
    /// What signs its deliveries.
    pub signer: StandardSigner,
    /// What its deliveries carry beside our own headers.
    pub headers: HeaderMap,
    /// How its deliveries are authorised, if they are.
    pub authorization: Option<Authorization>,
    /// What finds the ordering key of an event, where order is kept.
    pub ordering: Option<Path>,
    /// What takes its secrets out of what is recorded.
    pub redactor: Redactor,
}

/// What the vault keeps for one subscription.
pub(super) struct Secrets<'a> {
    /// Its own, the newest first.
    pub(super) own: Vec<KeyedSecret>,
    /// The keys of its tenant, the newest first.
    pub(super) of_tenant: &'a [SigningKey],
    /// How it authenticates.
    pub(super) credential: Option<Credential>,
}

impl Secrets<'_> {
    /// What signs the deliveries of `subscription`.
    fn signing(&self, subscription: &Subscription) -> Vec<KeyedSecret> {
        let own = self.own.iter();
        let own = own.filter(|_| subscription.is_signed_by(Signature::V1));
        let of_tenant = self.of_tenant.iter().map(|key| &key.secret);
        let of_tenant = of_tenant.filter(|_| subscription.is_signed_by(Signature::V1a));
        own.chain(of_tenant).cloned().collect()
    }

    /// What must not be seen in what is recorded.
    fn redactor(&self) -> Redactor {
        let own = self.own.iter().map(|secret| secret.expose().to_vec());
        let credential = self.credential.iter().flat_map(Credential::secrets);
        let credential = credential.map(|secret| secret.as_bytes().to_vec());
        Redactor::new(own.chain(credential).map(Zeroizing::new))
    }
}

impl Route {
    /// The subscription that `document` holds.
    pub(super) fn read(document: &Document) -> Result<Subscription, Error> {
        serde_json::from_str(&document.body).map_err(|e| unusable(document, e.to_string()))
    }

    pub(super) fn open(
        document: &Document,
        subscription: Subscription,
        health: Option<Destination>,
        secrets: &Secrets<'_>,
        outbound: &Outbound,
        tokens: &Tokens,
    ) -> Result<Self, Error> {
        let unusable = |detail: String| unusable(document, detail);
        let id = document
            .id
            .parse()
            .map_err(|_| unusable("its id is malformed".to_owned()))?;
        let health = health.ok_or_else(|| unusable("its destination is missing".to_owned()))?;
        let filter = subscription.compiled_filter(MOST_NODES).map_err(|faults| {
            let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
            unusable(faults.join("; "))
        })?;
        let destination = outbound
            .check_url(&subscription.url)
            .map_err(|bad| bad.to_string());
        let authorization = match (&subscription.auth, &secrets.credential) {
            (None, _) => None,
            (Some(_), Some(credential)) => {
                Some(Authorization::open(credential, id, outbound, tokens))
            }
            (Some(_), None) => Some(Authorization::unusable("the secret of `auth` is missing")),
        };
        let signing = secrets.signing(&subscription);
        let ordering = subscription.ordering_key.as_deref().map(Path::parse);
        Ok(Self {
            id,
            tenant_id: document.tenant_id,
            filter,
            destination,
            health,
            signer: StandardSigner::new(&signing).map_err(|e| unusable(e.to_string()))?,
            ordering: ordering
                .transpose()
                .map_err(|e| unusable(format!("ordering_key {e}")))?,
            headers: headers(&subscription),
            authorization,
            redactor: secrets.redactor(),
            subscription,
        })
    }
}

fn unusable(document: &Document, detail: String) -> Error {
    Error::Unusable {
        kind: "subscription",
        id: document.id.clone(),
        detail,
    }
}

/// The headers that a subscription adds; they were checked when it was saved.
fn headers(subscription: &Subscription) -> HeaderMap {
    let pairs = subscription.headers.iter().filter_map(|(name, value)| {
        let name = HeaderName::try_from(name).ok()?;
        Some((name, HeaderValue::try_from(value).ok()?))
    });
    pairs.collect()
}

impl Route {
    /// Whether its filter lets the event pass.
    pub fn takes(&self, event: &EventDocument<'_>) -> bool {
        self.filter
            .as_ref()
            .is_none_or(|filter| filter.matches(event))
    }

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
