//! How subscriptions authenticate: checked when it is saved, and sealed.

use tieline_domain::{
    SubscriptionId, TenantId, Timestamp, Violation,
    auth::{Auth, AuthKind},
    subscription::Subscription,
};
use tieline_store::{documents::SealedChange, sealed::SealedKind};
use url::Url;
use zeroize::Zeroizing;

use super::{Error, Subscriptions};
use crate::{
    authorize::Credential,
    outbound::{BadCertificate, ClientCertificate, validity},
};

impl Subscriptions {
    /// What is wrong with the `auth` of a subscription and its secret, beside what the domain says.
    pub(super) fn auth_violations(
        &self,
        subscription: &Subscription,
        secret: Option<&Zeroizing<String>>,
        now: Timestamp,
    ) -> Vec<Violation> {
        let Some(auth) = &subscription.auth else {
            return Vec::new();
        };
        let mut found = Vec::new();
        if let Some(Err(bad)) = auth
            .token_url
            .as_deref()
            .map(|url| self.outbound.check_url(url))
        {
            found.push(Violation::new("/auth/token_url", bad.to_string()));
        }
        found.extend(secret.and_then(|secret| auth.secret_violation(secret)));
        if let (AuthKind::Mtls, Some(chain)) = (auth.kind, &auth.certificate) {
            found.extend(expiry_violation(chain, now));
            if !subscription.url.starts_with("https:") {
                let detail = "a client certificate is shown in TLS only: give an https:// URL";
                found.push(Violation::new("/url", detail));
            }
        }
        found
    }

    /// What becomes of the sealed credential when a subscription that `was` so, or is new, becomes
    /// `subscription`.
    ///
    /// A secret that is left out stays as it was, but only for where it went before: who may change
    /// a subscription must not be able to have its secret sent to a place of their own.
    pub(super) async fn auth_change(
        &self,
        tenant: TenantId,
        id: SubscriptionId,
        was: Option<&Subscription>,
        subscription: &Subscription,
        secret: Option<Zeroizing<String>>,
    ) -> Result<SealedChange, Error> {
        let Some(auth) = &subscription.auth else {
            return Ok(SealedChange::Remove(SealedKind::DestinationAuth));
        };
        let secret = match secret {
            Some(secret) => secret,
            None => {
                self.kept_secret(tenant, id, was, subscription, auth)
                    .await?
            }
        };
        if let (AuthKind::Mtls, Some(chain)) = (auth.kind, &auth.certificate) {
            let made = ClientCertificate::from_pem(chain, &secret);
            Error::check(made.err().map(certificate_violation).into_iter().collect())?;
        }
        let credential = Credential {
            auth: auth.clone(),
            secret,
        };
        let (kind, plain) = (SealedKind::DestinationAuth, credential.to_bytes());
        let sealed = self.vault.seal_for(tenant, kind, &id, &plain).await?;
        Ok(SealedChange::Set(sealed))
    }

    async fn kept_secret(
        &self,
        tenant: TenantId,
        id: SubscriptionId,
        was: Option<&Subscription>,
        subscription: &Subscription,
        auth: &Auth,
    ) -> Result<Zeroizing<String>, Error> {
        let pointer = format!("/auth/{}", auth.kind.secret_field());
        let refuse = |detail: &str| Error::Invalid(vec![Violation::new(&*pointer, detail)]);
        let same_kind = was.filter(|was| was.auth.as_ref().is_some_and(|a| a.kind == auth.kind));
        let Some(was) = same_kind else {
            return Err(refuse("give the secret of this kind of `auth`"));
        };
        if sent_to(was) != sent_to(subscription) {
            return Err(refuse(
                "give the secret again: it would go to another host than before",
            ));
        }
        match self.registry.credential(tenant, &id.to_string()).await? {
            Some(Credential { secret, .. }) => Ok(secret),
            None => Err(refuse("give the secret: none is kept")),
        }
    }
}

/// The schemes, hosts and ports that get to see the secret, or a token that was got with it.
fn sent_to(subscription: &Subscription) -> Vec<Option<url::Origin>> {
    let origin = |url: &str| Url::parse(url).ok().map(|url| url.origin());
    match &subscription.auth {
        Some(auth) if auth.kind == AuthKind::Mtls => Vec::new(),
        Some(auth) => {
            let token_url = auth.token_url.as_deref().map(origin);
            token_url
                .into_iter()
                .chain([origin(&subscription.url)])
                .collect()
        }
        None => Vec::new(),
    }
}

fn certificate_violation(bad: BadCertificate) -> Violation {
    match bad {
        BadCertificate::Chain(detail) => Violation::new("/auth/certificate", detail),
        BadCertificate::Key(detail) => Violation::new("/auth/private_key", detail),
    }
}

fn expiry_violation(chain: &str, now: Timestamp) -> Option<Violation> {
    match validity(chain) {
        Err(bad) => Some(certificate_violation(bad)),
        Ok((_, until)) if until <= now => Some(Violation::new(
            "/auth/certificate",
            format!("it expired at {until}"),
        )),
        Ok(_) => None,
    }
}
