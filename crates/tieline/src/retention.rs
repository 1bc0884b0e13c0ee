//! Removing what has been kept long enough, in the background: few rows in one commit, and after each a
//! rest that is longer than the work, so that accepting does not feel it.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use rand::random;
use tieline_domain::{
    DeliveryId, EventId, TenantId, Timestamp,
    retention::{Periods, Retention},
};
use tieline_store::{
    Result,
    retention::{Old, Part},
};
use tokio_util::sync::CancellationToken;

use crate::{app::App, telemetry};

/// How often everything is looked through.
const EVERY: Duration = Duration::from_mins(5);

/// How many events, or rows of another kind, one commit removes at most.
const CHUNK: usize = 100;

/// How long a kind is kept.
type Period = fn(&Periods) -> Duration;

/// What goes object by object: what it is counted as, how long it is kept, and how many one commit removes at most. A
/// conversation is many rows.
const KINDS: [(&str, Old, Period, usize); 5] = [
    ("audit", Old::Audit, |periods| periods.audit, CHUNK),
    ("calls", Old::Calls, |periods| periods.calls, CHUNK),
    ("jobs", Old::Jobs, |periods| periods.jobs, CHUNK),
    (
        "trigger_runs",
        Old::TriggerRuns,
        |periods| periods.jobs,
        CHUNK,
    ),
    (
        "conversations",
        Old::Conversations,
        |periods| periods.conversations,
        CHUNK / 10,
    ),
];

/// How many rows are looked at in one read.
const PAGE: usize = 500;

/// How much longer than the work a rest is: removal takes at most a fifth of the writer.
const REST: u32 = 4;

/// The longest rest.
const MOST_REST: Duration = Duration::from_secs(1);

/// Removes until `stop`.
pub async fn run(app: App, stop: CancellationToken) {
    let mut remover = Remover::new(app, stop);
    loop {
        tokio::select! {
            () = remover.stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        if let Err(error) = remover.pass().await {
            tracing::warn!(%error, "cannot remove what has been kept long enough; another try follows");
        }
    }
}

/// Removes what has been kept long enough.
pub struct Remover {
    app: App,
    stop: CancellationToken,
    /// How far the attempts of each tenant were looked through.
    attempts: HashMap<TenantId, DeliveryId>,
}

impl Remover {
    /// A remover that has looked at nothing yet.
    pub fn new(app: App, stop: CancellationToken) -> Self {
        Self {
            app,
            stop,
            attempts: HashMap::new(),
        }
    }

    /// Looks through everything once.
    pub async fn pass(&mut self) -> Result<()> {
        let now = self.app.clock.now();
        let settings = self.app.config.retention.periods();
        let (mut after, mut lag) = (None, Duration::ZERO);
        let mut own: HashMap<TenantId, Retention> = HashMap::new();
        loop {
            let tenants = self.app.store.retentions(after, PAGE).await?;
            let Some((last, _)) = tenants.last() else {
                break;
            };
            after = Some(*last);
            for (tenant, retention) in tenants {
                if self.stop.is_cancelled() {
                    return Ok(());
                }
                if !retention.is_empty() {
                    own.insert(tenant, retention);
                }
                lag = lag.max(
                    self.of_tenant(tenant, retention.over(settings), now)
                        .await?,
                );
            }
        }
        metrics::gauge!(telemetry::RETENTION_LAG_SECONDS).set(lag.as_secs_f64());
        self.rejected(&own, settings, now).await?;
        self.artifacts(now).await
    }

    /// Removes what a tenant has kept long enough; says how late the oldest of it was.
    async fn of_tenant(
        &mut self,
        tenant: TenantId,
        periods: Periods,
        now: Timestamp,
    ) -> Result<Duration> {
        let lag = self.events(tenant, now.minus(periods.events)).await?;
        if periods.attempts < periods.events {
            self.attempts(tenant, now.minus(periods.attempts)).await?;
        }
        for (kind, old, period, limit) in KINDS {
            let before = now.minus(period(&periods));
            loop {
                let begun = Instant::now();
                let removed = self.app.store.remove_old(old, tenant, before, limit);
                if !self.go_on(kind, removed.await?, limit, begun).await {
                    break;
                }
            }
        }
        Ok(lag)
    }

    async fn events(&self, tenant: TenantId, before: Timestamp) -> Result<Duration> {
        let mut part = Part {
            after: EventId::new(Timestamp::default(), 0),
            before: EventId::new(before, 0),
            limit: CHUNK,
        };
        let Some(oldest) = self.app.store.oldest_event(tenant, part).await? else {
            return Ok(Duration::ZERO);
        };
        while !self.stop.is_cancelled() {
            let begun = Instant::now();
            let (last, removed) = self.app.store.remove_events(tenant, part).await?;
            count("events", removed.events);
            count("deliveries", removed.deliveries);
            count("attempts", removed.attempts);
            let Some(last) = last else { break };
            part.after = last;
            self.rest(begun).await;
        }
        Ok(before.since(oldest.made_at()))
    }

    async fn attempts(&mut self, tenant: TenantId, before: Timestamp) -> Result<()> {
        let begin = DeliveryId::new(Timestamp::default(), 0);
        let mut part = Part {
            after: self.attempts.get(&tenant).copied().unwrap_or(begin),
            before: DeliveryId::new(before, 0),
            limit: PAGE,
        };
        while !self.stop.is_cancelled() {
            let begun = Instant::now();
            let done = self.app.store.remove_attempts(tenant, part, before).await?;
            let (Some(last), removed) = done else { break };
            count("attempts", removed);
            part.after = last;
            self.attempts.insert(tenant, last);
            self.rest(begun).await;
        }
        Ok(())
    }

    async fn rejected(
        &self,
        own: &HashMap<TenantId, Retention>,
        settings: Periods,
        now: Timestamp,
    ) -> Result<()> {
        let mut after = None;
        while !self.stop.is_cancelled() {
            let begun = Instant::now();
            let page = self.app.store.rejected_after(after, PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            after = Some(*last);
            let is_old = |tenant: &TenantId, made_at: Timestamp| {
                let periods = own.get(tenant).map_or(settings, |own| own.over(settings));
                made_at < now.minus(periods.rejected)
            };
            let old = page
                .iter()
                .filter(|((_, id), tenant)| is_old(tenant, id.made_at()));
            let old: Vec<_> = old.map(|(key, _)| *key).collect();
            if !old.is_empty() {
                self.app.store.remove_rejected(&old).await?;
                count("rejected", old.len() as u64);
            }
            self.rest(begun).await;
        }
        Ok(())
    }

    async fn artifacts(&self, now: Timestamp) -> Result<()> {
        loop {
            let begun = Instant::now();
            let removed = self.app.store.remove_expired_artifacts(now, CHUNK).await?;
            if !self.go_on("artifacts", removed, CHUNK, begun).await {
                return Ok(());
            }
        }
    }

    /// Whether there may be more of a kind of which `removed` of at most `limit` were removed; rests before.
    async fn go_on(&self, kind: &'static str, removed: u64, limit: usize, begun: Instant) -> bool {
        count(kind, removed);
        if removed < limit as u64 || self.stop.is_cancelled() {
            return false;
        }
        self.rest(begun).await;
        true
    }

    async fn rest(&self, begun: Instant) {
        // Two nodes that remove the same should not do so in step.
        let stray = Duration::from_micros(u64::from(random::<u16>() / 16));
        let rest = (begun.elapsed() * REST + stray).min(MOST_REST);
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = tokio::time::sleep(rest) => {}
        }
    }
}

fn count(kind: &'static str, rows: u64) {
    if rows > 0 {
        metrics::counter!(telemetry::RETENTION_REMOVED_TOTAL, "kind" => kind).increment(rows);
    }
}
