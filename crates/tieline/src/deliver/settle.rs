//! After an attempt: what follows, written down.

use std::{sync::Arc, time::Duration};

use rand::Rng as _;
use tieline_domain::{
    AttemptId, DeliveryId, EventId, Timestamp,
    attempt::{Attempt, Seen},
    destination::State,
    event::{self, Event},
};
use tieline_store::spine::{Claimed, InLine, Settlement, Verdict};

use super::{
    Dispatcher, Job, MAX_SETTLING, action, agent,
    attempt::{Tried, exchange, record},
    health::in_line,
    trigger,
    verdict::{Decision, Standing, decide},
};
use crate::{
    publish::own_type,
    registry::{Route, Target},
    telemetry::{self, spans},
};

/// How long to wait before an outcome that could not be written is written again.
const WRITE_AGAIN: Duration = Duration::from_millis(250);

/// What a test send showed.
#[derive(Clone, Debug)]
pub struct TestResult {
    /// Whether the receiver answered 2xx.
    pub success: bool,
    /// The status of the answer.
    pub status_code: Option<u16>,
    /// How long it took.
    pub took: Duration,
    /// What went wrong, as a stable word.
    pub error_kind: Option<&'static str>,
    /// All that was seen.
    pub seen: Seen,
}

impl Dispatcher {
    /// Sends a signed `webhook.test` now, once; nothing is stored.
    pub async fn test(&self, route: &Route) -> TestResult {
        let now = self.parts.clock.unique_now();
        let event = Event {
            id: EventId::new(now, rand::rng().random()),
            tenant_id: route.tenant_id,
            event_type: own_type(event::types::WEBHOOK_TEST),
            source: "/v1/webhooks".into(),
            subject: None,
            time: now,
            data: format!("{{\"webhook_id\":\"{}\"}}", route.id).into(),
            cause_id: None,
            trace_id: format!("{:032x}", rand::rng().random::<u128>()).into(),
            trust: None,
        };
        let claimed = Claimed {
            id: DeliveryId::new(now, rand::rng().random()),
            tenant_id: route.tenant_id,
            destination_id: route.id,
            ordering_key: None,
            attempts: 0,
            earlier_attempts: 0,
            first_attempt_at: None,
            created_at: now,
            lease_until: now,
            event: Arc::new(event),
        };
        let tried = self.call(route, &claimed, now).await;
        TestResult {
            success: tried.error_kind.is_none(),
            status_code: tried.status_code,
            took: tried.took,
            error_kind: tried.error_kind,
            seen: tried.seen,
        }
    }

    /// Tries once what a delivery is about, in a span of its own.
    async fn call(&self, route: &Route, claimed: &Claimed, now: Timestamp) -> Tried {
        let Claimed { id, event, .. } = claimed;
        let keep = self.parts.config.delivery.response_excerpt_bytes;
        let context = spans::attempt_at(event);
        let tried = match &route.target {
            Target::Webhook(webhook) => {
                let (outbound, timeout) = (&self.parts.outbound, self.timeout(route));
                exchange(outbound, webhook, event, *id, now, timeout, keep, &context).await
            }
            Target::Agent(agent) => Box::pin(agent::tell(&self.parts.turns, agent, event)).await,
            // Boxed, as they are rare beside webhooks: an attempt stays small.
            Target::Action => {
                Box::pin(action::run(&self.parts.actions, claimed, keep, context)).await
            }
            Target::Trigger(target) => {
                let runner = &self.parts.triggers;
                let tried = Box::pin(trigger::run(runner, target, claimed, context)).await;
                // What its steps have published is due.
                self.wake();
                tried
            }
        };
        record(route, event, *id, context, now, &tried);
        tried
    }

    pub(super) async fn try_once(self: &Arc<Self>, route: &Route, job: Job) {
        let Job { claimed, probe } = &job;
        let started_at = self.parts.clock.now();
        let tried = self.call(route, claimed, started_at).await;
        crate::failpoint::hit("attempt");
        self.lanes
            .note_outcome(route.id, tried.error_kind.is_some());
        if route.agent().is_some() {
            // What a turn tells of is due now.
            self.wake();
        }
        telemetry::count_attempt(tried.error_kind.unwrap_or("success"), claimed.tenant_id);
        let attempts = claimed.attempts + 1;
        let decision = decide(
            &tried.showed,
            Standing {
                schedule: self.schedule(route),
                made: attempts - claimed.earlier_attempts,
                probe: *probe,
                state: route.health.state,
                jitter: f64::from(self.parts.config.delivery.jitter_percent) / 100.0,
                chance: rand::rng().random(),
                longest_wait: self.parts.config.limits.retry_after,
            },
        );
        let at = self.parts.clock.now();
        let whose = (claimed.tenant_id, claimed.destination_id);
        self.tallies.note(whose, at, tried.error_kind, tried.took);
        let first_attempt_at = claimed.first_attempt_at.unwrap_or(started_at);
        // What follows a failure takes much room, and every attempt would carry it.
        let verdict = match decision {
            Decision::Delivered { recovers: false } => Verdict::Delivered { recovery: None },
            other => Box::pin(self.verdict(route, &job, &tried, other, at, first_attempt_at)).await,
        };
        let attempt = Attempt {
            id: AttemptId::new(self.parts.clock.unique_now(), rand::rng().random()),
            delivery_id: claimed.id,
            tenant_id: claimed.tenant_id,
            number: attempts,
            started_at,
            duration: tried.took,
            status_code: tried.status_code,
            error_kind: tried.error_kind.map(str::to_owned),
            seen: tried.seen,
        };
        if let Verdict::Dead { .. } = verdict {
            let why = attempt.seen.error.as_deref();
            let why = why.unwrap_or("the last attempt failed");
            Box::pin(self.give_up(route, &claimed.event, why)).await;
        }
        let settlement = Settlement {
            delivery_id: claimed.id,
            tenant_id: claimed.tenant_id,
            destination_id: claimed.destination_id,
            line: in_line(route, claimed.ordering_key.clone()),
            first_attempt_at,
            at,
            attempts,
            attempt: Some(attempt),
            verdict,
        };
        self.settle_behind(settlement, job).await;
    }

    async fn verdict(
        &self,
        route: &Route,
        job: &Job,
        tried: &Tried,
        decision: Decision,
        at: Timestamp,
        first_attempt_at: Timestamp,
    ) -> Verdict {
        let claimed = &job.claimed;
        match decision {
            Decision::Delivered { recovers } => {
                let recovery = if recovers {
                    Some(Box::new(self.recovery(route).await))
                } else {
                    None
                };
                Verdict::Delivered { recovery }
            }
            Decision::Retry(wait) => Verdict::Retry {
                due_at: at.plus(wait),
            },
            Decision::HoldAgain => Verdict::Hold {
                probe_at: at.plus(self.probe_wait(route.health.failed_probes.saturating_add(1))),
            },
            Decision::CalledOff => Verdict::Cancelled,
            Decision::Dead | Decision::Gone | Decision::Failed => {
                let why = tried
                    .seen
                    .error
                    .as_deref()
                    .unwrap_or("the last attempt failed");
                let notice =
                    self.death_notice(route, &claimed.event, claimed.id, claimed.attempts + 1, why);
                let turn = match decision {
                    Decision::Gone => {
                        Some(self.ending(route, "the receiver answered 410 Gone").await)
                    }
                    // What failed once is not done again for others' success: they are independent.
                    Decision::Failed => None,
                    _ if !route.is_a_place() => None,
                    _ => Some(self.failing(route, why, at, first_attempt_at).await),
                };
                Verdict::Dead {
                    notice: notice.await.map(Box::new),
                    turn: turn.map(Box::new),
                }
            }
        }
    }

    /// Tells whoever waits for the outcome of a delivery that it is tried no more, before that is written.
    pub(super) async fn give_up(&self, route: &Route, event: &Event, why: &str) {
        match &route.target {
            Target::Webhook(_) => {}
            Target::Agent(agent) => {
                if let Err(error) = self.parts.turns.give_up(agent, event, why).await {
                    tracing::warn!(%error, event = %event.id, "cannot end the turn of a dead letter");
                }
            }
            Target::Action => self.parts.actions.give_up(event, why).await,
            Target::Trigger(target) => self.parts.triggers.give_up(target, event, why).await,
        }
    }

    /// The subscription is gone: what it was owed is called off.
    pub(super) async fn cancel(self: &Arc<Self>, job: Job) {
        let now = self.parts.clock.now();
        let settlement = Settlement {
            delivery_id: job.claimed.id,
            tenant_id: job.claimed.tenant_id,
            destination_id: job.claimed.destination_id,
            line: job
                .claimed
                .ordering_key
                .clone()
                .map(|key| InLine { key, blocks: false }),
            first_attempt_at: job.claimed.first_attempt_at.unwrap_or(now),
            at: now,
            attempts: job.claimed.attempts,
            attempt: None,
            verdict: Verdict::Cancelled,
        };
        self.settle_behind(settlement, job).await;
    }

    /// Writes the outcome while the worker goes on to its next delivery.
    async fn settle_behind(self: &Arc<Self>, settlement: Settlement, job: Job) {
        crate::failpoint::hit("settle");
        let settling = Arc::clone(&self.settling);
        let permit = settling.acquire_owned().await;
        let settlement = Arc::new(settlement);
        let this = Arc::clone(self);
        self.tasks.spawn(async move {
            let _permit = permit;
            this.settle(&settlement).await;
            this.lanes.forget(&job.claimed);
        });
    }

    /// Writes the outcome, however long it takes; until then the delivery stays leased.
    pub(super) async fn settle(&self, settlement: &Arc<Settlement>) {
        let settled = loop {
            match self.parts.spine.settle(Arc::clone(settlement)).await {
                Ok(settled) => break settled,
                Err(error) => {
                    tracing::warn!(%error, delivery = %settlement.delivery_id, "cannot write an outcome; will try again");
                    tokio::select! {
                        () = self.stop.cancelled() => return,
                        () = tokio::time::sleep(WRITE_AGAIN) => {}
                    }
                }
            }
        };
        telemetry::count_delivery(word(&settlement.verdict), settlement.tenant_id);
        if settled.released || matches!(settlement.verdict, Verdict::Dead { .. }) {
            self.due.notify_one();
        }
        if let Some(state) = settled.turned {
            let subscription = settlement.destination_id;
            tracing::info!(%subscription, %state, "a destination changed its state");
            self.parts
                .registry
                .forget_routes(settlement.tenant_id)
                .await;
            if state == State::Active {
                self.note_held(subscription);
            }
        }
    }

    /// How many outcomes wait for their commit.
    pub fn settling(&self) -> usize {
        MAX_SETTLING - self.settling.available_permits()
    }
}

/// The word the metrics use for what follows.
fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Delivered { .. } => "delivered",
        Verdict::Retry { .. } => "retried",
        Verdict::Hold { .. } => "held",
        Verdict::Dead { .. } => "dead",
        Verdict::Cancelled => "cancelled",
    }
}
