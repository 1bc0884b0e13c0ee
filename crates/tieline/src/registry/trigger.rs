//! A tenant's triggers, ready to be run.

use std::sync::Arc;

use tieline_domain::{
    Bounds, TriggerId,
    destination::Destination,
    filter::Document as EventDocument,
    trigger::{Plan, Status, Trigger},
};
use tieline_store::documents::Document;

use super::{
    Error,
    routes::{Policy, Route, Target},
};
use crate::triggers::plan_text;

/// A trigger, ready to be run.
#[derive(Debug)]
pub struct OpenTrigger {
    /// Its id.
    pub id: TriggerId,
    /// What it does, or why it cannot under today's rules.
    pub plan: Result<Plan, String>,
    /// Its steps as runs keep them: JSON text.
    pub plan_text: String,
}

impl OpenTrigger {
    /// Whether an event of its types starts it. One of which that cannot be told does: its run says why.
    pub(super) fn may_start(&self, event: &EventDocument<'_>) -> bool {
        let condition = self.plan.as_ref().ok();
        let condition = condition.and_then(|plan| plan.condition.as_ref());
        condition.is_none_or(|condition| condition.holds(event).unwrap_or(true))
    }
}

/// The way to the trigger that a document holds.
pub(super) fn route(
    document: &Document,
    health: Destination,
    bounds: &Bounds,
) -> Result<Route, Error> {
    let unusable = |detail: String| Error::Unusable {
        kind: "trigger",
        id: document.id.clone(),
        detail,
    };
    let trigger: Trigger =
        serde_json::from_str(&document.body).map_err(|error| unusable(error.to_string()))?;
    let id: TriggerId = document
        .id
        .parse()
        .map_err(|_| unusable("its id is malformed".to_owned()))?;
    let plan = trigger.compile(bounds).map_err(|faults| {
        let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
        faults.join("; ")
    });
    let open = OpenTrigger {
        id,
        plan,
        plan_text: plan_text(&trigger.steps),
    };
    Ok(Route {
        id: id.into(),
        tenant_id: document.tenant_id,
        events: match trigger.status {
            Status::Active => trigger.event,
            Status::Disabled => Vec::new(),
        },
        filter: None,
        health,
        ordering: None,
        policy: Policy::default(),
        target: Target::Trigger(Arc::new(open)),
    })
}
