//! Running triggers: one attempt of a delivery takes the steps that are not done, one after the other.

use std::{sync::Arc, time::Duration};

use rand::random;
use serde_json::{Value, json};
use tieline_domain::{
    TriggerRunId,
    clock::Clock,
    event::Event,
    filter::Document,
    trace::TraceContext,
    trigger::{
        Failure, MAX_CHAIN, PlannedStep, Run, RunStatus, RunStep, Step, StepStatus, Values,
        compile_steps,
    },
};
use tieline_store::{Store, spine::Claimed};

use super::{requested, steps::Taken};
use crate::{
    config::Config,
    jobs::written,
    operate::Operator,
    registry::{self, OpenTrigger, Registry},
};

/// How many runs without a delivery are ended in one look.
const ORPHANS: usize = 200;

/// What runs work with.
pub struct Parts {
    /// The time.
    pub clock: Clock,
    /// The settings.
    pub config: Arc<Config>,
    /// The store.
    pub store: Store,
    /// The destinations.
    pub registry: Registry,
    /// Calls actions.
    pub operator: Operator,
}

/// Runs triggers; clones share it.
#[derive(Clone)]
pub struct Runner(pub(super) Arc<Parts>);

/// What came of an attempt.
#[derive(Clone, Debug)]
pub enum Ran {
    /// Every step is done.
    Done,
    /// A step failed for now, and is tried again, not before this wait.
    NotYet(Failure, Option<Duration>),
    /// It failed for good.
    Failed(Failure),
}

/// Why an attempt could not go on.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stopped {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] tieline_store::Error),
    /// What is configured could not be loaded.
    #[error(transparent)]
    Registry(#[from] registry::Error),
    /// Another attempt has taken the run over.
    #[error("another attempt works on this run")]
    TakenOver,
}

/// What a delivery finds to do.
enum Next {
    /// A new run, about this event.
    Begin(Box<Subject>),
    /// A run goes on; whether someone asked for that by hand.
    Resume(Box<Run>, Box<Subject>, bool),
    /// A run that has ended in this schedule.
    Ended(Ran),
}

/// The event that a run is about.
struct Subject {
    /// As templates see it.
    value: Value,
    /// Whether someone asked for the run.
    by_hand: bool,
}

/// A run that an attempt holds.
pub(super) struct Held<'a> {
    pub(super) runner: &'a Runner,
    pub(super) trigger: &'a OpenTrigger,
    pub(super) claimed: &'a Claimed,
    pub(super) run: Run,
    pub(super) holder: String,
    pub(super) trace: TraceContext,
    /// Whether it was retried by hand: then what was under way is begun again.
    pub(super) by_hand: bool,
}

impl Runner {
    /// A runner that works with these parts.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// Runs a trigger for a delivery, or goes on with its run; `trace` is the span of the attempt.
    pub async fn run(&self, trigger: &OpenTrigger, claimed: &Claimed, trace: TraceContext) -> Ran {
        match self.try_to_run(trigger, claimed, trace).await {
            Ok(ran) => ran,
            Err(error) => {
                let message = format!("the run could not go on: {error}");
                Ran::NotYet(Failure::new("storage", message), None)
            }
        }
    }

    async fn try_to_run(
        &self,
        trigger: &OpenTrigger,
        claimed: &Claimed,
        trace: TraceContext,
    ) -> Result<Ran, Stopped> {
        let Parts { store, .. } = &*self.0;
        let (run, subject, by_hand) = match self.next(trigger, claimed).await? {
            Next::Ended(ran) => return Ok(ran),
            Next::Resume(run, subject, by_hand) => (*run, *subject, by_hand),
            Next::Begin(subject) => {
                let run = match self.new_run(trigger, claimed, &subject).await? {
                    Ok(run) => run,
                    Err(refused) => return self.refuse(*refused).await,
                };
                (run, *subject, false)
            }
        };
        let holder = format!("{:032x}", random::<u128>());
        let known = store.find_trigger_run(run.tenant_id, run.id).await?;
        let taken = match &known {
            None => store
                .begin_trigger_run(&run, &holder)
                .await
                .map(|()| true)?,
            Some(seen) => {
                let earlier = claimed.earlier_attempts;
                store.resume_trigger_run(seen, &holder, earlier).await?
            }
        };
        if !taken {
            return Err(Stopped::TakenOver);
        }
        let held = Held {
            runner: self,
            trigger,
            claimed,
            run,
            holder,
            trace,
            by_hand,
        };
        held.work(subject.value).await
    }

    /// What there is to do for a delivery. A retry of one that failed goes on with its run; a replay of one that was
    /// done begins anew.
    async fn next(&self, trigger: &OpenTrigger, claimed: &Claimed) -> Result<Next, Stopped> {
        let Parts { store, .. } = &*self.0;
        let found = store.run_of_delivery(claimed.tenant_id, claimed.id).await?;
        let by_hand = found
            .as_ref()
            .is_some_and(|run| run.schedule < claimed.earlier_attempts);
        match &found {
            Some(run) if !by_hand && run.status == RunStatus::Completed => {
                return Ok(Next::Ended(Ran::Done));
            }
            Some(run) if !by_hand && run.status == RunStatus::Failed => {
                let failure = run.error.clone();
                let failure = failure.unwrap_or_else(|| Failure::new("delivery", "the run failed"));
                return Ok(Next::Ended(Ran::Failed(failure)));
            }
            _ => {}
        }
        let Some(subject) = self.subject(trigger, claimed).await? else {
            let message = "the event that the run is about is not there any more";
            return Ok(Next::Ended(Ran::Failed(Failure::new("missing", message))));
        };
        Ok(match found {
            Some(run) if run.status != RunStatus::Completed => {
                Next::Resume(Box::new(run), Box::new(subject), by_hand)
            }
            _ => Next::Begin(Box::new(subject)),
        })
    }

    /// The event that a delivery is about: its own, or the one that someone asked to run the trigger for.
    async fn subject(
        &self,
        trigger: &OpenTrigger,
        claimed: &Claimed,
    ) -> Result<Option<Subject>, Stopped> {
        let own = &claimed.event;
        let subject = |event: &Event, by_hand| Subject {
            value: Document::of(event).whole().clone(),
            by_hand,
        };
        let Some(asked) = requested(own, trigger.id) else {
            return Ok(Some(subject(own, false)));
        };
        if let Some(id) = asked.event_id {
            let found = self.0.store.find_event(claimed.tenant_id, id).await?;
            return Ok(found.map(|event| subject(&event, true)));
        }
        let made_up = asked.event.unwrap_or(Value::Null);
        Ok(Some(Subject {
            value: made_up,
            by_hand: true,
        }))
    }

    /// A run as it begins, or as it is refused before it does.
    async fn new_run(
        &self,
        trigger: &OpenTrigger,
        claimed: &Claimed,
        subject: &Subject,
    ) -> Result<Result<Run, Box<Run>>, Stopped> {
        let Parts { store, clock, .. } = &*self.0;
        let chain = store.chain_of_runs(claimed.tenant_id, claimed.event.cause_id);
        let depth = chain.await? + 1;
        let run = Run {
            id: TriggerRunId::new(clock.unique_now(), random()),
            tenant_id: claimed.tenant_id,
            trigger_id: trigger.id,
            delivery_id: claimed.id,
            event_id: claimed.event.id,
            trace_id: claimed.event.trace_id.to_string(),
            depth,
            plan: trigger.plan_text.clone(),
            status: RunStatus::Running,
            error: None,
            schedule: claimed.earlier_attempts,
            created_at: clock.now(),
            ended_at: None,
        };
        let Some(refusal) = refusal(trigger, claimed, subject, depth) else {
            return Ok(Ok(run));
        };
        Ok(Err(Box::new(Run {
            status: RunStatus::Failed,
            error: Some(refusal),
            ended_at: Some(clock.now()),
            ..run
        })))
    }

    /// Writes down a run that is refused, so that it can be seen.
    async fn refuse(&self, refused: Run) -> Result<Ran, Stopped> {
        self.0.store.begin_trigger_run(&refused, "").await?;
        let failure = refused.error;
        Ok(Ran::Failed(failure.unwrap_or_else(|| {
            Failure::new("delivery", "the run was refused")
        })))
    }

    /// Ends the run of a delivery that is tried no more, before that is written.
    pub async fn give_up(&self, trigger: &OpenTrigger, event: &Event, why: &str) {
        let Parts { store, clock, .. } = &*self.0;
        let failure = Failure::new("delivery", why);
        let given_up = store.give_up_trigger_runs(
            event.tenant_id,
            trigger.id,
            event.id,
            &failure,
            clock.now(),
        );
        if let Err(error) = given_up.await {
            tracing::warn!(%error, trigger = %trigger.id, "cannot end a run; it is looked for again");
        }
    }

    /// Ends the runs whose deliveries go out no more: they were called off, or are gone.
    pub async fn end_orphans(&self) -> tieline_store::Result<()> {
        let Parts { store, clock, .. } = &*self.0;
        store.end_orphaned_runs(clock.now(), ORPHANS).await?;
        Ok(())
    }
}

/// Why a run does not begin.
fn refusal(
    trigger: &OpenTrigger,
    claimed: &Claimed,
    subject: &Subject,
    depth: u32,
) -> Option<Failure> {
    let plan = match &trigger.plan {
        Ok(plan) => plan,
        Err(reason) => {
            let message = format!("the trigger cannot be run as it is: {reason}");
            return Some(Failure::new("misconfigured", message));
        }
    };
    if depth > MAX_CHAIN {
        let message = format!(
            "{MAX_CHAIN} runs have led to this event already: triggers start one another in a circle; end it with a \
             condition"
        );
        return Some(Failure::new("chain", message));
    }
    let condition = plan.condition.as_ref().filter(|_| !subject.by_hand)?;
    match condition.holds(&Document::of(&claimed.event)) {
        Ok(_) => None,
        Err(reason) => {
            let message = format!("the condition cannot be evaluated for this event: {reason}");
            Some(Failure::new("condition", message))
        }
    }
}

impl Held<'_> {
    /// Takes the steps that are not done.
    async fn work(&self, event: Value) -> Result<Ran, Stopped> {
        let planned = match planned(&self.run.plan) {
            Ok(planned) => planned,
            Err(reason) => {
                let failure = Failure::new("misconfigured", reason);
                return self.end(Ran::Failed(failure)).await;
            }
        };
        let Parts { store, .. } = &*self.runner.0;
        let done = store.trigger_steps(self.run.tenant_id, self.run.id).await?;
        let mut values = Values::new(event);
        for (number, step) in planned.iter().enumerate() {
            let before = done.iter().find(|one| one.number as usize == number);
            let output = match before {
                Some(RunStep {
                    status: StepStatus::Completed,
                    output,
                    ..
                }) => output.clone().unwrap_or_default(),
                _ => match self.take(number, step, before, &values).await? {
                    Taken::Done(output) => output,
                    Taken::NotYet(failure, wait) => {
                        let failure = about(number, step, failure);
                        return self.end(Ran::NotYet(failure, wait)).await;
                    }
                    Taken::Failed(failure) => {
                        let failure = about(number, step, failure);
                        return self.end(Ran::Failed(failure)).await;
                    }
                },
            };
            values.add(number, &step.name, output);
        }
        self.end(Ran::Done).await
    }

    /// Writes down how the attempt ended.
    async fn end(&self, ran: Ran) -> Result<Ran, Stopped> {
        let (to, failure) = match &ran {
            Ran::Done => (RunStatus::Completed, None),
            Ran::NotYet(failure, _) => (RunStatus::Waiting, Some(failure)),
            Ran::Failed(failure) => (RunStatus::Failed, Some(failure)),
        };
        let Parts { store, clock, .. } = &*self.runner.0;
        let now = clock.now();
        let passed =
            written(|| store.pass_trigger_run(&self.run, &self.holder, to, failure, now)).await?;
        if passed {
            Ok(ran)
        } else {
            Err(Stopped::TakenOver)
        }
    }
}

/// The failure of a step as that of its run.
fn about(number: usize, step: &PlannedStep, failure: Failure) -> Failure {
    let message = format!("step {number} ({}): {}", step.name, failure.message);
    Failure::new(failure.kind, message)
}

/// The steps of a trigger as a run keeps them.
pub(crate) fn plan_text(steps: &[Step]) -> String {
    json!(steps).to_string()
}

/// The steps that a run keeps, or why they cannot be taken under today's rules.
fn planned(plan: &str) -> Result<Vec<PlannedStep>, String> {
    let steps: Vec<Step> = serde_json::from_str(plan).map_err(|error| error.to_string())?;
    compile_steps(&steps).map_err(|faults| {
        let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
        faults.join("; ")
    })
}
