//! The values that a request is rendered with: the input of a call and the secrets of its tenant.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use serde_json::Value;
use tieline_domain::{
    TenantId,
    operation::{CallError, ErrorKind},
};
use tieline_mapping::template::{Name, Scope};

use super::redaction::Redaction;
use crate::registry::{NamedSecret, Registry};

/// The values that one request is rendered with.
pub(super) struct Values<'a> {
    input: &'a Value,
    secrets: BTreeMap<&'a str, Arc<NamedSecret>>,
}

impl<'a> Values<'a> {
    /// The values of a call by `tenant` whose operation names these secrets: they are looked up among the tenant's
    /// own and nowhere else.
    pub(super) async fn open(
        registry: &Registry,
        tenant: TenantId,
        names: impl IntoIterator<Item = &'a String>,
        input: &'a Value,
    ) -> Result<Self, CallError> {
        let mut secrets = BTreeMap::new();
        for name in names {
            let found = registry.named_secret(tenant, name).await;
            let found = found.map_err(|error| {
                tracing::warn!(%error, secret = name, "cannot open a secret for a call");
                CallError::new(
                    ErrorKind::Retry,
                    "the secrets of the operation cannot be read right now; nothing was sent",
                )
            })?;
            let Some(secret) = found else {
                let message = format!("there is no secret `{name}`, which the operation names");
                return Err(CallError::new(ErrorKind::Misconfigured, message));
            };
            secrets.insert(name.as_str(), secret);
        }
        Ok(Self { input, secrets })
    }

    /// What takes the secrets out of whatever is shown.
    pub(super) fn redaction(&self) -> Redaction {
        Redaction::new(self.secrets.values().cloned())
    }
}

impl Scope for Values<'_> {
    fn find(&self, name: &Name) -> Option<Cow<'_, Value>> {
        if name.root() == "secrets" {
            let secret = self.secrets.get(name.steps().get(1)?.as_str())?;
            return Some(Cow::Owned(Value::String(secret.text.to_string())));
        }
        name.within(self.input).map(Cow::Borrowed)
    }
}
