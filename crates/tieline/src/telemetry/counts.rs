//! Counters that carry the tenant only where the operator wants that: each tenant makes a series of
//! its own, and names customers to whoever reads the metrics.

use std::sync::OnceLock;

use tieline_domain::TenantId;

use super::{ACCEPTED_TOTAL, ATTEMPTS_TOTAL, DELIVERIES_TOTAL, HANDSHAKES_TOTAL, REJECTED_TOTAL};

static BY_TENANT: OnceLock<bool> = OnceLock::new();

/// Says once, at the start, whether counters carry the tenant; they do not unless it is said.
pub fn label_tenants(wanted: bool) {
    let _ = BY_TENANT.set(wanted);
}

fn count(name: &'static str, label: &'static str, value: &'static str, tenant: Option<TenantId>) {
    if let Some(tenant) = tenant.filter(|_| BY_TENANT.get() == Some(&true)) {
        metrics::counter!(name, label => value, "tenant" => tenant.to_string())
    } else {
        metrics::counter!(name, label => value)
    }
    .increment(1);
}

/// Counts an accepted request or its repeat.
pub fn count_accepted(tenant: TenantId, duplicate: bool) {
    let outcome = if duplicate { "duplicate" } else { "stored" };
    count(ACCEPTED_TOTAL, "outcome", outcome, Some(tenant));
}

/// Counts a refused request; the tenant is absent where no source was found.
pub fn count_rejected(reason: &'static str, tenant: Option<TenantId>) {
    count(REJECTED_TOTAL, "reason", reason, tenant);
}

/// Counts an answered question of a sender.
pub fn count_handshake(name: &'static str, tenant: TenantId) {
    count(HANDSHAKES_TOTAL, "handshake", name, Some(tenant));
}

/// Counts an attempt: `success`, or the kind of its error.
pub fn count_attempt(outcome: &'static str, tenant: TenantId) {
    count(ATTEMPTS_TOTAL, "outcome", outcome, Some(tenant));
}

/// Counts what became of a delivery.
pub fn count_delivery(outcome: &'static str, tenant: TenantId) {
    count(DELIVERIES_TOTAL, "outcome", outcome, Some(tenant));
}
