//! One run at a turn: ask, call, and ask again, until there is an answer or a bound is reached.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rand::random;
use serde_json::{Map, Value};
use tieline_domain::{
    ApprovalId, MessageId, Timestamp,
    conversation::{
        Approval, Conversation, Decision, Message, Role, Step, StepKind, StepStatus, Turn,
        TurnStatus, WaitsFor,
    },
    event::Event,
};
use tieline_store::conversations::Ending;

use super::{
    events::About,
    live::{AtWork, Update},
    model::{self, Failure, Question},
    prompt::{Answer, Prompt},
    service::AboutTurn,
    setback::Setback,
    turns::Inner,
};
use crate::{operate::Offered, registry::OpenAgent, telemetry::spans};

/// How often it is looked whether a turn was asked to stop by way of another node.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// A run at a turn.
pub(super) struct Run<'a> {
    pub(super) it: &'a Inner,
    pub(super) agent: &'a OpenAgent,
    pub(super) event: &'a Event,
    pub(super) turn: Turn,
    pub(super) conversation: Conversation,
    pub(super) steps: Vec<Step>,
    pub(super) tools: Vec<Arc<Offered>>,
    pub(super) at_work: AtWork,
    pub(super) begun: Instant,
}

/// What is to be done next, as the steps have it.
enum Next {
    /// Ask the model.
    Ask,
    /// Make calls.
    Call,
    /// Wait for consent.
    Wait,
    /// The answer is there.
    Answer(String),
}

/// How asking ended.
enum AskedFor {
    Answer(Answer, Duration),
    Stopped,
}

impl Run<'_> {
    /// Works on the turn until it ends, waits, or cannot go on now.
    pub(super) async fn run(mut self) -> Result<(), Setback> {
        self.settle_interrupted().await?;
        loop {
            if self.is_stopped().await? {
                return self
                    .end(TurnStatus::Cancelled, "it was called off", None)
                    .await;
            }
            if self.time_left().is_zero() {
                let reason = format!(
                    "it took longer than {} seconds",
                    self.it.bounds().time.as_secs()
                );
                return self.end(TurnStatus::Failed, &reason, None).await;
            }
            match self.next() {
                Next::Call => self.make_calls().await?,
                Next::Wait => return self.wait().await,
                Next::Answer(text) => return self.answer(text).await,
                Next::Ask => {
                    let most = self.agent.agent.runtime.max_steps();
                    if self.asked() >= most {
                        let reason =
                            format!("it asked {most} times without an answer (`max_steps`)");
                        return self.end(TurnStatus::Failed, &reason, None).await;
                    }
                    match self.ask().await {
                        Ok(AskedFor::Answer(answer, took)) => self.note(answer, took).await?,
                        Ok(AskedFor::Stopped) => {}
                        Err(failure) if failure.passes => return Err(self.put_off(failure).await),
                        Err(failure) => {
                            return self
                                .end(TurnStatus::Failed, &failure.to_string(), None)
                                .await;
                        }
                    }
                }
            }
        }
    }

    fn next(&self) -> Next {
        let last = self
            .steps
            .iter()
            .rposition(|step| step.kind == StepKind::Model);
        let Some(last) = last else {
            return Next::Ask;
        };
        let calls = &self.steps[last + 1..];
        if calls.is_empty() {
            let answer = Answer::kept(&self.steps[last].output);
            return Next::Answer(answer.content.unwrap_or_default());
        }
        let any = |status| calls.iter().any(|step| step.status == status);
        if any(StepStatus::Running) || any(StepStatus::Approved) {
            Next::Call
        } else if any(StepStatus::Waiting) {
            Next::Wait
        } else {
            Next::Ask
        }
    }

    /// How often it was asked in this turn.
    fn asked(&self) -> u32 {
        let asked = self
            .steps
            .iter()
            .filter(|step| step.kind == StepKind::Model);
        u32::try_from(asked.count()).unwrap_or(u32::MAX)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.it.clock.now()
    }

    pub(super) fn time_left(&self) -> Duration {
        self.it.bounds().time.saturating_sub(self.begun.elapsed())
    }

    pub(super) fn tell_step(&self, step: &Step) {
        let update = Update::Step(Arc::new(step.clone()));
        self.it.live.tell(self.turn.id, update);
    }

    async fn is_stopped(&self) -> Result<bool, Setback> {
        if self.at_work.stop.is_cancelled() {
            return Ok(true);
        }
        let found = self
            .it
            .store
            .find_turn(self.turn.tenant_id, self.turn.id)
            .await?;
        let stopped = found.is_none_or(|turn| turn.cancel || turn.ended_at.is_some());
        if stopped {
            self.at_work.stop.cancel();
        }
        Ok(stopped)
    }

    /// Asks the model, unless the turn is stopped meanwhile.
    async fn ask(&self) -> Result<AskedFor, Failure> {
        let bounds = self.it.bounds();
        let history = self.it.store.history(
            self.turn.tenant_id,
            self.conversation.id,
            self.turn.message_id,
            bounds.history,
        );
        let history = history
            .await
            .map_err(|error| Failure::unusable(error.to_string()))?;
        let runtime = &self.agent.agent.runtime;
        let prompt = Prompt::of(runtime.instructions(), &history, &self.steps);
        let about = AboutTurn {
            agent: &self.agent.handle,
            conversation: &self.conversation,
            turn: &self.turn,
            asked: self.asked(),
        };
        let question = Question {
            tenant: self.turn.tenant_id,
            agent: &self.agent.agent,
            prompt: &prompt,
            tools: &self.tools,
            about: &about,
            trace: spans::attempt_at(self.event),
            deadline: runtime.timeout().min(self.time_left()),
            at_most: bounds.answer_bytes,
            now: self.now(),
        };
        let hear = |text: &str| self.it.live.tell(self.turn.id, Update::Delta(text.into()));
        let heard = self.it.live.is_heard(self.turn.id);
        let hear: Option<model::Hear<'_>> = heard.then_some(&hear);
        let begun = Instant::now();
        let asking = model::ask(&self.it.outbound, &self.it.registry, &question, hear);
        tokio::pin!(asking);
        loop {
            tokio::select! {
                answer = &mut asking => return Ok(AskedFor::Answer(answer?, begun.elapsed())),
                () = self.at_work.stop.cancelled() => return Ok(AskedFor::Stopped),
                () = tokio::time::sleep(LOOK_EVERY) => {
                    if self.is_stopped().await.unwrap_or(false) {
                        return Ok(AskedFor::Stopped);
                    }
                }
            }
        }
    }

    /// Writes an answer down, with the calls that it asks for.
    async fn note(&mut self, answer: Answer, took: Duration) -> Result<(), Setback> {
        let first = u32::try_from(self.steps.len()).unwrap_or(u32::MAX) + 1;
        let asked = Step {
            turn_id: self.turn.id,
            tenant_id: self.turn.tenant_id,
            number: first,
            kind: StepKind::Model,
            name: self.name(),
            call_id: None,
            status: StepStatus::Completed,
            input: Value::Null,
            output: answer.keep(),
            error: None,
            started_at: self.now().minus(took),
            took: Some(took),
        };
        let calls = answer.calls.iter().enumerate().map(|(i, call)| {
            let number = first + 1 + u32::try_from(i).unwrap_or(u32::MAX);
            self.judged(call, number, i)
        });
        let steps: Vec<_> = [asked].into_iter().chain(calls).collect();
        self.it.store.write_steps(&steps).await?;
        crate::failpoint::hit("turn-step");
        for step in &steps {
            self.tell_step(step);
        }
        self.steps.extend(steps);
        Ok(())
    }

    /// Who was asked, for people.
    fn name(&self) -> String {
        match &self.agent.agent.runtime {
            tieline_domain::agent::Runtime::Openai(model) => model.model.clone(),
            other => other.kind().to_owned(),
        }
    }

    /// Lets the turn wait for consent to its calls.
    async fn wait(&self) -> Result<(), Setback> {
        let now = self.now();
        let waiting = self
            .steps
            .iter()
            .filter(|step| step.status == StepStatus::Waiting);
        let approvals: Vec<_> = waiting
            .map(|step| Approval {
                id: ApprovalId::new(self.it.clock.unique_now(), random()),
                tenant_id: self.turn.tenant_id,
                conversation_id: self.conversation.id,
                turn_id: self.turn.id,
                step: step.number,
                agent_id: self.agent.id,
                tool: step.name.clone(),
                input: step.input.clone(),
                decision: Decision::Pending,
                decided_by: None,
                reason: None,
                created_at: now,
                decided_at: None,
            })
            .collect();
        let mut notices = Vec::with_capacity(approvals.len());
        for approval in &approvals {
            notices.push(self.it.teller.asks(self.about(), approval).await?);
        }
        let waiting =
            self.it
                .store
                .let_turn_wait(&self.turn, WaitsFor::Approval, &approvals, &notices);
        waiting.await?;
        self.it.live.tell(self.turn.id, Update::Rests);
        Ok(())
    }

    /// Ends the turn with its answer.
    async fn answer(&self, text: String) -> Result<(), Setback> {
        let now = self.it.clock.unique_now();
        let reply = Message {
            id: MessageId::new(now, random()),
            conversation_id: self.conversation.id,
            tenant_id: self.turn.tenant_id,
            role: Role::Assistant,
            content: text,
            metadata: Map::new(),
            turn_id: Some(self.turn.id),
            created_at: now,
        };
        self.end(TurnStatus::Completed, "", Some(reply)).await
    }

    async fn end(
        &self,
        status: TurnStatus,
        reason: &str,
        reply: Option<Message>,
    ) -> Result<(), Setback> {
        self.it
            .end(self.about(), &self.turn, status, reason, reply)
            .await
    }

    /// Notes why the turn cannot go on now; its delivery is tried again.
    async fn put_off(&self, failure: Failure) -> Setback {
        let (tenant, id) = (self.turn.tenant_id, self.turn.id);
        match self
            .it
            .store
            .put_turn_off(tenant, id, &failure.detail)
            .await
        {
            Ok(()) => Setback::from(failure),
            Err(error) => error.into(),
        }
    }

    fn about(&self) -> About<'_> {
        About {
            tenant: self.turn.tenant_id,
            agent: self.agent,
            conversation: self.conversation.id,
            trace_id: &self.turn.trace_id,
            cause: Some(self.event.id),
        }
    }
}

impl Inner {
    /// Ends a turn, with the events that tell of it, and wakes the next one of its conversation.
    pub(super) async fn end(
        &self,
        about: About<'_>,
        turn: &Turn,
        status: TurnStatus,
        reason: &str,
        reply: Option<Message>,
    ) -> Result<(), Setback> {
        let mut notices = Vec::new();
        match (status, &reply) {
            (_, Some(reply)) => {
                notices.push(self.teller.answered(about, reply, turn.created_at).await?);
            }
            (TurnStatus::Failed, None) => {
                notices.push(self.teller.failed(about, turn, reason).await?);
            }
            _ => {}
        }
        let ending = Ending {
            status,
            reason: (status != TurnStatus::Completed).then(|| reason.to_owned()),
            reply,
            at: self.clock.now(),
            notices,
        };
        self.store
            .end_turn(turn, &ending, self.next_of(about, turn).await?)
            .await?;
        self.live.tell(turn.id, Update::Rests);
        Ok(())
    }
}
