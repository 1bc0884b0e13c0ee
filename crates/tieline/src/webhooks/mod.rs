//! Making and changing webhooks of both directions: a document, its secret, and what is cached of them.

mod destination_auth;
mod signing_keys;
mod sources;
mod subscriptions;

use std::time::Duration;

use tieline_domain::{Bounds, Violation};
use zeroize::Zeroizing;

use crate::{registry, vault::VaultError};

pub use signing_keys::SigningKeys;
pub use sources::Sources;
pub use subscriptions::{NewSubscription, Subscriptions};

/// How long a secret stays valid beside the one that replaces it, in hours, if nothing else is asked for.
pub const DEFAULT_OVERLAP_HOURS: u32 = 24;

/// Why a webhook was not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something is wrong with what was asked for.
    #[error("what was asked for is not valid")]
    Invalid(Vec<Violation>),
    /// The store failed, or refused.
    #[error(transparent)]
    Store(#[from] tieline_store::Error),
    /// The vault failed.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// What is known of the webhooks could not be loaded.
    #[error(transparent)]
    Registry(#[from] registry::Error),
}

impl Error {
    fn check(violations: Vec<Violation>) -> Result<(), Self> {
        if violations.is_empty() {
            Ok(())
        } else {
            Err(Self::Invalid(violations))
        }
    }
}

/// A new secret for a webhook.
#[derive(Clone, Debug, Default)]
pub struct NewSecret {
    /// The secret itself; one is generated if absent.
    pub value: Option<Zeroizing<String>>,
    /// For how long the old one stays valid, in hours.
    pub overlap_hours: Option<u32>,
}

impl NewSecret {
    /// The secret to use, and whether it was generated.
    fn or_generated(value: Option<Zeroizing<String>>) -> (Zeroizing<String>, bool) {
        if let Some(value) = value {
            return (value, false);
        }
        let generated = tieline_domain::signature::generate_secret(rand::random());
        (Zeroizing::new(generated), true)
    }

    fn overlap_violation(&self, bounds: &Bounds) -> Option<Violation> {
        overlap_violation(self.overlap_hours, bounds)
    }

    fn overlap(&self) -> Duration {
        overlap(self.overlap_hours)
    }
}

fn overlap_violation(hours: Option<u32>, bounds: &Bounds) -> Option<Violation> {
    let most = bounds.overlap_hours;
    let detail = || format!("give 0 to {most} hours");
    (hours? > most).then(|| Violation::new("/overlap_hours", detail()))
}

fn overlap(hours: Option<u32>) -> Duration {
    Duration::from_secs(u64::from(hours.unwrap_or(DEFAULT_OVERLAP_HOURS)) * 3_600)
}
