//! Sources: incoming webhooks.

use rand::random;
use tieline_domain::{
    SourceId, TenantId, Violation,
    signature::{ConfigError, KeyedSecret, SecretOwner, Verifier},
    source::{Source, Status},
};
use tieline_store::{
    ChangeBy, Store,
    documents::{Document, Kind, NewDocument, Replacement},
    sealed::{NewSealed, SealedInfo, SealedKind},
};
use zeroize::Zeroizing;

use super::{Error, NewSecret};
use crate::{registry::Registry, vault::Vault};

/// What a secret that a sender brought is for.
const BROUGHT: &str = "brought by the sender";

/// Makes and changes sources; clones share what they need.
#[derive(Clone)]
pub struct Sources {
    store: Store,
    vault: Vault,
    registry: Registry,
}

impl Sources {
    /// Sources of this store.
    pub fn new(store: Store, vault: Vault, registry: Registry) -> Self {
        Self {
            store,
            vault,
            registry,
        }
    }

    /// Makes a source; answers with its secret if it has one, to be shown this once.
    pub async fn create(
        &self,
        tenant: TenantId,
        source: &Source,
        secret: Option<Zeroizing<String>>,
        by: &ChangeBy,
    ) -> Result<(Document, Option<Zeroizing<String>>), Error> {
        let id = SourceId::new(by.at, random());
        let needs = source.verification.preset().map(|preset| preset.secret);
        let given = secret.is_some();
        let secret = match needs {
            Ok(SecretOwner::Nobody | SecretOwner::Sender) if !given => None,
            _ => Some(NewSecret::or_generated(secret).0),
        };
        self.check(id, source, secret.as_deref().map(String::as_str))?;
        self.check_mapping(tenant, source).await?;
        self.check_agent(tenant, source).await?;
        self.check_confirm(tenant, source).await?;
        let mut sealed = Vec::new();
        if let Some(secret) = &secret {
            sealed.push(
                self.vault
                    .seal_for(tenant, SealedKind::Source, &id, secret.as_bytes())
                    .await?,
            );
        }
        let new = NewDocument {
            tenant_id: tenant,
            kind: Kind::Source,
            id: id.to_string(),
            name: None,
            body: body(&source.clone().settled(secret.is_some())),
            sealed,
            destination: false,
        };
        let document = self.store.create_document(new, by).await?;
        self.registry.forget_source(id).await;
        Ok((document, secret))
    }

    /// Replaces a source; `None` if there is none. A scheme that needs a secret, in place of one that
    /// has none, takes `secret` or a generated one: the answer has it, to be shown this once.
    pub async fn replace(
        &self,
        tenant: TenantId,
        id: SourceId,
        source: &Source,
        secret: Option<Zeroizing<String>>,
        expected: Option<i64>,
        by: &ChangeBy,
    ) -> Result<Option<(Document, Option<Zeroizing<String>>)>, Error> {
        let kept = self.secret(tenant, id, by).await?;
        let needed = source
            .verification
            .preset()
            .is_ok_and(|preset| preset.secret.is_needed() && preset.secret != SecretOwner::Sender);
        let new = match (&kept, secret) {
            (Some(_), Some(_)) => {
                let detail = "this webhook has a secret; change it with `rotate-secret`, which lets the old one hold for a while";
                return Err(Error::Invalid(vec![Violation::new("/secret", detail)]));
            }
            (None, given) if needed || given.is_some() => Some(NewSecret::or_generated(given).0),
            _ => None,
        };
        let secret = new.as_ref().or(kept.as_ref());
        self.check(id, source, secret.map(|secret| secret.as_str()))?;
        self.check_mapping(tenant, source).await?;
        self.check_agent(tenant, source).await?;
        self.check_confirm(tenant, source).await?;
        if let Some(new) = &new {
            let sealed = self
                .vault
                .seal_for(tenant, SealedKind::Source, &id, new.as_bytes())
                .await?;
            self.store.create_sealed(&sealed, by).await?;
        }
        let source = source.clone().settled(secret.is_some());
        let document = self.write(tenant, id, body(&source), expected, by).await?;
        Ok(document.map(|document| (document, new)))
    }

    /// Gives a source a new secret; answers with it, to be shown this once. `None` if there is no such
    /// source.
    pub async fn rotate(
        &self,
        tenant: TenantId,
        id: SourceId,
        new: NewSecret,
        by: &ChangeBy,
    ) -> Result<Option<(Document, Zeroizing<String>)>, Error> {
        let Some(document) = self
            .store
            .find_document(tenant, Kind::Source, &id.to_string())
            .await?
        else {
            return Ok(None);
        };
        let mut violations: Vec<_> = new
            .overlap_violation(self.registry.bounds())
            .into_iter()
            .collect();
        let source: Source = parsed(&document)?;
        if let Ok(SecretOwner::Nobody) = source.verification.preset().map(|preset| preset.secret) {
            let detail = "the scheme of this webhook uses no secret";
            violations.push(Violation::new("", detail));
        }
        Error::check(violations)?;
        let overlap_until = by.at.plus(new.overlap());
        let (secret, _) = NewSecret::or_generated(new.value);
        self.check(id, &source, Some(&secret))?;
        let sealed = self
            .vault
            .seal_for(tenant, SealedKind::Source, &id, secret.as_bytes())
            .await?;
        let rotated = self.store.rotate_sealed(&sealed, overlap_until, by).await?;
        if rotated.is_none() {
            // It waited for its sender to bring one.
            self.store.create_sealed(&sealed, by).await?;
        }
        // The new version makes the other nodes load the secret.
        let body = body(&source.settled(true));
        let document = self.write(tenant, id, body, None, by).await?;
        Ok(document.map(|document| (document, secret)))
    }

    /// Takes over the secret that the sender brought; false if the source has one, whoever was first.
    pub async fn take_over(
        &self,
        tenant: TenantId,
        id: SourceId,
        secret: &str,
        by: &ChangeBy,
    ) -> Result<bool, Error> {
        let found = self
            .store
            .find_document(tenant, Kind::Source, &id.to_string())
            .await?;
        let Some(document) = found else {
            return Ok(false);
        };
        if self.secret(tenant, id, by).await?.is_some() {
            return Ok(false);
        }
        let source: Source = parsed(&document)?;
        self.check(id, &source, Some(secret))?;
        let sealed = NewSealed {
            description: Some(BROUGHT.to_owned()),
            ..self
                .vault
                .seal_for(tenant, SealedKind::Source, &id, secret.as_bytes())
                .await?
        };
        match self.store.create_sealed(&sealed, by).await {
            Err(tieline_store::Error::NameTaken) => return Ok(false),
            written => written?,
        }
        self.write(tenant, id, body(&source.settled(true)), None, by)
            .await?;
        Ok(true)
    }

    /// Disables a source because its sender ended what it was made for.
    pub async fn disable(
        &self,
        tenant: TenantId,
        id: SourceId,
        reason: String,
        by: &ChangeBy,
    ) -> Result<(), Error> {
        let found = self
            .store
            .find_document(tenant, Kind::Source, &id.to_string())
            .await?;
        if let Some(document) = found {
            let mut source: Source = parsed(&document)?;
            source.status = Status::Disabled;
            source.status_reason = Some(reason);
            self.write(tenant, id, body(&source), None, by).await?;
        }
        Ok(())
    }

    /// The secret that the sender of a source brought; `None` if it brought none, or another has taken its place.
    pub async fn brought(
        &self,
        tenant: TenantId,
        id: SourceId,
        by: &ChangeBy,
    ) -> Result<Option<Zeroizing<String>>, Error> {
        let found = self
            .store
            .find_sealed(tenant, SealedKind::Source, &id.to_string())
            .await?;
        // What a user gave goes in and never comes out; what the sender brought was no user's secret.
        let is_brought =
            |of: SealedInfo| of.version == 1 && of.description.as_deref() == Some(BROUGHT);
        if found.is_some_and(is_brought) {
            self.secret(tenant, id, by).await
        } else {
            Ok(None)
        }
    }

    /// Removes a source; false if there is none.
    pub async fn delete(
        &self,
        tenant: TenantId,
        id: SourceId,
        expected: Option<i64>,
        by: &ChangeBy,
    ) -> Result<bool, Error> {
        let deleted = self
            .store
            .delete_document(tenant, Kind::Source, &id.to_string(), expected, by)
            .await?;
        self.registry.forget_source(id).await;
        Ok(deleted)
    }

    async fn write(
        &self,
        tenant: TenantId,
        id: SourceId,
        body: String,
        expected: Option<i64>,
        by: &ChangeBy,
    ) -> Result<Option<Document>, Error> {
        let replacement = Replacement {
            name: None,
            body,
            expected,
        };
        let document = self
            .store
            .replace_document(tenant, Kind::Source, &id.to_string(), replacement, by)
            .await?;
        self.registry.forget_source(id).await;
        Ok(document)
    }

    fn check(&self, id: SourceId, source: &Source, secret: Option<&str>) -> Result<(), Error> {
        let mut violations = source.violations(self.registry.bounds());
        let secrets: Vec<_> = secret
            .map(|secret| KeyedSecret::new("new", secret))
            .into_iter()
            .collect();
        if let Err(fault) = Verifier::new(
            &source.verification,
            &secrets,
            &self.registry.source_url(id),
        ) {
            violations.push(verification_violation(&fault));
        }
        Error::check(violations)
    }

    async fn check_mapping(&self, tenant: TenantId, source: &Source) -> Result<(), Error> {
        let plans = self.registry.mappings(tenant).await?;
        let found = plans.violation(source.mapping.as_deref());
        Error::check(found.into_iter().collect())
    }

    /// Refuses a source whose agent is not there.
    async fn check_agent(&self, tenant: TenantId, source: &Source) -> Result<(), Error> {
        let Some(agent) = &source.agent_id else {
            return Ok(());
        };
        let routes = self.registry.routes(tenant).await?;
        let known = routes.agent(agent).is_some();
        let detail = || format!("there is no agent `{agent}`; make it first with POST /v1/agents");
        Error::check(if known {
            Vec::new()
        } else {
            vec![Violation::new("/agent_id", detail())]
        })
    }

    /// Refuses a source that would call its sender with a secret that is not there.
    async fn check_confirm(&self, tenant: TenantId, source: &Source) -> Result<(), Error> {
        let confirm = source.verification.confirm.iter();
        for name in confirm.flat_map(|confirm| confirm.client_secret.names()) {
            let pointer = "/verification/confirm/client_secret";
            let fault = self
                .registry
                .secret_violation(tenant, pointer, name)
                .await?;
            Error::check(fault.into_iter().collect())?;
        }
        Ok(())
    }

    async fn secret(
        &self,
        tenant: TenantId,
        id: SourceId,
        by: &ChangeBy,
    ) -> Result<Option<Zeroizing<String>>, Error> {
        let (kind, name) = (SealedKind::Source, id.to_string());
        let current = self
            .store
            .current_sealed(tenant, kind, &name, by.at)
            .await?;
        let Some(newest) = current.first() else {
            return Ok(None);
        };
        let secret = self
            .vault
            .unseal(tenant, kind, &name, &newest.sealed)
            .await?;
        Ok(secret
            .expose_text()
            .map(|text| Zeroizing::new(text.to_owned())))
    }
}

fn verification_violation(fault: &ConfigError) -> Violation {
    let pointer = fault.pointer().map_or_else(
        || "/secret".to_owned(),
        |pointer| format!("/verification{pointer}"),
    );
    Violation::new(pointer, fault.to_string())
}

fn body(source: &Source) -> String {
    serde_json::to_string(source).expect("a source holds only what JSON can express")
}

fn parsed(document: &Document) -> Result<Source, Error> {
    let parsed = serde_json::from_str(&document.body);
    parsed.map_err(|error| tieline_store::Error::Content(error.to_string()).into())
}
