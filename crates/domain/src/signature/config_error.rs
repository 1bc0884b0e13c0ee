//! What is wrong with a verification, for whoever configures it.

use super::config::Override;
use super::presets::{nearest, presets};
use super::template::TemplateError;

/// Why a verification cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// No preset has that name.
    #[error(
        "there is no verification scheme `{scheme}`; {}; `GET /v1/webhooks/presets` and `tieline presets` list all {}",
        offered(scheme),
        presets().len()
    )]
    UnknownScheme {
        /// What was asked for.
        scheme: String,
    },
    /// The scheme fixes what the field would change.
    #[error("scheme `{scheme}` does not take `{}`; it takes {}", field.name(), names(takes))]
    NotTaken {
        /// The preset.
        scheme: &'static str,
        /// The field that was given.
        field: Override,
        /// The fields that may be given.
        takes: &'static [Override],
    },
    /// A field's text is of no use.
    #[error("`{}` is {problem}", field.name())]
    Unusable {
        /// The field.
        field: Override,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A field of `confirm` is of no use.
    #[error("{problem}")]
    Confirm {
        /// The JSON pointer to the field within the verification.
        pointer: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The content template cannot be compiled.
    #[error("`content`: {0}")]
    Content(#[from] TemplateError),
    /// A timestamp that is not signed stops no replay.
    #[error("`{}` needs a signed timestamp: set `content` to a template with `{{timestamp}}`, such as `{{timestamp}}.{{body}}`", field.name())]
    TimestampNotSigned {
        /// The field.
        field: Override,
    },
    /// The scheme needs a secret and none was given.
    #[error("scheme `{scheme}` needs a secret")]
    NoSecret {
        /// The scheme.
        scheme: String,
    },
    /// A secret cannot be used.
    #[error("the secret `{id}` cannot be used: {why}")]
    Secret {
        /// Its id.
        id: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The scheme signs with a private key and none was given.
    #[error("scheme `{scheme}` signs with a private key ({kind}), not with a secret")]
    NoPrivateKey {
        /// The scheme.
        scheme: String,
        /// What kind of key, for people.
        kind: &'static str,
    },
    /// A private key was given where there is no use for one.
    #[error("scheme `{scheme}` does not sign with a private key")]
    PrivateKeyNotTaken {
        /// The scheme.
        scheme: String,
    },
    /// The public URL of the source cannot be signed.
    #[error("the public URL `{url}` is not an absolute http or https URL")]
    PublicUrl {
        /// What is configured.
        url: String,
    },
}

impl ConfigError {
    /// The JSON pointer to the field at fault within the verification; `None` if the fault lies in a secret or
    /// in the public URL, outside of it.
    pub fn pointer(&self) -> Option<&'static str> {
        match self {
            Self::UnknownScheme { .. } => Some("/scheme"),
            Self::NotTaken { field, .. }
            | Self::Unusable { field, .. }
            | Self::TimestampNotSigned { field } => Some(field.pointer()),
            Self::Confirm { pointer, .. } => Some(pointer),
            Self::Content(_) => Some(Override::Content.pointer()),
            Self::NoSecret { .. }
            | Self::NoPrivateKey { .. }
            | Self::PrivateKeyNotTaken { .. }
            | Self::Secret { .. }
            | Self::PublicUrl { .. } => None,
        }
    }
}

fn offered(scheme: &str) -> String {
    let nearest = nearest(scheme);
    if nearest.is_empty() {
        "senders without a preset may fit `hmac-sha256`, `standard-webhooks`, `header-value` or `basic`"
            .to_owned()
    } else {
        format!("did you mean {}", list(nearest.into_iter()))
    }
}

fn names(fields: &[Override]) -> String {
    if fields.is_empty() {
        "no settings".to_owned()
    } else {
        list(fields.iter().map(|field| field.name()))
    }
}

fn list<'n>(names: impl Iterator<Item = &'n str>) -> String {
    names
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}
