//! Texts in which secrets stand by name, with the secrets put in.

use std::sync::Arc;

use tieline_domain::{
    TenantId, Violation,
    secret_text::{Opened, SecretText},
};
use tieline_mapping::template::RenderError;
use zeroize::Zeroizing;

use super::{Error, NamedSecret, Registry};

/// A text with its secrets, and what takes them out of whatever is shown.
pub struct Revealed {
    /// The text.
    pub text: Zeroizing<String>,
    secrets: Vec<Arc<NamedSecret>>,
}

/// Why a text cannot be had with its secrets.
#[derive(Debug, thiserror::Error)]
pub enum Unrevealed {
    /// A secret is not there.
    #[error("there is no secret `{name}`")]
    Missing {
        /// Its name.
        name: String,
    },
    /// A secret cannot be opened now.
    #[error(transparent)]
    Closed(#[from] Error),
    /// No header can carry the text.
    #[error(transparent)]
    Text(#[from] RenderError),
}

impl Revealed {
    /// `text` without the secrets.
    pub fn redact(&self, text: &str) -> String {
        let clean =
            |text: String, secret: &Arc<NamedSecret>| secret.redactor.text(&text).into_owned();
        self.secrets.iter().fold(text.to_owned(), clean)
    }
}

impl Registry {
    /// Puts the secrets of a tenant into a text, which is to stand in a header.
    pub async fn reveal(
        &self,
        tenant: TenantId,
        text: &SecretText,
    ) -> Result<Revealed, Unrevealed> {
        let mut secrets = Vec::new();
        for name in text.names() {
            let found = self.named_secret(tenant, name).await?;
            let missing = || Unrevealed::Missing {
                name: name.to_owned(),
            };
            secrets.push((name, found.ok_or_else(missing)?));
        }
        let opened = Opened(|wanted: &str| {
            let found = secrets.iter().find(|(name, _)| *name == wanted)?;
            Some(found.1.text.to_string())
        });
        let text = text.render(&opened)?.unwrap_or_default();
        Ok(Revealed {
            text: Zeroizing::new(text),
            secrets: secrets.into_iter().map(|(_, secret)| secret).collect(),
        })
    }

    /// What is wrong with naming this secret at `pointer`: that a tenant has none of the name.
    pub async fn secret_violation(
        &self,
        tenant: TenantId,
        pointer: &str,
        name: &str,
    ) -> Result<Option<Violation>, Error> {
        let is_there = self.named_secret(tenant, name).await?.is_some();
        let detail = || format!("there is no secret `{name}`; make it with POST /v1/secrets first");
        Ok((!is_there).then(|| Violation::new(pointer, detail())))
    }
}
