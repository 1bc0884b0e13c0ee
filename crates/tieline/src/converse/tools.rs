//! The tool calls of a turn: judged, made, written down.

use std::{sync::Arc, time::Instant};

use serde_json::{Value, json};
use tieline_domain::{
    conversation::{Approval, Step, StepKind, StepStatus},
    operation::{CallError, Class},
    trace::TraceContext,
};
use tokio_util::sync::CancellationToken;

use super::{
    calls::{MOST_ALIKE, MOST_AT_ONCE, ToolCall},
    run::Run,
};
use crate::operate::{Call, CalledBy, Offered, Via};

/// Whether a call may be made once more although it may have been made before.
fn may_repeat(tool: &Offered) -> bool {
    tool.idempotent || tool.class == Class::Read
}

impl Run<'_> {
    /// The tool of this name, if the agent may call it.
    pub(super) fn tool(&self, name: &str) -> Option<&Arc<Offered>> {
        self.tools.iter().find(|tool| tool.name == name)
    }

    /// A call that the model asks for, as the step with this number; it is to be made, waits for consent, or has
    /// failed already for a reason that the model is told.
    pub(super) fn judged(&self, call: &ToolCall, number: u32, position: usize) -> Step {
        let (input, fault) = match call.input() {
            Ok(input) => (input, None),
            Err(fault) => (Value::from(call.arguments.as_str()), Some(fault)),
        };
        let fault = self.fault(call, &input, position).or(fault);
        let tool = self.tool(&call.name);
        let asks = tool.is_some_and(|tool| self.agent.agent.asks_before(&tool.name, tool.class));
        let status = match &fault {
            Some(_) => StepStatus::Failed,
            None if asks => StepStatus::Waiting,
            None => StepStatus::Running,
        };
        Step {
            turn_id: self.turn.id,
            tenant_id: self.turn.tenant_id,
            number,
            kind: StepKind::Tool,
            name: call.name.clone(),
            call_id: Some(call.id.clone()),
            status,
            input,
            output: Value::Null,
            took: fault.as_ref().map(|_| std::time::Duration::ZERO),
            error: fault,
            started_at: self.now(),
        }
    }

    /// Why a call cannot be made at all.
    fn fault(&self, call: &ToolCall, input: &Value, position: usize) -> Option<String> {
        if self.tool(&call.name).is_none() {
            let names: Vec<_> = self.tools.iter().map(|tool| tool.name.as_str()).collect();
            let names = if names.is_empty() {
                "none".to_owned()
            } else {
                names.join(", ")
            };
            return Some(format!(
                "there is no tool `{}`; those that there are: {names}",
                call.name
            ));
        }
        if position >= MOST_AT_ONCE {
            return Some(format!(
                "at most {MOST_AT_ONCE} calls are made at once; repeat this one later"
            ));
        }
        let alike = self.steps.iter().filter(|step| {
            step.kind == StepKind::Tool && step.name == call.name && step.input == *input
        });
        (alike.count() >= MOST_ALIKE).then(|| {
            format!(
                "this call was made {MOST_ALIKE} times with the same input; use what it brought, or do something else"
            )
        })
    }

    /// What became of calls that were under way when their node went away: they are made again where that does no
    /// harm, and else nobody knows.
    pub(super) async fn settle_interrupted(&mut self) -> Result<(), tieline_store::Error> {
        for i in 0..self.steps.len() {
            let step = &self.steps[i];
            if step.kind != StepKind::Tool || step.status != StepStatus::Running {
                continue;
            }
            if self.tool(&step.name).is_some_and(|tool| may_repeat(tool)) {
                continue;
            }
            let step = &mut self.steps[i];
            step.status = StepStatus::UnknownOutcome;
            step.error = Some(
                "the server stopped while this call was under way; whether it was done is not known: check before \
                 you repeat it"
                    .to_owned(),
            );
            let step = step.clone();
            self.it.store.rewrite_step(&step).await?;
            self.tell_step(&step);
        }
        Ok(())
    }

    /// Makes every call that is to be made, side by side.
    pub(super) async fn make_calls(&mut self) -> Result<(), tieline_store::Error> {
        let approvals = self.approvals().await?;
        let due = |step: &Step| {
            step.kind == StepKind::Tool
                && matches!(step.status, StepStatus::Running | StepStatus::Approved)
        };
        let due: Vec<Step> = self
            .steps
            .iter()
            .filter(|step| due(step))
            .cloned()
            .collect();
        let made = due.into_iter().map(|step| self.make(step, &approvals));
        let made = futures::future::join_all(made).await;
        for step in made {
            let step = step?;
            if let Some(place) = self
                .steps
                .iter_mut()
                .find(|known| known.number == step.number)
            {
                *place = step;
            }
        }
        Ok(())
    }

    /// What people said of the calls of this turn; not looked for where nobody was asked.
    async fn approvals(&self) -> Result<Vec<Approval>, tieline_store::Error> {
        let asked = self
            .steps
            .iter()
            .any(|step| step.status == StepStatus::Approved);
        if !asked {
            return Ok(Vec::new());
        }
        self.it
            .store
            .approvals_of(self.turn.tenant_id, self.turn.id)
            .await
    }

    async fn make(
        &self,
        mut step: Step,
        approvals: &[Approval],
    ) -> Result<Step, tieline_store::Error> {
        let approval = approvals
            .iter()
            .find(|approval| approval.step == step.number);
        let approved_by = approval.and_then(|approval| approval.decided_by.clone());
        if step.status == StepStatus::Approved {
            // From here on it may have been made.
            step.status = StepStatus::Running;
            step.started_at = self.now();
            self.it.store.rewrite_step(&step).await?;
        }
        self.tell_step(&step);
        let begun = Instant::now();
        let Some(tool) = self.tool(&step.name).cloned() else {
            step.status = StepStatus::Failed;
            step.error = Some(format!("the tool `{}` is not there any more", step.name));
            self.it.store.rewrite_step(&step).await?;
            return Ok(step);
        };
        let call = Call {
            tenant_id: self.turn.tenant_id,
            operation: tool,
            input: step.input.clone(),
            by: CalledBy {
                actor: self.agent.id.to_string(),
                agent_id: Some(self.agent.handle.clone()),
                conversation_id: Some(self.conversation.id.to_string()),
                user: self.conversation.about.user_id.clone(),
                via: Via::Agent,
                approved_by,
            },
            trace: self.trace(),
            idempotency_key: Some(format!("{}-{}", self.turn.id, step.number)),
            deadline: Some(self.time_left()),
            cancel: self.stop(),
        };
        let report = self.it.operator.call(call).await;
        step.took = Some(begun.elapsed());
        match report.result {
            Ok(output) => {
                step.status = StepStatus::Completed;
                step.output = output.value;
            }
            Err(error) => {
                step.status = StepStatus::Failed;
                step.error = Some(error.to_string());
                step.output = failure(&error);
            }
        }
        self.it.store.rewrite_step(&step).await?;
        crate::failpoint::hit("tool-call");
        self.tell_step(&step);
        Ok(step)
    }

    fn trace(&self) -> TraceContext {
        crate::telemetry::spans::attempt_at(self.event)
    }

    fn stop(&self) -> CancellationToken {
        self.at_work.stop.clone()
    }
}

/// A failed call, in words that a model can act on.
fn failure(error: &CallError) -> Value {
    let mut told = json!({
        "kind": error.kind,
        "message": error.message,
        "advice": error.kind.advice(),
    });
    if !error.fields.is_empty() {
        told["fields"] = json!(error.fields);
    }
    if let Some(ms) = error.retry_after_ms {
        told["retry_after_ms"] = ms.into();
    }
    if let Some(url) = &error.connect_url {
        told["connect_url"] = url.as_str().into();
    }
    if let Some(said) = &error.upstream {
        told["upstream"] = said.as_str().into();
    }
    json!({"error": told})
}
