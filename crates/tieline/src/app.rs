//! What the parts of the program share: the store, the vault, the configuration, the clock.

use std::{ops::Deref, sync::Arc};

use tieline_domain::clock::Clock;
use tieline_store::Store;

use crate::{
    api::{caller::Callers, ratelimit::Limiter},
    config::Config,
    vault::Vault,
};

/// The running program, as handlers see it. Clones share it.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// The parts of an [`App`].
pub struct Parts {
    /// What lasts.
    pub store: Store,
    /// The only holder of keys.
    pub vault: Vault,
    /// What the operator chose.
    pub config: Arc<Config>,
    /// The one clock.
    pub clock: Clock,
    /// The credentials seen lately.
    pub callers: Callers,
    /// How fast requests may come.
    pub limiter: Limiter,
}

impl App {
    /// Puts the program together on an open, migrated store.
    pub fn new(store: Store, vault: Vault, config: Arc<Config>, clock: Clock) -> Self {
        let limiter = Limiter::new(&config.limits);
        Self(Arc::new(Parts {
            store,
            vault,
            config,
            clock,
            callers: Callers::default(),
            limiter,
        }))
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
