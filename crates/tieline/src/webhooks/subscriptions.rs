//! Subscriptions: outgoing webhooks.

use rand::random;
use tieline_domain::{
    DestinationId, SubscriptionId, TenantId, Timestamp, Violation,
    destination::State,
    signature::{KeyedSecret, StandardSigner},
    subscription::{Signature, Subscription},
};
use tieline_store::{
    ChangeBy, Store,
    documents::{Document, Kind, NewDocument, Replacement, SealedChange},
    sealed::SealedKind,
};
use zeroize::Zeroizing;

use super::{Error, NewSecret, SigningKeys};
use crate::{deliver::Dispatcher, outbound::Outbound, registry::Registry, vault::Vault};
use std::sync::Arc;

/// The shortest and the longest secret, in characters.
const SECRET_LENGTH: std::ops::RangeInclusive<usize> = 8..=256;

/// How many deliveries are called off in one transaction, of each kind.
const CHUNK: usize = 500;

/// Makes and changes subscriptions; clones share what they need.
#[derive(Clone)]
pub struct Subscriptions {
    pub(super) store: Store,
    pub(super) vault: Vault,
    pub(super) registry: Registry,
    pub(super) outbound: Outbound,
    dispatcher: Arc<Dispatcher>,
    signing_keys: SigningKeys,
}

/// What a subscription is made from, or becomes.
#[derive(Clone, Debug)]
pub struct NewSubscription {
    /// What is public of it.
    pub subscription: Subscription,
    /// What signs it.
    pub secret: Option<Zeroizing<String>>,
    /// The secret of its `auth`.
    pub auth_secret: Option<Zeroizing<String>>,
}

impl From<Subscription> for NewSubscription {
    fn from(subscription: Subscription) -> Self {
        Self {
            subscription,
            secret: None,
            auth_secret: None,
        }
    }
}

impl Subscriptions {
    /// Subscriptions of this store.
    pub fn new(
        store: Store,
        vault: Vault,
        registry: Registry,
        outbound: Outbound,
        dispatcher: Arc<Dispatcher>,
    ) -> Self {
        Self {
            signing_keys: SigningKeys::new(store.clone(), vault.clone(), registry.clone()),
            store,
            vault,
            registry,
            outbound,
            dispatcher,
        }
    }

    /// Makes a subscription; answers with its secret if that was generated, to be shown this once.
    pub async fn create(
        &self,
        tenant: TenantId,
        new: NewSubscription,
        by: &ChangeBy,
    ) -> Result<(Document, Option<Zeroizing<String>>), Error> {
        let NewSubscription {
            subscription,
            secret,
            auth_secret,
        } = new;
        let mut violations = self.violations(&subscription, auth_secret.as_ref(), by.at);
        violations.extend(
            secret
                .as_deref()
                .and_then(|secret| secret_violation(secret)),
        );
        violations.extend(self.mapping_violation(tenant, &subscription).await?);
        Error::check(violations)?;
        let id = SubscriptionId::new(by.at, random());
        let auth = self
            .auth_change(tenant, id, None, &subscription, auth_secret)
            .await?;
        self.make_signing_key(tenant, &subscription, by).await?;
        let (secret, generated) = NewSecret::or_generated(secret);
        let mut sealed = vec![
            self.vault
                .seal_for(tenant, SealedKind::Subscription, &id, secret.as_bytes())
                .await?,
        ];
        if let SealedChange::Set(auth) = auth {
            sealed.push(auth);
        }
        let new = NewDocument {
            tenant_id: tenant,
            kind: Kind::Subscription,
            id: id.to_string(),
            name: None,
            body: body(&subscription),
            sealed,
            destination: true,
        };
        let document = self.store.create_document(new, by).await?;
        self.registry.forget_routes(tenant).await;
        Ok((document, generated.then_some(secret)))
    }

    /// Replaces a subscription that was `before`, which has not changed meanwhile; `None` if there is
    /// none. Its own secret stays, and so does that of its `auth` unless there is a new one.
    pub async fn replace(
        &self,
        tenant: TenantId,
        id: SubscriptionId,
        before: &Document,
        new: NewSubscription,
        by: &ChangeBy,
    ) -> Result<Option<Document>, Error> {
        let NewSubscription {
            subscription,
            secret,
            auth_secret,
        } = new;
        let mut violations = self.violations(&subscription, auth_secret.as_ref(), by.at);
        violations.extend(secret.map(|_| {
            let detail = "the secret is changed with `rotate-secret`, which signs with both for a \
                          while; leave it out here";
            Violation::new("/secret", detail)
        }));
        violations.extend(self.mapping_violation(tenant, &subscription).await?);
        Error::check(violations)?;
        let was = serde_json::from_str(&before.body).ok();
        let auth = self
            .auth_change(tenant, id, was.as_ref(), &subscription, auth_secret)
            .await?;
        self.make_signing_key(tenant, &subscription, by).await?;
        let body = body(&subscription);
        self.write(tenant, id, body, Some(before.version), &auth, by)
            .await
    }

    /// Gives a subscription a new secret; answers with it if it was generated. `None` if there is no
    /// such subscription. Until the overlap ends, deliveries carry a signature of each.
    pub async fn rotate(
        &self,
        tenant: TenantId,
        id: SubscriptionId,
        new: NewSecret,
        by: &ChangeBy,
    ) -> Result<Option<(Document, Option<Zeroizing<String>>)>, Error> {
        let mut violations: Vec<_> = new
            .overlap_violation(self.registry.bounds())
            .into_iter()
            .collect();
        violations.extend(
            new.value
                .as_deref()
                .and_then(|secret| secret_violation(secret)),
        );
        Error::check(violations)?;
        let Some(mut document) = self.find(tenant, id).await? else {
            return Ok(None);
        };
        let overlap_until = by.at.plus(new.overlap());
        let (secret, generated) = NewSecret::or_generated(new.value);
        let sealed = self
            .vault
            .seal_for(tenant, SealedKind::Subscription, &id, secret.as_bytes())
            .await?;
        self.store.rotate_sealed(&sealed, overlap_until, by).await?;
        // The new version makes the other nodes load the secret; what others change meanwhile stays.
        let written = loop {
            let (body, version) = (document.body, Some(document.version));
            let keep = SealedChange::Keep;
            match self.write(tenant, id, body, version, &keep, by).await {
                Err(Error::Store(tieline_store::Error::Conflict { .. })) => {}
                written => break written?,
            }
            document = match self.find(tenant, id).await? {
                Some(document) => document,
                None => return Ok(None),
            };
        };
        Ok(written.map(|document| (document, generated.then_some(secret))))
    }

    async fn find(&self, tenant: TenantId, id: SubscriptionId) -> Result<Option<Document>, Error> {
        let (kind, id) = (Kind::Subscription, id.to_string());
        Ok(self.store.find_document(tenant, kind, &id).await?)
    }

    /// Removes a subscription; false if there is none. What it was still owed is called off.
    pub async fn delete(
        &self,
        tenant: TenantId,
        id: SubscriptionId,
        expected: Option<i64>,
        by: &ChangeBy,
    ) -> Result<bool, Error> {
        let deleted = self
            .store
            .delete_document(tenant, Kind::Subscription, &id.to_string(), expected, by)
            .await?;
        self.registry.forget_routes(tenant).await;
        if deleted {
            let (store, now) = (&self.store, by.at);
            while store
                .call_off_waiting(tenant, id.into(), now, CHUNK)
                .await?
                > 0
            {}
        }
        Ok(deleted)
    }

    /// Lets deliveries go out again, holds them, or ends them, by hand; tells of it with an event if
    /// that changed anything. False if there is no such subscription.
    pub async fn set_state(
        &self,
        tenant: TenantId,
        id: impl Into<DestinationId>,
        to: State,
        by: &ChangeBy,
    ) -> Result<bool, Error> {
        let id = id.into();
        let routes = self.registry.routes(tenant).await?;
        let Some(route) = routes.get(id) else {
            return Ok(false);
        };
        let reason = if to == State::Active {
            String::new()
        } else {
            format!("set by {}", by.actor)
        };
        let notice = self.dispatcher.turned_by_hand(route, to, &reason).await;
        let changed = self
            .store
            .set_destination_state(tenant, id, to, &reason, &notice, by);
        if changed.await? {
            self.registry.forget_routes(tenant).await;
            self.dispatcher.wake();
            if to == State::Active {
                self.dispatcher.note_held(id);
            }
        }
        Ok(true)
    }

    /// Pauses a subscription until it has caught up with the events since `since` that it wants and was never
    /// owed, and then lets deliveries go out. False if there is no such subscription.
    pub async fn catch_up(
        &self,
        tenant: TenantId,
        id: SubscriptionId,
        since: Timestamp,
        by: &ChangeBy,
    ) -> Result<bool, Error> {
        let routes = self.registry.routes(tenant).await?;
        let Some(route) = routes.get(id) else {
            return Ok(false);
        };
        let begun = self.dispatcher.begin_catching_up(route, since, by).await?;
        self.registry.forget_routes(tenant).await;
        self.dispatcher.wake();
        Ok(begun)
    }

    async fn write(
        &self,
        tenant: TenantId,
        id: SubscriptionId,
        body: String,
        expected: Option<i64>,
        auth: &SealedChange,
        by: &ChangeBy,
    ) -> Result<Option<Document>, Error> {
        let replacement = Replacement {
            name: None,
            body,
            expected,
        };
        let id = id.to_string();
        let document = self
            .store
            .replace_document_and_sealed(tenant, Kind::Subscription, &id, replacement, auth, by)
            .await?;
        self.registry.forget_routes(tenant).await;
        Ok(document)
    }

    /// Makes the tenant's key if deliveries are to be signed with it and there is none.
    async fn make_signing_key(
        &self,
        tenant: TenantId,
        subscription: &Subscription,
        by: &ChangeBy,
    ) -> Result<(), Error> {
        if subscription.is_signed_by(Signature::V1a) {
            self.signing_keys.make_sure(tenant, by).await?;
        }
        Ok(())
    }

    async fn mapping_violation(
        &self,
        tenant: TenantId,
        subscription: &Subscription,
    ) -> Result<Option<Violation>, Error> {
        let plans = self.registry.mappings(tenant).await?;
        Ok(plans.violation(subscription.mapping.as_deref()))
    }

    fn violations(
        &self,
        subscription: &Subscription,
        auth_secret: Option<&Zeroizing<String>>,
        now: Timestamp,
    ) -> Vec<Violation> {
        let mut violations = subscription.violations(self.registry.bounds());
        if let Err(bad) = self.outbound.check_url(&subscription.url) {
            violations.push(Violation::new("/url", bad.to_string()));
        }
        violations.extend(self.auth_violations(subscription, auth_secret, now));
        violations
    }
}

fn secret_violation(secret: &str) -> Option<Violation> {
    if !SECRET_LENGTH.contains(&secret.chars().count()) {
        let detail = format!(
            "a secret has {} to {} characters",
            SECRET_LENGTH.start(),
            SECRET_LENGTH.end()
        );
        return Some(Violation::new("/secret", detail));
    }
    let signer = StandardSigner::new(&[KeyedSecret::new("new", secret)]);
    signer
        .err()
        .map(|fault| Violation::new("/secret", fault.to_string()))
}

fn body(subscription: &Subscription) -> String {
    serde_json::to_string(subscription).expect("a subscription holds only what JSON can express")
}
