//! Triggers: what is done, step by step, when an event happens (API.md 13).
//!
//! ```text
//! Trigger (as it is kept) ── compile ──► Plan ── render(event, outputs of earlier steps) ──► what each step does
//! ```

mod condition;
mod plan;
mod run;
mod values;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Bounds, SubscriptionId, Violation,
    pattern::{EventType, Pattern},
    violation,
};

pub use condition::Condition;
pub use plan::{Does, Plan, PlannedStep, compile_steps};
pub use run::{Failure, Run, RunStatus, RunStep, StepStatus};
pub use values::{Sample, Values};

/// The most steps of one trigger.
pub const MAX_STEPS: usize = 20;

/// How many runs may follow from one another: an event of a step starts a run, whose event starts another one.
pub const MAX_CHAIN: u32 = 8;

/// What a trigger is made from, and how it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trigger {
    /// Its name, for people and as an address; unique among the triggers of a tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Events of which types it is about.
    pub event: Vec<Pattern>,
    /// Which of them: a CEL expression over `event`, or a filter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<Value>,
    /// What is done, in this order.
    #[serde(rename = "do")]
    pub steps: Vec<Step>,
    /// Whether events start it.
    #[serde(default)]
    pub status: Status,
}

/// Whether events start a trigger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// They do.
    #[default]
    Active,
    /// They do not; it can be run by hand.
    Disabled,
}

/// One step: exactly one of `action`, `agent`, `event` and `webhook`, with what belongs to it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The name by which later steps use its output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The name or the id of an action, which is run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// What the action is run with: a template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Value>,
    /// The id of an agent, which is told something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// What the agent is told: a template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What keeps messages to the agent in one conversation: a template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation_key: Option<String>,
    /// An event that is published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<NewEvent>,
    /// A webhook that the event which started the run is delivered to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<SubscriptionId>,
}

/// An event that a step publishes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewEvent {
    /// Its type.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// Its content: a template; `{}` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
    /// What it is about: a template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

impl Trigger {
    /// The plan of it, or everything that is wrong with it, with pointers into it. Whether the actions, agents and
    /// webhooks that it names are there is not known here.
    pub fn compile(&self, bounds: &Bounds) -> Result<Plan, Vec<Violation>> {
        let mut found = self.plain_violations(bounds);
        let condition = self.condition.as_ref();
        let condition = condition.map(|condition| Condition::compile(condition, bounds));
        let condition = condition.transpose().unwrap_or_else(|faults| {
            found.extend(faults.into_iter().map(|fault| fault.under("/condition")));
            None
        });
        match compile_steps(&self.steps) {
            Ok(steps) if found.is_empty() => Ok(Plan { condition, steps }),
            Ok(_) => Err(found),
            Err(faults) => {
                found.extend(faults.into_iter().map(|fault| fault.under("/do")));
                Err(found)
            }
        }
    }

    fn plain_violations(&self, bounds: &Bounds) -> Vec<Violation> {
        let mut found = Vec::new();
        if let Some(name) = &self.name {
            found.extend(violation::length("/name", name, 1, 100));
            if name.starts_with(crate::TriggerId::PREFIX) {
                let detail = format!(
                    "a name does not begin with `{}`, as ids do",
                    crate::TriggerId::PREFIX
                );
                found.push(Violation::new("/name", detail));
            }
        }
        if let Some(description) = &self.description {
            found.extend(violation::length("/description", description, 0, 500));
        }
        let most = bounds.patterns;
        if self.event.is_empty() || self.event.len() > most {
            let detail = format!("give 1 to {most} event types or patterns");
            found.push(Violation::new("/event", detail));
        }
        found
    }
}

#[cfg(test)]
mod tests;
