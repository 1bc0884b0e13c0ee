//! Taking one step of a run.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Map, Value, json};
use tieline_domain::{
    CallId, SubscriptionId,
    event::{Event, types},
    filter::Document,
    operation::{CallError, ErrorKind},
    pattern::EventType,
    trigger::{Does, Failure, PlannedStep, RunStep, StepStatus, Values},
};
use tieline_store::{spine::Entry, trigger_runs::Effects};
use tokio_util::sync::CancellationToken;

use super::{
    runner::{Held, Parts, Stopped},
    source,
};
use crate::{
    converse::Note,
    jobs::{replay::again, written},
    operate::{Call, CalledBy, Offered, Via},
    publish::{NewEvent, Owed, mint, own_type, told},
};

/// The largest output of a step that is kept for those after it, in bytes of JSON: what agents get at most of an
/// answer, and a little for the marker around it.
const MAX_OUTPUT: usize = 300 * 1024;

/// Where conversations are held that triggers begin.
const CHANNEL: &str = "trigger";

/// What became of a step.
pub(super) enum Taken {
    /// It is done, with this output.
    Done(Value),
    /// It failed for now.
    NotYet(Failure, Option<Duration>),
    /// It failed for good.
    Failed(Failure),
}

/// What doing a step came to, before that is written.
struct Outcome {
    taken: Taken,
    call_id: Option<CallId>,
    effects: Effects,
}

impl Outcome {
    fn done(output: Value, effects: Effects) -> Self {
        Self {
            taken: Taken::Done(output),
            call_id: None,
            effects,
        }
    }

    fn failed(kind: &str, message: impl Into<String>) -> Self {
        Self {
            taken: Taken::Failed(Failure::new(kind, message)),
            call_id: None,
            effects: Effects::default(),
        }
    }
}

impl Held<'_> {
    /// Takes a step; `before` is what is known of it from an earlier attempt.
    pub(super) async fn take(
        &self,
        number: usize,
        step: &PlannedStep,
        before: Option<&RunStep>,
        values: &Values,
    ) -> Result<Taken, Stopped> {
        let Parts { clock, .. } = &*self.runner.0;
        let row = RunStep {
            number: u32::try_from(number).unwrap_or(u32::MAX),
            name: step.name.clone(),
            kind: step.does.kind().to_owned(),
            status: StepStatus::Running,
            attempts: 1,
            input: Value::Null,
            output: None,
            error: None,
            call_id: None,
            started_at: clock.now(),
            duration: None,
        };
        let input = match step.does.render(values) {
            Ok(input) => input,
            Err(error) => {
                let failure = Outcome::failed("template", error.to_string());
                return self.end_step(row, failure, Duration::ZERO).await;
            }
        };
        let row = RunStep { input, ..row };
        let begun = Instant::now();
        let outcome = match &step.does {
            Does::Action { action, .. } => return self.run_action(row, action, before).await,
            Does::Event { event_type, .. } => self.publish(&row.input, event_type).await?,
            Does::Webhook { webhook } => self.deliver(*webhook).await?,
            Does::Agent { agent, .. } => self.tell(&row.input, agent).await?,
        };
        self.end_step(row, outcome, begun.elapsed()).await
    }

    /// Runs an action. It is written down before that it is under way, so that a node that dies leaves a trace of it.
    async fn run_action(
        &self,
        row: RunStep,
        action: &str,
        before: Option<&RunStep>,
    ) -> Result<Taken, Stopped> {
        let Parts {
            store, operator, ..
        } = &*self.runner.0;
        let Some(offered) = operator.find(self.run.tenant_id, action).await? else {
            let outcome = missing("action", action);
            return self.end_step(row, outcome, Duration::ZERO).await;
        };
        let was_under_way = before.is_some_and(|step| step.status == StepStatus::Running);
        if was_under_way && !self.by_hand && !offered.may_repeat() {
            let message = "the server stopped while the action was being called; whether it was carried out is not \
                           known. Look there, then retry the delivery or leave it";
            let unknown = Outcome::failed(ErrorKind::UnknownOutcome.as_str(), message);
            return self.end_step(row, unknown, Duration::ZERO).await;
        }
        if !store
            .begin_trigger_step(&self.run, &self.holder, &row)
            .await?
        {
            return Err(Stopped::TakenOver);
        }
        crate::failpoint::hit("step-begun");
        let begun = Instant::now();
        let outcome = self.call(&row, offered).await;
        crate::failpoint::hit("step-called");
        self.end_step(row, outcome, begun.elapsed()).await
    }

    async fn call(&self, row: &RunStep, offered: Arc<Offered>) -> Outcome {
        let may_repeat = offered.may_repeat();
        let call = Call {
            tenant_id: self.run.tenant_id,
            operation: offered,
            input: row.input.clone(),
            by: CalledBy {
                actor: self.run.id.to_string(),
                via: Via::Trigger,
                ..CalledBy::default()
            },
            trace: self.trace,
            idempotency_key: Some(format!("{}-{}", self.run.id, row.number)),
            deadline: None,
            cancel: CancellationToken::new(),
        };
        let report = self.runner.0.operator.call(call).await;
        let taken = match report.result {
            Ok(output) => Taken::Done(output.value),
            Err(error) => failure(&error, may_repeat),
        };
        Outcome {
            taken,
            call_id: Some(report.call_id),
            effects: Effects::default(),
        }
    }

    /// Publishes an event, in the commit that ends the step.
    async fn publish(&self, input: &Value, event_type: &EventType) -> Result<Outcome, Stopped> {
        let data = input["data"].to_string();
        let most = self.runner.0.config.limits.api_body_max_bytes;
        if data.len() > most {
            let message = format!("the event has {} bytes; at most {most}", data.len());
            return Ok(Outcome::failed("template", message));
        }
        let subject = input["subject"].as_str().map(Into::into);
        let entry = self.entry(event_type.clone(), subject, data, None).await?;
        let output = json!({"event_id": entry.event.id});
        let effects = Effects {
            events: vec![entry],
            deliveries: Vec::new(),
        };
        Ok(Outcome::done(output, effects))
    }

    /// An event that this run causes, with what it is owed.
    async fn entry(
        &self,
        event_type: EventType,
        subject: Option<Arc<str>>,
        data: String,
        owed: Option<Owed>,
    ) -> Result<Entry, Stopped> {
        let Parts {
            clock, registry, ..
        } = &*self.runner.0;
        let new = NewEvent {
            event_type,
            source: source(self.trigger.id).into(),
            subject,
            data: data.into(),
            trace_id: Arc::clone(&self.claimed.event.trace_id),
            trust: None,
            owed: None,
        };
        let event = mint(clock, self.run.tenant_id, new, Some(self.run.event_id));
        let routes = registry.routes(self.run.tenant_id).await?;
        let wanting: Vec<_> = routes.wanting(&Document::of(&event)).collect();
        let owed = owed.and_then(|Owed { to, ordering_key }| {
            let route = routes.get(to)?;
            Some((&**route, ordering_key))
        });
        Ok(told(clock, event, wanting.into_iter(), owed))
    }

    /// Tells an agent something, in the commit that ends the step. The agent takes its turn as a delivery of its own.
    async fn tell(&self, input: &Value, agent: &str) -> Result<Outcome, Stopped> {
        let Parts {
            clock,
            store,
            registry,
            ..
        } = &*self.runner.0;
        let routes = registry.routes(self.run.tenant_id).await?;
        let Some((_, agent)) = routes.agent(agent) else {
            return Ok(missing("agent", agent));
        };
        let text = |field: &str| input[field].as_str().map(str::to_owned);
        let Some(content) = text("message").filter(|content| !content.is_empty()) else {
            let message = "the message comes to nothing: what its placeholders name is absent";
            return Ok(Outcome::failed("template", message));
        };
        let note = Note {
            content,
            metadata: Map::new(),
            key: text("conversation_key"),
            channel: CHANNEL,
        };
        let (data, owed) = note.for_agent(agent, store, clock).await?;
        let output = json!({
            "conversation_id": data["conversation_id"],
            "message_id": data["message_id"],
        });
        let subject = data["conversation_id"].as_str().map(Into::into);
        let kind = own_type(types::USER_MESSAGE);
        let entry = self
            .entry(kind, subject, data.to_string(), Some(owed))
            .await?;
        let effects = Effects {
            events: vec![entry],
            deliveries: Vec::new(),
        };
        Ok(Outcome::done(output, effects))
    }

    /// Delivers the event of the run to a webhook, in the commit that ends the step.
    async fn deliver(&self, webhook: SubscriptionId) -> Result<Outcome, Stopped> {
        let Parts {
            clock, registry, ..
        } = &*self.runner.0;
        let routes = registry.routes(self.run.tenant_id).await?;
        let Some(route) = routes.get(webhook) else {
            return Ok(missing("webhook", &webhook.to_string()));
        };
        let event: &Arc<Event> = &self.claimed.event;
        let again = again(clock, event, route);
        let output = json!({"event_id": event.id, "webhook_id": webhook});
        let effects = Effects {
            events: Vec::new(),
            deliveries: vec![again],
        };
        Ok(Outcome::done(output, effects))
    }

    /// Writes down how a step ended.
    async fn end_step(
        &self,
        row: RunStep,
        outcome: Outcome,
        took: Duration,
    ) -> Result<Taken, Stopped> {
        let Parts { store, clock, .. } = &*self.runner.0;
        let Outcome {
            taken,
            call_id,
            effects,
        } = outcome;
        let taken = bounded(taken);
        let (status, output, error) = match &taken {
            Taken::Done(output) => (StepStatus::Completed, Some(output.clone()), None),
            Taken::NotYet(failure, _) => (StepStatus::Waiting, None, Some(failure.clone())),
            Taken::Failed(failure) => (StepStatus::Failed, None, Some(failure.clone())),
        };
        let ended = RunStep {
            status,
            output,
            error,
            call_id,
            duration: Some(took),
            ..row
        };
        let now = clock.now();
        let written =
            written(|| store.end_trigger_step(&self.run, &self.holder, &ended, &effects, now));
        if !written.await? {
            return Err(Stopped::TakenOver);
        }
        crate::failpoint::hit("step-ended");
        Ok(taken)
    }
}

/// What a step needs is not there.
fn missing(kind: &str, id: &str) -> Outcome {
    Outcome::failed("missing", format!("there is no {kind} `{id}` any more"))
}

/// What follows from a call that failed.
fn failure(error: &CallError, may_repeat: bool) -> Taken {
    let failure = Failure::new(error.kind.as_str(), error.in_full());
    if error.kind.is_worth_a_later_try(may_repeat) {
        let wait = error.retry_after_ms.map(Duration::from_millis);
        Taken::NotYet(failure, wait)
    } else {
        Taken::Failed(failure)
    }
}

/// The output as it may be kept: one that is too large for the steps after it fails the step.
fn bounded(taken: Taken) -> Taken {
    match &taken {
        Taken::Done(output) => {
            let bytes = output.to_string().len();
            if bytes <= MAX_OUTPUT {
                return taken;
            }
            let message = format!(
                "the output has {bytes} bytes; at most {MAX_OUTPUT} are kept for later steps"
            );
            Taken::Failed(Failure::new("too_large", message))
        }
        Taken::NotYet(..) | Taken::Failed(_) => taken,
    }
}
