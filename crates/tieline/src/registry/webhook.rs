//! A tenant's outgoing webhook, ready to send.

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue};
use tieline_domain::{
    SubscriptionId,
    destination::Destination,
    filter::MOST_NODES,
    signature::{KeyedSecret, StandardSigner},
    subscription::{Signature, Subscription},
};
use tieline_mapping::{path::Path, plan::Plan};
use tieline_store::documents::Document;
use zeroize::Zeroizing;

use super::{
    Error, Plans, SigningKey,
    routes::{Limits, Policy, Route, Target},
};
use crate::{
    authorize::{Authorization, Credential, Tokens},
    outbound::{self, Outbound, Redactor},
};

/// An outgoing webhook, ready to send.
pub struct Webhook {
    /// The URL as its tenant gave it.
    pub url: String,
    /// Where it goes, or why it may not go there any more.
    pub destination: Result<outbound::Destination, String>,
    /// What signs its deliveries.
    pub signer: StandardSigner,
    /// What its deliveries carry beside our own headers.
    pub headers: HeaderMap,
    /// How its deliveries are authorised, if they are.
    pub authorization: Option<Authorization>,
    /// What takes its secrets out of what is recorded.
    pub redactor: Redactor,
    /// What makes the data of its deliveries.
    pub mapping: Option<Arc<Plan>>,
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

/// The subscription that `document` holds.
pub(super) fn read(document: &Document) -> Result<Subscription, Error> {
    serde_json::from_str(&document.body).map_err(|e| unusable(document, e.to_string()))
}

/// The route of the subscription that `document` holds.
pub(super) fn open(
    document: &Document,
    subscription: Subscription,
    health: Option<Destination>,
    secrets: &Secrets<'_>,
    plans: &Plans,
    outbound: &Outbound,
    tokens: &Tokens,
) -> Result<Route, Error> {
    let unusable = |detail: String| unusable(document, detail);
    let id: SubscriptionId = document
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
        (Some(_), Some(credential)) => Some(Authorization::open(credential, id, outbound, tokens)),
        (Some(_), None) => Some(Authorization::unusable("the secret of `auth` is missing")),
    };
    let signing = secrets.signing(&subscription);
    let ordering = subscription.ordering_key.as_deref().map(Path::parse);
    let mapping = subscription.mapping.as_deref();
    let mapping = mapping.map(|name| plans.need(name)).transpose();
    let webhook = Webhook {
        mapping: mapping.map_err(unusable)?,
        destination,
        signer: StandardSigner::new(&signing).map_err(|e| unusable(e.to_string()))?,
        headers: headers(&subscription),
        authorization,
        redactor: secrets.redactor(),
        url: subscription.url,
    };
    let seconds = |seconds: u32| Duration::from_secs(seconds.into());
    Ok(Route {
        id: id.into(),
        tenant_id: document.tenant_id,
        events: subscription.events,
        filter,
        health,
        ordering: ordering
            .transpose()
            .map_err(|e| unusable(format!("ordering_key {e}")))?,
        policy: Policy {
            retry: subscription.retry,
            timeout: subscription.timeout_seconds.map(seconds),
            max_age: subscription.max_age.map(seconds),
            ordering: subscription.ordering_policy,
            limits: Limits {
                rate: subscription.rate_limit,
                in_flight: subscription.max_in_flight,
            },
        },
        target: Target::Webhook(Box::new(webhook)),
    })
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
