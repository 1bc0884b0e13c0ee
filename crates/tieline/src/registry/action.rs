//! A tenant's actions as destinations: what they are asked to do in the background.

use tieline_domain::{DestinationId, TenantId, destination::Destination};

use super::routes::{Policy, Route, Target};

/// The way to an action; `None` for a destination of another kind. What it does is looked up when it is run: runs that
/// wait are run as the action is then.
pub(super) fn route(tenant: TenantId, health: &Destination) -> Option<Route> {
    let DestinationId::Action(_) = health.id else {
        return None;
    };
    Some(Route {
        id: health.id,
        tenant_id: tenant,
        // It gets what is owed to it and nothing else.
        events: Vec::new(),
        filter: None,
        health: health.clone(),
        ordering: None,
        policy: Policy::default(),
        target: Target::Action,
    })
}
