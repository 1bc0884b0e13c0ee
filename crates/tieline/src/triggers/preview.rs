//! What a run would do, without doing it.

use serde_json::Value;
use tieline_domain::{
    TenantId, Violation,
    event::Event,
    filter::Document,
    trigger::{Does, Plan, PlannedStep, Sample},
};

use super::keep::{Error, Triggers};

/// What a run would do.
#[derive(Clone, Debug)]
pub struct Preview {
    /// Whether the condition holds for the event, or why that cannot be told; `None` without a condition.
    pub condition: Option<Result<bool, String>>,
    /// The steps.
    pub steps: Vec<PreviewedStep>,
}

/// What a step would do.
#[derive(Clone, Debug)]
pub struct PreviewedStep {
    /// Its name.
    pub name: String,
    /// What it does: `action`, `agent`, `event` or `webhook`.
    pub kind: &'static str,
    /// What it would be done with. Outputs of earlier steps stand there as placeholders.
    pub input: Value,
    /// What is wrong with that.
    pub faults: Vec<Violation>,
}

impl Triggers {
    /// What a run about this event would do; the event need not be on the log.
    pub async fn preview(
        &self,
        tenant: TenantId,
        plan: &Plan,
        event: &Event,
    ) -> Result<Preview, Error> {
        let document = Document::of(event);
        let values = Sample::new(document.whole().clone());
        let condition = plan.condition.as_ref();
        let mut steps = Vec::with_capacity(plan.steps.len());
        for step in &plan.steps {
            steps.push(self.preview_step(tenant, step, &values).await?);
        }
        Ok(Preview {
            condition: condition.map(|condition| condition.holds(&document)),
            steps,
        })
    }

    async fn preview_step(
        &self,
        tenant: TenantId,
        step: &PlannedStep,
        values: &Sample,
    ) -> Result<PreviewedStep, Error> {
        let previewed = |input, faults| PreviewedStep {
            name: step.name.clone(),
            kind: step.does.kind(),
            input,
            faults,
        };
        let input = match step.does.render(values) {
            Ok(input) => input,
            Err(error) => {
                let fault = Violation::new("", error.to_string());
                return Ok(previewed(Value::Null, vec![fault]));
            }
        };
        let mut faults = Vec::new();
        if let Does::Action { action, .. } = &step.does {
            faults = match self.operator.find(tenant, action).await? {
                Some(offered) => offered.executor.faults(&input),
                None => vec![Violation::new("", format!("there is no action `{action}`"))],
            };
            // What an earlier step will bring is not known yet.
            faults.retain(|fault| !is_placeholder(input.pointer(&fault.pointer)));
        }
        Ok(previewed(input, faults))
    }
}

fn is_placeholder(value: Option<&Value>) -> bool {
    let text = value.and_then(Value::as_str);
    text.is_some_and(|text| text.contains("{{steps."))
}
